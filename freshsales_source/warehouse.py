"""The warehouse a sync loads into: the dlt pipeline that belongs to it, and the few questions asked of it.

All reads go through dlt's own client, so that they work on every SQL destination and a DuckDB file is never opened
twice. A table that does not exist yet is None, not 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.exceptions import DltException
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from freshsales_source.account import Account
from freshsales_source.errors import ConfigurationError


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
    """One dataset in one destination, fed from one account."""

    def __init__(self, target: Target, account: Account) -> None:
        self.target = target
        # The name keeps the states of two accounts, or of two files, apart on one machine.
        words = "\n".join((account.base_url, target.place, target.dataset))
        try:
            self.pipeline: dlt.Pipeline = dlt.pipeline(
                pipeline_name=f"freshsales_{hashlib.sha256(words.encode()).hexdigest()[:12]}",
                pipelines_dir=str(target.pipelines_dir or get_dlt_pipelines_dir()),
                destination=_destination(target),
                dataset_name=target.dataset,
            )
        except DltException as error:
            raise ConfigurationError(
                f"{target.destination!r} is no destination that dlt knows",
                remedy="Name one of dlt's destinations: `duckdb`, `postgres`, `bigquery`, `snowflake`, ...",
            ) from error

    def prepare(self) -> bool:
        """Load what an earlier run left behind, and take the state from the warehouse; whether state was thrown away.

        A dataset that is gone takes the local state with it: what it remembers as loaded is no longer there.
        """
        while self.pipeline.has_pending_data:
            self.pipeline.run()
        if not self.pipeline.state.get("sources"):
            return False
        if self._has_dataset():
            return False
        self.pipeline.drop()
        return True

    def load(self, source: Any) -> None:
        """Load a source as one package: its rows and its state, both or neither."""
        self.pipeline.run(source)

    def live_rows(self, table: str) -> int | None:
        """How many rows of an object are not deleted."""
        rows = self.query(f"SELECT count(*) FROM {self.name(table)} WHERE NOT is_deleted")
        return None if rows is None else int(rows[0][0])

    def unseen_pipelines(self) -> tuple[str, ...]:
        """Names of the account's pipelines that no live deal belongs to; the bin shows deals of all pipelines."""
        deals, pipelines = self.name("deals"), self.name("deal_pipelines")
        rows = self.query(
            f"SELECT p.name FROM {pipelines} p WHERE NOT p.is_deleted"
            f" AND p.id NOT IN (SELECT deal_pipeline_id FROM {deals}"
            f" WHERE deal_pipeline_id IS NOT NULL AND NOT is_deleted)"
            f" AND EXISTS (SELECT 1 FROM {deals}) ORDER BY p.id"
        )
        return tuple(str(row[0]) for row in rows or ())

    def rows(
        self, table: str, columns: Sequence[str], *, where: str = "", order: str = ""
    ) -> list[dict[str, Any]] | None:
        """Rows of one of our own audit tables as dicts; None where the table does not exist yet."""
        query = f"SELECT {', '.join(columns)} FROM {self.name(table)}"
        query += f" WHERE {where}" if where else ""
        query += f" ORDER BY {order}" if order else ""
        rows = self.query(query)
        return None if rows is None else [dict(zip(columns, row, strict=True)) for row in rows]

    def rows_of(self, table: str, schema: pa.Schema, ids: Sequence[int]) -> pa.Table:
        """The rows with these ids, in the columns the table has; those of `schema` come typed as there.

        None of them where the table was never loaded.
        """
        loaded = self.pipeline.schemas.get("freshsales")
        if loaded is None or table not in loaded.tables:
            return schema.empty_table()
        known = loaded.get_table_columns(table)
        names = [name for name in known if not name.startswith("_dlt_")]
        listed = ", ".join(str(int(i)) for i in ids)
        rows = self.rows(table, names, where=f"id IN ({listed})") or []
        fields = [schema.field(n) if n in schema.names else pa.field(n, pa.string()) for n in names]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def states(self) -> dict[str, Any]:
        """The saved state of every object, by name."""
        sources: dict[str, Any] = dict(self.pipeline.state.get("sources", {}))
        resources: dict[str, Any] = sources.get("freshsales", {}).get("resources", {})
        return resources

    def _has_dataset(self) -> bool:
        if self.target.destination == "duckdb" and not self.target.duckdb.exists():
            return False
        with self.pipeline.destination_client() as client:
            return bool(client.is_storage_initialized())

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        return str(self._sql.make_qualified_table_name(table))

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a table does not exist yet."""
        try:
            with self._sql as client, client.execute_query(sql) as cursor:
                return list(cursor.fetchall())
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return None

    @cached_property
    def _sql(self) -> Any:
        """Dlt's client for queries, opened for each and made once: making it costs more than most queries."""
        return self.pipeline.sql_client()


def _destination(target: Target) -> Any:
    if target.destination == "duckdb":
        return _DuckDb(str(target.duckdb.resolve()))
    return target.destination


# DuckDB calls a database by its file: in `freshsales.duckdb` the name `freshsales.contacts` could mean the schema or
# the database, and is refused as ambiguous. There, and only there, dlt must write `freshsales.freshsales.contacts`.

_RENAMED = ("main", "temp", "system")
"""Files of these names are called otherwise by DuckDB (`main_db`)."""


class _SqlClient(DuckDbSqlClient):
    def catalog_name(self, quote: bool = True, casefold: bool = True) -> str | None:
        name = Path(self.credentials.database).name.partition(".")[0]
        if name.casefold() != self.dataset_name.casefold() or name.casefold() in _RENAMED:
            return super().catalog_name(quote, casefold)
        return self.escape_column_name(name, casefold=False) if quote else name

    def warn_if_catalog_equals_dataset_name(self) -> None:
        """Stay silent: it is taken care of."""


class _JobClient(DuckDbClient):
    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        names = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = _SqlClient(*names, config.credentials, capabilities)


class _DuckDb(dlt.destinations.duckdb):
    @property
    def client_class(self) -> type[DuckDbClient]:
        return _JobClient
