"""Rows of a feed, of one record each, as the table they are loaded into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import pyarrow as pa

from freshsales_source.api.client import Answer
from freshsales_source.decode.arrow_types import TEXT, arrow_type
from freshsales_source.decode.layout import member_key
from freshsales_source.decode.protected import stored
from freshsales_source.decode.values import fit_column, json_text, parse_json
from freshsales_source.entities.feeds import Feed
from freshsales_source.errors import MalformedPage
from freshsales_source.schema.columns import EMPTIED_MARKER, RAW_SUFFIX
from freshsales_source.schema.entity_types import SYNCED_AT

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """One answer of a feed: its rows, whether more follow (None where it does not say), and what was replaced in it."""

    rows: list[Row]
    has_next: bool | None
    replaced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFeed:
    """The whole feed of one record of an object; `read_at` is the server's time of its last answer."""

    object: str
    record_id: int
    rows: Sequence[Row]
    read_at: datetime


def read_feed_page(answer: Answer, feed: Feed) -> FeedPage:
    """What an answer holds, with exact numbers; MalformedPage where it is not JSON or has no list of objects."""
    try:
        document, replaced = parse_json(answer.body)
    except ValueError:
        raise MalformedPage("the answer is not JSON", where=answer.where) from None
    rows = document.get(feed.envelope) if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedPage(f'the answer has no list "{feed.envelope}"', where=answer.where)
    meta = document.get("meta")
    has_next = meta.get("has_next") if isinstance(meta, dict) else None
    return FeedPage(rows=rows, has_next=has_next if isinstance(has_next, bool) else None, replaced=replaced)


def identity(row: Row) -> str:
    """What tells a row from the others of its feed: its number there, or, where it has none, all it says."""
    number = row.get("composite_id") or row.get("id")
    return json_text(row) if number is None else str(number)


def feed_schema(feed: Feed) -> pa.Schema:
    """The Arrow schema of a feed's table."""
    fields = (
        pa.field(column.name, arrow_type(column.type), nullable=column.is_nullable)
        for column in feed.table.columns
    )
    return pa.schema(list(fields))


def feed_table(feed: Feed, records: Iterable[RecordFeed]) -> tuple[pa.Table, int]:
    """The rows of these records, and how many of their characters were replaced.

    A record without any gets a marker row, which empties what it had before.
    """
    rows = [row for record in records for row in _rows(feed, record)]
    replaced = 0
    sent: dict[str, pa.Array] = {}
    misfits: dict[str, pa.Array] = {}
    for column in feed.sent_table.columns:
        values = [row.get(column.key) for row in rows]
        if column.name == SYNCED_AT.name:
            sent[column.name] = pa.array(values, arrow_type(column.type))
            continue
        fitted = fit_column(column.type, values)
        sent[column.name] = fitted.values
        replaced += fitted.replaced
        if fitted.raw is not None:
            misfits[column.name] = fitted.raw
    columns, raws = stored(feed.name, sent, misfits, feed.protected)
    schema = feed_schema(feed)
    table = pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
    for name, texts in raws.items():
        table = table.append_column(pa.field(name + RAW_SUFFIX, TEXT), texts)
    return table, replaced


def _rows(feed: Feed, record: RecordFeed) -> list[Row]:
    own: Row = {feed.key: record.record_id, SYNCED_AT.name: record.read_at}
    if feed.typed_key:
        own[feed.typed_key] = feed.parents[record.object]
    kept = [_unfolded(row, feed.inner) for row in record.rows if _is_wanted(row, feed)]
    if not kept:
        return [{**own, EMPTIED_MARKER: True}]
    # Ours last: keys of the row may have the same names.
    return [{**row, **own, EMPTIED_MARKER: None, "position": place} for place, row in enumerate(kept)]


def _is_wanted(row: Row, feed: Feed) -> bool:
    return feed.actions is None or row.get("action_type") in feed.actions


def _unfolded(row: Row, inner: str) -> Row:
    members = row.get(inner) if inner else None
    if not isinstance(members, Mapping):
        return row
    return {**row, **{member_key(inner, str(name)): value for name, value in members.items()}}
