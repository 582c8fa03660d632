"""Which path leads to which handler, for everything under `/crm/sales/api`.

A new object with views needs nothing here; an object with a path of its own needs a row in `ROUTES` and a
handler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from freshsales_source.emulator import answers
from freshsales_source.emulator.account import CLASSIC_SELECTORS
from freshsales_source.emulator.answers import Answer, Refused, Request
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.field_settings import WITH_FIELDS, field_list
from freshsales_source.emulator.form_settings import form_list
from freshsales_source.emulator.listing import DEFAULT_PAGE, Listing, asked_includes, json_list
from freshsales_source.emulator.module_objects import module_row, standard_row
from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.objects import BY_SINGULAR, OBJECTS, WITH_VIEWS
from freshsales_source.emulator.record_feeds import activities_of, timeline_of
from freshsales_source.emulator.saved_views import SavedView
from freshsales_source.emulator.search import Search
from freshsales_source.emulator.shapes import Shaper
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.views import ViewReader
from freshsales_source.emulator.wire_values import Wire

Parts: TypeAlias = Mapping[str, str]
Handler: TypeAlias = "Callable[[Api, Request, Parts], Answer]"


class Api:
    """The handlers, and what they share."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._reader = ViewReader(store, clock)
        self._shaper = Shaper(store, clock)
        self._listing = Listing(store, clock, self._reader, self._shaper)
        self._search = Search(store, self._reader, self._shaper)

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request that has passed key and limits."""
        for method, pattern, handler in ROUTES:
            parts = _match(pattern, request.segments)
            if parts is None or method != request.method:
                continue
            try:
                self._check_rights(request)
                return handler(self, request, parts)
            except Refused as refused:
                return refused.answer
        # Missing routes: the status is verified by one client, the HTML assumed.
        return answers.html_page(404, "Not found")

    def record(self, object_name: str, record_id: int, include: str = "") -> Wire:
        """Return a record as its view, its list or the bin would now send it, whatever the key may see."""
        kind = self._store.kinds[object_name]
        request = Request(number=0, method="GET", path="", segments=(), query={"include": include})
        found = self._store.tables[object_name].get(record_id)
        if found is None:
            self._store.record(object_name, record_id)  # raises with a message
            raise AssertionError
        is_binned = self._store.is_binned(object_name, record_id) and self._store.switches.bin_rows_is_deleted
        includes = asked_includes(kind, request, self._store.switches)
        return self._shaper.row(kind, found, includes, is_binned=is_binned)

    # --- handlers

    def filters(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/filters`: the saved views; 404 for objects this account does not have (leads on
        Suite).
        """
        name = self._with_views(request, parts).name
        views = self._store.views.of(name, self._store.switches)
        return answers.json_answer({"filters": [self._filter(view) for view in views]}, envelope="filters")

    def view(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/view/{id}`: one page of a saved view."""
        name = self._with_views(request, parts).name
        view = self._store.views.find(name, _whole(parts["id"]), self._store.switches)
        if view is None:
            raise Refused(answers.not_found(self._store.switches))
        return self._listing.page(view, request)

    def flat(self, request: Request, parts: Parts) -> Answer:
        """`/{object}`: one page of a list without saved views."""
        kind, switches = self._kind(request, parts), self._store.switches
        if kind.flat is None:
            return answers.html_page(404, "Not found")
        if kind.flat.meta == "as_products":
            match switches.products_list:
                case "empty":
                    return json_list(kind.name, [], {}, None, switches)
                case "forbidden":
                    return answers.error(switches, 403, "forbidden")
                case "not_found":
                    return answers.html_page(404, "Not found")
                case "present":
                    pass
        return self._listing.flat_page(kind, request)

    def single(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/{id}`: one record with side-loads and an empty `meta`."""
        kind, switches = self._kind(request, parts), self._store.switches
        if not kind.is_single_served:
            return answers.html_page(404, "Not found")
        record = self._seen(request, kind, _whole(parts["id"]))
        is_binned = record["id"] in self._store.tables[kind.name].binned
        includes = asked_includes(kind, request, switches)
        row = self._shaper.single(kind, record, includes, is_binned=is_binned)
        side_loads = self._shaper.side_loads([record], includes)
        return answers.json_answer({**side_loads, kind.singular: row, "meta": {}}, envelope=kind.singular)

    def notes(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/{id}/notes`: the notes of a record, the newest first (assumed)."""
        kind = self._with_feeds(request, parts)
        record = self._seen(request, kind, _whole(parts["id"]))
        rows = self._store.notes.get((kind.name, record["id"]), [])[::-1]
        if self._store.switches.notes_paged:
            start = (max(request.whole("page") or 1, 1) - 1) * DEFAULT_PAGE
            rows = rows[start : start + DEFAULT_PAGE]
        return answers.json_answer({"notes": [self._sent(row) for row in rows]}, envelope="notes")

    def activities(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/{id}/activities`: what was planned and logged for a record (documented for contacts)."""
        return self._feed(request, parts, "activities", activities_of)

    def timeline(self, request: Request, parts: Parts) -> Answer:
        """`/{object}/{id}/timeline_feeds`: what happened to a record."""
        return self._feed(request, parts, "timeline_feeds", timeline_of)

    def selector(self, request: Request, parts: Parts) -> Answer:
        """`/selector/{name}`: a short list whole; owners answer under `users`."""
        name = parts["name"]
        is_missing = name in CLASSIC_SELECTORS and not self._store.switches.classic
        if name not in self._store.account.selectors or is_missing:
            return answers.html_page(404, "Not found")
        key = "users" if name == "owners" else name
        return answers.json_answer({key: self._shaper.selectors.all(name)}, envelope=key)

    def stages_of_pipeline(self, request: Request, parts: Parts) -> Answer:
        """`/selector/deal_pipelines/{id}/deal_stages`: the stages of one pipeline."""
        stages = self._shaper.selectors.of_parent("deal_stages", "deal_pipeline_id", _whole(parts["id"]))
        return answers.json_answer({"deal_stages": stages}, envelope="deal_stages")

    def outcomes_of_type(self, request: Request, parts: Parts) -> Answer:
        """`/selector/sales_activity_types/{id}/sales_activity_outcomes`: the outcomes of one type."""
        name, column = "sales_activity_outcomes", "sales_activity_type_id"
        rows = self._shaper.selectors.of_parent(name, column, _whole(parts["id"]))
        return answers.json_answer({name: rows}, envelope=name)

    def fields(self, request: Request, parts: Parts) -> Answer:
        """`/settings/{object}/fields`: standard and custom fields."""
        kind = OBJECTS.get(parts["object"])
        if kind is None or kind.name not in WITH_FIELDS or not self._is_there(kind):
            return answers.html_page(404, "Not found")
        with_groups = "field_group" in request.query.get("include", "")
        return answers.json_answer(
            field_list(kind, self._store.account, with_groups=with_groups), envelope="fields"
        )

    def modules(self, request: Request, parts: Parts) -> Answer:
        """`/settings/module_customizations`: all modules, the custom ones marked; `/{id}`: one of them.

        The envelope of a single one is assumed.
        """
        match self._store.switches.module_directory:
            case "forbidden":
                return answers.error(self._store.switches, 403, "forbidden")
            case "not_found":
                return answers.html_page(404, "Not found")
            case "present":
                pass
        rows = self._module_rows()
        if "id" not in parts:
            return answers.json_answer({"module_customizations": rows}, envelope="module_customizations")
        found = next((row for row in rows if row["id"] == _whole(parts["id"])), None)
        if found is None:
            return answers.not_found(self._store.switches)
        return answers.json_answer({"module_customization": found}, envelope="module_customization")

    def forms(self, request: Request, parts: Parts) -> Answer:
        """`/settings/{module}/forms`: the fields of a custom module, nested."""
        kind = self._store.kinds.get(parts["object"])
        if kind is None or not kind.module:
            return answers.html_page(404, "Not found")
        return answers.json_answer(form_list(kind, self._store.account), envelope="forms")

    def module_filters(self, request: Request, parts: Parts) -> Answer:
        """`/custom_module/{module}/filters`: the saved views of a custom module."""
        if self._store.switches.module_filters == "not_found":
            return answers.html_page(404, "Not found")
        return self.filters(request, parts)

    def search(self, request: Request, parts: Parts) -> Answer:
        """`POST /filtered_search/{singular}`: records by rules."""
        name = parts["singular"]
        kind = BY_SINGULAR.get(name)
        if name in self._store.account.modules and self._store.switches.module_search:
            kind = self._store.kinds[name]
        if kind is None or not self._is_there(kind):
            return answers.html_page(404, "Not found")
        return self._search.page(kind, request)

    # --- inside

    def _seen(self, request: Request, kind: ObjectKind, record_id: int) -> Record:
        """Return the record if this key may ask for it alone; raises Refused with 403 or 404."""
        table, switches = self._store.tables[kind.name], self._store.switches
        record = table.get(record_id)
        # Without a bin, what lies there is hidden with the record it belongs to.
        is_hidden = record_id in table.binned and (not kind.has_bin or switches.binned_get == "not_found")
        if record is None or is_hidden:
            raise Refused(self._gone(request, kind.name, record_id))
        if not self._reader.may_see(kind, record):
            is_gone = switches.unseen_record == "not_found"
            raise Refused(
                answers.not_found(switches) if is_gone else answers.error(switches, 403, "forbidden")
            )
        return record

    def _with_feeds(self, request: Request, parts: Parts) -> ObjectKind:
        kind = self._kind(request, parts)
        if not kind.views or self._store.switches.feeds == "not_found":
            raise Refused(answers.html_page(404, "Not found"))
        if self._store.switches.feeds == "forbidden":
            raise Refused(answers.error(self._store.switches, 403, "forbidden"))
        return kind

    def _feed(
        self, request: Request, parts: Parts, name: str, rows_of: Callable[[Store, str, int], list[Wire]]
    ) -> Answer:
        kind = self._with_feeds(request, parts)
        record = self._seen(request, kind, _whole(parts["id"]))
        rows, size = rows_of(self._store, kind.name, record["id"]), self._store.switches.feed_page
        page = max(request.whole("page") or 1, 1)
        shown = [self._sent(row) for row in rows[(page - 1) * size : page * size]]
        meta = {"has_next": page * size < len(rows), "has_previous": page > 1}
        return answers.json_answer({name: shown, "meta": meta}, envelope=name)

    def _sent(self, row: Wire) -> Wire:
        """Return a row as it is sent, with the values of its inner objects."""
        return {
            key: self._sent(value) if isinstance(value, dict) else self._shaper.value(value)
            for key, value in row.items()
        }

    def _kind(self, request: Request, parts: Parts) -> ObjectKind:
        """Return the object that the path names; raises Refused with a 404 when it lies elsewhere or nowhere."""
        kind = self._store.kinds.get(parts["object"])
        is_right = kind is not None and request.segments[: len(kind.segments)] == kind.segments
        if kind is None or not is_right or not self._is_there(kind):
            raise Refused(answers.html_page(404, "Not found"))
        return kind

    def _with_views(self, request: Request, parts: Parts) -> ObjectKind:
        kind = self._kind(request, parts)
        if not kind.views:
            raise Refused(answers.html_page(404, "Not found"))
        return kind

    def _is_there(self, kind: ObjectKind) -> bool:
        return self._store.switches.classic or not kind.is_classic

    def _check_rights(self, request: Request) -> None:
        forbidden, switches = set(self._store.switches.forbidden), self._store.switches
        asked = {BY_SINGULAR[part].name if part in BY_SINGULAR else part for part in request.segments}
        if forbidden & asked:
            raise Refused(answers.error(switches, 403, "forbidden"))

    def _gone(self, request: Request, name: str, record_id: int) -> Answer:
        switches = self._store.switches
        target = self._store.tables[name].merged_into.get(record_id)
        if target is None or switches.merged_get == "not_found":
            return answers.not_found(switches)
        stem = request.path.rpartition("/")[0]
        return Answer(status=302, headers={"Location": f"{stem}/{target}"})

    def _module_rows(self) -> list[Wire]:
        account = self._store.account
        standard = [
            standard_row(kind, number, account.settled_at)
            for number, kind in enumerate(WITH_VIEWS.values(), 1)
            if self._is_there(kind)
        ]
        custom = [module_row(module) for module in account.modules.values()]
        return [{key: self._shaper.value(value) for key, value in row.items()} for row in standard + custom]

    def _filter(self, view: SavedView) -> dict[str, Any]:
        account = self._store.account
        owners = account.selectors["owners"]
        user = next((row["display_name"] for row in owners if row["id"] == account.me), None)
        return {
            "id": view.id,
            "name": view.name,
            "model_class_name": self._store.kinds[view.object].model,
            "user_id": account.me,
            "is_default": view.is_default,
            "updated_at": self._shaper.stamp(account.settled_at),
            "user_name": user,
            "current_user_permissions": [],
        }


# The first row that fits wins: fixed words stand before placeholders.
ROUTES: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("POST", ("filtered_search", "{singular}"), Api.search),
    ("GET", ("selector", "{name}"), Api.selector),
    ("GET", ("selector", "deal_pipelines", "{id}", "deal_stages"), Api.stages_of_pipeline),
    (
        "GET",
        ("selector", "sales_activity_types", "{id}", "sales_activity_outcomes"),
        Api.outcomes_of_type,
    ),
    ("GET", ("settings", "module_customizations"), Api.modules),
    ("GET", ("settings", "module_customizations", "{id}"), Api.modules),
    ("GET", ("settings", "{object}", "fields"), Api.fields),
    ("GET", ("settings", "{object}", "forms"), Api.forms),
    ("GET", ("custom_module", "{object}", "filters"), Api.module_filters),
    ("GET", ("custom_module", "{object}", "view", "{id}"), Api.view),
    ("GET", ("custom_module", "{object}", "{id}"), Api.single),
    ("GET", ("{object}", "filters"), Api.filters),
    ("GET", ("{object}", "view", "{id}"), Api.view),
    ("GET", ("custom_module", "{object}", "{id}", "notes"), Api.notes),
    ("GET", ("{object}", "{id}", "notes"), Api.notes),
    ("GET", ("{object}", "{id}", "activities"), Api.activities),
    ("GET", ("{object}", "{id}", "timeline_feeds"), Api.timeline),
    ("GET", ("cpq", "{object}"), Api.flat),
    ("GET", ("cpq", "{object}", "{id}"), Api.single),
    ("GET", ("{object}",), Api.flat),
    ("GET", ("{object}", "{id}"), Api.single),
)


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    parts: dict[str, str] = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            parts[expected[1:-1]] = given
        elif expected != given:
            return None
    return parts


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1
