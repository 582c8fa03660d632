"""The fast reader: Arrow parses a whole page against the layout, or it refuses.

It refuses, by returning None, whatever does not fit to the letter: another type than declared, an integer
beyond 64 bits, a decimal beyond its precision, a lone surrogate, a NUL, a key given twice, a missing
envelope, a partial row, an unknown key inside the elements of a list. The slow reader decides about those.
What it accepts, both readers read alike (kept true by a property test).

Unknown keys are noticed because Arrow is told to infer them: they appear in the type of the record beside the
declared ones. That costs an eighth of the parsing time, a scan for keys three times as much (measured). Their
inferred values are never used (Arrow would turn a text that looks like a stamp into one, and numbers into
floats).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from freshsales_source.decode.arrow_types import TEXT, arrow_type, days, stamps
from freshsales_source.decode.extract import Elements, Extract, UnknownKey
from freshsales_source.decode.layout import CUSTOM_FIELD, PARTIAL, Layout, ListLayout, member_key
from freshsales_source.decode.nesting import is_shallow
from freshsales_source.decode.slow import json_columns
from freshsales_source.schema.columns import Column, ColumnType

_META = pa.struct([pa.field("total", pa.int64()), pa.field("total_pages", pa.int64())])
_NUL = b"\\u0000"
_SPARE_BYTES = 16


def read_fast(body: bytes, layout: Layout, envelope: str) -> Extract | None:
    """What the page holds, or None when it has to be read value by value."""
    if not layout.is_exact or "." in envelope or _has_nul(body) or not _is_utf8(body) or not is_shallow(body):
        return None
    try:
        answer = _parse(body, layout, envelope)
        records = _records(answer, envelope)
        return None if records is None else _extract(body, answer, records, layout, envelope)
    except pa.ArrowException:
        return None


def _has_nul(body: bytes) -> bool:
    # One byte is found ten times as fast as six, and most pages have no escape at all.
    return b"\\" in body and _NUL in body


def _is_utf8(body: bytes) -> bool:
    # Arrow does not look, and hands broken text on.
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parse(body: bytes, layout: Layout, envelope: str) -> pa.Table:
    schema = pa.schema([pa.field(envelope, pa.list_(layout.record)), pa.field("meta", _META)])
    answer = pj.read_json(
        pa.BufferReader(body),
        # Several pages are decoded at once, each on its own thread. The body is one value, so one block.
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + _SPARE_BYTES),
        parse_options=pj.ParseOptions(
            explicit_schema=schema, newlines_in_values=True, unexpected_field_behavior="infer"
        ),
    )
    # Arrow lets decimals through that are longer than their precision.
    answer.validate(full=True)
    return answer


def _records(answer: pa.Table, envelope: str) -> pa.StructArray | None:
    """The records as one struct array; None when the answer is not one object with a list of objects."""
    column = answer.column(envelope)
    if answer.num_rows != 1 or column.null_count:
        return None
    records = column.chunk(0).flatten()
    return None if records.null_count else records


def _extract(
    body: bytes, answer: pa.Table, records: pa.StructArray, layout: Layout, envelope: str
) -> Extract | None:
    fields = _unfolded(_fields(records), layout.entity.objects)
    if layout.entity.has_partial_rows and pc.any(fields[PARTIAL]).as_py():
        return None
    custom = _fields(fields[CUSTOM_FIELD]) if layout.has_custom_fields else {}
    columns: dict[str, pa.Array] = {}
    loose: list[Column] = []
    for column in layout.columns:
        source = custom if column.is_custom else fields
        if column.type is not ColumnType.JSON:
            columns[column.name] = _typed(column, source)
        else:
            texts = _empty_json([source[key] for key in column.keys if key in source], len(records))
            if texts is None:
                loose.append(column)
            else:
                columns[column.name] = texts
    if loose:
        columns.update(json_columns(body, envelope, loose, layout))
    lists = {row.table.name: _elements(fields[row.child.key], row) for row in layout.lists}
    if any(elements.ignored for elements in lists.values()):
        return None
    total, total_pages = _meta(answer)
    return Extract(
        rows=len(records),
        columns=columns,
        raws={},
        lists=lists,
        unknown=_unknown(fields, custom, layout),
        total=total,
        total_pages=total_pages,
    )


def _fields(structs: pa.StructArray) -> dict[str, pa.Array]:
    # flatten(), not field(): a null object makes its members null.
    return dict(zip((field.name for field in structs.type), structs.flatten(), strict=True))


def _unfolded(fields: dict[str, pa.Array], objects: tuple[str, ...]) -> dict[str, pa.Array]:
    """The fields with the members of inner objects beside them; a record's own value comes first."""
    result = {key: values for key, values in fields.items() if key not in objects}
    for name in objects:
        for member, values in _fields(fields[name]).items():
            key = member_key(name, member)
            result[key] = pc.coalesce(result[key], values) if key in result else values
    return result


def _empty_json(sources: list[pa.Array], rows: int) -> pa.Array | None:
    """The JSON texts of a column that holds nothing but nulls and, in one list, `[]`; None for any other."""
    filled = [values for values in sources if values.null_count < rows]
    if not filled:
        return pa.nulls(rows, TEXT)
    values = filled[0]
    if len(filled) > 1 or not pa.types.is_list(values.type) or len(values.flatten()):
        return None
    return pc.if_else(values.is_valid(), pa.scalar("[]", TEXT), pa.scalar(None, TEXT))


def _meta(answer: pa.Table) -> tuple[int | None, int | None]:
    meta = answer.column("meta")[0]
    return (meta["total"].as_py(), meta["total_pages"].as_py()) if meta.is_valid else (None, None)


def _typed(column: Column, source: Mapping[str, pa.Array]) -> pa.Array:
    values = source[column.key]
    if column.other_keys:
        values = pc.coalesce(*(source[key] for key in column.keys))
    if values.null_count == len(values):
        return pa.nulls(len(values), arrow_type(column.type))
    if column.type is ColumnType.TIMESTAMP:
        return stamps(values)
    return days(values) if column.type is ColumnType.DATE else values


def _elements(lists: pa.ListArray, layout: ListLayout) -> Elements:
    members = lists.flatten()
    child = layout.child
    source = {child.columns[0].key: members} if child.is_plain else _unfolded(_fields(members), child.objects)
    offsets = lists.offsets.to_pylist()
    return Elements(
        columns={column.name: _typed(column, source) for column in child.columns},
        raws={},
        lengths=[end - start for start, end in pairwise(offsets)],
        ignored=frozenset(
            key
            for key, values in source.items()
            if key not in layout.known and not pa.types.is_null(values.type)
        ),
    )


def _unknown(
    fields: Mapping[str, pa.Array], custom: Mapping[str, pa.Array], layout: Layout
) -> dict[UnknownKey, ColumnType]:
    found = {(key, False): values for key, values in fields.items() if key not in layout.known}
    found.update({(key, True): values for key, values in custom.items() if key not in layout.known_custom})
    types = {place: _suggested(place[0], values.type) for place, values in found.items()}
    return {place: type_ for place, type_ in types.items() if type_ is not None}


def _suggested(key: str, type_: pa.DataType) -> ColumnType | None:
    if pa.types.is_null(type_):
        return None
    if pa.types.is_boolean(type_):
        return ColumnType.BOOLEAN
    if pa.types.is_integer(type_):
        return ColumnType.ID if key.endswith("_id") else ColumnType.DECIMAL
    if pa.types.is_floating(type_):
        return ColumnType.DECIMAL
    return ColumnType.JSON if pa.types.is_nested(type_) else ColumnType.TEXT
