"""Walks of several pages during which a removal may have gone unseen, so that a record slid past.

A removal pulls records up over a page boundary, and a walk sees it by the total that falls. A total that is cached or
lags (unknown) falls too late. So the walk is remembered until the next run: if the bin then shows a record that was
deleted while it went on, or rows turn out to have vanished since, its span is read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from freshsales_source.reading.walking import Walking
from freshsales_source.state.object_state import LongWalk
from freshsales_source.walk import Span, WalkState


class UnseenFalls:
    """The long walks of the run before, by list, and whether something was removed while they went on."""

    def __init__(self, known: Mapping[str, LongWalk]) -> None:
        self._known = dict(known)
        self._new: dict[str, LongWalk] = {}
        self._is_doubtful = False

    def see_binned(self, stamps: Iterable[int]) -> None:
        """Take in when records of the bin were deleted, as far as their stamps tell."""
        walks = self._known.values()
        self._is_doubtful = self._is_doubtful or any(w.began <= s <= w.ended for s in stamps for w in walks)

    def see_vanished(self) -> None:
        """Take in that rows turned out to have vanished, nobody knows when."""
        self._is_doubtful = bool(self._known)

    def owed(self, walks: Mapping[str, WalkState]) -> dict[str, WalkState] | None:
        """The states in which what the long walks read is owed once more; None where nothing speaks for it."""
        if not self._is_doubtful:
            return None
        known, self._known, self._is_doubtful = self._known, {}, False
        return {key: _owing(state, known.get(key)) for key, state in walks.items()}

    def remembered(self, lists: Iterable[Walking], *, is_over: bool) -> dict[str, LongWalk]:
        """What to remember: the long walks of this run, and until it is over those of the last one."""
        for walking in lists:
            walk = long_walk(walking) if walking.is_done else None
            if walk is not None:
                self._new[walking.listing.key] = walk
        return {**({} if is_over else self._known), **self._new}


def long_walk(walking: Walking) -> LongWalk | None:
    """What to remember of a walk; None where it was short, missed nothing, or saw a removal and went back for it."""
    is_long = walking.pages_read > 1 and not walking.has_fallen and not walking.listing.is_bin
    is_long = is_long and not walking.showed_every_place
    if not is_long or walking.begun_at is None or walking.ended_at is None or walking.lowest is None:
        return None
    return LongWalk(began=walking.begun_at, ended=walking.ended_at, low=walking.lowest)


def _owing(state: WalkState, walk: LongWalk | None) -> WalkState:
    if walk is None:
        return state
    return replace(state, owed=(Span(low=walk.low, high=walk.ended), *state.owed))
