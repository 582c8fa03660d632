"""Erasing records in the warehouse: all rows of a record, or all it says, wherever the connector has put them.

Erased are the record's own row, its lists, its history, its feeds and what was noted of its deletion; also in the
tables in which dlt prepares a load, where the rows of the last one stay. Rows of other records that point to it hold
its number only, and are left. Every statement can be repeated: what was cut is done again by the next run.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from freshsales_source.entities.feeds import FEEDS
from freshsales_source.schema.entity_types import SYNCED_AT, SYSTEM_COLUMNS
from freshsales_source.warehouse.deletions import DELETIONS, VANISHED
from freshsales_source.warehouse.forgotten import forgotten_ids
from freshsales_source.warehouse.history import HISTORY, OBJECT
from freshsales_source.warehouse.stored_rows import batched_ids, stamp

Columns: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The columns of a table, with dlt's hints."""

_KEPT = frozenset(column.name for column in SYSTEM_COLUMNS)

_LOG = logging.getLogger(__name__)


class Erasable(Protocol):
    """A warehouse whose rows can be changed."""

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows; None where a table does not exist yet."""
        ...

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        ...

    def staged_name(self, table: str) -> str:
        """The same of the table in which dlt prepares its loads."""
        ...

    def column(self, name: str) -> str:
        """A column's name as it stands in SQL."""
        ...

    def execute(self, sql: str) -> None:
        """Run a statement; nothing happens where a table does not exist."""
        ...

    def columns(self) -> Mapping[str, Columns]:
        """The columns of every table that was ever loaded, with dlt's hints."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where rows of an object's records stand: a table, the column with the record's id, and a further condition."""

    table: str
    key: str
    condition: str = "true"

    def rows(self, ids: str) -> str:
        """The condition for the rows of these records, which are separated by commas."""
        return f"{self.key} IN ({ids}) AND {self.condition}"


class Eraser:
    """Erases records of any object."""

    def __init__(self, warehouse: Erasable) -> None:
        self._warehouse = warehouse
        self._columns = warehouse.columns()

    def rows(self, object: str, ids: Sequence[int]) -> dict[str, int]:
        """How many rows of these records there are, by table; tables without any are left out."""
        found: Counter[str] = Counter()
        for some in batched_ids(ids):
            found.update(self._counted(self._places(object), some))
        return {table: number for table, number in found.items() if number}

    def delete(self, object: str, ids: Sequence[int]) -> None:
        """Delete all rows of these records."""
        own, *others = self._places(object)
        # That order: after a kill its own row shows that others are left.
        for place in (*others, own):
            self._delete(place, ids)

    def blank(self, object: str, ids: Sequence[int], at: datetime) -> None:
        """Delete all rows of these records but their own, of which the id and what is known of the deletion stay."""
        own, *others = self._places(object)
        for place in others:
            self._delete(place, ids)
        changes = [f"{name} = NULL" for name in self._content(object)]
        changes.append(f"{SYNCED_AT.name} = {stamp(at)}")
        table, staged = self._warehouse.name(own.table), self._warehouse.staged_name(own.table)
        for some in batched_ids(ids):
            self._warehouse.execute(f"DELETE FROM {staged} WHERE {own.rows(some)}")
            self._warehouse.execute(f"UPDATE {table} SET {', '.join(changes)} WHERE {own.rows(some)}")

    def vanished(self, object: str, before: datetime, *, with_content: bool) -> list[int]:
        """The records that were found gone by then; `with_content`: those whose rows say more than `blank` leaves."""
        wanted = [f"_deleted_reason = '{VANISHED}'", f"_deleted_at <= {stamp(before)}"]
        wanted += [self._has_content(object)] if with_content else []
        table = self._warehouse.name(object)
        rows = self._warehouse.query(f"SELECT id FROM {table} WHERE {' AND '.join(wanted)}")
        return [int(row[0]) for row in rows or ()]

    def _has_content(self, object: str) -> str:
        return f"({' OR '.join(f'{name} IS NOT NULL' for name in self._content(object)) or 'false'})"

    def _counted(self, places: Sequence[Place], ids: str) -> dict[str, int]:
        parts = [
            f"SELECT {n} AS n, count(*) AS r FROM {self._warehouse.name(place.table)} WHERE {place.rows(ids)}"
            for n, place in enumerate(places)
        ]
        rows = self._warehouse.query(" UNION ALL ".join(parts))
        if rows is not None:
            return {places[int(n)].table: int(number) for n, number in rows}
        # One of the tables does not exist. Alone it counts as 0, the others as what they are.
        if len(places) == 1:
            return {}
        return {table: n for place in places for table, n in self._counted([place], ids).items()}

    def _delete(self, place: Place, ids: Sequence[int]) -> None:
        for some in batched_ids(ids):
            # That order: what is left after a kill is found by the rows of the second.
            for table in (self._warehouse.staged_name(place.table), self._warehouse.name(place.table)):
                self._warehouse.execute(f"DELETE FROM {table} WHERE {place.rows(some)}")

    def _content(self, object: str) -> list[str]:
        columns = self._columns.get(object, {})
        return [
            self._warehouse.column(name)
            for name, hints in columns.items()
            if hints.get("nullable", True) and name not in _KEPT and not name.startswith("_dlt")
        ]

    def _places(self, object: str) -> list[Place]:
        """The tables that hold rows of its records; the object's own is the first."""
        own = Place(table=object, key="id")
        return [own, *(place for place in self._other_places(object) if place.table in self._columns)]

    def _other_places(self, object: str) -> Iterator[Place]:
        for table, columns in self._columns.items():
            # No name of an object holds two underscores (schema/column_names.py).
            if table.startswith(f"{object}__"):
                keys = [name for name, hints in columns.items() if hints.get("merge_key")]
                yield from (Place(table=table, key=key) for key in keys)
            elif (object, table) == (OBJECT, HISTORY):
                yield Place(table=table, key="deal_id")
        for feed in FEEDS:
            if object in feed.parents:
                kind = f"{feed.typed_key} = '{feed.parents[object]}'" if feed.typed_key else "true"
                yield Place(table=feed.name, key=feed.key, condition=kind)
        yield Place(table=DELETIONS.name, key="id", condition=f"object = '{object}'")


def finish_forgetting(warehouse: Erasable) -> dict[str, frozenset[int]]:
    """Delete what is left of forgotten records, as after a kill; return their ids, by the object's table."""
    forgotten = forgotten_ids(warehouse)
    if forgotten:
        eraser = Eraser(warehouse)
        for name, ids in forgotten.items():
            _finish(eraser, name, ids)
    return forgotten


def _finish(eraser: Eraser, object: str, ids: Collection[int]) -> None:
    left = eraser.rows(object, sorted(ids))
    if left:
        _LOG.warning("forgotten_rows_deleted object=%s rows=%d", object, sum(left.values()))
        eraser.delete(object, sorted(ids))
