"""The warehouse a sync loads into: the dlt pipeline that belongs to it, and the few questions asked of it.

All reads go through dlt's own client, so that they work on every SQL destination and a DuckDB file is never opened
twice. A table that does not exist yet is None, not 0.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
from dlt.destinations.job_client_impl import SqlJobClientBase

from freshsales_source.api.budget_file import state_folder
from freshsales_source.clock import Clock, Stop, SystemClock
from freshsales_source.errors import ConfigurationError, WarehouseRefused
from freshsales_source.schema.columns import RAW_SUFFIX, ColumnType, type_of_storage
from freshsales_source.settings.account import Account
from freshsales_source.state.stubs import Stubs, stubs_to_json
from freshsales_source.warehouse.credentials import configuration_error
from freshsales_source.warehouse.destinations import WITHOUT_VIEWS, destination_of
from freshsales_source.warehouse.disk import cannot_write
from freshsales_source.warehouse.dropping import finish_dropping, leave_out
from freshsales_source.warehouse.duckdb_destination import Patience
from freshsales_source.warehouse.mart_views import MartViews
from freshsales_source.warehouse.migrations import MIGRATIONS, Migration, migrate
from freshsales_source.warehouse.owner import refuse_another
from freshsales_source.warehouse.packages import SOURCE, keeps_packages, mend_folders, waiting_packages
from freshsales_source.warehouse.recovery import Finding, Recovery
from freshsales_source.warehouse.run_lock import run_lock
from freshsales_source.warehouse.target import Target

__all__ = ["Target", "Warehouse"]


class Warehouse:
    """One dataset in one destination, fed from one account.

    `clock` and `stop` serve the wait for a DuckDB file that another program has open.
    """

    def __init__(
        self,
        target: Target,
        account: Account,
        *,
        clock: Clock | None = None,
        stop: Stop | None = None,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.target = target
        self._migrations = migrations
        self._account = account.host
        self._asking = threading.Lock()
        self._is_held = False
        # The name keeps the states of two accounts, or of two files, apart on one machine.
        words = "\n".join((account.base_url, target.place, target.dataset))
        patience = Patience(clock or SystemClock(), stop)
        folder = str(target.pipelines_dir or get_dlt_pipelines_dir())
        try:
            self.pipeline: dlt.Pipeline = dlt.pipeline(
                pipeline_name=f"freshsales_{hashlib.sha256(words.encode()).hexdigest()[:12]}",
                pipelines_dir=folder,
                destination=destination_of(target.destination, duckdb=target.duckdb, patience=patience),
                dataset_name=target.dataset,
            )
        except DltException as error:
            raise ConfigurationError(
                f"{target.destination!r} is no destination that dlt knows",
                remedy="Name one of dlt's destinations: `duckdb`, `postgres`, `bigquery`, `snowflake`, ...",
            ) from error
        except OSError as error:
            raise cannot_write(folder, error) from error

    def lock(self, now: datetime) -> AbstractContextManager[None]:
        """Have this warehouse for one run alone; raises Locked where another has it."""
        folder = self.target.pipelines_dir or state_folder(os.environ, Path.home())
        return run_lock(folder / f"{self.pipeline.pipeline_name}.lock", now=now)

    def prepare(self) -> tuple[Finding, ...]:
        """Load what an earlier run left behind, and take the state that the warehouse proves; what did not agree.

        Raises ConfigurationError where the warehouse holds records of another account, or is of a later version.
        """
        mend_folders(self.pipeline)
        with ExitStack() as stack:
            if self.exists():
                stack.enter_context(self.held())
                refuse_another(self.pipeline, self, self._account)
            findings = self._recovery.reconcile()
            finish_dropping(self)
            return (*findings, *migrate(self, self._migrations))

    def load(self, source: Any, *, on_disk: Callable[[], None] = lambda: None) -> None:
        """Load a source as one package: its rows and its state, both or neither.

        `on_disk` is called when the package is, so that a kill loses nothing of it; where it may, once it is loaded.
        Raises Locked where the file stays open elsewhere; the package is then kept, and loaded by the next run.
        """
        self.pipeline.extract(source)
        steps = (on_disk, self._load_packages)
        for step in steps if keeps_packages(self.pipeline) else reversed(steps):
            step()

    def load_with_proof(self, source: Any, run_id: str, rows: Mapping[str, int]) -> None:
        """Load the last source of a run; its state tells the next run what tables it must find.

        `rows` counts the rows that the source appends, by table.
        """
        self._recovery.save_proof(self._recovery.proof(run_id, rows))
        self.load(source)

    def load_between_runs(self, source: Any, rows: Mapping[str, int], object: str, stubs: Stubs) -> None:
        """Load a source outside of a run, with a proof that the next one must find, and stubs of an object's records.

        `rows` counts by table the rows that the source appends, and, below zero, those that are deleted afterwards.
        """
        self._recovery.save_stubs(object, stubs_to_json(stubs))
        self._recovery.save_proof(self._recovery.proof(None, rows))
        self.load(source)

    def load_reset(self, source: Any, objects: Collection[str], tables: Collection[str]) -> None:
        """Let objects be read again whole, and drop these tables, which the next load of their rows makes anew.

        A kill leaves all as it was, or to the next run what is still to be dropped.
        """
        self._recovery.forget_objects(objects)
        leave_out(self.pipeline, tables)
        self._recovery.save_proof(self._recovery.proof(None, {}))
        self.load(source)
        finish_dropping(self)

    def drop_views(self) -> None:
        """Drop the views in `<dataset>_marts`: some databases drop no table beneath one. The next run makes them."""
        if self.target.destination not in WITHOUT_VIEWS:
            self.marts().drop()

    def keep_views(self, *, time_zone: str, with_answers: bool) -> Finding | None:
        """Make the views in `<dataset>_marts` where they are missing or out of date; what kept them from being made.

        Those over the history, and the others where they were made before, or `with_answers`.
        """
        if not self.can_answer or self.target.destination in WITHOUT_VIEWS:
            return None
        return self.marts(time_zone=time_zone).keep(with_answers=with_answers)

    def marts(self, *, time_zone: str = "UTC") -> MartViews:
        """The views in `<dataset>_marts`, with the dates of that time zone."""
        is_duckdb = self.target.destination == "duckdb"
        place = self._sql.place_in_view if is_duckdb else self._sql.make_qualified_table_name
        return MartViews(self._client, asking=self._asking, place=place, time_zone=time_zone)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep a DuckDB file open: no other program gets it between the jobs of one load, or between many questions.

        To open it takes longer than most questions. Not while pages are waited for: others may have it then.
        """
        if self.target.destination != "duckdb" or self._is_held:
            yield
            return
        self._is_held = True
        try:
            with self._holding:
                yield
        finally:
            self._is_held = False

    @cached_property
    def can_answer(self) -> bool:
        """Whether rows can be asked for and changed, as in an SQL database; a folder of files only takes more rows.

        Where not, every question about rows is answered with None, as if there were no table yet.
        """
        destination = self.pipeline.destination
        merges = "delete-insert" in (destination.capabilities().supported_merge_strategies or ())
        return merges and issubclass(destination.client_class, SqlJobClientBase)

    def live_rows(self, table: str) -> int | None:
        """How many rows of an object are not deleted."""
        rows = self.query(f"SELECT count(*) FROM {self.name(table)} WHERE NOT is_deleted")
        return None if rows is None else int(rows[0][0])

    def count(self, table: str, where: str) -> int | None:
        """How many rows fit this condition; None where the table does not exist yet."""
        rows = self.query(f"SELECT count(*) FROM {self.name(table)} WHERE {where}")
        return int(rows[0][0]) if rows else None

    def live_ids(self, table: str) -> frozenset[int]:
        """The ids of the rows that are not deleted; none where the table was never loaded. For small tables."""
        rows = self.query(f"SELECT id FROM {self.name(table)} WHERE NOT is_deleted")
        return frozenset(int(row[0]) for row in rows or ())

    def unseen_pipelines(self, table: str) -> dict[int, str]:
        """The account's pipelines, by id, that no live row belongs to; the bin shows deals of all pipelines."""
        if table != "deals":
            return {}
        deals, pipelines = self.name("deals"), self.name("deal_pipelines")
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
        """Rows of a table as dicts; None where the table does not exist yet."""
        # A key of the API may be a word of SQL.
        names = ", ".join(self._sql.escape_column_name(name) for name in columns)
        query = f"SELECT {names} FROM {self.name(table)}"
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
        # What is no list though it should be one stands as text, too, beside no column.
        without = {name + RAW_SUFFIX for name in known if name not in schema.names}
        raws = {name for name in known if name.endswith(RAW_SUFFIX)} - without
        names = [name for name in known if name in schema.names or name in raws]
        listed = ", ".join(str(int(i)) for i in ids)
        rows = self.rows(table, names, where=f"{key} IN ({listed})") or []
        fields = [schema.field(n) if n in schema.names else pa.field(n, pa.string()) for n in names]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def column_types(self, table: str) -> dict[str, ColumnType]:
        """The columns that a table has in the warehouse, and what they hold; none where it was never made.

        A column of a type that no table of ours has is left out.
        """
        if not self.exists():
            return {}
        with self._asking, self.pipeline.destination_client() as client:
            if not isinstance(client, SqlJobClientBase):
                return {}
            _, columns = client.get_storage_table(table)
        # Some destinations fold names to capitals.
        found = {name.lower(): type_of_storage(hint["data_type"]) for name, hint in columns.items()}
        return {name: type_ for name, type_ in found.items() if type_ is not None}

    def states(self) -> dict[str, Any]:
        """The saved state of every object, by name."""
        sources: dict[str, Any] = dict(self.pipeline.state.get("sources", {}))
        resources: dict[str, Any] = sources.get("freshsales", {}).get("resources", {})
        return resources

    # For erasing

    def check_erasable(self, for_what: str) -> None:
        """Raise ConfigurationError where rows cannot be deleted; `for_what` says who wants to, in code marks."""
        if not self.can_answer:
            raise ConfigurationError(
                f"{for_what} deletes rows, and destination `{self.target.destination}` can only append to its tables",
                remedy="Delete the rows with that destination's own means, or sync into an SQL database.",
            )

    def columns(self) -> dict[str, Mapping[str, Mapping[str, Any]]]:
        """The columns of every table that was ever loaded, with dlt's hints."""
        schema = self.pipeline.schemas.get(SOURCE)
        if schema is None:
            return {}
        return {
            name: {column: {**hints} for column, hints in schema.get_table_columns(name).items()}
            for name in schema.data_table_names(seen_data_only=True)
        }

    def staged_name(self, table: str) -> str:
        """The name in SQL of the table in which dlt prepares what it merges into this one."""
        with self._sql.with_staging_dataset():
            return self.name(table)

    def column(self, name: str) -> str:
        """A column's name as it stands in SQL."""
        return str(self._sql.escape_column_name(name))

    def execute(self, sql: str) -> None:
        """Run a statement; nothing happens where a table does not exist."""
        try:
            with self._asking, self._sql as client:
                client.execute_sql(sql)
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return

    # For recovery

    def exists(self) -> bool:
        """Whether there is anything to ask: asking a database file that is not there would make one."""
        if self.target.destination == "sqlite":
            return bool(self._sql.is_there)
        return self.target.destination != "duckdb" or self.target.duckdb.exists()

    def last_load(self) -> str | None:
        """The newest load that was completed; None where there is none."""
        loads = self.name("_dlt_loads")
        rows = self.query(f"SELECT max(load_id) FROM {loads} WHERE status = 0 AND schema_name = '{SOURCE}'")
        return None if not rows or rows[0][0] is None else str(rows[0][0])

    def row_counts(self, tables: Iterable[str]) -> dict[str, int | None]:
        """Rows of each table; None where it does not exist."""
        names = list(tables)
        parts = [f"SELECT {n} AS n, count(*) AS r FROM {self.name(name)}" for n, name in enumerate(names)]
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
        self.execute(f"DELETE FROM {self.name('_dlt_version')} WHERE schema_name = '{SOURCE}'")

    # Inside

    @cached_property
    def _recovery(self) -> Recovery:
        return Recovery(pipeline=self.pipeline, account=self._account, tables=self, drain=self._drain)

    def _drain(self) -> None:
        before: set[str] = set()
        while self.pipeline.has_pending_data:
            waiting = waiting_packages(self.pipeline)
            if waiting == before:
                raise WarehouseRefused(
                    f"dlt leaves {len(waiting)} packages unloaded in {self.pipeline.working_dir}",
                    remedy="Move that folder away, and run the same command again: what they hold is read anew.",
                )
            self._load_packages()
            before = waiting

    def _load_packages(self) -> None:
        self.pipeline.normalize()
        with self.held():
            self.pipeline.load()
            self._recovery.note_load(self.last_load())

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a table does not exist yet. One question at a time, from any thread."""
        if not self.can_answer:
            return None
        try:
            with self._asking, self._sql as client, client.execute_query(sql) as cursor:
                return list(cursor.fetchall())
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return None

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL, with its schema."""
        if not self.can_answer:
            return table
        return str(self._sql.make_qualified_table_name(table))

    @cached_property
    def _holding(self) -> Any:
        """A client of its own that keeps the file open: a client knows one connection at a time."""
        return self._new_client().sql_client

    @cached_property
    def _sql(self) -> Any:
        """Dlt's client for queries, opened for each and made once: making it costs more than most queries."""
        return self._client.sql_client

    @cached_property
    def _client(self) -> Any:
        return self._new_client()

    def _new_client(self) -> Any:
        try:
            return self.pipeline.destination_client()
        except DltException as error:
            if (ours := configuration_error(error)) is not None:
                raise ours from error
            raise
