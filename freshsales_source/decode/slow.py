"""The slow reader: a page value by value, with the standard library's json and exact numbers.

It takes every page that is JSON and holds the envelope, keeps what does not fit beside its column
(values.py), leaves partial rows out, and is the only place that says a page is malformed. Whole answers that
are small (single records, stages inside pipelines) come here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from freshsales_source.decode.extract import Elements, Extract, UnknownKey
from freshsales_source.decode.layout import CUSTOM_FIELD, PARTIAL, Layout, ListLayout, member_key
from freshsales_source.decode.values import fit_column, inferred_type, json_text, parse_json
from freshsales_source.errors import MalformedPage
from freshsales_source.schema.columns import OTHER_KEYS, Child, Column, ColumnType

Record: TypeAlias = dict[str, Any]
Find: TypeAlias = Callable[[Record, str, str], list[Record]]
"""Takes the records out of an answer: (answer, envelope, where it came from)."""


def read_slow(body: bytes, layout: Layout, envelope: str) -> Extract:
    """What the page holds. Raises MalformedPage when there is no list of objects under the envelope."""
    return _read(body, layout, envelope, _find)


def read_record(body: bytes, layout: Layout) -> Extract:
    """What the answer to one record's path holds: one object under the entity's singular name."""
    return _read(body, layout, layout.entity.singular, _find_one)


def _read(
    body: bytes, layout: Layout, envelope: str, find: Callable[[Any, str, str], list[Record]]
) -> Extract:
    where = f'{layout.entity.name}, envelope "{envelope}"'
    try:
        answer, broken = _parsed(body, where)
        records = _joined(find(answer, envelope, where), answer, layout)
        return _extract(records, layout, answer.get("meta"), broken=broken)
    except RecursionError:
        raise MalformedPage("the answer is nested too deep", where=where) from None


def _parsed(body: bytes, where: str) -> tuple[Record, int]:
    try:
        answer, broken = parse_json(body)
    except ValueError:
        # `from None`: the parser's error keeps the whole body.
        raise MalformedPage("the answer is not JSON", where=where) from None
    if not isinstance(answer, dict):
        raise MalformedPage("the answer is not a JSON object", where=where)
    return answer, broken


def json_columns(
    body: bytes, envelope: str, columns: Iterable[Column], layout: Layout
) -> dict[str, pa.Array]:
    """Only these JSON columns of a page that Arrow has parsed: it does not keep their numbers' digits."""
    records = [_unfolded(record, layout.entity.objects) for record in parse_json(body)[0][envelope]]
    return {column.name: fit_column(column.type, _values(records, column)).values for column in columns}


def _find(answer: Record, envelope: str, where: str) -> list[Record]:
    """The records under an envelope; `a.b` gathers the lists `b` of all elements of list `a`."""
    found = [answer]
    for key in envelope.split("."):
        found = [record for place in found for record in _list_of_objects(place, key, where)]
    return found


def _list_of_objects(place: Record, key: str, where: str) -> list[Record]:
    if key not in place:
        raise MalformedPage(f'the answer has no "{key}"', where=where)
    rows = place[key]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedPage(f'"{key}" is not a list of records', where=where)
    return rows


def _find_one(answer: Record, envelope: str, where: str) -> list[Record]:
    record = answer.get(envelope)
    if not isinstance(record, dict):
        raise MalformedPage(f'the answer has no record under "{envelope}"', where=where)
    return [record]


def _joined(records: list[Record], answer: Record, layout: Layout) -> list[Record]:
    """The records with the elements of side-loaded lists in their place."""
    for child in (row.child for row in layout.lists if row.child.ids):
        rows = answer.get(child.key)
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        by_id = {json_text(row.get("id")): row for row in rows}
        records = [_with_elements(record, child, by_id) for record in records]
    return records


def _with_elements(record: Record, child: Child, by_id: dict[str, Record]) -> Record:
    ids = record.get(child.ids)
    if record.get(child.key) is not None or ids is None:
        return record
    # An id without its element still tells that there is one; what is no list is kept beside as text.
    elements = [by_id.get(json_text(i), {"id": i}) for i in ids] if isinstance(ids, list) else ids
    return {**record, child.key: elements}


def _unfolded(record: Record, objects: tuple[str, ...]) -> Record:
    """The record with the members of its inner objects as keys of its own; its own value comes first."""
    result = record
    for name in objects:
        if isinstance(record.get(name), dict):
            members = {member_key(name, member): value for member, value in record[name].items()}
            kept = {key: value for key, value in result.items() if key != name}
            result = kept | {key: value for key, value in members.items() if kept.get(key) is None}
    return result


