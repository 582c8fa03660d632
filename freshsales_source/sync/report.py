"""What a run did, as values: printed, returned as JSON, and loaded into `_sync_runs` and `_sync_objects`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from freshsales_source.exit_codes import ExitCode
from freshsales_source.schema.columns import Column, ColumnType, Confidence, Table
from freshsales_source.sync.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReport:
    """One row of `_sync_objects`."""

    run_id: str
    object: str
    verdict: Verdict
    reason: str
    calls: int
    rows_read: int
    rows_changed: int
    rows_deleted: int
    expected_count: int | None
    loaded_count: int | None
    watermark_before: datetime | None
    watermark_after: datetime | None
    seconds_waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One row of `_sync_runs`, its objects, and where the rows went."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    version: str
    exit_code: ExitCode
    reason: str
    retry_at: datetime | None
    calls: int
    seconds_waited: float
    destination: str
    dataset: str
    objects: tuple[ObjectReport, ...]

    def run_row(self) -> dict[str, Any]:
        """The row of `_sync_runs`."""
        row = asdict(self)
        for name in ("objects", "destination", "dataset"):
            del row[name]
        return {**row, "exit_code": int(self.exit_code)}

    def object_rows(self) -> list[dict[str, Any]]:
        """The rows of `_sync_objects`."""
        return [{**asdict(row), "verdict": row.verdict.value} for row in self.objects]

    def to_json(self) -> dict[str, Any]:
        """What `sync --json` prints: times in ISO 8601."""
        document = {**self.run_row(), "destination": self.destination, "dataset": self.dataset}
        del document["version"]
        document["objects"] = [_with_text_times(row) for row in self.object_rows()]
        return _with_text_times(document)


def _with_text_times(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


def _column(name: str, type: ColumnType, description: str, *, is_nullable: bool = True) -> Column:
    return Column(
        name=name, type=type, description=description, confidence=Confidence.OURS, is_nullable=is_nullable
    )


SYNC_RUNS = Table(
    name="_sync_runs",
    description="One row per run of `freshsales sync`.",
    columns=(
        _column("run_id", ColumnType.TEXT, "Names the run.", is_nullable=False),
        _column("started_at", ColumnType.TIMESTAMP, "When it began (UTC)."),
        _column("finished_at", ColumnType.TIMESTAMP, "When it ended (UTC)."),
        _column("version", ColumnType.TEXT, "Version of the connector."),
        _column(
            "exit_code",
            ColumnType.INTEGER,
            "0 done, 4 something is not whole, 75 not finished, 130 interrupted.",
        ),
        _column("reason", ColumnType.TEXT, "Why it ended as it did; empty after a whole run."),
        _column("retry_at", ColumnType.TIMESTAMP, "The earliest sensible time for the next run (UTC)."),
        _column("calls", ColumnType.INTEGER, "API calls, retries included."),
        _column("seconds_waited", ColumnType.DECIMAL, "Seconds spent waiting for the budget."),
    ),
    primary_key=("run_id",),
)

SYNC_OBJECTS = Table(
    name="_sync_objects",
    description="One row per run and object: what was read, and how far the copy can be trusted.",
    columns=(
        _column("run_id", ColumnType.TEXT, "The row of `_sync_runs`.", is_nullable=False),
        _column("object", ColumnType.TEXT, "The object's table.", is_nullable=False),
        _column(
            "verdict", ColumnType.TEXT, "`matched`, `moving`, `mismatch`, `unchecked`, `partial`, `failed`."
        ),
        _column("reason", ColumnType.TEXT, "Why; empty where there is nothing to explain."),
        _column("calls", ColumnType.INTEGER, "API calls for this object."),
        _column("rows_read", ColumnType.INTEGER, "Records on the pages that were answered."),
        _column("rows_changed", ColumnType.INTEGER, "Rows given to the warehouse."),
        _column("rows_deleted", ColumnType.INTEGER, "Of those, rows from the recycle bin."),
        _column(
            "expected_count",
            ColumnType.INTEGER,
            "Live records by the views' own totals, forgotten ones left out.",
        ),
        _column("loaded_count", ColumnType.INTEGER, "Live rows in the warehouse."),
        _column(
            "watermark_before", ColumnType.TIMESTAMP, "Everything older had been read before the run (UTC)."
        ),
        _column("watermark_after", ColumnType.TIMESTAMP, "Everything older has been read (UTC)."),
        _column("seconds_waited", ColumnType.DECIMAL, "Seconds spent waiting for the budget."),
    ),
    primary_key=("run_id", "object"),
)
