"""What a run did, as values: printed, returned as JSON, and loaded into `_sync_runs` and `_sync_objects`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.verdicts import Verdict
from freshsales_source.warehouse.audit_tables import SYNC_OBJECTS, SYNC_RUNS

__all__ = ["SYNC_OBJECTS", "SYNC_RUNS", "ObjectReport", "RunReport"]


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
