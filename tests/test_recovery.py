"""State against warehouse: whatever was restored, deleted or lost, one more run makes the copy exact and says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.errors import ConfigurationError
from freshsales_source.exit_codes import ExitCode
from tests.connector import Connector, asked, company, connect, connect_swiftly, of, verdicts
from tests.warehouse_reader import Row

CHOSEN = ["contacts", "owners"]


def account() -> Emulator:
    """The same account each time, as it was at first."""
    return company(accounts=2, contacts=30, deals=0, in_bin=2)


@pytest.fixture
def emulator() -> Emulator:
    return account()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A warehouse and its state as two syncs left them, for the tests to begin with."""

    folder: Path
    """Where they must stand: a warehouse knows its place."""
    after_first: Path
    after_second: Path

    def put_back(self, kept: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    base = tmp_path_factory.mktemp("recovery")
    made = Kept(folder=base / "here", after_first=base / "first", after_second=base / "second")
    emulator = account()
    connector = connect(emulator, made.folder, objects=CHOSEN, page_size=20)
    for copy in (made.after_first, made.after_second):
        assert connector.sync().exit_code is ExitCode.DONE
        connector.close()
        shutil.copytree(made.folder, copy)
        change(emulator, "first")
    return made


@pytest.fixture
def connector(emulator: Emulator, kept: Kept) -> Iterator[Connector]:
    """What the first sync of this account left."""
    kept.put_back(kept.after_first)
    connector = connect(emulator, kept.folder, objects=CHOSEN, page_size=20)
    yield connector
    connector.close()


def change(emulator: Emulator, word: str) -> None:
    """A day on which a contact is edited, one is made and one is deleted."""
    emulator.clock.sleep(86_400)
    first, *_, last = (int(record["id"]) for record in emulator.store.live("contacts"))
    emulator.store.update("contacts", first, city=word, emails=[f"{word}@example.com"], tags=(word,))
    emulator.store.create("contacts", first_name=word, emails=[f"new-{word}@example.com"])
    emulator.store.delete("contacts", last)
    emulator.clock.sleep(600)


def first_copy(emulator: Emulator, folder: Path) -> dict[str, list[Row]]:
    """What somebody gets who syncs this account for the first time now."""
    fresh = connect_swiftly(emulator, folder, objects=CHOSEN)
    assert fresh.sync().exit_code is ExitCode.DONE
    return fresh.reader.content()


def sql(connector: Connector, statement: str) -> None:
    with duckdb.connect(str(connector.database)) as db:
        db.execute("USE warehouse.freshsales")
        db.execute(statement)


class Disasters:
    """What people and machines do to a warehouse and its state; of both there is a backup after the first sync."""

    def __init__(self, connector: Connector, backup: Path) -> None:
        self._connector = connector
        self._backup = backup
        self._memory = connector.folder / "dlt"

    def restore_backup(self) -> None:
        self.delete_file()
        shutil.copy(self._backup / self._connector.database.name, self._connector.database)

    def delete_file(self) -> None:
        self._connector.delete_database()

    def lose_state(self) -> None:
        shutil.rmtree(self._memory)

    def lose_both(self) -> None:
        self.delete_file()
        self.lose_state()

    def run_elsewhere(self) -> None:
        """The state of this machine is that before the last sync, which another one has made."""
        self.lose_state()
        shutil.copytree(self._backup / "dlt", self._memory)


DISASTERS: dict[str, tuple[Callable[[Disasters], None], int]] = {
    "warehouse_older": (Disasters.restore_backup, 2),
    "warehouse_new": (Disasters.delete_file, 5),
    "state_from_warehouse": (Disasters.lose_state, 2),
    "": (Disasters.lose_both, 5),
    "warehouse_newer": (Disasters.run_elsewhere, 2),
}


@pytest.mark.parametrize("reason", DISASTERS)
def test_after_a_disaster_one_run_makes_the_copy_exact_and_says_what_it_found(
    emulator: Emulator,
    connector: Connector,
    kept: Kept,
    reason: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    disaster, pages = DISASTERS[reason]
    kept.put_back(kept.after_second)
    change(emulator, "first")
    change(emulator, "second")
    disaster(Disasters(connector, kept.after_first))
    before = len(emulator.log)
    caplog.set_level("INFO", "freshsales_source")
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.DONE, reason)
    assert set(verdicts(report).values()) == {"matched"}
    assert len(asked(emulator, "/contacts/view/", since=before)) <= pages, (
        "what the warehouse proves is not asked"
    )
    assert connector.reader.content() == first_copy(emulator, tmp_path)
    told = [record.getMessage() for record in caplog.records if "state_recovered" in record.getMessage()]
    assert [reason in line for line in told] == ([True] if reason else [])
    emulator.clock.sleep(600)
    again = connector.sync()
    assert (again.exit_code, again.reason) == (ExitCode.DONE, "")


LOOKUPS_AND_REPORTS = ["owners", "fields", "field_choices", "views", "_sync_runs", "_sync_objects"]


@pytest.mark.parametrize(
    ("statement", "tables", "read_again"),
    [
        ("DROP TABLE", ["contacts"], {"contacts"}),
        ("TRUNCATE", ["contacts"], {"contacts"}),
        ("TRUNCATE", ["contacts__emails"], {"contacts"}),
        ("DROP TABLE", LOOKUPS_AND_REPORTS, {"owners"}),
        pytest.param("DROP TABLE", ["contacts__emails"], {"contacts"}, marks=pytest.mark.soak),
        pytest.param("TRUNCATE", LOOKUPS_AND_REPORTS, {"owners"}, marks=pytest.mark.soak),
    ],
)
def test_a_table_dropped_or_emptied_by_hand_is_read_again(
    connector: Connector, tables: list[str], read_again: set[str], statement: str
) -> None:
    before = connector.reader.content()
    for table in tables:
        sql(connector, f"{statement} {table}")
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.DONE, "tables_changed")
    assert connector.reader.content() == before
    assert {row.object for row in report.objects if row.rows_changed} == read_again
    assert connector.reader.count("_sync_runs") == (1 if "_sync_runs" in tables else 2)
    assert connector.sync().reason == ""


