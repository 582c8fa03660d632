"""The marts in a database: whatever tables and columns an account has, they can be made, kept, dropped and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import duckdb
import pytest

from freshsales_source.errors import WarehouseRefused
from freshsales_source.settings.account import parse_domain
from freshsales_source.warehouse.mart_views import METRICS, MODELS
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.marts_world import READ, create_table
from tests.postgres_reader import PostgresReader
from tests.postgres_server import CREDENTIALS, PostgresServer
from tests.warehouse_reader import WarehouseReader

HISTORY_VIEWS = ["deals_history_validity", "stage_visits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database with an empty dataset in it: how statements are run there, how it is read, and its warehouse."""

    run: Callable[[str], None]
    marts: WarehouseReader
    warehouse: Warehouse

    def create(self, *tables: str, without: tuple[str, ...] = (), beside: str = "") -> None:
        for table in tables:
            self.run(create_table(table, self.warehouse.target.dataset, without=without, beside=beside))

    def kept(self, time_zone: str = "UTC") -> str:
        """Keep the views; what kept them from being made."""
        finding = self.warehouse.marts(time_zone=time_zone).keep()
        return finding.text if finding else ""

    def read(self) -> dict[str, int]:
        """The rows of each view, every one of which can be read; of the calendar, those of one year."""
        year = "SELECT * FROM dim_date WHERE year = 2026"
        return {
            view: len(self.marts.query(year if view == "dim_date" else f"SELECT * FROM {view}"))
            for view in self.marts.tables()
        }


Places: TypeAlias = Callable[[str], Place]


