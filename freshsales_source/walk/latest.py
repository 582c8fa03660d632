"""Which answer of a record is loaded when several pages of one load carry it.

One load must hold each id once, or children of two versions are mixed. The last answer wins, not the larger stamp
(a restored backup may carry an older one), with one exception: a row of the recycle bin never replaces a live row
that is newer, which is what a bin that lags behind a restore looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The rows of one page that are worth loading, in the order in which the pages were answered."""

    ids: Sequence[int]
    stamps: Sequence[int]
    is_bin: bool


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
    return page.is_bin and not held.is_bin and held.stamps[row] > stamp
