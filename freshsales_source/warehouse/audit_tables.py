"""The tables that tell of the runs: what a run did, and how far its copy can be trusted."""

from __future__ import annotations

from freshsales_source.schema.columns import Column, ColumnType, Table

SYNC_RUNS = Table(
    name="_sync_runs",
    description="One row per run of `freshsales sync`.",
    columns=(
        Column.ours("run_id", ColumnType.TEXT, "Names the run.", is_nullable=False),
        Column.ours("started_at", ColumnType.TIMESTAMP, "When it began (UTC)."),
        Column.ours("finished_at", ColumnType.TIMESTAMP, "When it ended (UTC)."),
        Column.ours("version", ColumnType.TEXT, "Version of the connector."),
        Column.ours(
            "exit_code",
            ColumnType.INTEGER,
            "0 done, 4 something is not whole, 75 not finished, 130 interrupted.",
        ),
        Column.ours("reason", ColumnType.TEXT, "Why it ended as it did; empty after a whole run."),
        Column.ours("retry_at", ColumnType.TIMESTAMP, "The earliest sensible time for the next run (UTC)."),
        Column.ours("calls", ColumnType.INTEGER, "API calls, retries included."),
        Column.ours("seconds_waited", ColumnType.DECIMAL, "Seconds spent waiting for the budget."),
    ),
    primary_key=("run_id",),
)

SYNC_OBJECTS = Table(
    name="_sync_objects",
    description="One row per run and object: what was read, and how far the copy can be trusted.",
    columns=(
        Column.ours("run_id", ColumnType.TEXT, "The row of `_sync_runs`.", is_nullable=False),
        Column.ours("object", ColumnType.TEXT, "The object's table.", is_nullable=False),
        Column.ours(
            "verdict", ColumnType.TEXT, "`matched`, `moving`, `mismatch`, `unchecked`, `partial`, `failed`."
        ),
        Column.ours("reason", ColumnType.TEXT, "Why; empty where there is nothing to explain."),
        Column.ours("calls", ColumnType.INTEGER, "API calls for this object."),
        Column.ours("rows_read", ColumnType.INTEGER, "Records on the pages that were answered."),
        Column.ours("rows_changed", ColumnType.INTEGER, "Rows given to the warehouse."),
        Column.ours(
            "rows_deleted", ColumnType.INTEGER, "Of those, rows that are new in the recycle bin, or gone."
        ),
        Column.ours(
            "expected_count",
            ColumnType.INTEGER,
            "Live records by the views' own totals, forgotten ones left out.",
        ),
        Column.ours("loaded_count", ColumnType.INTEGER, "Live rows in the warehouse."),
        Column.ours(
            "watermark_before", ColumnType.TIMESTAMP, "Everything older had been read before the run (UTC)."
        ),
        Column.ours("watermark_after", ColumnType.TIMESTAMP, "Everything older has been read (UTC)."),
        Column.ours("seconds_waited", ColumnType.DECIMAL, "Seconds spent waiting for the budget."),
    ),
    primary_key=("run_id", "object"),
)
