"""The table of objects that the emulator serves: one row each, with everything that differs between them.

Adding an object is adding a row here, a list of its columns in `columns.py`, and whatever it really needs
beyond (a task has no views, an activity no bin). Handlers, store and shapes know no object by name except
where the API itself makes an exception, and then say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freshsales_source.emulator import columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One value of the `include` parameter: the key it adds to rows and the list it adds to the body.

    `rows` names the selector or object that holds the side-loaded rows; None for objects that are not kept
    here yet, whose ids and lists are empty. The ids stand in the record under `column` (default: `key`), or
    are found from the other side of a link: `inverse` is that side's object and column. Source: API notes
    2.2 (seen, and one client each for the less usual ones).
    """

    name: str
    key: str | None = None
    array: str | None = None
    rows: str | None = None
    column: str | None = None
    inverse: tuple[str, str] | None = None
    many: bool = False
    embedded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A column of one object that holds the id (or, `many`, the ids) of another."""

    object: str
    column: str
    to: str
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """A saved view that every account has; `rule` names its condition in `views.RULES`."""

    name: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKind:
    """One object of the API.

    `name` is path segment and envelope of a list, `singular` the envelope of one record and the path
    segment of filtered_search. `row` holds the columns of a bare row in wire order, each with the value of
    an empty record; `single` what only a single record has, `newer` what accounts gained since 2023.
    """

    name: str
    singular: str
    model: str
    id_base: int
    row: Mapping[str, object]
    single: Mapping[str, object]
    newer: Mapping[str, object]
    links: Mapping[str, str]
    includes: tuple[Include, ...]
    views: tuple[SystemView, ...]
    thin: tuple[str, ...]
    name_column: str = "name"


def _one(name: str, rows: str, *, key: str | None = None, array: str | None = None) -> Include:
    return Include(name=name, key=key or f"{name}_id", array=array or rows, rows=rows)


def _inverse(name: str, key: str, rows: str, column: str) -> Include:
    return Include(name=name, key=key, array=rows, rows=rows, inverse=(rows, column), many=True)


def _not_kept(name: str, key: str) -> Include:
    return Include(name=name, key=key, array=name, many=True)


# Everyone whose name stands in a record is listed under `users`, once.
_USERS = tuple(_one(name, "owners", array="users") for name in ("owner", "creater", "updater"))
_NOT_KEPT_YET = (
    _not_kept("tasks", "task_ids"),
    _not_kept("appointments", "appointment_ids"),
    _not_kept("notes", "note_ids"),
    _not_kept("sales_activities", "sales_activity_ids"),
)
_SOURCE = _one("source", "lead_sources", key="lead_source_id")
_CAMPAIGN = _one("campaign", "campaigns")
_TERRITORY = _one("territory", "territories")


CONTACTS = ObjectKind(
    name="contacts",
    singular="contact",
    model="Contact",
    id_base=402_003_000_000,
    row=columns.CONTACT,
    single=columns.CONTACT_SINGLE,
    newer=columns.CONTACT_NEWER,
    links=columns.CONTACT_LINKS,
    includes=(
        *_USERS,
        Include(
            name="sales_accounts",
            key="sales_accounts",
            column="sales_account_ids",
            rows="sales_accounts",
            many=True,
            embedded=True,
        ),
        _one("contact_status", "contact_statuses"),
        _one("lifecycle_stage", "lifecycle_stages"),
        _SOURCE,
        _CAMPAIGN,
        _TERRITORY,
        _inverse("deals", "deal_ids", "deals", "contact_ids"),
        *_NOT_KEPT_YET,
        _not_kept("lists", "list_ids"),
    ),
    views=(
        SystemView(name="All Contacts", rule="all"),
        SystemView(name="My Contacts", rule="mine"),
        SystemView(name="New Contacts", rule="new_contact"),
        SystemView(name="Recycle Bin", rule="bin"),
    ),
    thin=(
        "id",
        "first_name",
        "last_name",
        "display_name",
        "email",
        "mobile_number",
        "created_at",
        "updated_at",
    ),
    name_column="display_name",
)

SALES_ACCOUNTS = ObjectKind(
    name="sales_accounts",
    singular="sales_account",
    model="SalesAccount",
    id_base=402_001_000_000,
    row=columns.SALES_ACCOUNT,
    single=columns.SALES_ACCOUNT_SINGLE,
    newer=columns.SALES_ACCOUNT_NEWER,
    links=columns.SALES_ACCOUNT_LINKS,
    includes=(
        *_USERS,
        _one("industry_type", "industry_types"),
        _one("business_type", "business_types"),
        _TERRITORY,
        _inverse("contacts", "contact_ids", "contacts", "sales_account_ids"),
        _inverse("deals", "deal_ids", "deals", "sales_account_id"),
        _inverse(
            "child_sales_accounts", "child_sales_account_ids", "sales_accounts", "parent_sales_account_id"
        ),
        *_NOT_KEPT_YET,
    ),
    views=(
        SystemView(name="All Accounts", rule="all"),
        SystemView(name="My Accounts", rule="mine"),
        SystemView(name="My Territory Accounts", rule="my_territory"),
        SystemView(name="Recycle Bin", rule="bin"),
    ),
    thin=("id", "name", "website", "phone", "created_at", "updated_at"),
)

DEALS = ObjectKind(
    name="deals",
    singular="deal",
    model="Deal",
    id_base=402_005_000_000,
    row=columns.DEAL,
    single=columns.DEAL_SINGLE,
    newer=columns.DEAL_NEWER,
    links=columns.DEAL_LINKS,
    includes=(
        *_USERS,
        _one("sales_account", "sales_accounts"),
        Include(name="contacts", key="contact_ids", array="contacts", rows="contacts", many=True),
        _one("deal_stage", "deal_stages"),
        _one("deal_type", "deal_types"),
        _one("deal_reason", "deal_reasons"),
        _one("deal_payment_status", "deal_payment_statuses"),
        _one("deal_product", "deal_products"),
        _one("currency", "currencies"),
        _SOURCE,
        _CAMPAIGN,
        _TERRITORY,
        # Asked for by one client beside the others; adds nothing that a row does not have.
        Include(name="probability"),
        *_NOT_KEPT_YET,
    ),
    views=(
        SystemView(name="My Deals", rule="mine"),
        SystemView(name="My Territory Deals", rule="my_territory"),
        SystemView(name="Recent Deals", rule="recent"),
        SystemView(name="Recently Imported", rule="none"),
        SystemView(name="Hot Deals", rule="hot"),
        SystemView(name="Cold Deals", rule="cold"),
        SystemView(name="Closing this week", rule="closing_this_week"),
        SystemView(name="This month's sales", rule="won_this_month"),
        SystemView(name="Open Deals", rule="open"),
        SystemView(name="Won Deals", rule="won"),
        SystemView(name="Lost Deals", rule="lost"),
        SystemView(name="Recycle Bin", rule="bin"),
    ),
    thin=("id", "name", "amount", "updated_at", "created_at"),
)

OBJECTS: Mapping[str, ObjectKind] = {kind.name: kind for kind in (CONTACTS, SALES_ACCOUNTS, DEALS)}
BY_SINGULAR: Mapping[str, ObjectKind] = {kind.singular: kind for kind in OBJECTS.values()}

# The first of several is the primary one. What a merge moves and a deletion cuts.
LINKS: tuple[Link, ...] = (
    Link(object="contacts", column="sales_account_ids", to="sales_accounts", many=True),
    Link(object="deals", column="sales_account_id", to="sales_accounts"),
    Link(object="deals", column="contact_ids", to="contacts", many=True),
    Link(object="sales_accounts", column="parent_sales_account_id", to="sales_accounts"),
)
