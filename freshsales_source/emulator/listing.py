"""One page of a saved view: which rows, in what order, with what `meta`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from freshsales_source.emulator import answers
from freshsales_source.emulator.answers import Answer, Refused, Request
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.objects import OBJECTS, Include, ObjectKind
from freshsales_source.emulator.orders import Order
from freshsales_source.emulator.saved_views import SavedView
from freshsales_source.emulator.shapes import Shaper, Wire
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.views import ViewReader, tie_shuffler

DEFAULT_PAGE = 25
# The order of a view that was asked for none is assumed.
DEFAULT_SORT = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    at: float
    total: int


class Listing:
    """Serves `/{object}/view/{id}`."""

    def __init__(self, store: Store, clock: Clock, reader: ViewReader, shaper: Shaper) -> None:
        self._store = store
        self._clock = clock
        self._reader = reader
        self._shaper = shaper
        self._counted: dict[int, _Counted] = {}

    def page(self, view: SavedView, request: Request) -> Answer:
        """Return one page of the view; raises Refused with a 400 or 404 where the switches say so."""
        kind, switches = OBJECTS[view.object], self._store.switches
        includes = asked_includes(kind, request, switches)
        size = page_size(request, switches, with_include=bool(includes))
        column = self._column(kind, view, request)
        order = self._reader.order(view, column)
        ids = self._window(order, request, size)
        replica = self._reader.replica(view.object, switches.view_lag_s)
        records = [replica.records[each] for each in ids]
        is_bin = view.rule == "bin"
        rows = [self._row(kind, record, includes, is_bin=is_bin) for record in records]
        meta = self._meta(view, len(order), size)
        return json_list(kind.name, rows, self._shaper.side_loads(kind, records, includes), meta, switches)

    def _row(self, kind: ObjectKind, record: Record, includes: list[Include], *, is_bin: bool) -> Wire:
        switches = self._store.switches
        if is_bin and switches.bin_rows == "thin":
            return self._shaper.thin(kind, record)
        return self._shaper.row(kind, record, includes, is_binned=is_bin and switches.bin_rows_is_deleted)

    def _column(self, kind: ObjectKind, view: SavedView, request: Request) -> str:
        switches = self._store.switches
        asked = request.query.get("sort", DEFAULT_SORT)
        if asked == "name":
            asked = kind.name_column
        if asked != DEFAULT_SORT and not is_sortable(kind, asked):
            if switches.unknown_sort == "refused":
                raise Refused(answers.error(switches, 400, "sort"))
            return DEFAULT_SORT
        if kind.name in switches.sort_ignored or (view.rule == "bin" and not switches.bin_sort_honoured):
            return DEFAULT_SORT
        return asked

    def _window(self, order: Order, request: Request, size: int) -> list[int]:
        switches = self._store.switches
        page, last = max(request.whole("page") or 1, 1), max(ceil(len(order) / size), 1)
        if page > last:
            if switches.page_past_end == "empty":
                return []
            if switches.page_past_end == "not_found":
                raise Refused(answers.not_found(switches))
            page = last
        ties = tie_shuffler(request.number) if switches.tie_order == "reshuffled" else None
        descending = request.query.get("sort_type", "asc").lower() == "desc"
        return order.window((page - 1) * size, size, descending=descending, ties=ties)

    def _meta(self, view: SavedView, count: int, size: int) -> Wire | None:
        switches = self._store.switches
        total = self._total(view.id, count)
        shown = total if switches.total_cap is None else min(total, switches.total_cap)
        match switches.meta:
            case "none":
                return None
            case "total":
                return {"total": shown}
            case "total_and_pages":
                # An empty view has one page or none: unknown; one is assumed.
                return {"total_pages": max(ceil(total / size), 1), "total": shown}

    def _total(self, view_id: int, count: int) -> int:
        now, keep = self._clock.monotonic(), self._store.switches.total_cached_s
        counted = self._counted.get(view_id)
        if counted is None or now - counted.at >= keep:
            counted = _Counted(at=now, total=count)
            self._counted[view_id] = counted
        return counted.total


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
