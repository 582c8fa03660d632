"""Dagster: an asset per table of each Freshsales account, a schedule, and the verdicts as asset checks.

Copy it into your code location. Tried with Dagster 1.13. The command has an environment of its own, so that its
packages and those of your other assets never get in each other's way:

    python3 -m venv /opt/freshsales && /opt/freshsales/bin/pip install /path/to/freshsales-source
    export FRESHSALES_COMMAND=/opt/freshsales/bin/freshsales
    export FRESHSALES_PROJECT=/srv/freshsales  # its .dlt/config.toml has a table for each account
    dagster dev -f dagster_assets.py

The command remembers by itself what it has read, so there is nothing to backfill. What becomes of a run, by the exit
code of the command:

    0   success
    75  limits used up: again at `retry_at`
        `max_calls` reached: success, the run tagged `freshsales/partial`; the next run goes on
        a lock, the network, the server: again after a minute
    3   failed, and not tried again: key, rights or settings must be mended
    4   failed, and not tried again: the check of an object failed; what was loaded is materialized
"""

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

COMMAND = os.environ.get("FRESHSALES_COMMAND", "freshsales")
PROJECT = Path(os.environ.get("FRESHSALES_PROJECT", "."))

_DESCRIBED = subprocess.check_output([COMMAND, "discover", "--tables"], text=True)
TABLES = [table for table in json.loads(_DESCRIBED)["tables"] if "*" not in table["table"]]
OBJECTS = {table["object"] for table in TABLES if table["object"]}

WHOLE = ("matched", "moving", "unchecked", "not_available")


def assets_of(account: str | None) -> dg.AssetsDefinition:
    """The tables of an account: one step that runs `freshsales sync`, for some of them or all."""
    place = f"freshsales_{account}" if account else "freshsales"
    checks = [dg.AssetCheckSpec(name="verdict", asset=[place, name]) for name in sorted(OBJECTS)]

    @dg.multi_asset(name=place, specs=[_spec(place, t) for t in TABLES], check_specs=checks, can_subset=True)
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        selected = {key.path[-1] for key in context.selected_asset_keys}
        tables = [table for table in TABLES if table["table"] in selected]
        wanted = {table["object"] for table in tables if table["object"]}
        code, report = sync(account, sorted(wanted) if wanted < OBJECTS else [])
        reason, rows = report.get("reason"), {row["object"]: row for row in report.get("objects", [])}
        if code == 75 and reason != "max_calls":
            raise dg.RetryRequested(max_retries=1000, seconds_to_wait=_seconds_until(report.get("retry_at")))
        if code == 75:
            context.instance.add_run_tags(context.run_id, {"freshsales/partial": "true"})
        for table in tables:
            row = rows.get(table["object"], {})  # none has `fields`, for one, which every run brings
            if table["object"] and row.get("verdict") in (None, "failed", "not_available"):
                continue
            if report.get("run_id"):
                yield dg.MaterializeResult(asset_key=[place, table["table"]], metadata=_told(row, report))
        for name in wanted & rows.keys():
            yield _checked(place, rows[name])
        if code not in (0, 75):
            message = report.get("message") or "see the checks, or the log"
            raise dg.Failure(f"{reason or code}: {message}", allow_retries=False)

    return load


def sync(account: str | None, objects: list[str]) -> tuple[int, dict[str, Any]]:
    """The exit code and the report; what the command logs is in the step's stderr."""
    arguments = ["sync", *objects, "--json", *(["--account", account] if account else [])]
    environment = {"SOURCES__FRESHSALES__ON_QUOTA": "stop", **os.environ}
    with subprocess.Popen(
        [COMMAND, *arguments], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            out, _ = process.communicate()
        except BaseException:  # The run was terminated: so is the command, which keeps what it has read.
            process.terminate()
            raise
    return process.returncode, json.loads(out) if out.strip() else {}


def accounts() -> list[str | None]:
    """The names of the accounts in the project's settings; None stands for the only one."""
    config = tomllib.loads((PROJECT / ".dlt" / "config.toml").read_text(encoding="utf-8"))
    return [*config["sources"]["freshsales"].get("accounts", {})] or [None]


def _spec(place: str, table: dict[str, Any]) -> dg.AssetSpec:
    columns = [dg.TableColumn(c["name"], c["type"], c["description"]) for c in table["columns"]]
    return dg.AssetSpec(
        [place, table["table"]],
        description=table["description"],
        group_name=place,
        skippable=True,
        metadata={"dagster/column_schema": dg.TableSchema(columns)},
    )


def _checked(place: str, row: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=[place, row["object"]],
        check_name="verdict",
        passed=row["verdict"] in WHOLE,
        severity=dg.AssetCheckSeverity.WARN if row["verdict"] == "partial" else dg.AssetCheckSeverity.ERROR,
        description=f"{row['verdict']}: {row['reason']}" if row["reason"] else row["verdict"],
        metadata={name: row[name] for name in ("expected_count", "loaded_count") if row[name] is not None},
    )


def _told(row: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    told = {"run_id": report["run_id"], "is_partial": report["exit_code"] == 75}
    return told | {name: row[name] for name in ("verdict", "rows_read", "rows_changed") if name in row}


def _seconds_until(retry_at: str | None) -> float:
    if retry_at is None:
        return 60
    return max(1.0, (datetime.fromisoformat(retry_at) - datetime.now(UTC)).total_seconds())


_ASSETS = [assets_of(name) for name in accounts()]
_JOBS = [dg.define_asset_job(each.op.name + "_sync", dg.AssetSelection.assets(each)) for each in _ASSETS]
defs = dg.Definitions(
    assets=_ASSETS,
    schedules=[dg.ScheduleDefinition(job=job, cron_schedule="0 * * * *") for job in _JOBS],
)
