"""Records that are gone without a trace in the recycle bin: their rows are flagged, not removed.

The row is read back from the warehouse, flagged and merged again, since the API has nothing left of it. Where the
warehouse cannot be asked (a plain dlt run), a row of `_deletions` says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from freshsales_source.schema.columns import Column, ColumnType, Table

RECYCLE_BIN = "recycle_bin"
VANISHED = "vanished"


class StoredRows(Protocol):
    """Reads rows back from the warehouse; several threads may ask."""

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a table does not exist yet."""
        ...

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        ...

    def live_ids(self, table: str) -> frozenset[int]:
        """The ids of the rows that are not deleted; none where the table was never loaded. For small tables."""
        ...

    def rows_of(self, table: str, schema: pa.Schema, ids: Sequence[int], *, key: str = "id") -> pa.Table:
        """The rows with these ids in column `key`, in the columns the table has; those of `schema` typed as there."""
        ...

    def column_types(self, table: str) -> dict[str, ColumnType]:
        """The columns that a table has in the warehouse, and what they hold; none where it was never made."""
        ...


DELETIONS = Table(
    name="_deletions",
    description="Records found gone by a run that could not flag their rows.",
    columns=(
        Column.ours("object", ColumnType.TEXT, "The object's table.", is_nullable=False),
        Column.ours("id", ColumnType.ID, "The record.", is_nullable=False),
        Column.ours("deleted_at", ColumnType.TIMESTAMP, "When it was found gone (UTC).", is_nullable=False),
        Column.ours("reason", ColumnType.TEXT, "`vanished`.", is_nullable=False),
    ),
    primary_key=("object", "id"),
)


def flagged(rows: pa.Table, at: datetime) -> pa.Table:
    """The rows as deleted: found gone at `at`."""
    flags = {
        "is_deleted": pa.scalar(True),
        "_deleted_reason": pa.scalar(VANISHED, pa.string()),
        "_deleted_at": pa.scalar(at, pa.timestamp("us", "UTC")),
        "_synced_at": pa.scalar(at, pa.timestamp("us", "UTC")),
    }
    for name, value in flags.items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.repeat(value, rows.num_rows))
    return rows


def deletions(object: str, ids: Sequence[int], at: datetime) -> pa.Table:
    """Rows of `_deletions`."""
    return pa.table(
        {
            "object": pa.array([object] * len(ids), pa.string()),
            "id": pa.array(ids, pa.int64()),
            "deleted_at": pa.array([at] * len(ids), pa.timestamp("us", "UTC")),
            "reason": pa.array([VANISHED] * len(ids), pa.string()),
        },
        schema=pa.schema(
            [
                pa.field("object", pa.string(), nullable=False),
                pa.field("id", pa.int64(), nullable=False),
                pa.field("deleted_at", pa.timestamp("us", "UTC"), nullable=False),
                pa.field("reason", pa.string(), nullable=False),
            ]
        ),
    )
