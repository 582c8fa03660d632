"""A warehouse made by hand, and the marts over it: tables as a sync makes them, rows as a test says, no load at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from freshsales_source.decode.arrow_types import arrow_type
from freshsales_source.marts import Destination, Relation, answer_models, history_models, view_query
from freshsales_source.schema.columns import ColumnType
from freshsales_source.warehouse.mart_tables import mart_tables
from tests.warehouse_reader import Row

MODELS = (*history_models(), *answer_models())
READ = sorted({name for model in MODELS for name in model.reads if name in mart_tables()} | {"_deletions"})
"""The tables that models read."""

_SQL = {
    ColumnType.ID: "BIGINT",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(38, 9)",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    ColumnType.DATE: "DATE",
    ColumnType.JSON: "VARCHAR",
}


def create_table(name: str, schema: str, *, without: Sequence[str] = (), beside: str = "") -> str:
    """The statement that makes a table as a sync does, `without` some columns and with others `beside`."""
    columns = [f'"{c}" {_SQL[t]}' for c, t in mart_tables()[name].items() if c not in without]
    return f'CREATE TABLE {schema}."{name}" ({", ".join(columns)}{beside})'


class MartsWorld:
    """Every table that models read, empty, and every model as a view, in memory."""

    def __init__(self, time_zone: str) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'; SET threads = 1; CREATE SCHEMA crm; CREATE SCHEMA answers")
        for name in READ:
            self._db.execute(create_table(name, "crm"))
        tables = {
            name: Relation(place=f'crm."{name}"', columns=tuple(types), declared=types)
            for name, types in mart_tables().items()
            if name in READ
        }
        places = {model.name: f"answers.{model.name}" for model in MODELS}
        there = Destination(tables=tables, models=places, dialect="duckdb", fold=str, time_zone=time_zone)
        for model in MODELS:
            self._db.execute(f"CREATE VIEW answers.{model.name} AS {view_query(model, there)}")

    @contextmanager
    def filled(self, tables: Mapping[str, Sequence[Row]]) -> Iterator[None]:
        """The tables with these rows, for as long as it takes; columns that a row lacks are null."""
        self._db.execute("BEGIN")
        try:
            for name, rows in tables.items():
                types = mart_tables()[name]
                schema = pa.schema([pa.field(column, arrow_type(type_)) for column, type_ in types.items()])
                self._db.register("rows", pa.Table.from_pylist(list(rows), schema=schema))
                self._db.execute(f'INSERT INTO crm."{name}" SELECT * FROM rows')
            yield
        finally:
            self._db.execute("ROLLBACK")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query; views need `answers.` in front."""
        return self._db.execute(sql).fetchall()

    def rows(self, view: str) -> list[Row]:
        """The rows of a view, in no order."""
        cursor = self._db.execute(f"SELECT * FROM answers.{view}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
