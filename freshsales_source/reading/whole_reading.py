"""Since when the lists of an object were read whole: a row older than that stood in none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freshsales_source.reading.listing import Listing
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import WalkState


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeReading:
    """`since`: when it began, in seconds by the server's clock, which is that of `_synced_at`; it may have taken
    several runs. `has_bin`: whether the recycle bin was read whole, too.
    """

    since: int
    has_bin: bool = False


def whole_reading(state: ObjectState, lists: Iterable[Listing]) -> WholeReading | None:
    """The last reading of all live records of an object; None where only changes were read, or it goes on.

    A list that takes no order is read whole each time, any list in a full refresh. Ends are proven; that no record
    slid past is not, where there is no total: so what was not seen is a suspect, and no more.
    """
    found = tuple(lists)
    live = [state.walks.get(one.key) for one in found if not one.is_bin]
    bins = [state.walks.get(one.key) for one in found if one.is_bin]
    if state.refresh is not None:
        walks = [*live, *bins]
        is_over = all(walk is not None and walk.is_complete for walk in walks)
        since = state.refresh.since
        return None if since is None or not is_over else WholeReading(since=since, has_bin=bool(bins))
    if not all(_is_read_whole(one, state.walks.get(one.key)) for one in found if not one.is_bin):
        return None
    starts = [state.begun.get(one.key) for one in found if not one.is_bin]
    known = [start for start in starts if start is not None]
    return WholeReading(since=min(known)) if known and len(known) == len(starts) else None


def _is_read_whole(listing: Listing, walk: WalkState | None) -> bool:
    """Whether this list takes no order, as far as is known, and was read to its end."""
    if walk is None or not walk.is_complete:
        return False
    return walk.unordered or not (listing.is_order_known or walk.order_shown)
