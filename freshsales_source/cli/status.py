"""`freshsales status`: how whole the copy is, from the warehouse's own audit tables. Makes no API call."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import datetime
from typing import Any

from rich.console import Console

from freshsales_source.cli.project import settings_of_project
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import print_rows
from freshsales_source.exit_codes import ExitCode
from freshsales_source.report import SYNC_OBJECTS, SYNC_RUNS
from freshsales_source.verdicts import Verdict, summary
from freshsales_source.warehouse import Warehouse


def run_status(options: Namespace) -> int:
    """Print the newest verdict on every object; 0 whatever it says, for the runs had their own exit codes."""
    warehouse = Warehouse(target_of(options), settings_of_project({}).account)
    runs = warehouse.rows("_sync_runs", [c.name for c in SYNC_RUNS.columns], order="started_at DESC")
    if not runs:
        print(f"No sync yet in {warehouse.target.place}, schema {options.dataset}. Next: freshsales sync")
        return ExitCode.DONE
    objects = _newest_of_each(warehouse, runs)
    started_at = {row["run_id"]: row["started_at"] for row in runs}
    oldest = min(started_at[row["run_id"]] for row in objects)
    line = summary(((r["object"], Verdict(r["verdict"]), r["reason"] or "") for r in objects), _text(oldest))
    if options.json:
        print(json.dumps({"summary": line, "last_run": runs[0], "objects": objects}, default=_text, indent=2))
        return ExitCode.DONE
    print(line)
    print_rows(
        ("object", "verdict", "in the CRM", "in the warehouse", "read up to", "synced at"),
        [
            (
                row["object"],
                row["verdict"],
                row["expected_count"],
                row["loaded_count"],
                _text(row["watermark_after"]),
                _text(started_at[row["run_id"]]),
            )
            for row in objects
        ],
        Console(),
    )
    return ExitCode.DONE


def _newest_of_each(warehouse: Warehouse, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row of each object; a run of some objects leaves the others' older rows in force."""
    rows = warehouse.rows("_sync_objects", [column.name for column in SYNC_OBJECTS.columns]) or []
    age = {run["run_id"]: place for place, run in enumerate(runs)}
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -age[row["run_id"]]):
        newest[row["object"]] = row
    return sorted(newest.values(), key=lambda row: str(row["object"]))


def _text(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S %Z}".strip() if isinstance(value, datetime) else str(value or "")
