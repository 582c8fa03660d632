"""`reset`: the next sync reads an object whole, into its table or into a new one, and ends with the same warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.errors import ConfigurationError, Locked
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.report import RunReport
from freshsales_source.sync.resetting import Reset, reset
from freshsales_source.warehouse.recovery import proof_of
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.command import Command
from tests.connector import Connector, asked, company, connect, connect_swiftly, of
from tests.postgres_reader import PostgresReader
from tests.postgres_server import CREDENTIALS, PostgresServer
from tests.test_custom_modules import CONTRACTS, account
from tests.warehouse_reader import Row

CHOSEN = ["contacts", "owners"]


@pytest.fixture
def emulator() -> Emulator:
    made = company(accounts=2, contacts=14, deals=4, in_bin=1)
    made.store.account.add_custom_field("contacts", "cf_score", "number")
    made.store.update("contacts", live(made)[0], custom_field={"cf_score": 5})
    return made


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect(emulator, tmp_path, objects=CHOSEN, page_size=5)


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def live(emulator: Emulator) -> list[int]:
    return [int(row["id"]) for row in emulator.store.live("contacts")]


def resets(connector: Connector, *names: str, drops: bool = False) -> Reset:
    """A reset in a process of its own."""
    warehouse = connector.warehouse(connector.settings())
    return reset(warehouse, names, connector.clock.now(), drops=drops)


def content(connector: Connector) -> dict[str, list[Row]]:
    return in_order(connector.reader.content())


def in_order(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return {
        table: sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row)])
        for table, rows in tables.items()
    }


def pages(emulator: Emulator, since: int) -> list[str]:
    return asked(emulator, "/contacts/view/", since=since)


def whole(report: RunReport) -> bool:
    return report.exit_code is ExitCode.DONE and of(report, "contacts").verdict == "matched"


def test_a_reset_object_is_read_whole_again_and_the_warehouse_is_the_same(
    connector: Connector, emulator: Emulator
) -> None:
    last = connector.sync()
    before, calls = content(connector), len(emulator.log)
    first_pages = pages(emulator, 0)
    done = resets(connector, "contacts")
    assert len(emulator.log) == calls, "no API call"
    assert (done.objects, done.unknown, dict(done.dropped)) == (("contacts",), (), {})
    state = connector.warehouse(connector.settings()).pipeline.state
    assert proof_of(state)["run_id"] == last.run_id, "the proof is still that of the last run"
    assert proof_of(state)["rows"]["contacts"] == len(before["contacts"])
    # It stands in the warehouse: another machine knows of it, too.
    shutil.rmtree(connector.folder / "dlt")
    report = connector.sync()
    assert (whole(report), report.reason) == (True, "state_from_warehouse")
    assert pages(emulator, calls) == first_pages
    assert of(report, "contacts").watermark_before is None
    assert len(asked(emulator, "selector", since=calls)) == 0, "nothing else is read again"
    assert content(connector) == before


def test_dropped_tables_are_made_anew_and_lack_only_what_the_crm_has_no_more(
    connector: Connector, emulator: Emulator
) -> None:
    connector.flags["objects"] = ["deals"]
    connector.sync()
    gone, *_ = (int(row["id"]) for row in emulator.store.live("deals"))
    emulator.store.forget("deals", gone)
    with duckdb.connect(str(connector.database)) as db:
        flags = "is_deleted = true, _deleted_reason = 'vanished'"
        db.execute(f"UPDATE warehouse.freshsales.deals SET {flags} WHERE id = {gone}")
    history, columns = connector.reader.rows("deals_history"), schema(connector)
    done = resets(connector, "deals", drops=True)
    assert set(done.dropped) > {"deals", "deals__tags", "deals__contacts"}
    assert done.dropped["deals"] == len(emulator.store.live("deals")) + 2
    assert [name for name in connector.reader.tables() if name.startswith("deals")] == ["deals_history"]
    report = connector.sync()
    assert (of(report, "deals").verdict, report.reason) == ("matched", "")
    assert schema(connector) == columns
    assert connector.reader.rows("deals_history") == history, "nothing gives it again"
    fresh = connect_swiftly(emulator, connector.folder / "fresh", objects=["deals"])
    fresh.sync()
    wanted, made = content(fresh), content(connector)
    del wanted["deals_history"], made["deals_history"]
    assert made == wanted


def schema(connector: Connector) -> dict[str, dict[str, str]]:
    return {name: dict(sorted(found.items())) for name, found in connector.reader.schema().items()}


class Dying(Warehouse):
    """A warehouse whose process is killed before its n-th statement."""

    def __init__(self, connector: Connector, statements: int) -> None:
        target = Target(duckdb=connector.database, pipelines_dir=connector.folder / "dlt")
        super().__init__(target, connector.settings().account, clock=connector.clock)
        self.left = statements

    def execute(self, sql: str) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        super().execute(sql)


def test_a_reset_that_is_killed_leaves_a_warehouse_that_the_next_sync_makes_whole(
    connector: Connector,
) -> None:
    connector.flags["objects"] = ["owners"]
    connector.sync()
    before = content(connector)
    # With one of the two places of versions struck out, and with what was prepared gone.
    for statements in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            reset(Dying(connector, statements), ["owners"], connector.clock.now(), drops=True)
        assert connector.sync().exit_code is ExitCode.DONE, statements
        assert content(connector) == before, statements


def test_without_a_name_everything_is_reset_and_modules_go_with_their_directory_or_by_key(
    tmp_path: Path,
) -> None:
    emulator = account(contracts=1)
    connector = connect(emulator, tmp_path, objects=[CUSTOM_MODULES.name])
    connector.sync()
    before = content(connector)
    assert resets(connector).objects == (CUSTOM_MODULES.name, CONTRACTS)
    again = resets(connector, CUSTOM_MODULES.name, "contacts")
    assert (again.objects, again.unknown) == ((CUSTOM_MODULES.name,), (CONTRACTS, "contacts"))
    assert set(resets(connector, CONTRACTS, drops=True).dropped) > {CONTRACTS}
    assert connector.sync().exit_code is ExitCode.DONE
    assert content(connector) == before


def test_a_reset_waits_for_nobody(connector: Connector) -> None:
    with connector.warehouse(connector.settings()).lock(connector.clock.now()), pytest.raises(Locked):
        resets(connector, "contacts")


def test_where_no_sync_was_run_there_is_nothing_to_reset(connector: Connector) -> None:
    with pytest.raises(ConfigurationError, match="no sync was ever run into"):
        resets(connector, "contacts")
    assert not connector.database.exists()


def test_tables_of_postgres_are_dropped_beneath_its_views_and_made_anew(
    connector: Connector, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, postgres.url)
    connector.destination, connector.dataset, connector.flags["objects"] = (
        "postgres",
        "to_be_reset",
        ["deals"],
    )
    connector.sync()
    reader = PostgresReader(postgres, "to_be_reset")
    before, views = in_order(reader.content()), PostgresReader(postgres, "to_be_reset_marts")
    shown = views.rows("stage_visits", order="deal_id, entered_at")
    assert shown
    assert "deals__tags" in resets(connector, "deals", drops=True).dropped
    assert [name for name in reader.tables() if name.startswith("deals")] == ["deals_history"]
    report = connector.sync()
    assert (of(report, "deals").verdict, report.reason) == ("matched", "")
    assert in_order(reader.content()) == before
    assert views.rows("stage_visits", order="deal_id, entered_at") == shown


# The command


def test_the_command_says_what_it_did(freshsales: Command) -> None:
    with freshsales.account(contacts=6) as emulator:
        early = freshsales("reset")
        assert freshsales("sync", "owners").code == 0
        calls = len(emulator.log)
        ran = freshsales("reset", "owners", "deals")
        dropped = freshsales("reset", "owners", "--drop")
        assert len(emulator.log) == calls
        again = freshsales("sync", "owners", "--json")
    assert (early.code, early.err.partition(": no sync")[0]) == (3, "configuration_error")
    place = f"Schema freshsales in {freshsales.database.resolve()}. Next: freshsales sync"
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "owners: the next sync reads it whole",
            "deals: nothing was read yet, so the next sync reads it whole anyway",
            place,
        ],
    )
    rows = again.json["objects"][0]["loaded_count"]
    assert f"table owners dropped, with {rows} rows" in dropped.out.splitlines()
    assert (again.code, again.json["objects"][0]["verdict"]) == (0, "matched")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["contcats"], 2, "'contcats' is no object"),
        (["--datset", "3"], 2, "unrecognized arguments: --datset"),
        (["contacts", "--drop", "--destination", "filesystem"], 3, "`filesystem` can only append"),
    ],
)
def test_what_cannot_be_reset_is_refused(
    freshsales: Command, arguments: Sequence[str], code: int, says: str
) -> None:
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="k" * 20)
    freshsales.set(DESTINATION__FILESYSTEM__BUCKET_URL=(freshsales.folder / "bucket").as_uri())
    ran = freshsales("reset", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert not (freshsales.folder / "bucket").exists()
