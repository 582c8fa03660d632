"""THE TABLE of feeds: what can be asked for one record at a time only, so that it costs a call or more for each.

A feed is read whole for a record, and replaces what the warehouse holds of that record: what left the feed leaves
the table. Rows hold the record's id, their place in the feed (the newest first, as sent) and their own keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from freshsales_source.entities import CONTACTS, DEALS, LEADS, SALES_ACCOUNTS
from freshsales_source.schema.columns import EMPTIED_MARKER, Column, ColumnType, Table
from freshsales_source.schema.entity_columns.words import (
    DOCUMENTED,
    GUESS,
    ONE_CLIENT,
    boolean,
    json_text,
    link,
    stamp,
    text,
)
from freshsales_source.schema.entity_types import SYNCED_AT, Entity, Protection, as_stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed of records, and the table it becomes.

    name       the table
    parents    the objects whose records have it, with the name of each in `targetable_type`
    path       what stands behind the record's own path; `envelope` the key of its rows
    key        the column that holds the record's id
    typed_key  the column that holds the record's type, where records of several objects share the table
    inner      the key of an object inside each row whose members are read as keys of the row
    actions    the kinds of rows that are loaded; None for all
    protected  columns that the user wants left out or hashed, by `table.column`
    """

    name: str
    parents: Mapping[str, str]
    path: str
    envelope: str
    description: str
    columns: tuple[Column, ...]
    key: str
    typed_key: str = ""
    inner: str = ""
    actions: frozenset[str] | None = None
    protected: Mapping[str, Protection] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """Its table as it is stored: the rows of a record replace those it had before."""
        return as_stored(self.sent_table, self.protected)

    @property
    def sent_table(self) -> Table:
        """Its table with every column that is sent."""
        keys = (self.typed_key, self.key) if self.typed_key else (self.key,)
        own = tuple(_OURS[name] if name in _OURS else _record_key(name) for name in keys)
        return Table(
            name=self.name,
            description=self.description,
            columns=(*own, _POSITION, *self.columns, _MARKER, SYNCED_AT),
            merge_key=keys,
            marker=EMPTIED_MARKER,
        )

    def path_of(self, parent: Entity, record_id: int) -> str:
        """Where the feed of one record is."""
        return f"{parent.path}/{record_id}/{self.path}"


def _record_key(name: str) -> Column:
    return Column.ours(name, ColumnType.ID, "The record it belongs to.", is_nullable=False)


_OURS = {
    "targetable_type": Column.ours(
        "targetable_type",
        ColumnType.TEXT,
        "Kind of record it belongs to: `Contact`, `SalesAccount`, `Deal` or `Lead`.",
        is_nullable=False,
    )
}
_POSITION = Column.ours(
    "position", ColumnType.INTEGER, "Place in the record's feed, from 0; null in a marker row."
)
_MARKER = Column.ours(
    EMPTIED_MARKER,
    ColumnType.BOOLEAN,
    "True in a marker row, which only empties the record's feed and is not kept; null in all others.",
)

NOTES = Feed(
    name="notes",
    parents={
        CONTACTS.name: "Contact",
        SALES_ACCOUNTS.name: "SalesAccount",
        DEALS.name: "Deal",
        LEADS.name: "Lead",
    },
    path="notes",
    envelope="notes",
    description="Notes on contacts, accounts, deals and leads.",
    # There is no list of all notes; those of a record are verified by one client. `include=notes` on a view would
    # cost no call, but whether its notes are whole is not known, nor what it does to the size of a page.
    # `collab_context` is left out: contexts of discussions hold tokens elsewhere (recorded).
    columns=(
        link("id", "Number of the note.", ONE_CLIENT),
        text("description", "Text of the note.", ONE_CLIENT),
        text("html_content", "Text of the note as HTML, on newer accounts.", ONE_CLIENT),
        text("url", "Address it was taken from; never fetched.", DOCUMENTED),
        text("duration", "Length of a recording, as sent; its type is a guess.", GUESS),
        link("creater_id", "User who wrote it, in `owners`.", DOCUMENTED),
        boolean("has_access", "Whether the key's user may see it.", DOCUMENTED),
        stamp("created_at", "When it was written (UTC).", ONE_CLIENT),
        stamp("updated_at", "When it was last changed (UTC).", ONE_CLIENT),
    ),
    key="targetable_id",
    typed_key="targetable_type",
)

CONTACT_ACTIVITIES = Feed(
    name="contact_activities",
    parents={CONTACTS.name: "Contact"},
    path="activities",
    envelope="activities",
    description="What was planned, logged and sent for a contact, as its timeline shows it.",
    columns=(
        link("id", "Number of the activity.", DOCUMENTED),
        text("composite_id", "Number of the activity in this feed; unique (one client).", DOCUMENTED),
        text("action_type", "What happened, such as `TASK_CREATED`.", DOCUMENTED),
        json_text("action_data", "What the CRM tells about it, as sent.", DOCUMENTED),
        text("actionable_type", "Kind of the thing it happened to, such as `Task`.", DOCUMENTED),
        link("actionable_id", "Number of that thing.", DOCUMENTED),
        text("targetable_type", "Kind of the record it is shown with.", DOCUMENTED),
        link("targetable_id", "Number of that record.", DOCUMENTED),
        stamp("created_at", "When it happened (UTC).", DOCUMENTED),
        boolean("user_activity", "Whether a person did it.", DOCUMENTED),
        json_text("automation", "The automation that did it, as sent."),
        json_text("additional_timeline_info", "More about it, as sent.", DOCUMENTED),
    ),
    key="contact_id",
)

DEAL_STAGE_LOG = Feed(
    name="deal_stage_log",
    parents={DEALS.name: "Deal"},
    path="timeline_feeds",
    envelope="timeline_feeds",
    description="When a deal was made, moved to another stage and handed to another owner, by the CRM's own log.",
    # Shape verified by one client, for whom it is the only source of stage history; rows carry no id.
    columns=(
        text("action_type", "`CREATE`, `STAGE_CHANGE` or `OWNER_CHANGE`.", ONE_CLIENT),
        stamp("created_at", "When it happened (UTC).", ONE_CLIENT),
        link("stage_id", "The stage it came to, in `deal_stages`.", ONE_CLIENT, key="action_data_stage_id"),
        text("stage_name", "That stage's name at that time.", ONE_CLIENT, key="action_data_stage_name"),
        text("pipeline_name", "Its pipeline's name then.", ONE_CLIENT, key="action_data_pipeline_name"),
        link("owner_change", "The new owner, in `owners`.", ONE_CLIENT, key="action_data_owner_change"),
        text("owner_name", "That owner's name then.", ONE_CLIENT, key="action_data_owner_name"),
    ),
    key="deal_id",
    inner="action_data",
    # The feed also tells of tasks, mails and the like, which have tables of their own.
    actions=frozenset({"CREATE", "STAGE_CHANGE", "OWNER_CHANGE"}),
)

FEEDS: tuple[Feed, ...] = (NOTES, CONTACT_ACTIVITIES, DEAL_STAGE_LOG)
"""Every feed that can be read."""
