"""`sync --publish PATH`: readers get the whole copy in one step, or keep the one before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.errors import ConfigurationError, NotPublished
from freshsales_source.sync.publishing import _mark, check_publishable, part_of, publish
from freshsales_source.warehouse.warehouse import Target
from tests.command import Command
from tests.connector import Connector, company, connect_swiftly
from tests.warehouse_reader import WarehouseReader

WAITING_READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
input()
print(connection.execute("SELECT count(*) FROM freshsales.owners").fetchall()[0][0], flush=True)
"""


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@pytest.fixture
def emulator() -> Emulator:
    return company(accounts=0, contacts=3, deals=0, in_bin=0)


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect_swiftly(emulator, tmp_path / "made", objects=["owners", "contacts"])


def published(connector: Connector, path: Path) -> WarehouseReader:
    publish(connector.warehouse(connector.settings()), path)
    return WarehouseReader(path)


def test_a_run_publishes_what_it_has_loaded_views_included(freshsales: Command) -> None:
    copy = freshsales.folder / "readers.duckdb"
    with freshsales.account(contacts=3):
        ran = freshsales("sync", "deals", "--publish", "readers.duckdb")
        again = freshsales("sync", "owners", "--publish", "readers.duckdb", "--json")
    assert (ran.code, again.code) == (0, 0)
    assert ran.out.endswith(f"Published to {copy.resolve()}\n")
    assert again.json["exit_code"] == 0
    assert WarehouseReader(copy).content() == freshsales.warehouse.content()
    assert WarehouseReader(copy).value("SELECT count(*) FROM _sync_runs") == 2
    assert WarehouseReader(copy).value("SELECT count(*) FROM freshsales_marts.stage_visits") > 0
    left = sorted(path.name for path in freshsales.folder.iterdir() if path.is_file())
    assert left == ["freshsales.duckdb", "readers.duckdb"]


def test_a_reader_that_has_the_old_copy_open_goes_on_reading_it_and_no_sync_waits_for_it(
    connector: Connector, emulator: Emulator, tmp_path: Path
) -> None:
    connector.sync()
    path = tmp_path / "readers.duckdb"
    before = published(connector, path).count("owners")
    command = [sys.executable, "-c", WAITING_READER, str(path)]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    emulator.store.create("contacts", first_name="Ada")
    connector.clock.advance(4000)
    with duckdb.connect(str(connector.database)) as db:
        db.execute("DELETE FROM freshsales.owners")
    assert published(connector, path).count("owners") == 0
    out, _ = reader.communicate("\n", timeout=60)
    assert out == f"{before}\n"


def test_a_copy_that_fails_leaves_the_old_one_and_nothing_beside_it(
    connector: Connector, tmp_path: Path
) -> None:
    connector.sync()
    path = tmp_path / "readers" / "readers.duckdb"
    path.parent.mkdir()
    before = published(connector, path).copied_to(tmp_path / "before.duckdb").path.read_bytes()
    # A folder stands where the copy is prepared: it can be neither written nor renamed.
    part = part_of(connector.database, path)
    part.mkdir()
    with pytest.raises(NotPublished, match="no copy for readers could be made at"):
        publish(connector.warehouse(connector.settings()), path)
    assert path.read_bytes() == before
    part.rmdir()
    part.write_text("what a killed copy left")
    path.chmod(0o640)
    assert published(connector, path).count("owners") > 0
    assert (path.stat().st_mode & 0o777, sorted(path.parent.iterdir())) == (0o640, [path])


def test_what_is_written_while_it_is_copied_is_noticed(connector: Connector) -> None:
    connector.sync()
    before = _mark(connector.database)
    connector.reader.query("CREATE TABLE freshsales.others AS SELECT range AS n FROM range(100000)")
    assert _mark(connector.database) != before


def test_only_a_duckdb_file_is_published_and_not_onto_itself(tmp_path: Path) -> None:
    target = Target(duckdb=tmp_path / "a.duckdb")
    check_publishable(target, tmp_path / "b.duckdb")
    with pytest.raises(ConfigurationError, match="names the warehouse itself"):
        check_publishable(target, tmp_path / "sub" / ".." / "a.duckdb")
    with pytest.raises(ConfigurationError, match="destination `postgres` has none"):
        check_publishable(Target(destination="postgres"), tmp_path / "b.duckdb")


def test_a_failed_copy_is_75_and_the_report_is_shown_nevertheless(freshsales: Command) -> None:
    with freshsales.account(contacts=3) as emulator:
        refused = freshsales("sync", "owners", "--publish", "freshsales.duckdb")
        assert len(emulator.log) == 0, "that is seen before anything is asked"
        (freshsales.folder / "readers").mkdir()
        (freshsales.folder / "readers" / "x.duckdb").symlink_to(freshsales.folder / "gone" / "x.duckdb")
        ran = freshsales("sync", "owners", "--publish", "readers/x.duckdb", "--json", "--log-format", "json")
    assert refused.code == 3
    assert (ran.code, ran.json["exit_code"]) == (75, 0)
    assert '"reason": "not_published"' in ran.err
    assert freshsales.warehouse.value("SELECT exit_code FROM _sync_runs") == 0
