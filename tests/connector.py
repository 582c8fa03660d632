"""The whole connector in process: an emulated account, a clock that nobody waits for, a DuckDB file to look into."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import httpx

from freshsales_source.api.client import Client, build_client
from freshsales_source.clock import Clock, Stop
from freshsales_source.emulator import Emulator, Store, Switches, generate_company
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.state.findings import Hints
from freshsales_source.sync.report import ObjectReport, RunReport
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.fake_clock import FakeClock
from tests.swift_warehouse import SwiftWarehouse
from tests.warehouse_reader import WarehouseReader

KEY = "demo-key"
DOMAIN = "http://127.0.0.1:8900"
OBJECTS = ("contacts", "sales_accounts", "deals")
LOOKUPS = ("owners", "deal_pipelines", "deal_stages")
CORE = [*OBJECTS, *LOOKUPS]
"""The objects that live in saved views, and what they point to most."""
WIDE = [[1_000_000, 60]]
"""A limit that nothing here reaches."""

ALL_PIPELINES = Switches(deal_views_default_pipeline_only=False)
"""The deal views show every pipeline: what a walk over three views can read whole."""


@dataclass(kw_only=True)
class Connector:
    """A connector for one account, with a warehouse of its own below `folder`."""

    folder: Path
    clock: FakeClock
    transport: Callable[[], httpx.BaseTransport]
    flags: dict[str, Any] = field(default_factory=dict)
    destination: str = "duckdb"
    """With `postgres` the environment must say where that is (tests/postgres_server.py)."""
    dataset: str = "freshsales"
    is_swift: bool = False
    """Whether loads go past dlt; see `connect_swiftly`."""
    # DuckDB opens a file in 20 ms, and a run does so some twenty times; while one connection stays open the
    # others cost nothing.
    _held: duckdb.DuckDBPyConnection | None = None

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    @property
    def reader(self) -> WarehouseReader:
        """Plain SQL on the warehouse."""
        return WarehouseReader(self.database)

    def settings(self, **flags: Any) -> Settings:
        """The settings of a run; the usual ones unless said otherwise."""
        usual: dict[str, Any] = {
            "domain": DOMAIN,
            "api_key": KEY,
            "rate_limits": WIDE,
            "budget_store": self.folder / "budget.sqlite",
            # Its calls would blur what a test counts; tests of the refresh set it.
            "refresh_pages": 0,
        }
        return read_settings(flags={**usual, **self.flags, **flags})

    def sync(
        self,
        *,
        is_strict: bool = False,
        full_refresh: Iterable[str] = (),
        accepts_vanished: bool = False,
        hints: Hints | None = None,
        stop: Stop | None = None,
        **flags: Any,
    ) -> RunReport:
        """One `freshsales sync` in a process of its own, as far as state is concerned."""
        settings = self.settings(**flags)
        if self._held is None and self.destination == "duckdb":
            self._held = duckdb.connect(str(self.database))
            # For tables this small more threads only take turns.
            self._held.execute("SET threads = 1")
        return sync(
            Syncing(
                settings=settings,
                warehouse=self.warehouse(settings),
                clock=self.clock,
                client=lambda: self.client(settings, stop),
                is_strict=is_strict,
                full_refresh=frozenset(full_refresh),
                accepts_vanished=accepts_vanished,
                hints=hints,
                stop=stop,
            )
        )

    def warehouse(self, settings: Settings) -> Warehouse:
        """The warehouse as a new process opens it."""
        target = Target(
            destination=self.destination,
            dataset=self.dataset,
            duckdb=self.database,
            pipelines_dir=self.folder / "dlt",
        )
        if self.is_swift:
            return SwiftWarehouse(target)
        return Warehouse(target, settings.account, clock=self.clock)

    def client(self, settings: Settings, stop: Stop | None = None) -> Client:
        """A client that talks to the account in process."""
        clock: Clock = self.clock
        return build_client(settings, clock=clock, transport=self.transport(), stop=stop)

    def close(self) -> None:
        """Close the DuckDB file; the next sync opens it again."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def delete_database(self) -> None:
        """Delete the DuckDB file, and nothing else."""
        self.close()
        self.database.unlink()


def connect(emulator: Emulator, folder: Path, **flags: Any) -> Connector:
    """A connector for an emulated account whose clock is a FakeClock."""
    clock = emulator.clock
    assert isinstance(clock, FakeClock)
    folder.mkdir(parents=True, exist_ok=True)
    return Connector(
        folder=folder, clock=clock, transport=lambda: httpx.WSGITransport(app=emulator.wsgi), flags=flags
    )


def connect_swiftly(emulator: Emulator, folder: Path, **flags: Any) -> Connector:
    """A connector whose loads go past dlt: for what readers do, at a tenth of the cost (swift_warehouse.py)."""
    connector = connect(emulator, folder, **flags)
    connector.is_swift = True
    return connector


def company(
    *,
    accounts: int = 12,
    contacts: int = 40,
    deals: int = 60,
    in_bin: int = 3,
    seed: int = 1,
    switches: Switches = ALL_PIPELINES,
) -> Emulator:
    """A small emulated company in which nothing happens by itself."""
    clock = FakeClock()
    store = generate_company(
        clock, seed=seed, accounts=accounts, contacts=contacts, deals=deals, in_bin=in_bin
    )
    return emulate(store, clock, switches)


def emulate(store: Store, clock: FakeClock, switches: Switches = ALL_PIPELINES) -> Emulator:
    """An emulator without limits over a store."""
    return Emulator(store, clock=clock, api_key=KEY, switches=switches, limits=None)


def of(report: RunReport, object_name: str) -> ObjectReport:
    """What a run says about one object."""
    return next(row for row in report.objects if row.object == object_name)


def verdicts(report: RunReport) -> dict[str, str]:
    """The verdict of every object, by name."""
    return {row.object: row.verdict.value for row in report.objects}


Calls: TypeAlias = list[str]


def asked(emulator: Emulator, part: str = "", *, since: int = 0) -> Calls:
    """Path and query of the requests from number `since` on whose path contains `part`."""
    calls = [f"{call.path}?{call.query}" for call in emulator.log[since:]]
    return [call for call in calls if part in call]
