"""THE TABLE: one frozen row for each table of the warehouse, with what is known about it and how well.

Everything else in the connector is driven by these rows: which views are read, what a page is decoded into,
which columns exist. To add an object, add a row in the module of its kind: one that lives in saved views
(`records.py`), in filters or a flat list (`activities.py`, `products.py`), or a selector (`lookups.py`). Custom
modules get their rows while a sync runs (`custom_modules.py`).

Traps that the rows encode:
- Foreign keys come only with `include`. A bare contact or deal has no `owner_id` (recorded, and one client's
  word live).
- `include` brings side-loaded lists of partial rows at the top of the answer, before or after the records,
  and `child_sales_accounts` would even mix partial accounts into the records' own list; the decoder leaves
  all of them out, but for the attendees of appointments, who stand nowhere else.
- `collaboration` and `fc_widget_collaboration` hold tokens that change at every read; they never reach the
  warehouse.
- `creater_id` is the API's spelling. Columns keep the API's names.
- Column lists are the union of recorded responses of 2019 and 2023 and of a production account's columns; a
  plan that sends fewer keys leaves nulls, one that sends more gets new columns and a line in the report.
"""

from __future__ import annotations

from freshsales_source.entities.activities import APPOINTMENTS, SALES_ACTIVITIES, TASKS
from freshsales_source.entities.contact_lists import LISTS
from freshsales_source.entities.custom_modules import CUSTOM_MODULES
from freshsales_source.entities.lookups import DEAL_PIPELINES, DEAL_STAGES, LOOKUPS, OWNERS
from freshsales_source.entities.products import PRODUCTS
from freshsales_source.entities.records import CONTACTS, DEALS, LEADS, SALES_ACCOUNTS
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Selector, Views

__all__ = [
    "APPOINTMENTS",
    "CONTACTS",
    "CUSTOM_MODULES",
    "DEALS",
    "DEAL_PIPELINES",
    "DEAL_STAGES",
    "ENTITIES",
    "LEADS",
    "LISTS",
    "LOOKUPS",
    "OWNERS",
    "PRODUCTS",
    "SALES_ACCOUNTS",
    "SALES_ACTIVITIES",
    "TASKS",
    "Entity",
    "Filters",
    "FlatList",
    "Selector",
    "Views",
    "entity",
]

ENTITIES: tuple[Entity, ...] = (
    CONTACTS,
    SALES_ACCOUNTS,
    DEALS,
    LEADS,
    TASKS,
    APPOINTMENTS,
    SALES_ACTIVITIES,
    PRODUCTS,
    LISTS,
    CUSTOM_MODULES,
    *LOOKUPS,
)
"""Every table that is read, objects before lookups."""

_BY_NAME = {row.name: row for row in ENTITIES}


def entity(name: str) -> Entity:
    """The row of that name; KeyError if there is none."""
    return _BY_NAME[name]
