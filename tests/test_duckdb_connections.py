"""A DuckDB file is opened once for all who ask, takes no more memory than a slice needs, and has small row groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from freshsales_source.clock import SystemClock
from freshsales_source.warehouse.duckdb_connections import (
    FORMAT,
    MEMORY_LIMIT,
    ROW_GROUP,
    bound_memory,
    make_file,
)
from freshsales_source.warehouse.duckdb_destination import DuckDb, Patience
from tests.connector import OBJECTS, company, connect

CREDENTIALS = "DESTINATION__DUCKDB__CREDENTIALS__"


@pytest.mark.parametrize(
    ("setting", "value", "limit"),
    [
        ("", "", f"{MEMORY_LIMIT / 2**30:.1f} GiB"),
        ("GLOBAL_CONFIG", '{"memory_limit": "300MiB"}', "300.0 MiB"),
        ("GLOBAL_CONFIG", '{"max_memory": "3GiB"}', "3.0 GiB"),
        ("PRAGMAS", "[\"memory_limit='2GiB'\"]", "2.0 GiB"),
    ],
)
def test_memory_is_bounded_unless_the_user_has_set_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, limit: str
) -> None:
    if setting:
        monkeypatch.setenv(CREDENTIALS + setting, value)
    pipeline = pipeline_into(tmp_path / "warehouse.duckdb")
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT current_setting('memory_limit')") == [(limit,)]


@pytest.mark.parametrize("name", ["warehouse", "freshsales", "odd name's", ".freshsales"])
def test_tables_are_kept_in_small_row_groups_that_any_program_reads(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.duckdb"
    with pipeline_into(file).sql_client() as client:
        client.execute_sql("CREATE SCHEMA kept")
        client.execute_sql(f"CREATE TABLE kept.numbers AS SELECT range AS id FROM range({3 * ROW_GROUP})")

    with duckdb.connect(str(file)) as db:
        assert db.execute("SELECT count(*), max(id) FROM kept.numbers").fetchall() == [
            (3 * ROW_GROUP, 3 * ROW_GROUP - 1)
        ]
        groups = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('kept.numbers')"
        assert db.execute(groups).fetchall() == [(3,)]


@pytest.mark.parametrize("name", ["warehouse", "odd name's", "memory"])
def test_a_new_file_is_one_that_an_older_duckdb_reads(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.duckdb"
    half = tmp_path / f"{name}.duckdb.part"
    half.write_bytes(b"what a killed process had made of it")
    for _ in range(2):
        with pipeline_into(file).sql_client() as client:
            client.execute_sql("CREATE OR REPLACE TABLE main.t AS SELECT 7 AS id")
    assert not half.exists()
    assert format_of(file) == f"{FORMAT}+"


def test_what_is_left_of_a_file_that_was_deleted_does_not_keep_a_new_one_from_being_made(
    tmp_path: Path,
) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as killed:
        killed.execute("SET checkpoint_threshold = '1GB'")
        killed.execute("CREATE TABLE main.t AS SELECT 7 AS id")
        log = Path(f"{file}.wal").read_bytes()
    file.unlink()
    Path(f"{file}.wal").write_bytes(log)
    with pipeline_into(file).sql_client() as client:
        client.execute_sql("CREATE TABLE main.t AS SELECT 8 AS id")
        assert client.execute_sql("FROM main.t") == [(8,)]


def test_a_file_that_is_there_keeps_its_format(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    before = format_of(file)
    with pipeline_into(file).sql_client() as client:
        client.execute_sql("CREATE TABLE main.t AS SELECT 7 AS id")
    assert format_of(file) == before != f"{FORMAT}+"


@pytest.mark.parametrize("name", ["memory", "temp", "main"])
def test_a_file_whose_name_duckdb_has_taken_is_opened_as_it_is(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.duckdb"
    with pipeline_into(file).sql_client() as client:
        client.execute_sql("CREATE TABLE main.t AS SELECT 7 AS id")

    with duckdb.connect(str(file)) as db:
        assert db.execute("FROM main.t").fetchall() == [(7,)]


def test_a_file_that_this_program_has_open_itself_is_shared_with_it(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as held:
        held.execute("CREATE TABLE t AS SELECT 7 AS id")
        with pipeline_into(file).sql_client() as client:
            assert client.execute_sql("FROM t") == [(7,)]
            client.execute_sql("INSERT INTO t VALUES (8)")
        assert held.execute("FROM t").fetchall() == [(7,), (8,)]


def test_all_who_ask_share_one_opening_and_the_last_one_closes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    pipeline = pipeline_into(file)
    with pipeline.sql_client() as first:
        first.execute_sql("CREATE TABLE t AS SELECT 7 AS id")
        with pipeline.sql_client() as second:
            assert second.execute_sql("FROM t") == [(7,)]
        with pytest.raises(duckdb.Error, match="already attached"):
            duckdb.connect(str(file))

    with duckdb.connect(str(file)) as db:
        assert db.execute("FROM t").fetchall() == [(7,)]


def test_a_setting_that_duckdb_refuses_leaves_the_file_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS + "PRAGMAS", '["no_such_pragma"]')
    file = tmp_path / "warehouse.duckdb"
    pipeline = pipeline_into(file)
    for _ in range(2):
        with pytest.raises(DatabaseUndefinedRelation, match="no_such_pragma"), pipeline.sql_client():
            pass

    with duckdb.connect(str(file)) as db:
        assert db.execute("SELECT 1").fetchall() == [(1,)]


def test_a_database_that_may_take_less_is_left_alone() -> None:
    with duckdb.connect(config={"memory_limit": "100MiB"}) as small:
        bound_memory(small)
        assert small.execute("SELECT current_setting('memory_limit')").fetchall() == [("100.0 MiB",)]


def format_of(file: Path) -> str:
    """The oldest DuckDB that reads the file, as DuckDB tells it."""
    with duckdb.connect(str(file), read_only=True) as db:
        name = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE path IS NOT NULL"
        ((version,),) = db.execute(name).fetchall()
    return str(version)


def pipeline_into(file: Path) -> dlt.Pipeline:
    return dlt.pipeline(
        "connections",
        pipelines_dir=str(file.parent),
        destination=DuckDb(file, Patience(SystemClock())),
        dataset_name="freshsales",
    )


def test_a_file_that_another_process_has_just_made_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with pipeline_into(file).sql_client() as client:
        client.execute_sql("CREATE TABLE main.t AS SELECT 7 AS id")
    log = Path(f"{file}.wal")
    log.write_bytes(b"what that process is just writing")
    # Whoever had seen no file before it was made comes to this point all the same.
    make_file(str(file))
    assert log.exists()
    log.unlink()
    with duckdb.connect(str(file)) as db:
        assert db.execute("SELECT id FROM t").fetchall() == [(7,)]


def test_a_sync_that_finds_nothing_new_opens_the_file_as_often_for_many_objects_as_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connect(company(), tmp_path, lookups_every_s=86_400)
    opened: list[str] = []
    there = duckdb.connect

    def connect_and_count(*arguments: Any, **named: Any) -> Any:
        opened.append("")
        return there(*arguments, **named)

    monkeypatch.setattr(duckdb, "connect", connect_and_count)
    times = []
    for objects in (OBJECTS, OBJECTS[:1], OBJECTS):
        opened.clear()
        assert connector.sync(objects=objects).exit_code == 0
        connector.clock.advance(600)
        times.append(len(opened))
    _, for_one, for_many = times
    assert 0 < for_one == for_many