@pytest.mark.parametrize("table", ["_dlt_pipeline_state", "_dlt_loads", "_dlt_version"])
def test_tables_of_dlts_own_may_be_gone(
    emulator: Emulator, connector: Connector, table: str, tmp_path: Path
) -> None:
    before = connector.reader.content()
    sql(connector, f"DROP TABLE {table}")
    change(emulator, "later")
    report = connector.sync()
    assert (report.exit_code, set(verdicts(report).values())) == (ExitCode.DONE, {"matched"})
    assert connector.reader.content() == first_copy(emulator, tmp_path)
    assert before != connector.reader.content()
    assert connector.sync().exit_code is ExitCode.DONE


def test_a_few_rows_deleted_by_hand_are_read_again(connector: Connector) -> None:
    before = connector.reader.content()
    sql(connector, "DELETE FROM contacts__emails WHERE contact_id IN (SELECT min(id) FROM contacts)")
    report = connector.sync()
    assert report.reason == "tables_changed"
    assert of(report, "contacts").rows_changed == of(report, "contacts").rows_read
    assert connector.reader.content() == before


def test_a_warehouse_that_holds_another_account_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    connector = connect(company(accounts=0, contacts=5, deals=0), tmp_path, objects=["contacts"])
    connector.sync()
    rows = connector.reader.rows("contacts")
    another = "https://another.myfreshworks.com"
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"holds the records of 127\.0\.0\.1, not of another"):
            connector.sync(domain=another)
    assert connector.reader.rows("contacts") == rows
    assert connector.sync().exit_code is ExitCode.DONE


def test_a_first_load_that_dlt_noted_nowhere_is_dropped_and_read_again(tmp_path: Path) -> None:
    connector = connect(company(accounts=0, contacts=5, deals=0), tmp_path, objects=["contacts"])
    pipeline = connector.warehouse(connector.settings()).pipeline
    untouched = (Path(pipeline.working_dir) / "state.json").read_bytes()
    pipeline.extract([{"id": 1}], table_name="contacts")
    (Path(pipeline.working_dir) / "state.json").write_bytes(untouched)
    assert connector.sync().exit_code is ExitCode.DONE
    assert connector.reader.count("contacts") == 5 + 3
    assert not connector.warehouse(connector.settings()).pipeline.has_pending_data


@pytest.mark.parametrize("part", ["schema.json", "load_package_state.json", "new_jobs"])
def test_what_a_kill_left_of_an_empty_package_is_put_away(connector: Connector, part: str) -> None:
    before = connector.reader.content()
    pipeline = connector.warehouse(connector.settings()).pipeline
    pipeline.extract([{"id": 1}], table_name="contacts")
    (load_id,) = pipeline.list_extracted_load_packages()
    package = Path(pipeline.working_dir, "normalize", "extracted", load_id)
    shutil.rmtree(package / "new_jobs")
    if part != "new_jobs":
        (package / "new_jobs").mkdir()
        (package / part).unlink()
    assert connector.sync().exit_code is ExitCode.DONE
    assert connector.reader.content() == before
    assert not connector.warehouse(connector.settings()).pipeline.has_pending_data
