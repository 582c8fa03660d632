"""The warehouse's rows of one object, counted and ranked by their creation, to be compared with a list of the CRM.

All of it happens in SQL, through the warehouse's own client: no table is ever held in memory. Keys are whole seconds
since 1970, as the API shows them; a fraction is cut off on both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from freshsales_source.clock import as_utc
from freshsales_source.schema.entity_types import Filters

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_IDS = 1000
"""Ids named in one statement; some destinations take no more."""


class Tables(Protocol):
    """A warehouse that answers queries."""

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows; None where a table does not exist yet."""
        ...

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        ...


class Part(Enum):
    """Rows that one kind of list should show; the value is their condition in SQL."""

    LIVE = "NOT is_deleted"
    BINNED = "_deleted_reason = 'recycle_bin'"
    LISTED = "(NOT is_deleted OR _deleted_reason IS NULL)"
    """Live rows, and those that a list shows as deleted."""
    SETTLED = "settled"
    """Live rows that stand in a list which is read once; which rows these are depends on the object."""


class StoredKeys:
    """The rows of a table that fulfil `where`, by a column of timestamps: `created_at` unless said otherwise.

    A key is that stamp, its negative where the list `descends`; a row without the stamp has the key `nulls`. Records
    in `more`, with that stamp in seconds, count as rows, too.
    """

    def __init__(
        self,
        tables: Tables,
        table: str,
        where: str,
        *,
        nulls: int,
        column: str = "created_at",
        descends: bool = False,
        more: Mapping[int, int | None] | None = None,
    ) -> None:
        self._tables = tables
        self._table = table
        self._where = where
        self._nulls = nulls
        self._column = column
        self._descends = descends
        self._more = {i: _key(seconds, nulls, descends=descends) for i, seconds in (more or {}).items()}

    def count(self) -> int:
        """How many rows there are."""
        return self._count("true") + len(self._more)

    def through(self, key: int) -> int:
        """How many rows have this key or a smaller one."""
        return self._count(self._up_to(key)) + sum(other <= key for other in self._more.values())

    def between(self, low: int, high: int) -> Mapping[int, int]:
        """The rows with keys from `low` to `high`, both included: id -> key."""
        found = self._keys(f"{self._up_to(high)} AND NOT ({self._up_to(low - 1)})")
        return found | {i: key for i, key in self._more.items() if low <= key <= high}

    def keys(self, ids: Sequence[int]) -> Mapping[int, int]:
        """Those of these ids that are among the rows: id -> key."""
        found: dict[int, int] = {}
        for some in batched_ids(ids):
            found.update(self._keys(f"id IN ({some})"))
        return found | {i: self._more[i] for i in ids if i in self._more}

    def _count(self, where: str) -> int:
        return _number(self._tables, self._table, f"{self._where} AND {where}")

    def _keys(self, where: str) -> dict[int, int]:
        name = self._tables.name(self._table)
        rows = self._tables.query(f"SELECT id, {self._column} FROM {name} WHERE {self._where} AND {where}")
        return {int(id_): key_of(at, self._nulls, descends=self._descends) for id_, at in rows or ()}

    def _up_to(self, key: int) -> str:
        """The condition for this key and smaller ones; never null."""
        column = self._column
        nulls = f"{column} IS NULL" if key >= self._nulls else "false"
        if abs(key) > _FAR:
            return f"({nulls} OR {f'{column} IS NOT NULL' if key > 0 else 'false'})"
        bound = f">= {stamp(EPOCH - timedelta(seconds=key))}"
        if not self._descends:
            bound = f"< {stamp(EPOCH + timedelta(seconds=key + 1))}"
        return f"({nulls} OR ({column} IS NOT NULL AND {column} {bound}))"


def settled_rows(read: Filters, now: datetime) -> str:
    """The condition for live rows that belong to the lists which are read once."""
    is_over = (
        f"{read.live_by} < {stamp(now)}"
        if read.live_value is None
        else f"{read.live_by} <> {read.live_value}"
    )
    return f"NOT is_deleted AND {is_over}"


def count_part(tables: Tables, table: str, part: Part) -> int | None:
    """How many rows of a part there are; None where the table does not exist yet."""
    rows = tables.query(f"SELECT count(*) FROM {tables.name(table)} WHERE {part.value}")
    return int(rows[0][0]) if rows else None


def count_rows(tables: Tables, table: str) -> int:
    """How many rows a table has, those of vanished records aside; 0 where it does not exist yet."""
    return _number(tables, table, "_deleted_reason IS NULL OR _deleted_reason <> 'vanished'")


def count_binned(tables: Tables, table: str, ids: Collection[int]) -> int:
    """How many of these records lie in the recycle bin, as far as the rows tell."""
    named = sorted(ids)
    chunks = [named[first : first + MOST_IDS] for first in range(0, len(named), MOST_IDS)]
    return sum(
        _number(tables, table, f"{Part.BINNED.value} AND id IN ({', '.join(map(str, chunk))})")
        for chunk in chunks
    )


def count_binned_before(tables: Tables, table: str, at: datetime) -> int:
    """How many rows lie in the recycle bin since before that time."""
    return _number(tables, table, f"_deleted_reason = 'recycle_bin' AND _deleted_at < {stamp(at)}")


def _number(tables: Tables, table: str, where: str) -> int:
    rows = tables.query(f"SELECT count(*) FROM {tables.name(table)} WHERE {where}")
    return int(rows[0][0]) if rows else 0


def stamp(at: datetime) -> str:
    """A time as it stands in SQL, to the second."""
    return f"CAST('{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00' AS TIMESTAMP WITH TIME ZONE)"


_FAR = 60 * 60 * 24 * 366 * 1000
"""Seconds that lie beyond every creation, and within what a timestamp can hold."""


def key_of(at: datetime | None, nulls: int, *, descends: bool = False) -> int:
    """The key of a stamp; `nulls` for none."""
    seconds = None if at is None else (as_utc(at) - EPOCH) // timedelta(seconds=1)
    return _key(seconds, nulls, descends=descends)


def _key(seconds: int | None, nulls: int, *, descends: bool) -> int:
    if seconds is None:
        return nulls
    return -seconds if descends else seconds


def batched_ids(ids: Sequence[int]) -> Iterator[str]:
    """The ids, separated by commas, a statement's share at a time."""
    for start in range(0, len(ids), MOST_IDS):
        yield ", ".join(str(int(i)) for i in ids[start : start + MOST_IDS])
