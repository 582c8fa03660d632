"""One page of a saved view or of a flat list: which rows, in what order, with what `meta`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import ceil
from typing import Any, TypeAlias

from freshsales_source.emulator import answers
from freshsales_source.emulator.answers import Answer, Refused, Request
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.object_kind import FlatList, Include, ListFilter, ObjectKind
from freshsales_source.emulator.orders import Order, Replica
from freshsales_source.emulator.saved_views import SavedView
from freshsales_source.emulator.shapes import Shaper
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.views import ViewReader, tie_shuffler
from freshsales_source.emulator.wire_values import Wire

DEFAULT_PAGE = 25
# The order of a view that was asked for none is assumed.
DEFAULT_SORT = "id"
_UNFILTERED = ListFilter(name="", rule="all")
_ONE_DAY = timedelta(days=1)


# One list of the account: the id of a saved view, or object and filter of a flat list.
ListKey: TypeAlias = int | tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    at: float
    total: int


class Listing:
    """Serves `/{object}/view/{id}`, and the lists of objects that have no views."""

    def __init__(self, store: Store, clock: Clock, reader: ViewReader, shaper: Shaper) -> None:
        self._store = store
        self._clock = clock
        self._reader = reader
        self._shaper = shaper
        self._counted: dict[ListKey, _Counted] = {}

    def page(self, view: SavedView, request: Request) -> Answer:
        """Return one page of the view; raises Refused with a 400 or 404 where the switches say so."""
        kind, switches = self._store.kinds[view.object], self._store.switches
        column = self._column(kind, view, request)
        order = self._reader.order(view, column)
        is_thin = view.rule == "bin" and switches.bin_rows == "thin"
        meta = switches.module_meta if kind.module else switches.meta
        descending = _is_descending(request)
        return self._page(kind, view.id, request, order, meta, descending=descending, is_thin=is_thin)

    def flat_page(self, kind: ObjectKind, request: Request) -> Answer:
        """Return one page of a flat list; raises Refused with 400 for a filter that is missing or unknown."""
        flat, switches = kind.flat, self._store.switches
        assert flat is not None
        chosen = self._filter(kind, flat, request)
        column, descending = flat.order, False
        if flat.sort_switch is not None and getattr(switches, flat.sort_switch):
            column, descending = self._known_column(kind, request), _is_descending(request)
        order = self._reader.flat_order(
            kind,
            chosen.rule,
            column,
            backwards=chosen.newest_first,
            with_binned=kind.has_bin and switches.deleted_products == "listed",
        )
        meta = switches.products_meta if flat.meta == "as_products" else switches.meta
        if flat.meta == "total" and meta == "total_and_pages":
            meta = "total"
        within = order.span(*self._bounds(chosen))
        key = (kind.name, chosen.name)
        return self._page(kind, key, request, order, meta, descending=descending, within=within)

    def _page(
        self,
        kind: ObjectKind,
        key: ListKey,
        request: Request,
        order: Order,
        meta: str,
        *,
        descending: bool,
        within: range | None = None,
        is_thin: bool = False,
    ) -> Answer:
        switches = self._store.switches
        includes = asked_includes(kind, request, switches)
        size = page_size(request, switches, with_include=bool(includes))
        inside = range(len(order)) if within is None else within
        start = self._start(kind, len(inside), request, size)
        ids = (
            []
            if start is None
            else order.window(
                start, size, descending=descending, ties=_ties(request, switches), within=inside
            )
        )
        replica = self._reader.replica(kind.name, switches.view_lag_s)
        records = [replica.records[each] for each in ids]
        rows = [
            self._shaper.thin(kind, record)
            if is_thin
            else self._shaper.row(kind, record, includes, is_binned=self._says_deleted(kind, replica, record))
            for record in records
        ]
        side_loads = self._shaper.side_loads(records, includes)
        return json_list(kind.name, rows, side_loads, self._meta(key, len(inside), size, meta), switches)

    def _says_deleted(self, kind: ObjectKind, replica: Replica, record: Record) -> bool:
        # The switch is about the Recycle Bin view; a flat list that keeps what is deleted says so.
        says_so = kind.flat is not None or self._store.switches.bin_rows_is_deleted
        return record["id"] in replica.binned and says_so

    def _column(self, kind: ObjectKind, view: SavedView, request: Request) -> str:
        switches = self._store.switches
        asked = self._known_column(kind, request)
        if kind.name in switches.sort_ignored or (view.rule == "bin" and not switches.bin_sort_honoured):
            return DEFAULT_SORT
        if kind.module and not switches.module_sort_honoured:
            return DEFAULT_SORT
        return asked

    def _known_column(self, kind: ObjectKind, request: Request) -> str:
        asked = request.query.get("sort", DEFAULT_SORT)
        if asked == "name":
            asked = kind.name_column
        if asked != DEFAULT_SORT and not is_sortable(kind, asked):
            if self._store.switches.unknown_sort == "refused":
                raise Refused(answers.error(self._store.switches, 400, "sort"))
            return DEFAULT_SORT
        return asked

    def _filter(self, kind: ObjectKind, flat: FlatList, request: Request) -> ListFilter:
        if not flat.filters:
            return _UNFILTERED
        # One page of the documentation writes "due today" with a space, and one client sends it so.
        asked = request.query.get("filter", "").strip().replace(" ", "_")
        chosen = next((each for each in flat.filters if each.name == asked), None)
        if chosen is None:
            raise Refused(answers.error(self._store.switches, 400, "filter"))
        is_same = kind.name == "appointments" and self._store.switches.appointment_filters == "same"
        return replace(chosen, span="all") if is_same else chosen

    def _bounds(self, chosen: ListFilter) -> tuple[datetime | None, datetime | None]:
        """Return the moments between which a filter shows records, as `Order.span` takes them."""
        now = self._clock.now().astimezone(UTC)
        account = self._store.account
        match chosen.span:
            case "all":
                return None, None
            case "before_now":
                return None, now
            case "from_now":
                return now, None
            case "today" | "tomorrow":
                day = account.local_date(now) + timedelta(days=chosen.span == "tomorrow")
                midnights = (datetime.combine(each, time(), account.zone) for each in (day, day + _ONE_DAY))
                since, until = midnights
                return since, until

    def _start(self, kind: ObjectKind, count: int, request: Request, size: int) -> int | None:
        """Return the position that a page begins at; None for an empty page past the end."""
        switches = self._store.switches
        page, last = max(request.whole("page") or 1, 1), max(ceil(count / size), 1)
        if page > last:
            ends_empty = kind.flat is not None and kind.flat.ends_empty
            if switches.page_past_end == "empty" or ends_empty:
                return None
            if switches.page_past_end == "not_found":
                raise Refused(answers.not_found(switches))
            page = last
        return (page - 1) * size

    def _meta(self, key: ListKey, count: int, size: int, form: str) -> Wire | None:
        switches = self._store.switches
        total = self._total(key, count)
        shown = total if switches.total_cap is None else min(total, switches.total_cap)
        match form:
            case "none":
                return None
            case "total":
                return {"total": shown}
            case _:
                # An empty view has one page or none: unknown; one is assumed.
                return {"total_pages": max(ceil(total / size), 1), "total": shown}

    def _total(self, key: ListKey, count: int) -> int:
        now, keep = self._clock.monotonic(), self._store.switches.total_cached_s
        counted = self._counted.get(key)
        if counted is None or now - counted.at >= keep:
            counted = _Counted(at=now, total=count)
            self._counted[key] = counted
        return counted.total


def _is_descending(request: Request) -> bool:
    return request.query.get("sort_type", "asc").lower() == "desc"


def _ties(request: Request, switches: Switches) -> random.Random | None:
    return tie_shuffler(request.number) if switches.tie_order == "reshuffled" else None


def json_list(
    name: str, rows: list[Wire], side_loads: Mapping[str, Any], meta: Wire | None, switches: Switches
) -> Answer:
    """Return the body of a list: side-loads on the side that the switches say, `meta` last."""
    content: Wire = {name: rows}
    content = {**side_loads, **content} if switches.side_loads == "before" else {**content, **side_loads}
    if meta is not None:
        content["meta"] = meta
    return answers.json_answer(content, envelope=name)


def asked_includes(kind: ObjectKind, request: Request, switches: Switches) -> list[Include]:
    """Return the includes of a request; unknown ones are left out or refused with 400."""
    names = [name.strip() for name in request.query.get("include", "").split(",") if name.strip()]
    known = {include.name: include for include in kind.includes}
    if switches.unknown_include == "refused" and any(name not in known for name in names):
        raise Refused(answers.error(switches, 400, "include"))
    return [known[name] for name in dict.fromkeys(names) if name in known]


def page_size(request: Request, switches: Switches, *, with_include: bool) -> int:
    """Return the page size that is served: asked for, default, or what the cap makes of it."""
    asked = request.whole("per_page") or DEFAULT_PAGE
    cap = switches.page_cap
    if with_include and switches.page_cap_with_include is not None:
        cap = min(cap, switches.page_cap_with_include)
    if asked <= cap:
        return asked
    match switches.over_page_cap:
        case "clamped":
            return cap
        case "ignored":
            return min(DEFAULT_PAGE, cap)
        case "refused":
            raise Refused(answers.error(switches, 400, "per_page"))


def is_sortable(kind: ObjectKind, column: str) -> bool:
    """Return whether a view of the object can be sorted by that column."""
    value = kind.row.get(column, ())
    return column in kind.row and not isinstance(value, tuple) and column not in ("links", "custom_field")
