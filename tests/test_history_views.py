"""The views over the history: made by the sync, kept in step with the table, and never what a sync fails for."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from freshsales_source.marts import Destination, Model, Relation, history_models, view_query
from freshsales_source.schema.columns import ColumnType
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.connector import Connector, company, connect
from tests.postgres_reader import PostgresReader
from tests.postgres_server import PostgresServer
from tests.test_history import deals, move
from tests.warehouse_reader import WarehouseReader

NAMES = ["deals", "deal_stages"]
VALIDITY, VISITS = "deals_history_validity", "stage_visits"
VISIT_COLUMNS = {
    "deal_id": "BIGINT",
    "visit": "BIGINT",
    "deal_pipeline_id": "BIGINT",
    "deal_stage_id": "BIGINT",
    "entered_at": "TIMESTAMP WITH TIME ZONE",
    "left_at": "TIMESTAMP WITH TIME ZONE",
    "next_stage_id": "BIGINT",
    "is_first_seen": "BOOLEAN",
}


def marts(connector: Connector) -> WarehouseReader:
    return WarehouseReader(connector.database, "freshsales_marts")


def made(caplog: pytest.LogCaptureFixture) -> int:
    """How often the views were made since the last question."""
    count = sum(record.getMessage().startswith("views_made") for record in caplog.records)
    caplog.clear()
    return count


def kept(connector: Connector, **flags: Any) -> str:
    """Keep the views without a sync; what kept them from being made."""
    finding = connector.warehouse(connector.settings(**flags)).marts().keep()
    return "" if finding is None else finding.text


def test_a_sync_makes_the_views_and_leaves_them_alone_while_nothing_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "freshsales_source")
    emulator = company(deals=10, contacts=3, accounts=3)
    connector = connect(emulator, tmp_path, objects=NAMES)
    connector.sync()
    assert made(caplog) == 1
    deal = deals(emulator)[0]
    first = emulator.store.record("deals", deal)["deal_stage_id"]
    connector.clock.advance(3600)
    second = move(emulator, deal, 2)
    connector.sync()
    loads = connector.reader.count("_dlt_loads")
    connector.sync()
    assert (made(caplog), connector.reader.count("_dlt_loads")) == (0, loads + 2), "the slice and the audit"
    visits = [row for row in marts(connector).rows(VISITS, order="deal_id, visit") if row["deal_id"] == deal]
    assert [(row["deal_stage_id"], row["next_stage_id"], row["is_first_seen"]) for row in visits] == [
        (first, second, True),
        (second, None, False),
    ]
    assert [row["left_at"] for row in visits] == [visits[1]["entered_at"], None]
    history = connector.reader.columns("deals_history")
    schema = marts(connector).schema()
    assert schema.keys() == {VALIDITY, VISITS, "mart_models", "mart_metrics"}
    assert schema[VALIDITY] == {**history, "valid_to": "TIMESTAMP WITH TIME ZONE"}
    assert schema[VISITS] == VISIT_COLUMNS
    live = marts(connector).query(f"SELECT deal_id FROM {VALIDITY} WHERE valid_to IS NULL AND NOT is_deleted")
    assert sorted(deal for (deal,) in live) == connector.reader.ids("deals", where="NOT is_deleted")


def test_views_that_are_missing_broken_or_older_than_the_table_are_made_anew(tmp_path: Path) -> None:
    connector = connect(company(deals=3, contacts=3, accounts=3), tmp_path, objects=NAMES)
    connector.sync()
    views = marts(connector)
    assert kept(connector) == ""
    views.query(f"DROP VIEW {VISITS}")
    assert kept(connector) == ""
    assert views.count(VISITS) == 3
    connector.reader.query("ALTER TABLE deals_history ADD COLUMN forecast VARCHAR")
    assert kept(connector) == ""
    assert views.columns(VALIDITY)["forecast"] == "VARCHAR"
    # Dependent views do not keep DuckDB from dropping a column; they are broken then.
    connector.reader.query("ALTER TABLE deals_history DROP COLUMN amount")
    assert kept(connector) == ""
    assert views.query(f"SELECT DISTINCT amount, typeof(amount) FROM {VALIDITY}") == [(None, "DECIMAL(38,9)")]


def test_views_that_cannot_be_made_are_reported_and_the_rows_are_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connector = connect(company(deals=3, contacts=3, accounts=3), tmp_path, objects=NAMES)
    with duckdb.connect(str(connector.database)) as db:
        db.execute(f"CREATE SCHEMA freshsales_marts; CREATE TABLE freshsales_marts.{VISITS} (mine INTEGER)")
    report = connector.sync()
    assert (report.exit_code, report.reason) == (0, "views_not_made")
    assert connector.reader.query("SELECT exit_code, reason FROM _sync_runs") == [(0, "views_not_made")]
    (warned,) = [record for record in caplog.records if record.getMessage().startswith("views_not_made")]
    assert VISITS in warned.getMessage()
    assert connector.reader.count("deals_history") == connector.reader.count("deals") > 0
    assert marts(connector).tables() == [VISITS], (
        "somebody's own table stays, and no half of the views is made"
    )
    marts(connector).query(f"DROP TABLE {VISITS}")
    assert kept(connector) == ""
    assert marts(connector).count(VISITS) == 3


def test_an_empty_account_and_dropped_columns_leave_views_that_can_be_read(tmp_path: Path) -> None:
    empty = company(deals=0, contacts=0, accounts=0, in_bin=0)
    connector = connect(empty, tmp_path, objects=["deals"], drop_columns=["deals.amount", "deals.owner_id"])
    connector.sync()
    assert (marts(connector).count(VALIDITY), marts(connector).count(VISITS)) == (0, 0)
    assert "amount" not in connector.reader.columns("deals_history")
    types = marts(connector).columns(VALIDITY)
    assert (types["amount"], types["owner_id"]) == ("DECIMAL(38,9)", "BIGINT")


@pytest.mark.parametrize("flags", [{"objects": ["deal_stages"]}, {"objects": ["deals"], "history": False}])
def test_without_a_history_there_are_no_views(tmp_path: Path, flags: dict[str, Any]) -> None:
    connector = connect(company(deals=1, contacts=1, accounts=1), tmp_path, **flags)
    assert connector.sync().reason == ""
    assert marts(connector).tables() == []


def test_postgres_has_the_views_too_and_keeps_those_that_others_stand_on(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", postgres.url)
    connector = connect(company(deals=3, contacts=3, accounts=3, in_bin=0), tmp_path, objects=["deals"])
    connector.destination, connector.dataset = "postgres", "with_views"
    assert connector.sync().reason == ""
    views = PostgresReader(postgres, "with_views_marts")
    history = PostgresReader(postgres, "with_views").rows("deals_history", order="deal_id")
    assert views.rows(VALIDITY, order="deal_id") == [{**row, "valid_to": None} for row in history]
    assert views.columns(VISITS) == VISIT_COLUMNS
    assert [row["deal_id"] for row in views.rows(VISITS, order="deal_id")] == [r["deal_id"] for r in history]
    with postgres.connect("with_views_marts") as connection:
        connection.cursor().execute(f"CREATE VIEW mine AS SELECT deal_id FROM {VALIDITY}")
        connection.cursor().execute("ALTER TABLE with_views.deals_history ADD COLUMN forecast VARCHAR")
    assert "other objects depend on it" in kept(connector)
    assert "forecast" not in views.columns(VALIDITY)
    assert views.rows("mine", order="deal_id") == [{"deal_id": row["deal_id"]} for row in history]
    with postgres.connect("with_views_marts") as connection:
        connection.cursor().execute("DROP VIEW mine")
    assert kept(connector) == ""
    assert "forecast" in views.columns(VALIDITY)


@pytest.mark.parametrize("schema", ["freshsales", "freshsales_marts"])
def test_views_work_where_file_and_schema_have_one_name_and_in_copies_of_the_file(
    tmp_path: Path, schema: str
) -> None:
    """DuckDB takes such a name for two things, and forgets in a view's query which of them was meant."""
    usual = tmp_path / f"{schema}.duckdb"
    connector = connect(company(deals=3, contacts=3, accounts=3), tmp_path / "first", objects=NAMES)
    connector.sync()
    connector.reader.copied_to(usual)
    target = Target(duckdb=usual, pipelines_dir=tmp_path / "dlt")
    warehouse = Warehouse(target, connector.settings().account, clock=connector.clock)
    assert warehouse.marts().keep() is None
    question = f"SELECT count(*) FROM freshsales_marts.{VISITS}"
    shutil.copy(usual, tmp_path / "a copy.duckdb")
    for name in (usual.name, "a copy.duckdb"):
        with duckdb.connect(str(tmp_path / name)) as db:
            names = {
                "freshsales_marts.duckdb": f"SELECT count(*) FROM freshsales_marts.freshsales_marts.{VISITS}"
            }
            assert db.execute(names.get(name, question)).fetchall() == [(3,)]
    with duckdb.connect() as db:
        db.execute(f"ATTACH '{usual}'")
        assert db.execute(f"SELECT count(*) FROM {schema}.freshsales_marts.{VISITS}").fetchall() == [(3,)]


