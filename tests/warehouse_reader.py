"""Reads a DuckDB warehouse the way an analyst would, with plain SQL; and JSON the way a person would.

Shares no code with the connector and knows nothing of the emulator, so that it can judge both.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

Row: TypeAlias = dict[str, Any]


STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONEY = re.compile(r"-?\d+\.\d+")


def read_off(value: Any) -> Any:
    """The value that a column must hold: what a JSON value plainly is.

    A stamp with an offset is a time in UTC, `2021-10-21` a date, `"7000.0"` money, and a fraction is no float.
    """
    if isinstance(value, float):
        return Decimal(str(value))
    if not isinstance(value, str):
        return value
    if STAMP.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    if DAY.fullmatch(value):
        return date.fromisoformat(value)
    return Decimal(value) if MONEY.fullmatch(value) else value


class WarehouseReader:
    """Rows of one dataset in a DuckDB file; opens the file for each question, so that loads may go on between."""

    def __init__(self, path: Path, dataset: str = "freshsales") -> None:
        self.path = path
        self.dataset = dataset

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query whose tables need no schema in front."""
        with self._connect() as db:
            return db.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The single value that a query answers."""
        ((value,),) = self.query(sql)
        return value

    def rows(self, table: str, *, order: str = "ALL") -> list[Row]:
        """All rows of a table as dicts, dlt's own columns left out."""
        with self._connect() as db:
            return _rows(db, table, order)

    def by_id(self, table: str) -> dict[int, Row]:
        """The rows of an object by id; fails if an id stands there twice."""
        rows = self.rows(table, order="id")
        found = {int(row["id"]): row for row in rows}
        assert len(found) == len(rows), f"{table} holds an id twice"
        return found

    def ids(self, table: str, *, where: str = "true") -> list[int]:
        """The ids of the rows that fit, in order."""
        return [int(row[0]) for row in self.query(f'SELECT id FROM "{table}" WHERE {where} ORDER BY id')]

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.value(f'SELECT count(*) FROM "{table}"'))

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table with their types, as DuckDB names them."""
        return self.schema()[table]

    def schema(self) -> dict[str, dict[str, str]]:
        """Every table of the dataset, dlt's own left out, with its columns and their types."""
        rows = self.query(
            f"""SELECT table_name, column_name, data_type FROM information_schema.columns
            WHERE table_schema = '{self.dataset}' AND NOT starts_with(table_name, '_dlt')
            AND NOT starts_with(column_name, '_dlt') ORDER BY table_name, ordinal_position"""
        )
        tables: dict[str, dict[str, str]] = {}
        for table, column, type_ in rows:
            tables.setdefault(str(table), {})[str(column)] = str(type_)
        return tables

    def tables(self) -> list[str]:
        """The tables of the dataset, dlt's own left out."""
        return sorted(self.schema())

    def content(self, *, without: Collection[str] = ("_synced_at",)) -> dict[str, list[Row]]:
        """Every object table with its rows, the audit tables and the columns `without` left out."""
        tables = [table for table in self.tables() if not table.startswith("_")]
        with self._connect() as db:
            return {
                table: [{k: v for k, v in row.items() if k not in without} for row in _rows(db, table, "ALL")]
                for table in tables
            }

    def copied_to(self, path: Path) -> WarehouseReader:
        """The warehouse as it is now, in another file."""
        self.query("CHECKPOINT")
        shutil.copy(self.path, path)
        return WarehouseReader(path, self.dataset)

    @contextmanager
    def _connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self.path)) as db:
            db.execute("SET TimeZone = 'UTC'")
            # A dataset that no load has made yet has no schema to look into.
            known = db.execute("SELECT DISTINCT schema_name FROM duckdb_schemas()").fetchall()
            if (self.dataset,) in known:
                db.execute(f"SET schema = '{self.dataset}'")
            yield db


def _rows(db: duckdb.DuckDBPyConnection, table: str, order: str) -> list[Row]:
    cursor = db.execute(f'SELECT * FROM "{table}" ORDER BY {order}')
    names = [column[0] for column in cursor.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [{k: v for k, v in row.items() if not k.startswith("_dlt")} for row in found]
