"""THE TABLE: one frozen row for each table of the warehouse, with what is known about it and how well.

Everything else in the connector is driven by these rows: which views are read, what a page is decoded into,
which columns exist. To add an object, add a row (see the end of the file for how tasks, products or further
selectors fit in).

Traps that the rows encode:
- Foreign keys come only with `include`. A bare contact or deal has no `owner_id` (recorded, and one client's
  word live).
- `include` brings side-loaded lists of partial rows at the top of the answer, before or after the records,
  and `child_sales_accounts` would even mix partial accounts into the records' own list; the decoder leaves
  all of them out.
- `collaboration` and `fc_widget_collaboration` hold tokens that change at every read; they never reach the
  warehouse.
- `creater_id` is the API's spelling. Columns keep the API's names.
- Column lists are the union of recorded responses of 2019 and 2023 and of a production account's columns; a
  plan that sends fewer keys leaves nulls, one that sends more gets new columns and a line in the report.
"""

from __future__ import annotations

from freshsales_source.columns import Bridge, Child, Column, ColumnType, Confidence, Dropped
from freshsales_source.entity_columns import (
    ACCOUNT_COLUMNS,
    CONTACT_COLUMNS,
    DEAL_COLUMNS,
    EMAIL_COLUMNS,
    OWNER_COLUMNS,
    PHONE_NUMBER_COLUMNS,
    PIPELINE_COLUMNS,
    STAGE_COLUMNS,
    one_column,
)
from freshsales_source.entity_types import Entity, Selector, Views

__all__ = [
    "CONTACTS",
    "DEALS",
    "DEAL_PIPELINES",
    "DEAL_STAGES",
    "ENTITIES",
    "OWNERS",
    "SALES_ACCOUNTS",
    "Entity",
    "Selector",
    "Views",
    "entity",
]

_LINKS = Dropped(key="links", reason="Paths that can be written down from the record's id (recorded).")
_COLLABORATION = Dropped(
    key="collaboration", reason="Holds `convo_token`, which changes at every read (recorded); also a secret."
)
_WIDGET = Dropped(
    key="fc_widget_collaboration",
    reason="Holds `convo_token`, `auth_token` and a JWT, new at every read (production column list).",
)
_PARTIAL = Dropped(
    key="partial", reason="Says that a row is a side-load or a selector's; no property of the record."
)


def _side_loads(*keys: str) -> tuple[Dropped, ...]:
    reason = (
        "A side-loaded object or list of ids, read in full from its own table (seen in one client's records)."
    )
    return tuple(Dropped(key=key, reason=reason) for key in keys)


def _only_in_single_records(*keys: str) -> tuple[Dropped, ...]:
    reason = (
        "Only in single-record answers (masked recording): rows read from a view would blank it. "
        "It tells of today's duplicate search, not of the record."
    )
    return tuple(Dropped(key=key, reason=reason) for key in keys)


def _text_list(name: str, description: str, confidence: Confidence) -> Child:
    column = one_column(ColumnType.TEXT, "The text.", confidence)
    return Child(name=name, columns=(column,), is_plain=True, description=description, confidence=confidence)


def _team_users() -> Child:
    return Child(
        name="team_user_ids",
        columns=(one_column(ColumnType.ID, "Id of an owner.", Confidence.SEVERAL_CLIENTS),),
        is_plain=True,
        description="Users who share the record beside its owner: null or a list of ids.",
        confidence=Confidence.RECORDED,
    )


_DESTROY = Dropped(key="_destroy", reason="A flag for writing, always false when read (recorded).")

_TAGS = _text_list("tags", "Tags of the record, in the API's order.", Confidence.RECORDED)

