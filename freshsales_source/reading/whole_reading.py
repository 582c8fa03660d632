"""Since when the lists of an object were read whole: a row older than that stood in none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freshsales_source.reading.listing import Listing
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import WalkState


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeReading:
    """When the last whole reading of the live lists, and of the recycle bin, began; None where there was none.

    In seconds by the server's clock, which is that of `_synced_at`. A reading may have taken several runs.
    """

    live: int | None
    binned: int | None

    @property
    def since(self) -> int:
        """When the younger of the two began."""
        return max(at for at in (self.live, self.binned) if at is not None)


def whole_reading(state: ObjectState, lists: Iterable[Listing]) -> WholeReading | None:
    """The last reading of all live records of an object, or of all in its bin; None where only changes were read.

    A list that takes no order is read whole each time, any list in a full refresh. Ends are proven; that no record
    slid past is not, where there is no total: so what was not seen is a suspect, and no more.
    """
    found = tuple(lists)
    live, bins = [one for one in found if not one.is_bin], [one for one in found if one.is_bin]
    if state.refresh is not None:
        walks = [state.walks.get(one.key) for one in (*live, *bins)]
        is_over = all(walk is not None and walk.is_complete for walk in walks)
        since = state.refresh.since
        if since is None or not is_over:
            return None
        return WholeReading(live=since, binned=since if bins else None)
    reading = WholeReading(live=_since(state, live), binned=_since(state, bins))
    return None if reading.live is None and reading.binned is None else reading


def _since(state: ObjectState, lists: list[Listing]) -> int | None:
    """When the last reading of these lists began, if it read all of each."""
    if not all(_is_read_whole(one, state.walks.get(one.key)) for one in lists):
        return None
    starts = [state.begun.get(one.key) for one in lists]
    known = [start for start in starts if start is not None]
    return min(known) if known and len(known) == len(starts) else None


def _is_read_whole(listing: Listing, walk: WalkState | None) -> bool:
    """Whether this list takes no order, as far as is known, and was read to its end."""
    if walk is None or not walk.is_complete:
        return False
    return walk.unordered or not (listing.is_order_known or walk.order_shown)
