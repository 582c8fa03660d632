"""A warehouse with nothing but a history in it, and the views over it: in memory, without dlt and without a sync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from freshsales_source.decode import Layout
from freshsales_source.entities import entity
from freshsales_source.marts import Destination, Relation, history_models, view_query
from freshsales_source.warehouse.history import HISTORY, OBJECT, changes, history_table, last_changes
from tests.warehouse_reader import Row

VALIDITY = "deals_history_validity"
VISITS = "stage_visits"


class HistoryWorld:
    """Answers what is asked of a warehouse, and takes rows as a merge by the table's key does."""

    def __init__(self, *, is_readable: bool = True) -> None:
        self.table = history_table(entity(OBJECT).tables()[0], is_readable=is_readable)
        self.deals: pa.Schema = Layout.of(entity(OBJECT)).schema
        self._is_readable = is_readable
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'")
        self._db.register("fresh", self.changes([], datetime.now(UTC)))
        self._db.execute(f"CREATE TABLE {HISTORY} AS FROM fresh")
        types = {column.name: column.type for column in self.table.columns}
        here = Destination(
            tables={HISTORY: Relation(place=HISTORY, columns=tuple(types), declared=types)},
            models={VALIDITY: VALIDITY, VISITS: VISITS},
            dialect="duckdb",
            fold=str,
            time_zone="UTC",
        )
        for model in history_models():
            query = view_query(model, here)
            self._db.execute(f"CREATE VIEW {model.name} AS {query}")

    def changes(self, versions: Sequence[Row], run_started: datetime) -> pa.Table:
        """The rows that these versions of deals, read in one run, add to the history."""
        deals = pa.Table.from_pylist(list(versions), schema=self.deals)
        last = last_changes(self, [row["id"] for row in versions]) if self._is_readable and versions else None
        return changes(deals, self.table, last, run_started)

    def merge(self, rows: pa.Table) -> None:
        """Take rows in the place of those with the same key."""
        self._db.register("fresh", rows)
        key = " AND ".join(f"fresh.{name} = {HISTORY}.{name}" for name in self.table.primary_key)
        self._db.execute(f"DELETE FROM {HISTORY} USING fresh WHERE {key}")
        self._db.execute(f"INSERT INTO {HISTORY} FROM fresh")

    def clear(self) -> None:
        """Forget every row."""
        self._db.execute(f"DELETE FROM {HISTORY}")

    def rows(self, table: str, order: str) -> list[Row]:
        """The rows of the history or of a view."""
        cursor = self._db.execute(f"SELECT * FROM {table} ORDER BY {order}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    # What `last_changes` asks

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query."""
        return self._db.execute(sql).fetchall()

    def name(self, table: str) -> str:
        """The table's name."""
        return table
