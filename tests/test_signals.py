"""Ctrl-C and SIGTERM, sent to real processes in the middle of everything: what was read is saved, exit 130."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from math import ceil, log2
from pathlib import Path

import pytest

from freshsales_source.exit_codes import ExitCode
from tests.command import Command
from tests.connector import asked, company, connect_swiftly, verdicts
from tests.killing import Point, Runs, runs

PAGES = 60
SYNC = ("sync", "sales_accounts")
PATIENCE_S = 60
HOLD = 'import duckdb, sys; held = duckdb.connect(sys.argv[1]); print("open", flush=True); input()'


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with runs(tmp_path_factory.mktemp("signals"), sales_accounts=5 * PAGES, in_bin=5, page_size=5) as runs_:
        yield runs_


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("extract", signal.SIGINT),
        ("normalize", signal.SIGTERM),
        ("before a commit", signal.SIGINT),
        ("after a commit", signal.SIGTERM),
    ],
)
def test_a_signal_at_any_step_of_dlt_saves_what_was_read(
    started: Runs, step: str, number: signal.Signals
) -> None:
    stopped = started(step, *SYNC, at=Point(number=3, step=step, signal=number))
    assert stopped.code == ExitCode.INTERRUPTED, stopped.output
    assert stopped.output.startswith("Stopping after the requests under way")
    assert "Traceback" not in stopped.output
    warehouse = started.warehouse(step)
    assert warehouse.query("SELECT exit_code, reason FROM _sync_runs") == [(130, "interrupted")]
    rows = warehouse.count("sales_accounts")
    # With those in the bin; while one slice was loaded, the next may have been read to the end.
    assert 5 * (stopped.calls - 8) < rows <= 5 * PAGES + 5, "what was asked for is there"
    again = started(step, *SYNC)
    assert again.code == ExitCode.DONE
    assert warehouse.count("sales_accounts") == 5 * PAGES + 5
    found_again = ceil(log2(PAGES)) + 4
    assert stopped.calls + again.calls <= PAGES + 1 + 3 + found_again, "no page is read twice"


def test_a_signal_while_waiting_for_the_budget_ends_the_run(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__RATE_LIMITS="[[4, 3600]]", SOURCES__FRESHSALES__PAGE_SIZE="5")
    with freshsales.account(contacts=60) as emulator:
        process = freshsales.start("sync", "contacts", "-v")
        assert process.stderr is not None
        # Its own word for it, so that the signal comes while it waits.
        seen = [next(line for line in process.stderr if "budget_wait" in line)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
        assert len(emulator.log) <= 4
    assert seen
    assert process.returncode == ExitCode.INTERRUPTED
    assert freshsales.warehouse.query("SELECT reason FROM _sync_runs") == [("interrupted",)]


def test_a_signal_while_waiting_for_a_locked_file_ends_the_run(freshsales: Command) -> None:
    with freshsales.account():
        assert freshsales("sync", "owners").code == 0
        command = [sys.executable, "-c", HOLD, str(freshsales.database)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        process = freshsales.start("sync", "owners")
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
        holder.kill()
        holder.communicate()
    assert "warehouse_locked" in line
    assert f"(PID {holder.pid})" in line
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
    assert "interrupted: the run was asked to stop" in err


def test_being_asked_to_stop_counts_though_nothing_was_left_to_do(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=3, deals=0, in_bin=0)
    stop = threading.Event()
    last = connect_swiftly(emulator, tmp_path / "usual", objects=["contacts"]).sync().calls
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    calls_before = len(emulator.log)
    emulator.before_request = lambda _: stop.set() if len(emulator.log) == calls_before + last - 1 else None
    report = connector.sync(stop=stop)
    assert (report.exit_code, report.reason) == (ExitCode.INTERRUPTED, "interrupted")
    assert connector.reader.query("SELECT exit_code FROM _sync_runs") == [(130,)]
    assert connector.reader.count("contacts") == 3


def test_being_asked_to_stop_while_counts_are_traced_leaves_that_to_the_next_run(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=60, deals=0, in_bin=0)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], page_size=5)
    connector.sync()
    gone = connector.reader.ids("contacts")[20]
    emulator.store.forget("contacts", gone)
    connector.clock.advance(1000)
    stop, calls_before = threading.Event(), len(emulator.log)

    def stop_at_the_first(_: int) -> None:
        if asked(emulator, "sort=created_at", since=calls_before):
            stop.set()

    emulator.before_request = stop_at_the_first
    report = connector.sync(stop=stop)
    assert (report.exit_code, stop.is_set()) == (ExitCode.INTERRUPTED, True)
    assert connector.reader.ids("contacts", where="is_deleted") == []
    emulator.before_request = None
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert connector.reader.ids("contacts", where="is_deleted") == [gone]
