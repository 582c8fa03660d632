"""Which answer of a record is loaded when several pages of one load carry it.

One load must hold each id once, or children of two versions are mixed. Within one list the last answer wins, not the
larger stamp: its pages are asked for one after the other, and a restored backup may carry an older stamp. Between
lists, which are read side by side, the order in which answers arrive says nothing: there the larger stamp wins, and
the last answer where stamps are equal. So a bin that lags behind a restore does not replace the newer live row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The rows of one page that are worth loading, in the order of the answers; `source` names its list."""

    ids: Sequence[int]
    stamps: Sequence[int]
    source: str


def latest(sightings: Iterable[Sighting], *, loaded: AbstractSet[int] = frozenset()) -> list[list[int]]:
    """For each page the indexes of the rows to load, so that every id appears once over all pages.

    Ids in `loaded` were given to the same load before and cannot be replaced any more: they are left out. The
    newer version lies above the run's start, so the next run reads it.
    """
    pages = list(sightings)
    winner: dict[int, tuple[int, int]] = {}
    for number, page in enumerate(pages):
        for row, (record_id, stamp) in enumerate(zip(page.ids, page.stamps, strict=True)):
            held = winner.get(record_id)
            if held is not None and _is_newer_elsewhere(pages[held[0]], held[1], page, stamp):
                continue
            winner[record_id] = (number, row)
    keep: list[list[int]] = [[] for _ in pages]
    for record_id, (number, row) in winner.items():
        if record_id not in loaded:
            keep[number].append(row)
    return [sorted(rows) for rows in keep]


def _is_newer_elsewhere(held: Sighting, row: int, page: Sighting, stamp: int) -> bool:
    return page.source != held.source and held.stamps[row] > stamp
