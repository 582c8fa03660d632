"""`freshsales marts` and `sync --marts`: what they print, what they make, and what later syncs keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Command
from tests.warehouse_reader import WarehouseReader


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_the_command_makes_all_views_and_says_what_each_answers_and_syncs_keep_them(
    freshsales: Command,
) -> None:
    with freshsales.account(contacts=2) as emulator:
        early = freshsales("marts")
        assert (early.code, early.out) == (3, "")
        assert "configuration_error: no sync was ever run into" in early.err
        assert not (freshsales.folder / "freshsales.duckdb").exists()
        assert freshsales("sync", "deals", "deal_stages").code == 0
        marts = WarehouseReader(freshsales.warehouse.path, "freshsales_marts")
        assert "sales_totals" not in marts.tables()
        freshsales.set(SOURCES__FRESHSALES__TIME_ZONE="Asia/Kolkata")
        calls = len(emulator.log)
        ran = freshsales("marts")
        assert len(emulator.log) == calls
        marts.query("DROP VIEW sales_totals")
        synced = freshsales("sync", "deals", "--json")
        marts.query("DROP VIEW daily_activity")
        marts.query("CREATE TABLE daily_activity (mine INTEGER)")
        refused = freshsales("marts")
    assert (ran.code, ran.err) == (0, "")
    told = {line.partition(" ")[0]: line for line in ran.out.splitlines()}
    assert told["sales_totals"].endswith("how long does it take to win one?")
    views = [view for view in marts.tables() if not view.startswith("mart_")]
    assert set(views) <= set(told)
    assert ran.out.splitlines()[-1].startswith(f"{len(views)} views in schema freshsales_marts in /")
    assert (synced.code, synced.json["reason"]) == (0, "")
    assert marts.query("SELECT deals, unknown_deals FROM sales_totals") == [(24, 0)]
    assert marts.query("SELECT time_zone FROM as_of") == [("Asia/Kolkata",)]
    assert (refused.code, refused.out) == (1, "")
    assert "warehouse_refused: the views in freshsales_marts could not be made" in refused.err
    assert marts.columns("daily_activity") == {"mine": "INTEGER"}, "somebody's own table stays"


def test_a_sync_makes_them_when_asked_and_the_command_with_neither_key_nor_domain(
    freshsales: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with freshsales.account(contacts=2):
        synced = freshsales("sync", "owners", "--marts")
        assert synced.code == 0
        assert "Views over them in schema freshsales_marts: `freshsales marts` says" in synced.out
    for name in ("FRESHSALES_DOMAIN", "FRESHSALES_API_KEY"):
        monkeypatch.delenv(name)
    # Nor is the key of the hashes needed.
    freshsales.set(SOURCES__FRESHSALES__HASH_COLUMNS='["contacts.city"]')
    assert freshsales("marts").code == 0
    marts = WarehouseReader(freshsales.warehouse.path, "freshsales_marts")
    assert marts.query("SELECT deals FROM sales_totals") == [(0,)]
    assert marts.count("dim_owner") > 0


@pytest.mark.parametrize("destination", ["sqlite", "filesystem"])
def test_where_there_can_be_no_views_each_command_says_so_before_any_call(
    freshsales: Command, destination: str
) -> None:
    _at(freshsales)
    with freshsales.account(contacts=1) as emulator:
        for line in (["marts"], ["report"], ["sync", "owners", "--marts"]):
            ran = freshsales(*line, "--destination", destination)
            assert (ran.code, ran.out) == (3, "")
            assert f"`{destination}` has no views over the tables of another schema" in ran.err
    assert not emulator.log
    assert list(freshsales.folder.iterdir()) == []


def test_what_asks_for_an_sqlite_file_that_is_not_there_makes_none(freshsales: Command) -> None:
    _at(freshsales)
    place = f"sqlite file {freshsales.folder.resolve()}/crm__freshsales.db"
    with freshsales.account(contacts=1):
        told = freshsales("status", "--destination", "sqlite")
        assert (told.code, told.out) == (
            0,
            f"No sync yet in {place}, schema freshsales. Next: freshsales sync\n",
        )
        for line in (["reset"], ["forget", "contacts", "1"]):
            ran = freshsales(*line, "--destination", "sqlite")
            assert (ran.code, ran.out) == (3, "")
            assert f"configuration_error: no sync was ever run into {place}, schema" in ran.err
        assert list(freshsales.folder.iterdir()) == []
        synced = freshsales("sync", "owners", "--destination", "sqlite")
        assert (synced.code, synced.out.rpartition(". ")[2]) == (0, f"Schema freshsales in {place}\n")
        assert freshsales("status", "--destination", "sqlite").out.startswith("Whole as of ")


def _at(freshsales: Command) -> None:
    """Set up the destinations other than DuckDB, in the folder of the command."""
    freshsales.set(
        DESTINATION__SQLITE__CREDENTIALS=f"sqlite:///{freshsales.folder}/crm.db",
        DESTINATION__FILESYSTEM__BUCKET_URL=(freshsales.folder / "files").as_uri(),
    )
