"""Rows that the connector writes about its own work, ready to be loaded."""

from __future__ import annotations

from typing import Any

import dlt
from dlt.sources import DltResource

from freshsales_source.schema.columns import Table, dlt_columns


def own_rows(table: Table, rows: list[dict[str, Any]]) -> DltResource:
    """The resource that adds these rows to a table of ours, or replaces those with the same key."""
    resource: DltResource = dlt.resource(
        rows,
        name=table.name,
        # Not "append": a load that is killed just after its commit is sent once more.
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns=dlt_columns(table),
        file_format="parquet",
    )
    resource.apply_hints(additional_table_hints={"description": table.description})
    return resource


def no_rows(table: Table) -> Any:
    """A source without a row: its load carries the state, and makes sure of that table."""

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> list[DltResource]:
        return [own_rows(table, [])]

    return freshsales()
