"""What `include` adds: keys on rows, and lists of side-loaded rows beside the main list.

Source: API notes 2.2 to 2.4. Targets and attendees: documented samples (`targetable {id, type}` with the
targets side-loaded by object; `appointment_attendee_ids` with `appointment_attendees [{id, attendee}]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from freshsales_source.emulator.links import TARGET_TYPES
from freshsales_source.emulator.object_kind import Include, ObjectKind
from freshsales_source.emulator.objects import OBJECTS
from freshsales_source.emulator.selector_rows import SelectorRows
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.wire_values import Wire, WireValues

# What a partial row of an object shows. Source: API notes 2.2 (seen for accounts, inferred for the others).
# Activities come in full (masked sample).
_PARTIAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sales_accounts": (
        "id",
        "name",
        "avatar",
        "website",
        "open_deals_amount",
        "open_deals_count",
        "won_deals_amount",
        "won_deals_count",
        "last_contacted",
    ),
    "contacts": ("id", "first_name", "last_name", "display_name", "email"),
    "leads": ("id", "first_name", "last_name", "display_name", "email"),
    "deals": ("id", "name", "amount", "deal_stage_id", "deal_pipeline_id"),
}
_EMBEDDED_ACCOUNT = ("id", "name", "avatar", "website", "last_contacted")
_OBJECT_OF_TYPE: Mapping[str, str] = {type_name: name for name, type_name in TARGET_TYPES.items()}
# Attendees are users or people; `attendee.type` is written in small letters.
_ROWS_OF_ATTENDEE: Mapping[str, tuple[str, str]] = {
    "user": ("users", "owners"),
    "contact": ("contacts", "contacts"),
    "lead": ("leads", "leads"),
}


class _Load(NamedTuple):
    """One row to side-load: the list it goes to, where it comes from, its id; or the row itself."""

    array: str
    rows: str
    id: int
    row: Wire | None = None


class FullRow(Protocol):
    """The shaper's way to make a whole row."""

    def __call__(
        self, kind: ObjectKind, record: Record, includes: Iterable[Include], *, is_binned: bool
    ) -> Wire:
        """Return the row."""
        ...


class Includes:
    """The includes of one store's records."""

    def __init__(self, store: Store, values: WireValues, selectors: SelectorRows, row: FullRow) -> None:
        self._store = store
        self._values = values
        self._selectors = selectors
        self._row = row

    def key(self, include: Include, record: Record) -> Wire:
        """Return the key that an include adds to a row, with its value."""
        if include.key is None:
            return {}
        match include.shape:
            case "id":
                return {include.key: record.get(include.column or include.key)}
            case "ids":
                return {include.key: list(self._ids(include, record))}
            case "value":
                return {include.key: self._values.value(record.get(include.key, ()))}
            case "accounts":
                return {include.key: self._accounts(include, record)}
            case "target":
                return {include.key: next(iter(_targets(record)), None)}
            case "attendees":
                return {include.key: [each["id"] for each in record.get("appointment_attendees", ())]}
            case "notes":
                return {include.key: [note["id"] for note in self._notes(include, record)]}

    def lists(self, records: list[Record], includes: Iterable[Include]) -> Wire:
        """Return the lists that the includes add to the body, each row once, by key."""
        lists: dict[str, dict[int, Wire]] = {}
        for include in includes:
            if include.array is not None:
                lists.setdefault(self._array_name(include.array), {})
            for load in (load for record in records for load in self._loads(include, record)):
                rows = lists.setdefault(self._array_name(load.array), {})
                if load.id not in rows:
                    rows[load.id] = self._partial(load.rows, load.id) if load.row is None else load.row
        body: Wire = {name: [row for row in rows.values() if row] for name, rows in lists.items()}
        if "currencies" in body:
            body["rate_changes"] = []
        return body

    # --- inside

    def _loads(self, include: Include, record: Record) -> Iterator[_Load]:
        match include.shape:
            case "target":
                for target in _targets(record):
                    name = _OBJECT_OF_TYPE[target["type"]]
                    yield _Load(name, name, target["id"])
            case "attendees":
                for each in record.get("appointment_attendees", ()):
                    yield _Load("appointment_attendees", "", each["id"], dict(each))
                    array, rows = _ROWS_OF_ATTENDEE[each["attendee"]["type"]]
                    yield _Load(array, rows, each["attendee"]["id"])
            case "notes":
                for note in self._notes(include, record):
                    row = {key: self._values.value(value) for key, value in note.items()}
                    yield _Load("notes", "", note["id"], row)
            case _ if include.array is not None and include.rows is not None:
                for each in self._ids(include, record):
                    yield _Load(include.array, include.rows, each)

    def _notes(self, include: Include, record: Record) -> list[Wire]:
        return self._store.notes.get((include.rows or "", record["id"]), [])

    def _ids(self, include: Include, record: Record) -> tuple[int, ...]:
        if include.rows is None:
            return ()
        if include.inverse is not None:
            holder, link = include.inverse
            table = self._store.tables[holder]
            return tuple(each for each in table.linked(link, record["id"]) if each in table.live)
        value = record.get(include.column or include.key or "")
        if value is None:
            return ()
        return (value,) if include.shape == "id" else tuple(value)

    def _accounts(self, include: Include, record: Record) -> list[Wire]:
        ids = self._ids(include, record)
        # A lagging view can still name an account that is gone.
        there = [each for each in ids if self._store.tables["sales_accounts"].get(each) is not None]
        return [self._embedded(each, is_primary=each == ids[0]) for each in there]

    def _embedded(self, account_id: int, *, is_primary: bool) -> Wire:
        record = self._store.record("sales_accounts", account_id)
        shown = {key: self._values.value(record[key]) for key in _EMBEDDED_ACCOUNT}
        return {"partial": True, **shown, "is_primary": is_primary}

    def _array_name(self, name: str) -> str:
        renamed = {
            "lead_sources": self._store.switches.lead_source_key,
            "contact_statuses": self._store.switches.contact_status_key,
        }
        return renamed.get(name, name)

    def _partial(self, rows: str, wanted: int) -> Wire:
        if rows not in OBJECTS:
            return self._selectors.one(rows, wanted)
        kind, record = OBJECTS[rows], self._store.tables[rows].get(wanted)
        if record is None:
            return {}
        columns = _PARTIAL_COLUMNS.get(rows)
        if columns is None:
            return self._row(kind, record, (), is_binned=False)
        exact = self._values.exact(kind, record)
        return {"partial": True, **{key: self._values.value(exact[key]) for key in columns}}


def _targets(record: Record) -> Iterable[Mapping[str, Any]]:
    """Return the targets of an activity: a list of its own, or one in two columns."""
    if "targetables" in record:
        return tuple(record["targetables"])
    if record.get("targetable_id") is None:
        return ()
    return ({"id": record["targetable_id"], "type": record["targetable_type"]},)
