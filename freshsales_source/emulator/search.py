"""`POST /filtered_search/{singular}` with its traps: thin rows, short pages, loose order, lag.

Source: API notes 3.1. Rules are ANDed; page and size stand in the query or in the body, sort and `detail`
in the body, `include` in the query.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import orjson

from freshsales_source.emulator import answers
from freshsales_source.emulator.answers import Answer, Refused, Request
from freshsales_source.emulator.listing import asked_includes, is_sortable, json_list
from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.shapes import Shaper
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.views import ViewReader

Test: TypeAlias = Callable[[Record, bool], bool]

# Every seventh place of a result holds a row that the index still lists and the database no longer gives.
_GHOST_EVERY = 7
# Search names on the left, store columns on the right, where they differ.
_ATTRIBUTES: Mapping[str, str] = {"contact_email.email": "email"}


class Search:
    """Serves filtered_search over one store."""

    def __init__(self, store: Store, reader: ViewReader, shaper: Shaper) -> None:
        self._store = store
        self._reader = reader
        self._shaper = shaper

    def page(self, kind: ObjectKind, request: Request) -> Answer:
        """Return one page of matching records; raises Refused with 400 for rules it cannot read."""
        switches = self._store.switches
        body = self._body(request)
        includes = asked_includes(kind, request, switches)
        try:
            found = self._found(kind, body)
        except (ValueError, TypeError, InvalidOperation):
            raise Refused(answers.error(switches, 400, "rule")) from None
        records = self._slice(self._ordered(kind, found, body), request, body)
        is_full = switches.search_detail and body.get("detail") is True
        is_binned = _wants_deleted(body)
        rows = [
            self._shaper.row(kind, record, includes, is_binned=is_binned)
            if is_full
            else self._shaper.thin(kind, record)
            for record in records
        ]
        side_loads = self._shaper.side_loads(records, includes) if is_full else {}
        return json_list(kind.name, rows, side_loads, {"total": len(found)}, switches)

    def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("filter_rule", []), list):
            raise Refused(answers.error(self._store.switches, 400, "rule"))
        return body

    def _found(self, kind: ObjectKind, body: Mapping[str, Any]) -> list[Record]:
        replica = self._reader.replica(kind.name, self._store.switches.search_lag_s)
        rules = body.get("filter_rule", [])
        tests = [self._test(kind, rule) for rule in rules]
        wants_deleted = _wants_deleted(body)
        return [
            record
            for record_id, record in replica.records.items()
            if (record_id in replica.binned) == wants_deleted
            and self._reader.may_see(kind, record)
            and all(test(record, wants_deleted) for test in tests)
        ]

    def _test(self, kind: ObjectKind, rule: Any) -> Test:
        if not isinstance(rule, dict) or not {"attribute", "operator"} <= rule.keys():
            raise Refused(answers.error(self._store.switches, 400, "rule"))
        if rule["attribute"] == "deleted":
            return lambda record, is_binned: is_binned == _is_deleted_rule(rule)
        compare = _OPERATORS.get(rule["operator"])
        if compare is None:
            raise Refused(answers.error(self._store.switches, 400, "rule"))
        column = _ATTRIBUTES.get(rule["attribute"], rule["attribute"])
        if column == "name":
            column = kind.name_column
        wanted, switches = rule.get("value"), self._store.switches
        reader = _Reader(self._store.account.zone if switches.naive_dates == "account" else UTC, switches)
        return lambda record, is_binned: compare(_value(record, column), wanted, reader)

    def _ordered(self, kind: ObjectKind, found: list[Record], body: Mapping[str, Any]) -> list[Record]:
        column = str(body.get("sort") or "id")
        is_ignored = self._store.switches.search_order == "ignored"
        if is_ignored or not is_sortable(kind, column):
            column = "id"
        descending = str(body.get("sort_type", "asc")).lower() == "desc" and not is_ignored
        known = [record for record in found if record.get(column) is not None]
        rest = [record for record in found if record.get(column) is None]
        return sorted(known, key=lambda record: (record[column], record["id"]), reverse=descending) + rest

    def _slice(self, ordered: list[Record], request: Request, body: Mapping[str, Any]) -> list[Record]:
        switches = self._store.switches
        page = max(_whole(request.whole("page"), body.get("page")) or 1, 1)
        size = _whole(request.whole("per_page"), body.get("per_page")) or switches.search_page_size
        size = min(size, switches.page_cap)
        places: list[Record | None] = list(ordered[: switches.search_depth_cap])
        if switches.search_short_pages and size > 1:
            places = _with_ghosts(places)
        records = [record for record in places[(page - 1) * size : page * size] if record is not None]
        if switches.search_order == "loose":
            random.Random(request.number).shuffle(records)
        return records


class _Reader:
    """Reads the values of rules: moments in the right zone, dates, numbers."""

    def __init__(self, zone: Any, switches: Switches) -> None:
        self._zone = zone
        self.is_inclusive = switches.is_after_inclusive

    def moment(self, text: object) -> datetime:
        """Return an ISO moment or day (its start), aware; raises ValueError for anything else."""
        at = datetime.fromisoformat(str(text))
        return at if at.tzinfo is not None else at.replace(tzinfo=self._zone)


def _with_ghosts(records: list[Record | None]) -> list[Record | None]:
    places: list[Record | None] = []
    for number, record in enumerate(records, 1):
        places.append(record)
        if number % (_GHOST_EVERY - 1) == 0:
            places.append(None)
    return places


def _compared(value: object, wanted: object, reader: _Reader) -> int | None:
    """Return -1, 0 or 1 as the record's value is below, equal to or above the wanted one; None for no
    value.
    """
    if isinstance(value, datetime):
        moment = reader.moment(wanted)
        return (value > moment) - (value < moment)
    if isinstance(value, date):
        day = reader.moment(wanted).date()
        return (value > day) - (value < day)
    if isinstance(value, (int, float, Decimal)):
        number = Decimal(str(wanted))
        mine = Decimal(str(value))
        return (mine > number) - (mine < number)
    return None


def _is_after(value: object, wanted: object, reader: _Reader) -> bool:
    order = _compared(value, wanted, reader)
    return order is not None and (order > 0 or (order == 0 and reader.is_inclusive))


def _is_before(value: object, wanted: object, reader: _Reader) -> bool:
    order = _compared(value, wanted, reader)
    return order is not None and (order < 0 or (order == 0 and reader.is_inclusive))


def _is(value: object, wanted: object, reader: _Reader) -> bool:
    if isinstance(value, (datetime, date)):
        return _compared(value, wanted, reader) == 0
    return value is not None and str(value).casefold() == str(wanted).casefold()


def _is_in(value: object, wanted: object, reader: _Reader) -> bool:
    values = wanted if isinstance(wanted, list) else str(wanted).split(",")
    return any(_is(value, each, reader) for each in values)


def _contains(value: object, wanted: object, reader: _Reader) -> bool:
    return value is not None and str(wanted).casefold() in str(value).casefold()


def _is_in_the_range(value: object, wanted: object, reader: _Reader) -> bool:
    if not isinstance(wanted, list) or len(wanted) != 2:
        raise ValueError("a range has two ends")
    below, above = _compared(value, wanted[0], reader), _compared(value, wanted[1], reader)
    return below is not None and above is not None and below >= 0 >= above


def _is_not_null(value: object, wanted: object, reader: _Reader) -> bool:
    return value is not None


_OPERATORS: Mapping[str, Callable[[object, object, _Reader], bool]] = {
    "is": _is,
    "is_in": _is_in,
    "contains": _contains,
    "is_after": _is_after,
    "is_before": _is_before,
    "is_in_the_range": _is_in_the_range,
    "is_not_null": _is_not_null,
}


def _value(record: Record, column: str) -> object:
    if column.startswith("cf_"):
        return (record.get("custom_field") or {}).get(column)
    value = record.get(column)
    return value[0] if isinstance(value, tuple) and value else value


def _wants_deleted(body: Mapping[str, Any]) -> bool:
    return any(_is_deleted_rule(rule) for rule in body.get("filter_rule", []))


def _is_deleted_rule(rule: Any) -> bool:
    return (
        isinstance(rule, dict)
        and rule.get("attribute") == "deleted"
        and rule.get("value") in (1, True, "1", "true")
    )


def _whole(*values: object) -> int | None:
    return next((int(str(value)) for value in values if value is not None and str(value).isdigit()), None)