def _extract(records: list[Record], layout: Layout, meta: Any, *, broken: int) -> Extract:
    if layout.entity.has_partial_rows:
        records = [record for record in records if record.get(PARTIAL) is not True]
    records = [_unfolded(record, layout.entity.objects) for record in records]
    columns: dict[str, pa.Array] = {}
    raws: dict[str, pa.Array] = {}
    for column in layout.columns:
        fitted = fit_column(column.type, _values(records, column))
        columns[column.name] = fitted.values
        broken += fitted.replaced
        if fitted.raw is not None:
            raws[column.name] = fitted.raw
    lists = {}
    for row in layout.lists:
        lists[row.table.name], replaced = _elements(records, row)
        broken += replaced
    raws.update(_odd_objects(records, layout))
    return Extract(
        rows=len(records),
        columns=columns,
        raws=raws,
        lists=lists,
        unknown=_unknown(records, layout),
        total=_count(meta, "total"),
        total_pages=_count(meta, "total_pages"),
        replaced=broken,
    )


def _values(records: Sequence[Record], column: Column) -> list[Any]:
    sources = map(_custom_fields, records) if column.is_custom else records
    if not column.other_keys:
        return [source.get(column.key) for source in sources]
    return [_first(source, column.keys) for source in sources]


def _first(source: Record, keys: Iterable[str]) -> Any:
    return next((source[key] for key in keys if source.get(key) is not None), None)


def _custom_fields(record: Record) -> Record:
    fields = record.get(CUSTOM_FIELD)
    return fields if isinstance(fields, dict) else {}


def _elements(records: Sequence[Record], layout: ListLayout) -> tuple[Elements, int]:
    child = layout.child
    lists = [_members(record.get(child.key), child) or [] for record in records]
    members = [
        _unfolded(member, child.objects) if isinstance(member, dict) else member
        for row in lists
        for member in row
    ]
    columns: dict[str, pa.Array] = {}
    raws, replaced = _others(members, layout)
    for column in child.columns:
        values = members if child.is_plain else [_first(member or {}, column.keys) for member in members]
        fitted = fit_column(column.type, values)
        columns[column.name] = fitted.values
        replaced += fitted.replaced
        if fitted.raw is not None:
            raws[column.name] = fitted.raw
    elements = Elements(
        columns=columns,
        raws=raws,
        lengths=list(map(len, lists)),
        ignored=frozenset() if child.is_plain else _ignored(members, layout),
    )
    return elements, replaced


def _members(value: Any, child: Child) -> list[Any] | None:
    """The elements of a list, or None when it is not a list of what the child is made of."""
    if value is None:
        return []
    if not isinstance(value, list):
        return None
    if child.is_plain or all(member is None or isinstance(member, dict) for member in value):
        return value
    return None


def _others(members: Sequence[Any], layout: ListLayout) -> tuple[dict[str, pa.Array], int]:
    """What the elements hold under keys that no column is for; and how much was replaced in it."""
    if layout.child.is_plain or layout.child.is_link:
        return {}, 0
    others = [
        {key: value for key, value in (member or {}).items() if key not in layout.known and value is not None}
        for member in members
    ]
    if not any(others):
        return {}, 0
    fitted = fit_column(ColumnType.TEXT, [json_text(other) if other else None for other in others])
    return {OTHER_KEYS: fitted.values}, fitted.replaced


def _ignored(members: Iterable[Record | None], layout: ListLayout) -> frozenset[str]:
    keys = {key for member in members for key, value in (member or {}).items() if value is not None}
    return frozenset(keys - layout.known)


def _odd_objects(records: Sequence[Record], layout: Layout) -> dict[str, pa.Array]:
    """Lists that are no lists, and objects that are none, custom fields too, as JSON text by key."""
    odd = {}
    for row in layout.lists:
        values = [record.get(row.child.key) for record in records]
        odd[row.child.key] = [value if _members(value, row.child) is None else None for value in values]
    for key in (*layout.entity.objects, *((CUSTOM_FIELD,) if layout.has_custom_fields else ())):
        values = [record.get(key) for record in records]
        # An empty list is how some servers write an empty object.
        odd[key] = [None if isinstance(value, dict) or value == [] else value for value in values]
    return {
        key: fit_column(ColumnType.TEXT, [None if value is None else _text(value) for value in values]).values
        for key, values in odd.items()
        if any(value is not None for value in values)
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def _unknown(records: Sequence[Record], layout: Layout) -> dict[UnknownKey, ColumnType]:
    found: dict[UnknownKey, list[Any]] = {}
    for record in records:
        for key in record.keys() - layout.known:
            found.setdefault((key, False), []).append(record[key])
        for key in _custom_fields(record).keys() - layout.known_custom if layout.has_custom_fields else ():
            found.setdefault((key, True), []).append(_custom_fields(record)[key])
    types = {place: inferred_type(place[0], values) for place, values in found.items()}
    return {place: type_ for place, type_ in types.items() if type_ is not None}


def _count(meta: Any, key: str) -> int | None:
    """A count of the answer's `meta`; None where there is none (tasks have no total_pages, recorded)."""
    value = meta.get(key) if isinstance(meta, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
