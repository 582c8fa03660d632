"""The command as a user meets it: a project folder, an environment, arguments in, exit code and two streams out."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.cli import main
from freshsales_source.emulator import Emulator, Limits, Switches, SystemClock, generate_company, serve
from tests.warehouse_reader import WarehouseReader

KEY = "demo-key"

ALL_PIPELINES = Switches(deal_views_default_pipeline_only=False)
"""The deal views show every pipeline, so that three walks can read the account whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; fails where there is anything else."""
        return json.loads(self.out)


class Command:
    """Runs `freshsales` in a folder of its own, in this process or as another; nothing of the machine shows."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder / "project"
        self.home = folder / "home"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for path in (self.folder, self.home):
            path.mkdir()
        monkeypatch.chdir(self.folder)
        for name in [
            name for name in os.environ if name.startswith(("FRESHSALES_", "SOURCES__", "DESTINATION__"))
        ]:
            monkeypatch.delenv(name)
        self.set(
            HOME=str(self.home), XDG_STATE_HOME=str(self.home / "state"), DLT_DATA_DIR=str(self.home / "dlt")
        )
        # What the command sets for its own process must not outlive the test.
        self.set(
            RUNTIME__DLTHUB_TELEMETRY="false",
            RUNTIME__INTERCEPT_SIGNALS="false",
            RUNTIME__LOG_LEVEL="CRITICAL",
        )
        logger = logging.getLogger("freshsales_source")
        for name in ("handlers", "propagate", "level"):
            value = getattr(logger, name)
            monkeypatch.setattr(logger, name, list(value) if name == "handlers" else value)

    @property
    def database(self) -> Path:
        """The warehouse, where the command puts it unless told otherwise."""
        return self.folder / "freshsales.duckdb"

    @property
    def warehouse(self) -> WarehouseReader:
        """Plain SQL on the warehouse."""
        return WarehouseReader(self.database)

    def set(self, **environment: str) -> None:
        """Set environment variables until the test ends."""
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)

    def environment(self, name: str) -> str:
        """A variable as the command would find it."""
        return os.environ[name]

    def write(self, name: str, text: str) -> None:
        """Write a file of the project folder."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str) -> Ran:
        """Run in this process."""
        self._capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self._capsys.readouterr()
        return Ran(code=code, out=out, err=err)

    def start(self, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start another process; the caller waits for it."""
        command = [sys.executable, "-m", "freshsales_source", *arguments]
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=self.folder)

    @contextmanager
    def account(
        self,
        *,
        switches: Switches = ALL_PIPELINES,
        api_key: str = KEY,
        limits: Limits | None = None,
        contacts: int = 20,
        contracts: int = 0,
        latency_s: float = 0.0,
    ) -> Iterator[Emulator]:
        """A small account on a socket, which the environment's settings name."""
        clock = SystemClock()
        store = generate_company(
            clock, accounts=6, contacts=contacts, deals=24, contracts=contracts, in_bin=2
        )
        emulator = Emulator(
            store, clock=clock, api_key=api_key, switches=switches, limits=limits, latency_s=latency_s
        )
        with serve(emulator) as server:
            self.set(FRESHSALES_DOMAIN=server.url, FRESHSALES_API_KEY=api_key)
            yield emulator
