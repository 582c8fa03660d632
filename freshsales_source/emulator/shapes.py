"""How records, selectors and field lists look on the wire, as the switches say.

Shapes were taken from recorded responses (API notes 2 to 5). Two rules matter most to a reader: foreign
keys are absent unless `include` asks for them, and side-loaded rows are partial.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.includes import Includes
from freshsales_source.emulator.object_kind import Include, ObjectKind
from freshsales_source.emulator.selector_rows import SelectorRows
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.wire_values import Wire, WireValues


class Shaper:
    """Turns what the store keeps into what the API sends, at the clock's time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._values = WireValues(store, clock)
        self.selectors = SelectorRows(store, self._values)
        self._includes = Includes(store, self._values, self.selectors, self.row)

    def row(self, kind: ObjectKind, record: Record, includes: Iterable[Include], *, is_binned: bool) -> Wire:
        """Return one full row of a list, with the keys that the includes add."""
        values, exact = self._values, self._values.exact(kind, record)
        row: Wire = {key: values.value(exact[key]) for key in kind.row if key in exact}
        row.update({key: values.value(value) for key, value in exact.items() if key not in row})
        if "is_deleted" in kind.row:
            row["is_deleted"] = is_binned
        if "links" in kind.row:
            row["links"] = self._links(kind, record["id"])
        if "custom_field" in kind.row:
            row["custom_field"] = values.custom(kind, record)
        if not self._store.switches.newer_columns:
            for key in kind.newer:
                row.pop(key, None)
        for include in includes:
            row.update(self._includes.key(include, record))
        return row

    def single(
        self, kind: ObjectKind, record: Record, includes: Iterable[Include], *, is_binned: bool
    ) -> Wire:
        """Return one record as `GET /{object}/{id}` sends it: a row and a few keys more."""
        return {**self.row(kind, record, includes, is_binned=is_binned), **kind.single}

    def thin(self, kind: ObjectKind, record: Record) -> Wire:
        """Return the few columns that filtered_search sends without `detail`; which ones is a guess."""
        exact = self._values.exact(kind, record)
        return {key: self._values.value(exact[key]) for key in kind.thin}

    def side_loads(self, records: list[Record], includes: Iterable[Include]) -> Wire:
        """Return the lists that the includes add to the body, each row once, by key."""
        return self._includes.lists(records, includes)

    def value(self, value: object) -> object:
        """Return one value as it is sent."""
        return self._values.value(value)

    def stamp(self, at: datetime) -> str:
        """Return a time stamp as the account shows it."""
        return self._values.stamp(at)

    def _links(self, kind: ObjectKind, record_id: int) -> Wire:
        place = "/".join((*kind.segments, str(record_id)))
        root = f"/{place}" if self._store.switches.classic else f"/crm/sales/{place}"
        return {name: root + rest for name, rest in kind.links.items()}
