"""What reading costs, told beforehand: pages, calls, and the least time within the account's limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from freshsales_source.schema.entity_types import Entity, Selector, Views
from freshsales_source.settings.config import Settings


def pages_of(totals: Iterable[int | None], page_size: int) -> int:
    """Pages of lists that hold so many records each; a list is asked at least once, one of unknown length too."""
    return sum(max(1, -(-(total or 0) // page_size)) for total in totals)


def first_calls(entity: Entity, totals: Sequence[int | None], page_size: int) -> int:
    """Calls that a first sync of an object with records of its own takes; `totals` of each list that it reads.

    Beside the pages: the views and the field settings are asked for once, and a list without `total_pages` is
    read one page further, to see its end.
    """
    has_views = isinstance(entity.read, Views)
    ends = 0 if has_views else len(totals)
    return has_views + (entity.settings is not None) + pages_of(totals, page_size) + ends


def search_calls(totals: Sequence[int], counted: int, page_size: int) -> int:
    """Calls that pipelines add to a first sync whose deals, `totals` of each, are read through the search.

    First the search is tried, and counts the deals of `counted` pipelines. A list of more than a page ends at an
    empty one.
    """
    return 1 + counted + sum(1 if total < page_size else -(-total // page_size) + 1 for total in totals)


def lookup_calls(entities: Iterable[Entity]) -> int:
    """Calls that reading the lookups among these takes: one for each address, however many tables it fills."""
    return len({path for entity in entities for path in _addresses(entity)})


def seconds_for(calls: int, settings: Settings) -> float:
    """The least time that so many calls take within the account's limits, less the reserve.

    It leaves out what calls made by others or just before take away, and what the server needs for its answers.
    """
    longest = 0.0
    for limit in settings.limits:
        allowed = max(1, int(limit.requests * (1 - settings.reserve)))
        longest = max(longest, (calls - 1) // allowed * limit.seconds)
    return longest


def _addresses(entity: Entity) -> tuple[str, ...]:
    if not isinstance(entity.read, Selector):
        return ()
    return (entity.read.path, *(also.path for also in entity.read.also))
