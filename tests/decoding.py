"""Pages of contacts as bytes, and what the decoder makes of them, for the tests of the decoder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from freshsales_source.decode import Layout, Page, Reading, decode_page
from freshsales_source.entities import CONTACTS
from freshsales_source.schema.columns import Column, ColumnType, Confidence

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LIVE = Reading(synced_at=NOON)
BINNED = Reading(synced_at=NOON, deleted_reason="recycle_bin")
STAMP = "2023-03-23T05:19:22-06:00"


def custom(key: str, type_: ColumnType, name: str = "") -> Column:
    return Column(
        name=name or key,
        key=key,
        type=type_,
        description="",
        confidence=Confidence.DOCUMENTED,
        is_custom=True,
    )


LAYOUT = Layout.of(
    CONTACTS,
    (
        custom("cf_number", ColumnType.DECIMAL),
        custom("cf_day", ColumnType.DATE),
        custom("cf_flag", ColumnType.BOOLEAN),
        custom("cf_lookup", ColumnType.ID),
        custom("cf_text", ColumnType.TEXT),
    ),
)


def contact(**values: Any) -> dict[str, Any]:
    return {"id": 1, "updated_at": STAMP, **values}


def decode(*records: Any, layout: Layout = LAYOUT, read: Reading = LIVE, **answer: Any) -> Page:
    body = json.dumps({layout.entity.envelope: list(records), **answer}).encode()
    return decode_page(body, layout, envelope=layout.entity.envelope, read=read)


def decode_text(text: str, layout: Layout = LAYOUT) -> Page:
    return decode_page(text.encode(), layout, envelope=layout.entity.envelope, read=LIVE)


def page_text(members: str) -> str:
    """A page of one contact whose further members are given as JSON text."""
    return f'{{"contacts": [{{"id": 1, "updated_at": "{STAMP}"{members}}}]}}'


def row_of(page: Page, table: str = "contacts") -> dict[str, Any]:
    (row,) = page.tables[table].to_pylist()
    return dict(row)