@pytest.mark.parametrize(
    "dialect", ["duckdb", "postgres", "snowflake", "bigquery", "redshift", "tsql", "databricks"]
)
def test_each_model_is_sql_in_the_dialect_of_the_destination(dialect: str) -> None:
    history = Relation(
        place="history_as_loaded",
        columns=("deal_id", "valid_from"),
        declared={"deal_id": ColumnType.ID, "amount": ColumnType.DECIMAL, "updated_at": ColumnType.TIMESTAMP},
    )
    there = Destination(
        tables={"deals_history": history},
        models={VALIDITY: "validity_as_made"},
        dialect=dialect,
        fold=str.upper,
        time_zone="UTC",
    )
    for model in history_models():
        query = view_query(model, there)
        parsed = sqlglot.parse_one(query, dialect=dialect)
        identifiers = list(parsed.find_all(sqlglot.exp.Identifier))
        ours = [one for one in identifiers if not one.name.endswith(("_as_loaded", "_as_made"))]
        assert all(one.quoted and one.name == one.name.upper() for one in ours)
        assert ("NULL" in query and "AMOUNT" in query) is (model.name == VALIDITY)


def test_a_model_tells_its_grain_and_its_question_first() -> None:
    assert [model.name for model in history_models()] == [VALIDITY, VISITS]
    assert all(model.grain and model.question.endswith("?") for model in history_models())
    with pytest.raises(ValueError, match="begins with"):
        Model.of("nameless", "SELECT 1\nFROM x\n")
