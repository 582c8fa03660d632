"""Whether a warehouse is the copy of an emulated account: every object, value by value, lists and flags included.

What a row must be is read off what the account would serve now (`Emulator.served`), with no code of the connector.
Left out is what the account computes when it is read: those columns move no stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from freshsales_source.emulator import Emulator
from freshsales_source.entities import entity
from freshsales_source.schema.entity_types import Views
from tests.other_objects import attendees
from tests.warehouse_reader import Row, WarehouseReader, read_off

Wire: TypeAlias = dict[str, Any]

CLOCKS_DIFFER = timedelta(seconds=300)
"""How far a run's idea of now may be off."""
OURS = {"_synced_at", "_deleted_reason", "_deleted_at"}
COMPUTED = {
    *("open_deals_amount", "open_deals_count", "won_deals_amount", "won_deals_count"),
    *("age", "rotten_days"),
}
"""Columns that change without any write to the record."""
AS_TEXT = {"deal_price_adjustments", "products"}
"""Lists without a table: JSON text, which other tests look into."""
INSIDE = {"company": "company_", "deal": "deal_", "targetable": "targetable_", "custom_field": ""}
"""Objects inside a record whose members are columns, with the prefix of their names."""
NO_COLUMN = {"links", "collaboration", "fc_widget_collaboration"}
RENAMED = {"deal_deal_product_id": "deal_product_id"}
LIST_KEYS = {
    *("emails", "phone_numbers", "tags", "system_tags", "team_user_ids", "sales_accounts", "domains"),
    *("contact_ids", "user_ids", "targetables", "appointment_attendee_ids", "product_pricings"),
}
LISTS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("emails", "phone_numbers", "tags", "system_tags", "team_user_ids", "sales_accounts"),
    "sales_accounts": ("tags", "domains", "team_user_ids"),
    "deals": ("tags", "team_user_ids", "contacts"),
    "leads": ("emails", "phone_numbers", "tags", "team_user_ids"),
    "tasks": ("targetables", "users"),
    "appointments": ("targetables", "attendees"),
    "sales_activities": (),
    "products": ("pricings",),
}
"""The lists of each object that become tables."""
NO_POSITION = {("deals", "contacts"), ("contacts", "sales_accounts"), ("tasks", "users")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """A table of list elements: its columns, and the elements of each record."""

    columns: AbstractSet[str]
    of: Mapping[int, list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An account and the warehouse that should hold a copy of it."""

    emulator: Emulator
    reader: WarehouseReader
    left_at: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    """When a record was last live, where that is known."""

    def wrong(self, object_name: str) -> dict[int, str]:
        """What is wrong with the rows of an object, by id; empty where it is a copy.

        A record that the account no longer has must be flagged as vanished, whatever its other columns say.
        """
        rows = self.reader.by_id(object_name) if object_name in self.reader.tables() else {}
        there = self._records(object_name)
        found = dict.fromkeys(there.keys() - rows.keys(), "missing")
        for id_ in rows.keys() - there.keys():
            if not self._is_flagged_as_gone(object_name, rows[id_]):
                found[id_] = f"gone since {self.left_at.get((object_name, id_))}, but {_flags(rows[id_])}"
        lists = self._lists_here(object_name) if rows else {}
        for id_ in rows.keys() & there.keys():
            differences = self._differences(object_name, rows[id_], there[id_], lists)
            found |= {id_: str(differences)} if differences else {}
        return found

    def live_ids(self, object_name: str) -> tuple[set[int], set[int]]:
        """The live records, as the account has them and as the warehouse says."""
        there = {int(record["id"]) for record in self.emulator.store.live(object_name)}
        return there, set(self.reader.ids(object_name, where="NOT is_deleted"))

    def _records(self, object_name: str) -> dict[int, Wire]:
        store = self.emulator.store
        include = ",".join(entity(object_name).include)
        records = [*store.live(object_name), *store.binned(object_name)]
        # What no bin shows is in no list: an activity while its record lies in the bin, a product that is deleted.
        shown = [r for r in records if self._is_in_a_list(object_name, r["id"])]
        return {int(r["id"]): self.emulator.served(object_name, r["id"], include) for r in shown}

    def _is_flagged_as_gone(self, object_name: str, row: Row) -> bool:
        """Whether the row is flagged, with a date since it was last live, as far as clocks may differ."""
        if object_name == "products" and row["_deleted_reason"] == "recycle_bin":
            return bool(row["is_deleted"])  # Asked for alone, a deleted product may still answer.
        if (row["is_deleted"], row["_deleted_reason"]) != (True, "vanished"):
            return False
        now = self.emulator.clock.now()
        left = self.left_at.get((object_name, row["id"]), now - timedelta(days=1000))
        return bool(left - CLOCKS_DIFFER <= row["_deleted_at"] <= now + CLOCKS_DIFFER)

    def _is_in_a_list(self, object_name: str, record_id: int) -> bool:
        store = self.emulator.store
        is_listed = object_name == "products" and store.switches.deleted_products == "listed"
        return (
            is_listed
            or isinstance(entity(object_name).read, Views)
            or not store.is_binned(object_name, record_id)
        )

    def _differences(
        self, object_name: str, row: Row, record: Wire, lists: Mapping[str, Lists]
    ) -> dict[str, Any]:
        id_ = int(row["id"])
        is_binned = self.emulator.store.is_binned(object_name, id_)
        wanted = {**columns_of(record), "is_deleted": is_binned}
        missing = wanted.keys() - row.keys()
        if (
            object_name == "products"
        ):  # No settings tell of their fields: a column comes with the first value.
            missing = {name for name in missing if wanted[name] is not None}
        assert not missing, f"{object_name} has no column for {sorted(missing)}"
        compared = row.keys() - OURS - COMPUTED - AS_TEXT
        wrong = {c: (wanted.get(c), row[c]) for c in compared if row[c] != wanted.get(c)}
        flags = ("recycle_bin", row["updated_at"]) if is_binned else (None, None)
        if object_name != "products" and (row["_deleted_reason"], row["_deleted_at"]) != flags:
            wrong["flags"] = (flags, _flags(row))
        for name in LISTS[object_name]:
            found = lists[name].of.get(id_, [])
            elements = self._elements(object_name, name, record)
            full = [{c: element.get(c) for c in lists[name].columns} for element in elements]
            if in_order(found) != in_order(full):
                wrong[name] = (full, found)
        return wrong

    def _elements(self, object_name: str, name: str, record: Wire) -> list[Row]:
        elements = self._bare_elements(object_name, name, record)
        if (object_name, name) in NO_POSITION:
            return elements
        return [{"position": place, **element} for place, element in enumerate(elements)]

    def _bare_elements(self, object_name: str, name: str, record: Wire) -> list[Row]:
        stored = self.emulator.store.record(object_name, record["id"])
        match object_name, name:
            case "deals", "contacts":
                return [{"contact_id": id_} for id_ in record["contact_ids"]]
            case "contacts", "sales_accounts":
                return [
                    {"sales_account_id": row["id"], "is_primary": row["is_primary"]}
                    for row in record["sales_accounts"]
                ]
            case "tasks", "users":
                return [{"user_id": user} for user in stored.get("user_ids", ())]
            case "appointments", "attendees":
                return attendees(stored)
            case "products", "pricings":
                prices: Iterable[Wire] = stored.get("product_pricings") or ()
                return [{k: read_off(v) for k, v in price.items()} for price in prices]
            case _, "targetables":
                return [
                    {"target_id": t["id"], "target_type": t["type"]} for t in stored.get("targetables") or ()
                ]
        listed = record.get(name) or []
        return [element if isinstance(element, dict) else {"value": element} for element in listed]

    def _lists_here(self, object_name: str) -> dict[str, Lists]:
        key = entity(object_name).foreign_key
        found: dict[str, Lists] = {}
        for name in LISTS[object_name]:
            table = f"{object_name}__{name}"
            columns = self.reader.columns(table).keys() - {key, "_synced_at", "_is_emptied"}
            of: dict[int, list[Row]] = {}
            for row in self.reader.rows(table):
                of.setdefault(int(row[key]), []).append({c: row[c] for c in columns})
            found[name] = Lists(columns=columns, of=of)
        return found


def columns_of(record: Wire) -> Row:
    """The columns that a served record must have, with their values."""
    plain = record.keys() - NO_COLUMN - LIST_KEYS - INSIDE.keys()
    row = {k: read_off(record[k]) for k in plain if not isinstance(record[k], dict | list)}
    for name, prefix in INSIDE.items():
        members = record.get(name)
        if isinstance(members, dict):
            row |= {f"{prefix}{k}": read_off(v) for k, v in members.items() if not isinstance(v, dict | list)}
    return {RENAMED.get(k, k): v for k, v in row.items()}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows in an order of their own, in which equal numbers are equal."""
    return sorted(rows, key=lambda row: [(key, hash(row[key])) for key in sorted(row)])


def _flags(row: Row) -> tuple[Any, ...]:
    return row["is_deleted"], row["_deleted_reason"], row["_deleted_at"]
