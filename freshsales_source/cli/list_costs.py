"""What reading the objects without saved views will cost: pages and calls of their filters or their one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freshsales_source.api.client import Client
from freshsales_source.api.envelopes import rows_of, total_of, total_pages_of
from freshsales_source.discovery.forecast import pages_of
from freshsales_source.errors import ObjectError
from freshsales_source.reading.listing import Listing, listings
from freshsales_source.schema.entity_types import Entity, Filters, FlatList
from freshsales_source.settings.config import Settings
from freshsales_source.state.findings import Hints
from freshsales_source.state.object_state import ObjectState


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """What one list told of itself: its records, and whether it says on which page it ends."""

    total: int | None
    has_end: bool


def list_costs(
    client: Client,
    entities: Sequence[Entity],
    states: Mapping[str, Any],
    settings: Settings,
    hints: Hints,
    now: datetime,
) -> list[dict[str, Any]]:
    """A forecast row for each of these entities that is read from filters or one list; one call a list, or two.

    An object that this key cannot read costs the call that finds it out.
    """
    rows = []
    for entity in entities:
        if not isinstance(entity.read, Filters | FlatList):
            continue
        saved = ObjectState.from_json(states.get(entity.name))
        size = hints.page_size(entity.name, settings.page_size)
        lists = listings(entity, entity.read, saved)
        is_complete = bool(saved.walks) and saved.is_complete(one.key for one in lists)
        try:
            sizes = [_look_at(client, entity, one, size) for one in lists]
        except ObjectError:
            pages, calls = 0, 1
        else:
            pages, ends = _later(lists, sizes, saved, size) if is_complete else _first(sizes, size)
            is_fresh = saved.is_fresh(now, settings.lookups_every_s)
            calls = pages + ends + (entity.settings is not None and not is_fresh)
        rows.append(
            {
                "object": entity.name,
                "views": [one.title for one in lists],
                "pipelines": [],
                "pages": pages,
                "calls": calls,
                "is_first": not is_complete,
            }
        )
    return rows


def _look_at(client: Client, entity: Entity, listing: Listing, page_size: int) -> _Size:
    """Ask for one record; and for a page, where the list tells no total, for a short one tells as much."""
    answer = client.get(listing.path, {**listing.query, "page": 1, "per_page": 1})
    total = total_of(answer)
    if total is None:
        rows = rows_of(
            client.get(listing.path, {**listing.query, "page": 1, "per_page": page_size}), entity.envelope
        )
        total = len(rows) if len(rows) < page_size else None
    return _Size(total=total, has_end=total_pages_of(answer) is not None)


def _first(sizes: Sequence[_Size], page_size: int) -> tuple[int, int]:
    return _pages(sizes, page_size), _ends(sizes)


def _later(
    lists: Sequence[Listing], sizes: Sequence[_Size], saved: ObjectState, page_size: int
) -> tuple[int, int]:
    """A list that was read once is counted by its first page; one that keeps its order shows what is new there."""
    whole = [
        size
        for listing, size in zip(lists, sizes, strict=True)
        if not listing.is_read_once and not saved.walks[listing.key].order_shown
    ]
    return _pages(whole, page_size) + len(lists) - len(whole), _ends(whole)


def _pages(sizes: Sequence[_Size], page_size: int) -> int:
    return pages_of([one.total for one in sizes], page_size)


def _ends(sizes: Sequence[_Size]) -> int:
    """A list that does not tell its number of pages is read one page further, to see its end."""
    return sum(not one.has_end for one in sizes)
