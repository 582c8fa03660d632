"""The tables of a DuckDB warehouse in a Postgres, value by value and past dlt: for what is asked of both."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgres_server import PostgresServer
from tests.warehouse_reader import WarehouseReader


def copied_into_postgres(reader: WarehouseReader, server: PostgresServer, dataset: str) -> None:
    """Make the schema `dataset` there, with the same tables and rows; dlt's own stay behind."""
    with TemporaryDirectory() as folder, server.connect(dataset) as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE SCHEMA {dataset}")
        for table, columns in reader.schema().items():
            typed = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
            cursor.execute(f'CREATE TABLE "{table}" ({typed})')
            file = Path(folder) / f"{table}.csv"
            names = ", ".join(f'"{name}"' for name in columns)
            reader.query(
                f"""COPY (SELECT {names} FROM "{table}") TO '{file}' (HEADER false, NULLSTR '\\N')"""
            )
            copy = f"""COPY "{table}" ({names}) FROM STDIN (FORMAT csv, NULL '\\N')"""
            cursor.copy_expert(copy, io.StringIO(file.read_text(encoding="utf-8")))
