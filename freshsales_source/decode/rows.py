"""Columns and lists of a page put together into the rows of its tables, with the connector's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.decode.arrow_types import ROW, STAMP, TEXT
from freshsales_source.decode.extract import Elements, Extract
from freshsales_source.decode.layout import Layout, ListLayout
from freshsales_source.decode.protected import stored
from freshsales_source.schema.columns import EMPTIED_MARKER, RAW_SUFFIX, Child
from freshsales_source.schema.entity_types import IS_DELETED, SYNCED_AT, Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """When and where a page was read: the same for all its rows.

    synced_at        aware; the `_synced_at` of every row
    deleted_reason   None for a page of live records; `recycle_bin` for one of the bin, whose rows are then
                     deleted whatever they say of themselves, at the time of their `updated_at`
    """

    synced_at: datetime
    deleted_reason: str | None = None


def tables(extract: Extract, layout: Layout, read: Reading) -> dict[str, pa.Table]:
    """The tables of a page by name, the parent first.

    A record whose list is empty, null or missing gets one marker row in the list's table: only its id,
    `_is_emptied` and `_synced_at`. The marker is null in every other row.
    """
    synced_at = pa.scalar(read.synced_at, STAMP)
    result = {layout.table.name: _parent(extract, layout, read, synced_at)}
    for row in layout.lists:
        elements = extract.lists[row.table.name]
        result[row.table.name] = _child(elements, row, extract.columns["id"], synced_at, layout.entity)
    for row in layout.splits:
        elements = _split(extract.columns[row.child.name], row.child)
        result[row.table.name] = _child(elements, row, extract.columns["id"], synced_at, layout.entity)
    return result


def _split(texts: pa.Array, child: Child) -> Elements:
    """The values that a text holds, separated by `;` (column list of a production account)."""
    values = [[value for value in (text or "").split(";") if value] for text in texts.to_pylist()]
    return Elements(
        columns={child.columns[0].name: pa.array([value for row in values for value in row], TEXT)},
        raws={},
        lengths=list(map(len, values)),
    )


def _parent(extract: Extract, layout: Layout, read: Reading, synced_at: pa.Scalar) -> pa.Table:
    own = _deletion(extract, layout, read)
    own[SYNCED_AT.name] = pa.repeat(synced_at, extract.rows)
    columns, raws = stored(layout.table.name, extract.columns, extract.raws, layout.entity.protected)
    arrays = [own[name] if name in own else columns[name] for name in layout.schema.names]
    return _with_raw(pa.Table.from_arrays(arrays, schema=layout.schema), raws)


def _deletion(extract: Extract, layout: Layout, read: Reading) -> dict[str, pa.Array]:
    rows = extract.rows
    if read.deleted_reason is None:
        said = extract.columns[IS_DELETED.name]
        return {
            IS_DELETED.name: pc.fill_null(said, False),
            "_deleted_reason": pa.nulls(rows, TEXT),
            "_deleted_at": pa.nulls(rows, STAMP),
        }
    cursor = layout.entity.cursor
    return {
        IS_DELETED.name: pa.repeat(pa.scalar(True), rows),
        "_deleted_reason": pa.repeat(pa.scalar(read.deleted_reason, TEXT), rows),
        "_deleted_at": pa.nulls(rows, STAMP) if cursor is None else extract.columns[cursor],
    }


def _child(
    elements: Elements, layout: ListLayout, ids: pa.Array, synced_at: pa.Scalar, entity: Entity
) -> pa.Table:
    columns, raws = stored(layout.table.name, elements.columns, elements.raws, entity.protected)
    lengths = list(enumerate(elements.lengths))
    parents = [number for number, length in lengths for _ in range(length)]
    positions = [position for length in elements.lengths for position in range(length)]
    emptied = [number for number, length in lengths if not length]
    markers = len(emptied)
    foreign_key = layout.table.merge_key[0]
    own = {
        foreign_key: ids.take(pa.array(parents + emptied, ROW)),
        "position": pa.array(positions + [None] * markers, ROW),
        EMPTIED_MARKER: pa.array([None] * len(parents) + [True] * markers, pa.bool_()),
        SYNCED_AT.name: pa.repeat(synced_at, len(parents) + markers),
    }
    arrays = [own[name] if name in own else _padded(columns[name], markers) for name in layout.schema.names]
    table = pa.Table.from_arrays(arrays, schema=layout.schema)
    return _with_raw(table, {name: _padded(texts, markers) for name, texts in raws.items()})


def _padded(values: pa.Array, markers: int) -> pa.Array:
    return pa.concat_arrays([values, pa.nulls(markers, values.type)]) if markers else values


def _with_raw(table: pa.Table, raws: Mapping[str, pa.Array]) -> pa.Table:
    for name, texts in raws.items():
        table = table.append_column(pa.field(name + RAW_SUFFIX, TEXT), texts)
    return table
