"""Which records of a page have other values than their rows in the warehouse: changes that moved no stamp.

Compared are the row and its lists. Left out is what the CRM computes when it is read (volatile columns) and what the
connector notes about its own work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from freshsales_source.decode import Layout, Page
from freshsales_source.schema.columns import EMPTIED_MARKER, Table
from freshsales_source.schema.entity_types import SYNCED_AT
from freshsales_source.warehouse.deletions import StoredRows

Values: TypeAlias = dict[str, Any]

_OURS = frozenset({SYNCED_AT.name, EMPTIED_MARKER, "_deleted_at"})


def changed(page: Page, layout: Layout, stored: StoredRows) -> list[int]:
    """The places on the page of records whose row or lists in the warehouse differ; of those without a row, too."""
    differing: set[int] = set()
    for table in layout.tables:
        # The layout may have grown since the page was decoded.
        if table.name in page.tables:
            differing |= _differing(page, table, layout, stored)
    return [place for place, record_id in enumerate(page.ids) if record_id in differing]


def _differing(page: Page, table: Table, layout: Layout, stored: StoredRows) -> set[int]:
    is_parent = table.parent is None
    key = "id" if is_parent else layout.entity.foreign_key
    here = stored.rows_of(table.name, layout.schemas[table.name], page.ids, key=key)
    there = page.tables[table.name]
    left_out = _OURS | {column.name for column in table.columns if column.is_volatile}
    ours, theirs = _by_record(here, key, left_out), _by_record(there, key, left_out)
    return {record_id for record_id in page.ids if ours.get(record_id) != theirs.get(record_id)}


def _by_record(rows: pa.Table, key: str, left_out: frozenset[str]) -> dict[int, list[Values]]:
    """The values of each record, nulls left out, in an order of their own; a marker row stands for an empty list."""
    found: dict[int, list[Values]] = defaultdict(list)
    for row in _without_markers(rows):
        values = {k: v for k, v in row.items() if v is not None and k not in left_out}
        found[values[key]].append(values)
    return {record_id: sorted(values, key=repr) for record_id, values in found.items()}


def _without_markers(rows: pa.Table) -> Sequence[Values]:
    listed: list[Values] = rows.to_pylist()
    return [row for row in listed if not row.get(EMPTIED_MARKER)]
