"""The rows of one load out of the pages that were read for it: every id once, lists together with their record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.decode import Page
from freshsales_source.schema.columns import Table
from freshsales_source.walk import Page as WalkPage
from freshsales_source.walk import Sighting, latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One page, the indexes of its rows worth loading, the list it is of, and whether that is the recycle bin."""

    page: WalkPage[Page]
    keep: tuple[int, ...]
    source: str
    is_bin: bool = False

    @classmethod
    def alone(cls, record: Page, *, is_bin: bool = False) -> Answered:
        """A record that was fetched alone."""
        page = WalkPage(
            number=1,
            ids=record.ids,
            stamps=record.stamps,
            total=None,
            total_pages=None,
            served_at=0,
            content=record,
        )
        return cls(page=page, keep=(0,), source="", is_bin=is_bin)

    @property
    def sighting(self) -> Sighting:
        """The rows worth loading, as ids and stamps."""
        return Sighting(
            ids=[self.page.ids[i] for i in self.keep],
            stamps=[self.page.stamps[i] for i in self.keep],
            source=self.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The tables of a load, the ids of its records, and those of them that lie in the recycle bin."""

    tables: dict[str, pa.Table]
    ids: frozenset[int]
    binned: frozenset[int]


def rows_to_load(answered: Sequence[Answered], *, parent: str, key: str, loaded: AbstractSet[int]) -> Rows:
    """The last answer of every id, in order of arrival; ids in `loaded` are left out (walk/latest.py says why).

    `parent` names the table of the records, `key` the column by which the other tables point to it.
    """
    sightings = [one.sighting for one in answered]
    parts: dict[str, list[pa.Table]] = {}
    ids: set[int] = set()
    binned: set[int] = set()
    for one, sighting, winners in zip(answered, sightings, latest(sightings, loaded=loaded), strict=True):
        if not winners:
            continue
        kept = [one.keep[row] for row in winners]
        won = [sighting.ids[row] for row in winners]
        ids.update(won)
        binned.update(won if one.is_bin else ())
        for name, table in _taken(one.page.content.tables, one.page.ids, kept, parent, key).items():
            parts.setdefault(name, []).append(table)
    tables = {name: pa.concat_tables(found, promote_options="default") for name, found in parts.items()}
    return Rows(tables=tables, ids=frozenset(ids), binned=frozenset(binned))


def referenced(
    tables: Mapping[str, pa.Table], layout: Iterable[Table], targets: AbstractSet[str]
) -> dict[str, frozenset[int]]:
    """The distinct ids by which rows point to these target tables."""
    found: dict[str, set[int]] = {}
    for table in layout:
        if table.name not in tables:
            continue
        for column, target in table.references:
            if target in targets:
                ids = tables[table.name][column].unique().drop_null().to_pylist()
                found.setdefault(target, set()).update(ids)
    return {target: frozenset(ids) for target, ids in found.items() if ids}


def _taken(
    tables: dict[str, pa.Table], page_ids: Sequence[int], rows: list[int], parent: str, key: str
) -> dict[str, pa.Table]:
    """The rows at these indexes, and of the other tables those that belong to them."""
    if len(rows) == len(page_ids):
        return tables
    ids = pa.array([page_ids[row] for row in rows], pa.int64())
    return {
        name: table.take(pa.array(rows, pa.int64()))
        if name == parent
        else table.filter(pc.is_in(table[key], value_set=ids))
        for name, table in tables.items()
    }
