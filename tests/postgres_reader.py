"""Reads a warehouse in Postgres as `WarehouseReader` reads one in DuckDB: plain SQL, times in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.postgres_server import PostgresServer
from tests.warehouse_reader import WarehouseReader

TYPES = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "character varying": "VARCHAR",
    "date": "DATE",
    "integer": "INTEGER",
    "numeric": "DECIMAL(38,9)",
    "text": "VARCHAR",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
}
"""DuckDB's names of the types that we use; Postgres keeps precision and scale elsewhere."""


class _Session:
    """A connection that is asked the way DuckDB's is."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(sql.removesuffix(" ORDER BY ALL"))
        return cursor


class PostgresReader(WarehouseReader):
    """Rows of one dataset in a Postgres; rows of a whole table come in no order."""

    def __init__(self, server: PostgresServer, dataset: str) -> None:
        super().__init__(server.folder, dataset)
        self.server = server

    def schema(self) -> dict[str, dict[str, str]]:
        """Every table with its columns and their types, as DuckDB names them."""
        return {
            table: {name: TYPES[type_] for name, type_ in columns.items()}
            for table, columns in super().schema().items()
        }

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        with self.server.connect(self.dataset) as connection:
            yield _Session(connection)
