"""Real runs of the command against an emulated account, with a signal at a request or at a file operation of dlt's."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freshsales_source.emulator import Emulator, SystemClock, generate_company, serve
from tests.connector import ALL_PIPELINES, KEY
from tests.warehouse_reader import WarehouseReader

DISK_FULL = 0
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """When the signal comes: at a request, or at a file operation of a step, counted from 1; never, with 0."""

    number: int = 0
    step: str = ""
    signal: int = signal.SIGKILL
    """`DISK_FULL` is no signal: from this file operation on, the disk is full."""

    @property
    def request(self) -> int:
        """The request, where it is one."""
        return 0 if self.step else self.number

    def __str__(self) -> str:
        what = signal.Signals(self.signal).name if self.signal else "full"
        return f"{what}-{self.step or 'request'}-{self.number}".replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, the calls it made, what it printed, and what dlt did to its files."""

    code: int
    calls: int
    output: str
    operations: tuple[str, ...]

    def count(self, step: str) -> int:
        """How many file operations belong to a step."""
        return sum(line.startswith(f"{step}: ") for line in self.operations)


class Runs:
    """Starts runs of the command, each into the warehouse of its own that is named."""

    def __init__(self, folder: Path, emulator: Emulator, process: subprocess.Popen[str]) -> None:
        self.emulator = emulator
        self._folder = folder
        self._process = process
        self._number = itertools.count(1)

    def warehouse(self, name: str) -> WarehouseReader:
        """Plain SQL on the warehouse of that name."""
        return WarehouseReader(self._folder / f"{name}.duckdb")

    def __call__(self, name: str, *arguments: str, at: Point | None = None) -> Ended:
        """Run the command once, with the signal where `at` says."""
        at = at or Point()
        number, first = next(self._number), len(self.emulator.log)
        output, events = self._folder / f"{number}.out", self._folder / f"{number}.events"
        order = {
            "arguments": [*arguments, "--duckdb", str(self._folder / f"{name}.duckdb")],
            "output": str(output),
            "events": str(events),
            "step": at.step,
            "at": 0 if at.request else at.number,
            "signal": at.signal,
        }
        known, pid = threading.Event(), [0]
        if at.request:
            self.emulator.before_request = lambda _: self._meet(first + at.request, known, pid, at.signal)
        self._write(order)
        pid[0] = self._read("pid")
        known.set()
        code = self._read("code")
        self.emulator.before_request = None
        return Ended(
            code=code,
            calls=len(self.emulator.log) - first,
            output=output.read_text(),
            operations=tuple(events.read_text().splitlines()) if events.exists() else (),
        )

    def _meet(self, request: int, known: threading.Event, pid: list[int], number: int) -> None:
        if len(self.emulator.log) + 1 == request:
            assert known.wait(60)
            os.kill(pid[0], number)

    def _write(self, order: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _read(self, what: str) -> int:
        assert self._process.stdout is not None
        return int(json.loads(self._process.stdout.readline())[what])


@contextmanager
def runs(folder: Path, *, sales_accounts: int, in_bin: int, page_size: int) -> Iterator[Runs]:
    """Runs against an account of so many sales accounts, in which nothing happens."""
    clock = SystemClock()
    store = generate_company(clock, accounts=sales_accounts, contacts=0, deals=0, in_bin=in_bin)
    emulator = Emulator(store, clock=clock, api_key=KEY, switches=ALL_PIPELINES, limits=None)
    with serve(emulator) as server:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(_ROOT),
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "DLT_DATA_DIR": str(folder / "dlt"),
            "FRESHSALES_DOMAIN": server.url,
            "FRESHSALES_API_KEY": KEY,
            "SOURCES__FRESHSALES__PAGE_SIZE": str(page_size),
            "SOURCES__FRESHSALES__REFRESH_PAGES": "0",
            "SOURCES__FRESHSALES__RATE_LIMITS": "[[1000000, 60]]",
            # As in the tests' own process (conftest.py).
            "EXTRACT__FUTURES_POLL_INTERVAL": os.environ["EXTRACT__FUTURES_POLL_INTERVAL"],
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.doomed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )
        try:
            yield Runs(folder, emulator, process)
        finally:
            process.communicate("")
