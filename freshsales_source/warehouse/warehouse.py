"""The warehouse a sync loads into: the dlt pipeline that belongs to it, and the few questions asked of it.

All reads go through dlt's own client, so that they work on every SQL destination and a DuckDB file is never opened
twice. A table that does not exist yet is None, not 0.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.exceptions import DltException
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from freshsales_source.api.budget_file import state_folder
from freshsales_source.clock import Clock, Stop, SystemClock
from freshsales_source.errors import ConfigurationError
from freshsales_source.schema.columns import RAW_SUFFIX
from freshsales_source.settings.account import Account
from freshsales_source.warehouse.duckdb_destination import Patience, duckdb_file
from freshsales_source.warehouse.recovery import SOURCE, Finding, Recovery
from freshsales_source.warehouse.run_lock import run_lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the rows go. `duckdb` is the file for that destination; `pipelines_dir` is dlt's own choice if None."""

    destination: str = "duckdb"
    dataset: str = "freshsales"
    duckdb: Path = Path("freshsales.duckdb")
    pipelines_dir: Path | None = None

    @property
    def place(self) -> str:
        """The destination in words for a person; the absolute path of a database file."""
        return str(self.duckdb.resolve()) if self.destination == "duckdb" else self.destination


class Warehouse:
    """One dataset in one destination, fed from one account.

    `clock` and `stop` serve the wait for a DuckDB file that another program has open.
    """

    def __init__(
        self, target: Target, account: Account, *, clock: Clock | None = None, stop: Stop | None = None
    ) -> None:
        self.target = target
        self._asking = threading.Lock()
        # The name keeps the states of two accounts, or of two files, apart on one machine.
        words = "\n".join((account.base_url, target.place, target.dataset))
        try:
            self.pipeline: dlt.Pipeline = dlt.pipeline(
                pipeline_name=f"freshsales_{hashlib.sha256(words.encode()).hexdigest()[:12]}",
                pipelines_dir=str(target.pipelines_dir or get_dlt_pipelines_dir()),
                destination=_destination(target, Patience(clock or SystemClock(), stop)),
                dataset_name=target.dataset,
            )
        except DltException as error:
            raise ConfigurationError(
                f"{target.destination!r} is no destination that dlt knows",
                remedy="Name one of dlt's destinations: `duckdb`, `postgres`, `bigquery`, `snowflake`, ...",
            ) from error

    def lock(self, now: datetime) -> AbstractContextManager[None]:
        """Have this warehouse for one run alone; raises Locked where another has it."""
        folder = self.target.pipelines_dir or state_folder(os.environ, Path.home())
        return run_lock(folder / f"{self.pipeline.pipeline_name}.lock", now=now)

    def prepare(self) -> tuple[Finding, ...]:
        """Load what an earlier run left behind, and take the state that the warehouse proves; what did not agree."""
        return self._recovery.reconcile()

    def load(self, source: Any) -> None:
        """Load a source as one package: its rows and its state, both or neither.

        Raises Locked where the file stays open elsewhere; the package is then kept, and loaded by the next run.
        """
        self.pipeline.extract(source)
        self._load_packages()

    def load_with_proof(self, source: Any, run_id: str, rows: Mapping[str, int]) -> None:
        """Load the last source of a run; its state tells the next run what tables it must find.

        `rows` counts the rows that the source appends, by table.
        """
        self._recovery.save_proof(self._recovery.proof(run_id, rows))
        self.load(source)

    def live_rows(self, table: str) -> int | None:
        """How many rows of an object are not deleted."""
        rows = self.query(f"SELECT count(*) FROM {self._name(table)} WHERE NOT is_deleted")
        return None if rows is None else int(rows[0][0])

    def count(self, table: str, where: str) -> int | None:
        """How many rows fit this condition; None where the table does not exist yet."""
        rows = self.query(f"SELECT count(*) FROM {self._name(table)} WHERE {where}")
        return int(rows[0][0]) if rows else None

    def live_ids(self, table: str) -> frozenset[int]:
        """The ids of the rows that are not deleted; none where the table was never loaded. For small tables."""
        rows = self.query(f"SELECT id FROM {self._name(table)} WHERE NOT is_deleted")
        return frozenset(int(row[0]) for row in rows or ())

    def unseen_pipelines(self, table: str) -> dict[int, str]:
        """The account's pipelines, by id, that no live row belongs to; the bin shows deals of all pipelines."""
        if table != "deals":
            return {}
        deals, pipelines = self._name("deals"), self._name("deal_pipelines")
        rows = self.query(
            f"SELECT p.id, p.name FROM {pipelines} p WHERE NOT p.is_deleted"
            f" AND p.id NOT IN (SELECT deal_pipeline_id FROM {deals}"
            f" WHERE deal_pipeline_id IS NOT NULL AND NOT is_deleted)"
            f" AND EXISTS (SELECT 1 FROM {deals}) ORDER BY p.id"
        )
        return {int(row[0]): str(row[1]) for row in rows or ()}

    def rows(
        self, table: str, columns: Sequence[str], *, where: str = "", order: str = ""
    ) -> list[dict[str, Any]] | None:
        """Rows of one of our own audit tables as dicts; None where the table does not exist yet."""
        query = f"SELECT {', '.join(columns)} FROM {self._name(table)}"
        query += f" WHERE {where}" if where else ""
        query += f" ORDER BY {order}" if order else ""
        rows = self.query(query)
        return None if rows is None else [dict(zip(columns, row, strict=True)) for row in rows]

    def rows_of(self, table: str, schema: pa.Schema, ids: Sequence[int], *, key: str = "id") -> pa.Table:
        """The rows with these ids in column `key`, in the columns of `schema` and their `__raw` texts, where there.

        Columns that are not loaded any more stay behind. No rows where the table was never loaded.
        """
        loaded = self.pipeline.schemas.get("freshsales")
        if loaded is None or table not in loaded.tables:
            return schema.empty_table()
        known = loaded.get_table_columns(table)
        raws = {name + RAW_SUFFIX for name in schema.names}
        names = [name for name in known if name in schema.names or name in raws]
        listed = ", ".join(str(int(i)) for i in ids)
        rows = self.rows(table, names, where=f"{key} IN ({listed})") or []
        fields = [schema.field(n) if n in schema.names else pa.field(n, pa.string()) for n in names]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def states(self) -> dict[str, Any]:
        """The saved state of every object, by name."""
        sources: dict[str, Any] = dict(self.pipeline.state.get("sources", {}))
        resources: dict[str, Any] = sources.get("freshsales", {}).get("resources", {})
        return resources

    # For recovery

    def exists(self) -> bool:
        """Whether there is anything to ask: asking a DuckDB file that is not there would make one."""
        return self.target.destination != "duckdb" or self.target.duckdb.exists()

    def last_load(self) -> str | None:
        """The newest load that was completed; None where there is none."""
        loads = self._name("_dlt_loads")
        rows = self.query(f"SELECT max(load_id) FROM {loads} WHERE status = 0 AND schema_name = '{SOURCE}'")
        return None if not rows or rows[0][0] is None else str(rows[0][0])

    def row_counts(self, tables: Iterable[str]) -> dict[str, int | None]:
        """Rows of each table; None where it does not exist."""
        names = list(tables)
        parts = [f"SELECT {n} AS n, count(*) AS r FROM {self._name(name)}" for n, name in enumerate(names)]
        rows = self.query(" UNION ALL ".join(parts)) if parts else []
        if rows is not None:
            return {names[int(n)]: int(count) for n, count in rows}
        # One of them does not exist. Alone it counts as None, the others as what they are.
        if len(names) == 1:
            return {names[0]: None}
        half = len(names) // 2
        return {**self.row_counts(names[:half]), **self.row_counts(names[half:])}

    def forget_schema(self) -> None:
        """Let the next load look again which tables and columns there are."""
        versions = self._name("_dlt_version")
        try:
            with self._sql as client:
                client.execute_sql(f"DELETE FROM {versions} WHERE schema_name = '{SOURCE}'")
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return

    # Inside

    @cached_property
    def _recovery(self) -> Recovery:
        return Recovery(pipeline=self.pipeline, tables=self, drain=self._drain)

    def _drain(self) -> None:
        while self.pipeline.has_pending_data:
            self._load_packages()

    def _load_packages(self) -> None:
        self.pipeline.normalize()
        with self._held():
            self.pipeline.load()
            self._recovery.note_load(self.last_load())

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep a DuckDB file open, so that no other program gets it between the jobs of one load."""
        if self.target.destination != "duckdb":
            yield
            return
        # A client of its own: a client knows one connection at a time.
        with self.pipeline.sql_client():
            yield

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a table does not exist yet. One question at a time, from any thread."""
        with self._asking:
            return self._query(sql)

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL, with its schema."""
        return self._name(table)

    def _name(self, table: str) -> str:
        return str(self._sql.make_qualified_table_name(table))

    def _query(self, sql: str) -> list[tuple[Any, ...]] | None:
        try:
            with self._sql as client, client.execute_query(sql) as cursor:
                return list(cursor.fetchall())
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return None

    @cached_property
    def _sql(self) -> Any:
        """Dlt's client for queries, opened for each and made once: making it costs more than most queries."""
        return self.pipeline.sql_client()


def _destination(target: Target, patience: Patience) -> Any:
    return duckdb_file(target.duckdb, patience) if target.destination == "duckdb" else target.destination
