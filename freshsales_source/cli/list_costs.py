"""What reading the objects without views of a known order will cost: filters, flat lists, custom modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from freshsales_source.api.client import Client
from freshsales_source.api.envelopes import rows_of, total_of, total_pages_of
from freshsales_source.cli.object_cost import ObjectCost
from freshsales_source.discovery.custom_fields import ask_modules
from freshsales_source.discovery.forecast import pages_of
from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.entities.module_tables import Directory
from freshsales_source.errors import NotFound, ObjectError, SavedViewNotFound
from freshsales_source.pages.record_search import EVERYTHING
from freshsales_source.pages.views import bin_setting, choose, find_bin, parse_views
from freshsales_source.reading.listing import Listing, listings
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Views
from freshsales_source.settings.config import Settings
from freshsales_source.state.findings import Hints
from freshsales_source.state.object_state import ObjectState


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """What one list told of itself: its records, and whether it says on which page it ends."""

    total: int | None
    has_end: bool


class ListCosts:
    """Foretells the cost of objects, from what is remembered of them and a call or two for each list.

    An object that this key cannot read costs the call that finds it out.
    """

    def __init__(
        self,
        client: Client,
        states: Mapping[str, Any],
        settings: Settings,
        hints: Hints,
        now: datetime,
    ) -> None:
        self._client = client
        self._states = states
        self._settings = settings
        self._hints = hints
        self._now = now

    def of_lists(self, entities: Sequence[Entity]) -> list[ObjectCost]:
        """The cost of each of these entities that is read from filters or one list."""
        return [self._cost(one, one.read) for one in entities if isinstance(one.read, Filters | FlatList)]

    def of_modules(self) -> list[ObjectCost]:
        """The cost of each custom module that the settings want: of those known from the last sync, else asked for."""
        wanted = self._settings.objects
        if wanted is not None and not any(one == CUSTOM_MODULES.name or is_module(one) for one in wanted):
            return []
        found = Directory.from_json(self._states.get(CUSTOM_MODULES.name, {}).get("found"))
        known = [module.entity for module in found.modules if not module.is_gone]
        modules = known if found.modules else ask_modules(self._client)
        return [
            self._cost(module, module.read)
            for module in modules
            if self._is_wanted(module) and isinstance(module.read, Views)
        ]

    def _is_wanted(self, module: Entity) -> bool:
        wanted = self._settings.objects
        return wanted is None or bool({CUSTOM_MODULES.name, module.name, module.key} & {*wanted})

    def _cost(self, entity: Entity, read: Views | Filters | FlatList) -> ObjectCost:
        saved = ObjectState.from_json(self._states.get(entity.name))
        is_fresh = saved.is_fresh(self._now, self._settings.lookups_every_s)
        size = self._hints.page_size(entity.name, self._settings.page_size)
        try:
            if isinstance(read, Views) and not is_fresh:
                saved = self._with_views(entity, read, saved)
            lists = listings(entity, read, saved)
            sizes = [self._look_at(entity, one, size) for one in lists]
        except ObjectError:
            return ObjectCost(object=entity.name, views=(), pages=0, calls=1, is_first=True)
        is_complete = bool(saved.walks) and saved.is_complete(one.key for one in lists)
        whole = [
            told
            for listing, told in zip(lists, sizes, strict=True)
            if not (is_complete and (listing.is_read_once or saved.walks[listing.key].order_shown))
        ]
        pages = _pages(whole, size) + len(lists) - len(whole)
        looked_up = 0 if is_fresh else isinstance(read, Views) + (entity.settings is not None)
        return ObjectCost(
            object=entity.name,
            views=tuple(view.id for view in saved.live) or tuple(one.title for one in lists),
            pages=pages,
            calls=pages + _ends(whole) + looked_up,
            is_first=not is_complete,
            refreshable=_pages(sizes, size) - _pages(whole, size) if is_complete else 0,
        )

    def _with_views(self, entity: Entity, read: Views, saved: ObjectState) -> ObjectState:
        """The state with the views that a sync would find; without any, where nobody lists them."""
        chosen = self._settings.views
        try:
            seen = parse_views(self._client.get(f"{entity.path}/filters"))
        except NotFound:
            return replace(saved, live=(), bin=None)
        try:
            binned = find_bin(entity.name, chosen.get(bin_setting(entity.name), (read.bin,))[0], seen)
        except SavedViewNotFound:
            binned = None
        return replace(saved, live=choose(entity.name, chosen.get(entity.name, read.live), seen), bin=binned)

    def _look_at(self, entity: Entity, listing: Listing, page_size: int) -> _Size:
        """Ask for one record; and for a page, where the list tells no total, for a short one tells as much."""
        if listing.is_search:
            answer = self._client.post(
                listing.path, {"filter_rule": [EVERYTHING]}, {"page": 1, "per_page": 1}
            )
            total = total_of(answer)
            return _Size(total=total, has_end=total is not None and total < page_size)
        answer = self._client.get(listing.path, {**listing.query, "page": 1, "per_page": 1})
        total = total_of(answer)
        if total is None:
            page = self._client.get(listing.path, {**listing.query, "page": 1, "per_page": page_size})
            rows = rows_of(page, entity.envelope)
            total = len(rows) if len(rows) < page_size else None
        return _Size(total=total, has_end=total_pages_of(answer) is not None)


def _pages(sizes: Sequence[_Size], page_size: int) -> int:
    return pages_of([one.total for one in sizes], page_size)


def _ends(sizes: Sequence[_Size]) -> int:
    """A list that does not tell its number of pages is read one page further, to see its end."""
    return sum(not one.has_end for one in sizes)
