"""One decoded page: its tables, and what the walk and the report want to know of it."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.decode.extract import Extract
from freshsales_source.decode.fast import read_fast
from freshsales_source.decode.layout import Layout
from freshsales_source.decode.rows import Reading, tables
from freshsales_source.decode.slow import read_record, read_slow
from freshsales_source.errors import MalformedPage
from freshsales_source.schema.column_names import name_without_field_id
from freshsales_source.schema.columns import MET, Column, Confidence

__all__ = ["Page", "Reading", "decode_page", "decode_record"]

_LOG = logging.getLogger(__name__)
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The records of one answer.

    ids          in the order of the page; partial (side-loaded) rows are left out
    stamps       the cursor of each record, `updated_at`, in epoch seconds rounded down; empty for entities
                 without one
    total, total_pages   from `meta`; None where the answer has none
    tables       by name, the parent first; `<column>__raw` columns only where something did not fit
    unknown      columns for keys the layout does not know. Their values are NOT in the tables: decode the
                 page again with `layout.extended(page.unknown)` to load them
    misfits      `table.column` -> values that did not fit and went to `<column>__raw`
    ignored      `table.key` of unknown keys inside the elements of lists: what they hold stands as one JSON object
                 in the element's `other_keys__raw`
    replaced     characters that cannot be stored (NUL, lone surrogates, broken UTF-8), now U+FFFD
    was_fast     whether the fast reader took it
    is_whole     False where its rows lack keys that other answers of the object have: they must not be loaded
    """

    ids: list[int]
    stamps: list[int]
    total: int | None
    total_pages: int | None
    tables: dict[str, pa.Table]
    unknown: tuple[Column, ...]
    misfits: Counter[str]
    ignored: tuple[str, ...]
    replaced: int
    was_fast: bool
    is_whole: bool = True


def decode_page(body: bytes, layout: Layout, *, envelope: str, read: Reading) -> Page:
    """Decode the answer to a list request.

    `envelope` names the list of records; `a.b` means the lists `b` inside the elements of list `a`. Raises
    MalformedPage when it is missing or no list of objects, when a record has no whole number as `id`, and,
    for entities with a cursor, when one has no stamp that can be read.
    """
    extract = read_fast(body, layout, envelope)
    if extract is not None:
        return assemble(extract, layout, read, where=envelope, was_fast=True)
    _LOG.debug("page_read_slowly entity=%s bytes=%d", layout.entity.name, len(body))
    return assemble(read_slow(body, layout, envelope), layout, read, where=envelope, was_fast=False)


def decode_record(body: bytes, layout: Layout, *, read: Reading) -> Page:
    """Decode the answer to one record's path, `{"contact": {...}}`, as a page of one; MalformedPage."""
    return assemble(read_record(body, layout), layout, read, where=layout.entity.singular, was_fast=False)


def assemble(extract: Extract, layout: Layout, read: Reading, *, where: str, was_fast: bool) -> Page:
    """The page from what a reader took out of it; checks ids and stamps."""
    place = f'{layout.entity.name}, envelope "{where}"'
    return Page(
        ids=_ids(extract, place),
        stamps=_stamps(extract, layout, place),
        total=extract.total,
        total_pages=extract.total_pages,
        tables=tables(extract, layout, read),
        unknown=_unknown_columns(extract, layout),
        misfits=_misfits(extract, layout),
        ignored=tuple(
            sorted(f"{name}.{key}" for name, elements in extract.lists.items() for key in elements.ignored)
        ),
        replaced=extract.replaced,
        was_fast=was_fast,
    )


def _ids(extract: Extract, where: str) -> list[int]:
    ids = extract.columns["id"]
    if ids.null_count:
        raise MalformedPage(
            f"{ids.null_count} of {extract.rows} records have no whole number as id", where=where
        )
    return list(ids.to_pylist())


def _stamps(extract: Extract, layout: Layout, where: str) -> list[int]:
    cursor = layout.entity.cursor
    if cursor is None:
        return []
    stamps = extract.columns[cursor]
    if stamps.null_count:
        raise MalformedPage(
            f"{stamps.null_count} of {extract.rows} records have no {cursor} that can be read", where=where
        )
    return [microseconds // _MICROSECONDS for microseconds in stamps.cast(pa.int64()).to_pylist()]


def _unknown_columns(extract: Extract, layout: Layout) -> tuple[Column, ...]:
    taken = {column.name for column in layout.table.columns}
    columns = []
    for (key, is_custom), type_ in sorted(extract.unknown.items()):
        name = name_without_field_id(key, taken)
        taken.add(name)
        columns.append(
            Column(
                name=name,
                key=key,
                type=type_,
                description=MET,
                confidence=Confidence.RECORDED,
                is_custom=is_custom,
            )
        )
    return tuple(columns)


def _misfits(extract: Extract, layout: Layout) -> Counter[str]:
    tables = {layout.table.name: extract.raws} | {name: row.raws for name, row in extract.lists.items()}
    return Counter(
        {
            f"{table}.{column}": pc.count(texts).as_py()
            for table, raws in tables.items()
            for column, texts in raws.items()
            if layout.entity.protection(table, column) is None
        }
    )
