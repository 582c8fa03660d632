"""DuckDB takes no more memory than a slice needs, unless the user has said how much it may take."""

from __future__ import annotations

from pathlib import Path

import dlt
import duckdb
import pytest

from freshsales_source.clock import SystemClock
from freshsales_source.warehouse.duckdb_destination import MEMORY_LIMIT, Patience, bound_memory, duckdb_file

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
    pipeline = dlt.pipeline(
        "memory",
        pipelines_dir=str(tmp_path),
        destination=duckdb_file(tmp_path / "warehouse.duckdb", Patience(SystemClock())),
        dataset_name="freshsales",
    )
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT current_setting('memory_limit')") == [(limit,)]


def test_a_database_that_may_take_less_is_left_alone() -> None:
    with duckdb.connect(config={"memory_limit": "100MiB"}) as small:
        bound_memory(small)
        assert small.execute("SELECT current_setting('memory_limit')").fetchall() == [("100.0 MiB",)]