@pytest.fixture(params=["duckdb", "postgres"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Places:
    """Makes an empty dataset of that name, in DuckDB and in Postgres."""
    monkeypatch.setenv(CREDENTIALS, postgres.url)

    # While one connection stays open, others cost nothing.
    held = duckdb.connect(str(tmp_path / "marts.duckdb"))
    held.execute("SET threads = 1")

    def in_duckdb(sql: str) -> None:
        held.execute(sql)

    def in_postgres(sql: str) -> None:
        with postgres.connect("public") as connection:
            connection.cursor().execute(sql)

    def place(name: str) -> Place:
        folder, file, marts = tmp_path / "dlt", tmp_path / "marts.duckdb", f"{name}_marts"
        is_duckdb = request.param == "duckdb"
        target = Target(destination=request.param, dataset=name, duckdb=file, pipelines_dir=folder)
        made = Place(
            run=in_duckdb if is_duckdb else in_postgres,
            marts=WarehouseReader(file, marts) if is_duckdb else PostgresReader(postgres, marts),
            warehouse=Warehouse(target, parse_domain("acme")),
        )
        made.run(f"CREATE SCHEMA {name}")
        return made

    return place


def test_an_empty_account_has_marts_with_totals_of_nothing(places: Places) -> None:
    place = places("empty_account")
    place.create(*(table for table in READ if table not in ("leads", "_deletions")))
    made = [model.name for model in place.warehouse.marts().make()]
    rows = place.read()
    assert sorted(rows) == sorted([*made, MODELS, METRICS])
    full = {"as_of", "dim_date", "sales_totals", "data_quality", MODELS, METRICS}
    assert {view for view, count in rows.items() if count} == full
    (totals,) = place.marts.rows("sales_totals")
    assert (totals["deals"], totals["win_rate_by_count"], totals["won_base_amount"]) == (0, None, None)
    assert place.marts.query(f"SELECT name FROM {MODELS} ORDER BY position") == [(name,) for name in made]
    assert place.marts.value(f"SELECT formula FROM {METRICS} WHERE name = 'open_deals'").startswith("COUNT(")


def test_the_marts_follow_every_change_of_tables_and_fields(places: Places) -> None:
    place = places("changing")
    place.create("deals", without=("amount", "sales_account_id"))
    assert "stage_visits" not in [model.name for model in place.warehouse.marts().make()]
    columns = place.marts.columns("fct_deals")
    assert (columns["amount"], columns["account_id"]) == ("DECIMAL(38,9)", "BIGINT")
    # Each of these is what some syncs leave behind: new fields, of which two keys of any name; new objects; a field
    # that comes back.
    for changes in (
        [
            "ALTER TABLE changing.deals ADD COLUMN cf_tier VARCHAR",
            'ALTER TABLE changing.deals ADD COLUMN "cf_order" DECIMAL(38, 9)',
            "ALTER TABLE changing.deals ADD COLUMN cf_tier__raw VARCHAR",
        ],
        [
            "ALTER TABLE changing.deals ADD COLUMN outcome VARCHAR",
            "ALTER TABLE changing.deals ADD COLUMN created_date BOOLEAN",
            create_table("contacts", "changing", without=("email",), beside=", cf_vip BOOLEAN"),
        ],
        [
            create_table("deals_history", "changing"),
            "ALTER TABLE changing.deals ADD COLUMN amount DECIMAL(38, 9)",
        ],
    ):
        for change in changes:
            place.run(change)
        assert place.kept() == "", changes
        assert place.marts.query("SELECT * FROM fct_deals") == []
    assert set(HISTORY_VIEWS) <= place.read().keys()
    assert place.marts.columns("dim_contact")["cf_vip"] == "BOOLEAN"
    fields = place.marts.columns("fct_deals")
    assert (fields["outcome"], fields["created_date"]) == ("VARCHAR", "DATE")
    assert {"cf_tier", "cf_order"} <= fields.keys()
    assert "cf_tier__raw" not in fields


def test_dropped_views_hold_no_table_and_come_back_with_the_next_sync(places: Places) -> None:
    place = places("dropping")
    place.create("deals", "deals_history")
    marts = place.warehouse.marts()
    marts.make()
    place.run("INSERT INTO dropping.deals (id, amount, is_deleted) VALUES (1, 2.5, FALSE)")
    views = place.marts.tables()
    marts.drop()
    marts.drop()
    assert place.marts.tables() == [METRICS, MODELS]
    place.run("ALTER TABLE dropping.deals ALTER COLUMN amount TYPE VARCHAR")
    place.run("DROP TABLE dropping.deals")
    place.create("deals", without=("name",))
    assert place.kept() == ""
    assert place.marts.tables() == views
    place.run("INSERT INTO dropping.deals (id, amount, is_deleted) VALUES (1, 2.5, FALSE)")
    assert place.marts.query("SELECT deal_id, amount FROM fct_deals") == [(1, Decimal("2.5"))]


@pytest.mark.parametrize("places", ["duckdb"], indirect=True)
def test_only_what_was_asked_for_is_kept_and_a_new_time_zone_moves_the_dates(places: Places) -> None:
    place = places("asking")
    place.create("deals_history", "deals")
    place.run(
        "INSERT INTO asking.deals (id, is_deleted, created_at) VALUES (1, FALSE, '2026-01-01 22:00:00+00')"
    )
    assert place.kept() == ""
    assert place.marts.tables() == sorted([*HISTORY_VIEWS, METRICS, MODELS])
    marts = place.warehouse.marts(time_zone="UTC")
    assert marts.keep(with_answers=True) is None
    made_from = place.marts.value(f"SELECT DISTINCT made_from FROM {MODELS}")
    day = "SELECT CAST(created_date AS TEXT) FROM fct_deals"
    assert place.marts.value(day) == "2026-01-01"
    assert place.kept() == ""
    assert place.marts.value(f"SELECT DISTINCT made_from FROM {MODELS}") == made_from
    assert place.kept("Asia/Kolkata") == ""
    assert place.marts.value(day) == "2026-01-02"
    assert place.marts.value("SELECT time_zone FROM as_of") == "Asia/Kolkata"
    marts = place.warehouse.marts(time_zone="Asia/Kolkata")
    place.run("CREATE OR REPLACE VIEW asking_marts.as_of AS SELECT 'theirs' AS time_zone")
    assert len(marts.make(anew=False)) == place.marts.value(f"SELECT count(*) FROM {MODELS}")
    assert place.marts.value("SELECT time_zone FROM as_of") == "theirs", "views that are there are left alone"
    place.run("DROP VIEW asking_marts.dim_date")
    marts.make(anew=False)
    assert place.marts.value("SELECT time_zone FROM as_of") == "Asia/Kolkata"


@pytest.mark.parametrize("places", ["duckdb"], indirect=True)
def test_somebodys_own_table_of_such_a_name_stays_and_is_reported(places: Places) -> None:
    place = places("theirs")
    place.create("deals_history", "deals")
    place.run("CREATE SCHEMA theirs_marts")
    place.run("CREATE TABLE theirs_marts.dim_date (mine INTEGER)")
    with pytest.raises(WarehouseRefused, match="dim_date"):
        place.warehouse.marts().make()
    assert place.marts.tables() == ["dim_date"], "no half of the views is made"
    finding = place.warehouse.marts().keep(with_answers=True)
    assert finding is not None
    assert finding.reason == "views_not_made"
