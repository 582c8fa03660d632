"""`_forgotten`: the bare ids of records that were forgotten on request, which are never loaded again.

The table is the only memory of it: taking a row out of it undoes what it does. It travels with the warehouse, so it
outlives the state folder; a backup from before brings back the rows, and must be followed by the command once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import dlt

from freshsales_source.schema.columns import Column, ColumnType, Table
from freshsales_source.warehouse.own_tables import own_rows
from freshsales_source.warehouse.stored_rows import Tables

FORGOTTEN = Table(
    name="_forgotten",
    description="Records forgotten on request: their rows are deleted, never loaded again, and not counted.",
    columns=(
        Column.ours("object", ColumnType.TEXT, "The object's table.", is_nullable=False),
        Column.ours("id", ColumnType.ID, "The record.", is_nullable=False),
        Column.ours(
            "forgotten_at", ColumnType.TIMESTAMP, "When that was asked for (UTC).", is_nullable=False
        ),
    ),
    primary_key=("object", "id"),
)


def forgotten_ids(tables: Tables) -> dict[str, frozenset[int]]:
    """All forgotten ids, by the object's table."""
    found: dict[str, set[int]] = {}
    for name, record_id in tables.query(f"SELECT object, id FROM {tables.name(FORGOTTEN.name)}") or ():
        found.setdefault(str(name), set()).add(int(record_id))
    return {name: frozenset(ids) for name, ids in found.items()}


def forgotten_source(object: str, ids: Iterable[int], at: datetime) -> Any:
    """The source that adds these ids to `_forgotten`."""
    rows: list[dict[str, Any]] = [{"object": object, "id": i, "forgotten_at": at} for i in ids]

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> Any:
        return own_rows(FORGOTTEN, rows)

    return freshsales()
