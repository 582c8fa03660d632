"""`freshsales status`: how whole the copy is, from the warehouse's own audit tables. Makes no API call."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from freshsales_source.cli.findings import kept_findings
from freshsales_source.cli.outlook import Finish, budget_json, budget_line, finish, left_now
from freshsales_source.cli.project import next_command, settings_without_key
from freshsales_source.cli.refresh_line import refresh_line
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import LOOKUP_TABLES, Output, output, print_rows, text
from freshsales_source.clock import SystemClock
from freshsales_source.exit_codes import ExitCode
from freshsales_source.plural import counted
from freshsales_source.state.findings import Findings
from freshsales_source.sync.report import SYNC_OBJECTS, SYNC_RUNS
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.sync.verdicts import Verdict, summary
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Warehouse

Row = dict[str, Any]

_SHORT = 60
"""Characters of a reason that fits into the first line."""


def run_status(options: Namespace) -> int:
    """Print the newest verdict on every object; 0 whatever it says, for the runs had their own exit codes."""
    target = target_of(options)
    settings = settings_without_key(options.account)
    warehouse, found = Warehouse(target, settings.account), kept_findings(settings.account)
    with ours_unwrapped():
        runs = _runs(warehouse)
    objects = _newest_of_each(warehouse, runs)
    synced_at = {run["run_id"]: run["started_at"] for run in runs}
    now = SystemClock().now()
    budget, states = left_now(settings, now), warehouse.states() if runs else {}
    end = finish(states, objects, runs[0], settings, warehouse, budget, now) if runs else None
    line = _first_line(objects, synced_at, end) if runs else _without_runs(warehouse)
    refreshed = refresh_line(states, objects, settings) if runs else None
    with output() as out:
        if options.json:
            document = {
                "summary": line,
                "last_run": runs[0] if runs else None,
                "objects": objects,
                "unfinished": end.to_json() if end else None,
                "budget": budget_json(budget),
                "rolling_refresh": refreshed,
                "findings_made_at": found.made_at,
            }
            out.print(json.dumps(document, default=_iso, indent=2))
        else:
            out.print(
                _first_line(objects, synced_at, end, longest=_SHORT)
                if runs
                else f"{line}. Next: {next_command('sync', options.account)}"
            )
            if runs:
                _print(objects, runs[0], synced_at, warehouse, out)
                out.print(budget_line(budget, settings))
            if refreshed is not None:
                out.print(refreshed)
            if found.made_at is not None:
                out.print(_of_findings(found, found.made_at))
    return ExitCode.DONE


def _without_runs(warehouse: Warehouse) -> str:
    """Why there is nothing to tell: no run, or a destination that only takes rows."""
    place = f"{place_of(warehouse)}, schema {warehouse.target.dataset}"
    if warehouse.can_answer:
        return f"No sync yet in {place}"
    return f"Not known: {place}, cannot be asked. What each run found is in its `_sync_objects`"


def _of_findings(found: Findings, made_at: datetime) -> str:
    use = "in use" if found.is_usable(SystemClock().now()) else "too old to be used: probe again"
    return f"Findings of `freshsales probe` of {text(_utc(made_at))} UTC: {use}"


def _first_line(
    objects: list[Row], synced_at: dict[str, datetime], end: Finish | None, *, longest: int | None = None
) -> str:
    """How whole the copy is; of what has no count, reasons of more than `longest` characters are told below."""
    oldest = min(synced_at[row["run_id"]] for row in objects)
    whys = ("see below" if _is_longer(row, longest) else row["reason"] or "" for row in objects)
    verdicts = ((row["object"], Verdict(row["verdict"]), why) for row, why in zip(objects, whys, strict=True))
    return summary(verdicts, f"{text(_utc(oldest))} UTC", left=str(end or ""))


def _is_longer(row: Row, longest: int | None) -> bool:
    if longest is None or row["verdict"] != Verdict.UNCHECKED:
        return False
    return len(row["reason"] or "") > longest


def _print(
    objects: list[Row], last: Row, synced_at: dict[str, datetime], warehouse: Warehouse, out: Output
) -> None:
    headers = ("object", "verdict", "in CRM", "in warehouse", "read up to", "synced at (UTC)")
    folded = [row for row in objects if row["object"] in LOOKUP_TABLES and row["verdict"] == Verdict.MATCHED]
    folded = folded if len(folded) > 1 else []
    rows = [_cells(row, synced_at) for row in objects if row not in folded]
    if folded:
        loaded = sum(row["loaded_count"] or 0 for row in folded)
        oldest = min(synced_at[row["run_id"]] for row in folded)
        name = counted(len(folded), "lookup")
        rows.append((name, Verdict.MATCHED.value, None, loaded, None, _utc(oldest)))
    out.print()
    print_rows(headers, rows, out)
    out.print()
    for row in objects:
        if _is_longer(row, _SHORT):
            out.print(f"{row['object']}: {row['reason']}")
    reason = f" ({last['reason']})" if last["reason"] else ""
    out.print(
        f"Last run {last['run_id']}: exit {last['exit_code']}{reason}, {counted(last['calls'], 'API call')}"
    )
    out.print(f"Schema {warehouse.target.dataset} in {place_of(warehouse)}")


def _cells(row: Row, synced_at: dict[str, datetime]) -> tuple[object, ...]:
    counts = row["expected_count"], row["loaded_count"]
    times = _utc(row["watermark_after"]), _utc(synced_at[row["run_id"]])
    return row["object"], row["verdict"], *counts, *times


def _runs(warehouse: Warehouse) -> list[Row]:
    """All runs, the newest first."""
    if not warehouse.exists():
        return []
    return warehouse.rows(SYNC_RUNS.name, [c.name for c in SYNC_RUNS.columns], order="started_at DESC") or []


def _newest_of_each(warehouse: Warehouse, runs: list[Row]) -> list[Row]:
    """The last row of each object; a run of some objects leaves the others' older rows in force."""
    if not runs:
        return []
    columns = [column.name for column in SYNC_OBJECTS.columns]
    rows = warehouse.rows(SYNC_OBJECTS.name, columns, where=_of_newest_runs(warehouse)) or []
    age = {run["run_id"]: place for place, run in enumerate(runs)}
    newest: dict[str, Row] = {}
    # A run that was killed while it wrote its report may have left half of it.
    rows = [row for row in rows if row["run_id"] in age]
    for row in sorted(rows, key=lambda row: -age[row["run_id"]]):
        newest[row["object"]] = row
    return sorted(newest.values(), key=lambda row: str(row["object"]))


def _of_newest_runs(warehouse: Warehouse) -> str:
    """The condition for rows of runs that were the last to look at some object: the tables hold years of runs."""
    runs, objects = warehouse.name(SYNC_RUNS.name), warehouse.name(SYNC_OBJECTS.name)
    newest = (
        f"SELECT max(r.started_at) FROM {objects} o JOIN {runs} r ON r.run_id = o.run_id"
        f" GROUP BY o.{warehouse.column('object')}"
    )
    return f"run_id IN (SELECT run_id FROM {runs} WHERE started_at IN ({newest}))"


def _utc(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC) if value is not None else None


def _iso(value: object) -> object:
    """What JSON has no type for: times as `sync --json` writes them, decimals as numbers."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else float(str(value))
