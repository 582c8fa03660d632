"""The run lock: one holder at a time, over threads and processes, gone with its process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freshsales_source.errors import ConfigurationError, Locked
from freshsales_source.exit_codes import ExitCode
from freshsales_source.warehouse.run_lock import run_lock
from tests.command import Command
from tests.connector import asked, company, connect

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from freshsales_source.warehouse.run_lock import run_lock
with run_lock(Path(sys.argv[1]), now=datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until it is killed, or this one has ended."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_holder_is_told_who_has_it_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "one.lock"
    with run_lock(path, now=NOW), pytest.raises(Locked) as caught, run_lock(path, now=NOW):
        pytest.fail("two hold it")
    error = caught.value
    assert (error.reason, error.exit_code) == ("lock", ExitCode.UNFINISHED)
    assert re.search(rf"process \d+ on {re.escape(socket.gethostname())}, since 2026-03-02T09:30", str(error))


def test_it_is_free_again_after_the_block_and_after_an_error_inside(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    with run_lock(path, now=NOW):
        pass
    with pytest.raises(ZeroDivisionError), run_lock(path, now=NOW):
        raise ZeroDivisionError
    with run_lock(path, now=NOW), run_lock(tmp_path / "another.lock", now=NOW):
        pass


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    process = holding(path)
    try:
        with pytest.raises(Locked, match=f"process {process.pid} on "), run_lock(path, now=NOW):
            pytest.fail("two hold it")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with run_lock(path, now=NOW):
            pass
    finally:
        end(process)


@pytest.mark.parametrize("wrong", ["a folder", "another kind of file"])
def test_a_lock_file_that_cannot_be_used_is_a_matter_of_configuration(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "one.lock"
    if wrong == "a folder":
        path.mkdir()
    else:
        path.write_text("notes\n" * 1000)
    with pytest.raises(ConfigurationError, match=r"one\.lock"), run_lock(path, now=NOW):
        pytest.fail("it was used")


def test_a_second_sync_of_the_same_warehouse_touches_nothing(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=5, deals=0, in_bin=0)
    connector = connect(emulator, tmp_path, objects=["contacts"])
    seen: list[Locked] = []

    def second(_: int) -> None:
        emulator.before_request = None
        with pytest.raises(Locked) as caught:
            connector.sync()
        seen.append(caught.value)

    emulator.before_request = second
    report = connector.sync()
    assert len(seen) == 1, "the second ran while the first was reading"
    assert (report.exit_code, report.calls) == (ExitCode.DONE, len(asked(emulator)))
    assert connector.reader.count("_sync_runs") == 1


def test_the_command_says_who_is_at_work_from_any_folder_and_another_warehouse_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    freshsales = Command(tmp_path, monkeypatch, capsys)
    with freshsales.account() as emulator:
        assert freshsales("sync", "owners").code == 0
        (path,) = (freshsales.home / "state" / "freshsales-source").glob("*.lock")
        process = holding(path)
        try:
            before = len(emulator.log)
            (freshsales.folder / "elsewhere").mkdir()
            monkeypatch.chdir(freshsales.folder / "elsewhere")
            ran = freshsales("sync", "owners", "--json", "--duckdb", "../freshsales.duckdb")
            assert len(emulator.log) == before
            assert freshsales("sync", "owners", "--duckdb", "../another.duckdb").code == 0
        finally:
            end(process)
        assert freshsales("sync", "owners", "--duckdb", "../freshsales.duckdb").code == 0
    assert ran.code == 75
    assert (ran.json["exit_code"], ran.json["reason"]) == (75, "lock")
    assert ran.err.startswith("lock: another sync of this account into this warehouse is at work: process ")
    assert f"process {process.pid} on " in ran.err
    assert freshsales.warehouse.count("_sync_runs") == 2


def test_the_lock_is_not_passed_on_to_child_processes(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    with run_lock(path, now=NOW):
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True, close_fds=False
        )
    try:
        with run_lock(path, now=NOW):
            pass
    finally:
        end(child)
