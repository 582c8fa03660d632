"""Real syncs to measure: the ones that `freshsales sync` makes, against an address or pages that were kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measured import Stopwatch
from freshsales_source.api.client import Client, build_client
from freshsales_source.clock import SystemClock
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.sync.report import RunReport
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.warehouse import Target, Warehouse

KEY = "demo-key"
UNLIMITED = [[1_000_000_000, 60]]


def settings_for(folder: Path, url: str, **flags: Any) -> Settings:
    """Settings with a budget file of its own and without limits, unless `flags` set some."""
    usual: dict[str, Any] = {
        "domain": url,
        "api_key": KEY,
        "rate_limits": UNLIMITED,
        "budget_store": folder / "budget.sqlite",
        "refresh_pages": 0,
    }
    return read_settings(flags={**usual, **flags})


def sync_once(
    folder: Path, settings: Settings, *, transport: Callable[[], httpx.BaseTransport] | None = None
) -> tuple[RunReport, float]:
    """One sync into `folder`; its report, and the seconds in which dlt normalised and loaded its packages."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    target = Target(duckdb=folder / "warehouse.duckdb", pipelines_dir=folder / "dlt")
    warehouse = Warehouse(target, settings.account, clock=clock)
    loading = _Timer()
    for step in ("normalize", "load"):
        setattr(warehouse.pipeline, step, loading.timed(getattr(warehouse.pipeline, step)))

    def client() -> Client:
        return build_client(settings, clock=clock, transport=transport() if transport else None)

    report = sync(Syncing(settings=settings, warehouse=warehouse, clock=clock, client=client))
    return report, loading.seconds


def first_sync(
    stopwatch: Stopwatch, *, folder: str, url: str, objects: list[str], warms_up: bool = True, **flags: Any
) -> dict[str, Any]:
    """A job: a sync of these objects into `folder`, after one elsewhere with which the process warms up."""
    if warms_up:
        small = settings_for(Path(folder), url, objects=["owners"])
        sync_once(Path(folder) / f"warm-{time.monotonic_ns()}", small)
    settings = settings_for(Path(folder), url, objects=objects, **flags)
    with stopwatch:
        report, loading_s = sync_once(Path(folder) / "synced", settings)
    return summary(report, loading_s)


def summary(report: RunReport, loading_s: float = 0.0) -> dict[str, Any]:
    """What a measured sync is checked by."""
    return {
        "exit_code": int(report.exit_code),
        "reason": report.reason,
        "calls": report.calls,
        "loading_s": loading_s,
        "waited_s": report.seconds_waited,
        "verdicts": {row.object: row.verdict.value for row in report.objects},
        "rows": {row.object: row.loaded_count for row in report.objects},
        "changed": {row.object: row.rows_changed for row in report.objects},
    }


class _Timer:
    """Adds up the seconds in calls of other functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - started

        return call
