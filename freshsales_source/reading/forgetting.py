"""Forgotten records between the pages of the CRM and the rows of a load: taken out, and counted by what is left.

A forgotten record may live on in the CRM. Its lists then show and count it, so wherever lists are compared with rows
its stub counts as one. It is asked for, found gone and counted out like any other record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.clock import Clock
from freshsales_source.reading.rows import Rows
from freshsales_source.schema.entity_types import Entity, Filters
from freshsales_source.state.stubs import Stub, Stubs, stub_columns
from freshsales_source.warehouse.deletions import RECYCLE_BIN
from freshsales_source.warehouse.stored_rows import Part


class Forgetting:
    """The forgotten records of one object, by their `ids`; `stubs` are those that the CRM still shows.

    A stub whose record is not forgotten any more counts no longer: its row is missing, and is searched for.
    """

    def __init__(self, entity: Entity, ids: AbstractSet[int], stubs: Stubs, clock: Clock) -> None:
        self.stubs: Stubs = {i: stub for i, stub in stubs.items() if i in ids}
        self._entity = entity
        self._ids = ids
        self._clock = clock

    def parted(self, rows: Rows, gone: Collection[int]) -> Rows:
        """The rows without those of forgotten records, whose stubs are kept; `gone` are records found gone."""
        kept = {i: stub for i, stub in self.stubs.items() if i not in gone}
        met = rows.ids & self._ids
        if not met:
            self.stubs = kept
            return rows
        new = self._stubs_of(rows.tables[self._entity.name], met)
        self.stubs = kept | new
        # Where nobody else is among them, there is nothing to load.
        left = rows.tables if rows.ids > met else {}
        own, foreign_key = self._entity.name, self._entity.foreign_key
        return Rows(
            tables={n: _without(table, "id" if n == own else foreign_key, met) for n, table in left.items()},
            ids=rows.ids - met,
            binned=rows.binned - met,
        )

    def count(self, part: Part) -> int:
        """How many forgotten records the lists of that part show."""
        return len(self._of(part))

    def places(self, part: Part) -> dict[int, int | None]:
        """The forgotten records that the lists of that part show, each with its time in their order, in seconds."""
        return {i: stub.placed_at for i, stub in self._of(part).items()}

    @property
    def pipelines(self) -> frozenset[int]:
        """The pipelines that they stand in, where they are deals."""
        stubs = (stub for stub in self.stubs.values() if not stub.is_deleted)
        return frozenset(stub.pipeline_id for stub in stubs if stub.pipeline_id is not None)

    @property
    def still_to_be_done(self) -> int:
        """How many of them stand in a list that each run reads whole, where the record tells that it does."""
        value = self._entity.read.live_value if isinstance(self._entity.read, Filters) else None
        return sum(not stub.is_deleted and stub.live_by == value for stub in self.stubs.values())

    @property
    def has_placeless(self) -> bool:
        """Whether one of them has no time by which filters tell, and so may stand in any of them or in none."""
        return any(not stub.is_deleted and stub.live_by is None for stub in self.stubs.values())

    def not_shown(self, *, live: int | None, binned: int | None) -> list[int]:
        """Those that no list has shown since these times, in seconds: live lists, and the recycle bin."""
        since = {None: live, RECYCLE_BIN: binned}
        limits = {i: since.get(stub.reason) for i, stub in self.stubs.items()}
        return [i for i, limit in limits.items() if limit is not None and self.stubs[i].synced_at < limit]

    def _stubs_of(self, rows: pa.Table, met: AbstractSet[int]) -> dict[int, Stub]:
        found = rows.select(stub_columns(self._entity)).filter(_is_in(rows["id"], met)).to_pylist()
        return {int(row["id"]): Stub.of_row(row, self._entity) for row in found}

    def _of(self, part: Part) -> Mapping[int, Stub]:
        return {i: stub for i, stub in self.stubs.items() if self._is_of(stub, part)}

    def _is_of(self, stub: Stub, part: Part) -> bool:
        if part is Part.BINNED:
            return stub.reason == RECYCLE_BIN
        if part is Part.LISTED:
            return not stub.is_deleted or stub.reason is None
        if stub.is_deleted or part is Part.LIVE:
            return not stub.is_deleted
        read = self._entity.read
        if not isinstance(read, Filters) or stub.live_by is None:
            return False
        if read.live_value is None:
            return stub.live_by < self._clock.now().timestamp()
        return stub.live_by != read.live_value


def _without(table: pa.Table, key: str, ids: AbstractSet[int]) -> pa.Table:
    return table.filter(pc.invert(_is_in(table[key], ids)))


def _is_in(column: pa.ChunkedArray, ids: AbstractSet[int]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(ids), pa.int64()))