CONTACTS = Entity(
    name="contacts",
    singular="contact",
    path="/contacts",
    description="People: one row per contact, live or deleted.",
    # `lifecycle_stage` is in no list of includes that was seen to work; the status row leads to its stage.
    read=Views(
        live=("All Contacts",),
        include=(
            "owner",
            "sales_accounts",
            "contact_status",
            "source",
            "campaign",
            "territory",
            "creater",
            "updater",
        ),
    ),
    columns=CONTACT_COLUMNS,
    children=(
        Child(
            name="emails",
            columns=EMAIL_COLUMNS,
            description="E-mail addresses of a contact.",
            confidence=Confidence.RECORDED,
            dropped=(_DESTROY,),
        ),
        Child(
            name="phone_numbers",
            columns=PHONE_NUMBER_COLUMNS,
            description="Further telephone numbers of a contact, beside `work_number` and `mobile_number`.",
            confidence=Confidence.DOCUMENTED,
            dropped=(_DESTROY,),
        ),
        _TAGS,
        _text_list("system_tags", "Tags set by the CRM itself.", Confidence.RECORDED),
        _team_users(),
    ),
    bridges=(
        Bridge(
            name="sales_accounts",
            columns=(
                Column(
                    name="sales_account_id",
                    key="id",
                    type=ColumnType.ID,
                    description="The account the contact belongs to.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
                Column(
                    name="is_primary",
                    type=ColumnType.BOOLEAN,
                    description="Whether it is the contact's main account.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
            ),
            description="Which contact belongs to which account; needs `include=sales_accounts`.",
            confidence=Confidence.SEVERAL_CLIENTS,
            dropped=(
                _PARTIAL,
                *_side_loads(
                    "name",
                    "avatar",
                    "website",
                    "last_contacted",
                    "open_deals_amount",
                    "open_deals_count",
                    "won_deals_amount",
                    "won_deals_count",
                ),
            ),
        ),
    ),
    dropped=(
        _LINKS,
        _COLLABORATION,
        _WIDGET,
        _PARTIAL,
        *_only_in_single_records(
            "has_duplicates", "duplicates_searched_today", "has_connections", "connections_searched_today"
        ),
        *_side_loads(
            "owner",
            "creater",
            "updater",
            "contact_status",
            "sales_account",
            "campaign",
            "source",
            "territory",
        ),
        *_side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *_side_loads("deals", "deal_ids", "sales_activities", "sales_activity_ids", "list_ids"),
    ),
    references=(("owner_id", "owners"), ("sales_account_id", "sales_accounts")),
    cursor="updated_at",
    settings="contacts",
)

SALES_ACCOUNTS = Entity(
    name="sales_accounts",
    singular="sales_account",
    path="/sales_accounts",
    description="Companies: one row per account, live or deleted.",
    read=Views(
        live=("All Accounts",), include=("industry_type", "business_type", "territory", "creater", "updater")
    ),
    columns=ACCOUNT_COLUMNS,
    children=(
        _TAGS,
        _text_list("domains", "Internet domains of the company.", Confidence.COLUMN_LIST),
        _team_users(),
    ),
    dropped=(
        _LINKS,
        _COLLABORATION,
        _WIDGET,
        _PARTIAL,
        *_only_in_single_records(
            "has_duplicates", "duplicates_searched_today", "has_connections", "connections_searched_today"
        ),
        *_side_loads("owner", "creater", "updater", "industry_type", "business_type", "territory"),
        *_side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *_side_loads(
            "contacts", "contact_ids", "deals", "deal_ids", "sales_activities", "sales_activity_ids"
        ),
        *_side_loads("child_sales_accounts", "child_sales_account_ids"),
    ),
    references=(("owner_id", "owners"), ("parent_sales_account_id", "sales_accounts")),
    cursor="updated_at",
    settings="sales_accounts",
)

DEALS = Entity(
    name="deals",
    singular="deal",
    path="/deals",
    description="Deals of every status and pipeline: one row per deal, live or deleted.",
    # There is no "All Deals" view (documented, several clients). These three may show the default pipeline
    # only (one client).
    read=Views(
        live=("Open Deals", "Won Deals", "Lost Deals"),
        include=(
            "owner",
            "sales_account",
            "contacts",
            "deal_type",
            "deal_reason",
            "deal_payment_status",
            "deal_product",
            "source",
            "campaign",
            "currency",
            "creater",
            "updater",
        ),
    ),
    columns=DEAL_COLUMNS,
    children=(_TAGS, _team_users()),
    bridges=(
        Bridge(
            name="contacts",
            key="contact_ids",
            columns=(
                Column(
                    name="contact_id",
                    key="value",
                    type=ColumnType.ID,
                    description="A contact who takes part in the deal.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
            ),
            is_plain=True,
            description="Which contact takes part in which deal; needs `include=contacts`.",
            confidence=Confidence.SEVERAL_CLIENTS,
        ),
    ),
    dropped=(
        _LINKS,
        _COLLABORATION,
        _WIDGET,
        _PARTIAL,
        *_side_loads(
            "owner", "creater", "updater", "sales_account", "contacts", "deal_stage", "deal_pipeline"
        ),
        *_side_loads("deal_type", "deal_reason", "deal_payment_status", "deal_product", "currency"),
        *_side_loads("source", "campaign", "territory"),
        *_side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *_side_loads("sales_activities", "sales_activity_ids"),
    ),
    references=(
        ("owner_id", "owners"),
        ("sales_account_id", "sales_accounts"),
        ("deal_pipeline_id", "deal_pipelines"),
        ("deal_stage_id", "deal_stages"),
    ),
    cursor="updated_at",
    settings="deals",
)

OWNERS = Entity(
    name="owners",
    singular="owner",
    path="/selector/owners",
    description="Users of the CRM who can own records; those who left stay, flagged.",
    # The one selector that does not answer under its own name (recorded).
    read=Selector(path="/selector/owners", envelope="users"),
    columns=OWNER_COLUMNS,
    dropped=(_PARTIAL,),
)

_PIPELINE_SELECTOR = "/selector/deal_pipelines"

DEAL_PIPELINES = Entity(
    name="deal_pipelines",
    singular="deal_pipeline",
    path=_PIPELINE_SELECTOR,
    description="Pipelines that deals move through.",
    read=Selector(path=_PIPELINE_SELECTOR, envelope="deal_pipelines"),
    columns=PIPELINE_COLUMNS,
    dropped=(
        _PARTIAL,
        Dropped(key="deal_stages", reason="Rows of table `deal_stages`, read from the same answer."),
    ),
)

DEAL_STAGES = Entity(
    name="deal_stages",
    singular="deal_stage",
    path="/selector/deal_stages",
    description="Stages of every pipeline; a deleted stage keeps its label, flagged.",
    # Deleted stages leave /selector/deal_stages while old deals still point at them; those inside the
    # pipelines carry `is_deleted` (column list of one production account). So the embedded row is the one to
    # keep.
    read=Selector(
        path="/selector/deal_stages",
        envelope="deal_stages",
        also=(Selector(path=_PIPELINE_SELECTOR, envelope="deal_pipelines.deal_stages"),),
    ),
    columns=STAGE_COLUMNS,
    dropped=(
        _PARTIAL,
        Dropped(
            key="value", reason="The stage's name a second time (column list of one production account)."
        ),
    ),
    references=(("deal_pipeline_id", "deal_pipelines"),),
)

ENTITIES: tuple[Entity, ...] = (CONTACTS, SALES_ACCOUNTS, DEALS, OWNERS, DEAL_PIPELINES, DEAL_STAGES)
"""Every table that is read, objects before lookups.

How further objects become rows:
- another lookup (`currencies`, `territories`, ...): a row like DEAL_PIPELINES, with a Selector and its
  columns;
- tasks, appointments: a third kind of `read` beside Views and Selector, naming the filters (`open`,
  `completed`) and the includes; `tasks__targetables` is a Child whose columns have the keys `id` and `type`;
- sales activities, products: likewise a kind of `read` for a flat paged list; their `custom_field` is decoded
  as here.
"""

_BY_NAME = {row.name: row for row in ENTITIES}


def entity(name: str) -> Entity:
    """The row of that name; KeyError if there is none."""
    return _BY_NAME[name]
