"""A DuckDB file that another program has open, and a warehouse that refuses a load: nothing is lost or asked twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from freshsales_source.clock import Stop
from freshsales_source.emulator import Emulator
from freshsales_source.errors import Interrupted, Locked, WarehouseRefused
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.report import RunReport
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.duckdb_destination import WAIT_S
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.command import Command
from tests.connector import Connector, asked, company, connect

OPEN = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("open", flush=True)
input()
"""


def account() -> Emulator:
    """The same account each time, as it was at first."""
    return company(accounts=0, contacts=30, deals=0, in_bin=0)


@pytest.fixture
def emulator() -> Emulator:
    return account()


@pytest.fixture(scope="module")
def after_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the first sync left in the folder beside it."""
    folder = tmp_path_factory.mktemp("locked")
    assert run(connect_in(folder / "here", account())).exit_code is ExitCode.DONE
    return shutil.copytree(folder / "here", folder / "copy")


@pytest.fixture
def connector(emulator: Emulator, after_first: Path) -> Connector:
    """A connector that has synced once; its warehouse must stand where it was made."""
    folder = after_first.parent / "here"
    shutil.rmtree(folder)
    shutil.copytree(after_first, folder)
    return connect_in(folder, emulator)


def connect_in(folder: Path, emulator: Emulator) -> Connector:
    return connect(emulator, folder, objects=["contacts"], page_size=10)


def all_ids(emulator: Emulator) -> list[int]:
    return [int(record["id"]) for record in emulator.store.live("contacts")]


class Program:
    """Another program with the file open, such as a BI tool."""

    def __init__(self, database: Path, *, how: str = "writes") -> None:
        command = [sys.executable, "-c", OPEN, str(database), how]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "open\n"
        self.pid = self._process.pid

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def opened(database: Path, *, how: str = "writes") -> Iterator[Program]:
    program = Program(database, how=how)
    try:
        yield program
    finally:
        program.close()


def run(connector: Connector, *, stop: Stop | None = None) -> RunReport:
    """One sync that, unlike the connector's own, keeps no connection of the test's open."""
    settings = connector.settings()
    target = Target(duckdb=connector.database, pipelines_dir=connector.folder / "dlt")
    return sync(
        Syncing(
            settings=settings,
            warehouse=Warehouse(target, settings.account, clock=connector.clock, stop=stop),
            clock=connector.clock,
            client=lambda: connector.client(settings),
            stop=stop,
        )
    )


@pytest.mark.parametrize("how", ["writes", "reads"])
def test_a_file_that_is_open_elsewhere_is_waited_for_a_minute_with_one_message(
    connector: Connector, emulator: Emulator, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls, slept = len(emulator.log), sum(connector.clock.sleeps)
    with opened(connector.database, how=how) as program, pytest.raises(Locked, match="is open in") as caught:
        run(connector)
    assert (caught.value.reason, caught.value.exit_code) == ("lock", ExitCode.UNFINISHED)
    assert f"(PID {program.pid})" in str(caught.value)
    assert sum(connector.clock.sleeps) - slept == WAIT_S
    assert len(emulator.log) == calls, "the first look comes before the first call"
    told = [line.getMessage() for line in caplog.records if "warehouse_locked" in line.getMessage()]
    assert len(told) == 1
    assert f"(PID {program.pid})" in told[0]
    assert run(connector).exit_code is ExitCode.DONE


def test_a_file_that_is_closed_meanwhile_is_used_without_further_ado(connector: Connector) -> None:
    program = Program(connector.database)
    connector.clock.on_sleep = lambda: program.close() if sum(connector.clock.sleeps) > 20 else None
    slept = sum(connector.clock.sleeps)
    try:
        assert run(connector).exit_code is ExitCode.DONE
    finally:
        program.close()
    assert 15 < sum(connector.clock.sleeps) - slept < WAIT_S


def leave_a_package(connector: Connector, emulator: Emulator) -> None:
    """A run that reads what is new and cannot load it: another program opens the file at its first request."""
    programs: list[Program] = []

    def open_it(_: int) -> None:
        emulator.before_request = None
        programs.append(Program(connector.database))

    emulator.before_request = open_it
    try:
        with pytest.raises(Locked):
            run(connector)
    finally:
        for program in programs:
            program.close()
    assert programs


def edit(connector: Connector, emulator: Emulator, city: str, ids: Iterable[int]) -> None:
    connector.clock.advance(1000)
    for record_id in ids:
        emulator.store.update("contacts", record_id, city=city)
    connector.clock.advance(1000)


def test_a_file_that_is_opened_while_pages_are_read_keeps_them_for_the_next_run(
    connector: Connector, emulator: Emulator
) -> None:
    edit(connector, emulator, "Łódź", all_ids(emulator))
    before = len(emulator.log)
    leave_a_package(connector, emulator)
    read, before = asked(emulator, "/contacts/view/", since=before), len(emulator.log)
    assert len(read) >= 3
    assert run(connector).exit_code is ExitCode.DONE
    assert len(asked(emulator, "/contacts/view/", since=before)) == 2, "a look at each top, no page again"
    assert set(connector.reader.query("SELECT city FROM contacts")) == {("Łódź",)}


def test_waiting_for_a_file_ends_when_asked_to_stop(connector: Connector, emulator: Emulator) -> None:
    stop = threading.Event()
    connector.clock.on_sleep = stop.set
    slept = len(connector.clock.sleeps)
    with opened(connector.database), pytest.raises(Interrupted):
        run(connector, stop=stop)
    assert len(connector.clock.sleeps) == slept + 1


@pytest.mark.parametrize("reason", ["warehouse_older", "warehouse_new"])
def test_a_package_made_for_a_warehouse_that_is_gone_is_not_loaded_into_the_next(
    connector: Connector, emulator: Emulator, reason: str
) -> None:
    """It holds the newest change only, and state that claims all the others."""
    backup = connector.reader.copied_to(connector.folder / "backup.duckdb").path
    first, second, *_ = all_ids(emulator)
    edit(connector, emulator, "one", [first])
    run(connector)
    edit(connector, emulator, "two", [second])
    leave_a_package(connector, emulator)
    connector.database.unlink()
    if reason == "warehouse_older":
        backup.rename(connector.database)
    report = run(connector)
    assert (report.exit_code, report.reason) == (ExitCode.DONE, reason)
    cities = dict(connector.reader.query("SELECT id, city FROM contacts"))
    assert (cities[first], cities[second], len(cities)) == ("one", "two", 30)


def test_a_load_that_is_refused_ends_in_one_line_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    freshsales = Command(tmp_path, monkeypatch, capsys)
    with freshsales.account(contacts=12) as emulator:
        assert freshsales("sync", "contacts").code == 0
        for record in emulator.store.live("contacts"):
            emulator.store.update("contacts", int(record["id"]), city="Łódź")
        with duckdb.connect(str(freshsales.database)) as db:
            db.execute("ALTER TABLE freshsales.freshsales.contacts ALTER city TYPE INTEGER USING NULL")
        ran = freshsales("sync", "contacts", "--json")
        read = len(emulator.log)
        again = freshsales("sync", "contacts", "--json")
        assert len(emulator.log) == read, "what is kept is loaded before anything is asked"
        with duckdb.connect(str(freshsales.database)) as db:
            db.execute("ALTER TABLE freshsales.freshsales.contacts ALTER city TYPE VARCHAR")
        mended = freshsales("sync", "contacts", "--json")
    for refused in (ran, again):
        assert (refused.code, refused.json["reason"]) == (1, WarehouseRefused("").reason)
        assert refused.err.startswith("warehouse_refused: the destination refused: ConversionException: ")
        assert refused.err.count("\n") == 1
    assert (mended.code, mended.json["objects"][0]["verdict"]) == (0, "matched")
    assert set(freshsales.warehouse.query("SELECT city FROM contacts WHERE NOT is_deleted")) == {("Łódź",)}
