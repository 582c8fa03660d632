"""How many pages an unfinished reading still has before it, told by what its walks remember."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import WalkState


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesLeft:
    """Pages still to be read; `is_at_least` where a list has not told yet how much it holds."""

    pages: int = 0
    is_at_least: bool = False

    def __add__(self, other: PagesLeft) -> PagesLeft:
        return PagesLeft(pages=self.pages + other.pages, is_at_least=self.is_at_least or other.is_at_least)


_UNKNOWN = PagesLeft(pages=1, is_at_least=True)


def pages_left(states: Iterable[ObjectState], page_size: int) -> PagesLeft:
    """The pages of all walks of these objects that were begun and not ended; those not begun count as one."""
    return sum((_of_object(state, page_size) for state in states), start=PagesLeft())


def _of_object(state: ObjectState, page_size: int) -> PagesLeft:
    if not state.walks:
        return _UNKNOWN
    used = [view.id for view in (*state.live, *([state.bin] if state.bin else []))]
    unread = [_UNKNOWN for view_id in used if str(view_id) not in state.walks]
    return sum(
        (_of_walk(walk, page_size) for walk in state.walks.values()), start=sum(unread, start=PagesLeft())
    )


def _of_walk(walk: WalkState, page_size: int) -> PagesLeft:
    if walk.place is not None:
        left = None if walk.place.total is None else walk.place.total - walk.place.position
        return _pages(left, page_size)
    if not walk.spans:
        return PagesLeft()
    *newer, oldest = walk.spans
    # What the newer ones lack lies between two places of which only the upper is known: a page or a few.
    below = oldest.cut.below if oldest.cut is not None else None
    return _pages(below, page_size) + PagesLeft(pages=len(newer))


def _pages(records: int | None, page_size: int) -> PagesLeft:
    return _UNKNOWN if records is None else PagesLeft(pages=max(1, -(-records // page_size)))
