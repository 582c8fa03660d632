"""A warehouse that merges what the source yields into DuckDB itself, without dlt's packages.

A load through dlt costs half a second to three seconds, whatever it holds. How a reader behaves can be judged without
that: the source, its resources and their state, the run, its verdicts and every question to the warehouse are the real
ones. Replaced are normalising and loading alone, by the rules of dlt's delete-insert that the source relies on;
test_swift_warehouse.py holds both ways against each other. A load is all or nothing, state included. What a kill, a
second process or a lost file does to dlt is not seen here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias, cast

import duckdb
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.configuration.resolve import inject_section
from dlt.common.configuration.specs.config_section_context import ConfigSectionContext
from dlt.common.pipeline import StateInjectableContext, TPipelineState
from dlt.extract.hints import HintsMeta
from dlt.extract.pipe_iterator import PipeIterator
from dlt.sources import DltSource

from freshsales_source.decode.arrow_types import DAY, STAMP, TEXT
from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE, RAW_SUFFIX, ColumnType
from freshsales_source.state.stubs import Stubs, stubs_to_json
from freshsales_source.warehouse.packages import SOURCE
from freshsales_source.warehouse.recovery import Finding
from freshsales_source.warehouse.warehouse import Target, Warehouse

Hints: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What dlt is told of a table: column -> hints."""

_ARROW = {
    "bigint": pa.int64(),
    "decimal": pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
    "text": TEXT,
    "bool": pa.bool_(),
    "timestamp": STAMP,
    "date": DAY,
    "double": pa.float64(),
}

_TYPES = {
    "BIGINT": ColumnType.ID,
    "VARCHAR": ColumnType.TEXT,
    "BOOLEAN": ColumnType.BOOLEAN,
    "TIMESTAMP WITH TIME ZONE": ColumnType.TIMESTAMP,
    "DATE": ColumnType.DATE,
    f"DECIMAL({DECIMAL_PRECISION},{DECIMAL_SCALE})": ColumnType.DECIMAL,
}


class SwiftWarehouse(Warehouse):
    """The warehouse of one target, which no other process uses."""

    def __init__(self, target: Target) -> None:
        assert target.pipelines_dir is not None
        self.target = target
        self._asking = Lock()
        # Where dlt keeps it, too.
        self._file = target.pipelines_dir / "swift" / "state.json"
        self._state: dict[str, Any] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    @cached_property
    def can_answer(self) -> bool:
        """DuckDB can."""
        return True

    def lock(self, now: datetime) -> AbstractContextManager[None]:
        """Nobody else is here."""
        return nullcontext()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whoever made this warehouse keeps the file open."""
        yield

    def prepare(self) -> tuple[Finding, ...]:
        """Nothing was left behind: a load is whole, or has never been."""
        return ()

    def load(self, source: DltSource, *, on_disk: Callable[[], None] = lambda: None) -> None:
        """Merge what the source yields, and keep its state."""
        state = json.loads(json.dumps(self._state))
        loaded = _Load()
        with _drawn(source, state) as items:
            for resource, item, meta in items:
                hints = meta.hints if isinstance(meta, HintsMeta) else {}
                columns: Any = hints.get("columns") or source.resources[resource].columns
                loaded.add(str(hints.get("table_name") or resource), columns, item)
        on_disk()
        # As a file keeps it, before anything is written: what JSON cannot hold fails the load.
        text = json.dumps(state)
        with self._asking, duckdb.connect(str(self.target.duckdb)) as db:
            loaded.write(db, self.target.dataset)
        self._state = json.loads(text)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(text, "utf-8")

    def load_with_proof(self, source: DltSource, run_id: str, rows: Mapping[str, int]) -> None:
        """Load the last source of a run; nobody will look for a proof."""
        self.load(source)

    def rows_of(self, table: str, schema: pa.Schema, ids: Sequence[int], *, key: str = "id") -> pa.Table:
        """The rows with these ids in column `key`, in those columns of `schema` that the table has."""
        known = list(self.column_types(table))
        if not known:
            return schema.empty_table()
        raws = {name + RAW_SUFFIX for name in schema.names}
        names = [name for name in known if name in schema.names or name in raws]
        rows = self.rows(table, names, where=f"{key} IN ({', '.join(map(str, ids))})") or []
        fields = [schema.field(n) if n in schema.names else pa.field(n, TEXT) for n in names]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def rows(
        self, table: str, columns: Sequence[str], *, where: str = "", order: str = ""
    ) -> list[dict[str, Any]] | None:
        """Rows of a table as dicts; None where the table does not exist yet."""
        query = f"SELECT {', '.join(map(_quoted, columns))} FROM {self.name(table)}"
        query += f" WHERE {where}" if where else ""
        query += f" ORDER BY {order}" if order else ""
        rows = self.query(query)
        return None if rows is None else [dict(zip(columns, row, strict=True)) for row in rows]

    def column_types(self, table: str) -> dict[str, ColumnType]:
        """The columns of a table and what they hold; none where it was never made."""
        rows = self.query(f"DESCRIBE {self.name(table)}") or []
        return {str(name): _TYPES[str(type_)] for name, type_, *_ in rows}

    def load_between_runs(
        self, source: DltSource, rows: Mapping[str, int], object: str, stubs: Stubs
    ) -> None:
        """Load a source outside of a run; nobody will look for a proof."""
        self.states().get(object, {}).setdefault("stubs", {}).update(stubs_to_json(stubs))
        self.load(source)

    def check_erasable(self, for_what: str) -> None:
        """Rows can be deleted."""

    def columns(self) -> dict[str, Mapping[str, Mapping[str, Any]]]:
        """The columns of every table; lists are merged by their first."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        dataset = f"schema_name = '{self.target.dataset}'"
        asked = f"SELECT table_name, column_name FROM duckdb_columns() WHERE {dataset}"
        for table, column in self.query(asked) or ():
            columns = found.setdefault(str(table), {})
            columns[str(column)] = {"merge_key": "__" in str(table) and not columns}
        return {**found}

    def staged_name(self, table: str) -> str:
        """There are no such tables."""
        return f"staging.{_quoted(table)}"

    def column(self, name: str) -> str:
        """A column's name as it stands in SQL."""
        return _quoted(name)

    def execute(self, sql: str) -> None:
        """Run a statement; nothing happens where a table does not exist."""
        self.query(sql)

    def keep_views(self, *, time_zone: str, with_answers: bool) -> Finding | None:
        """Leave views to the tests of views."""
        return None

    def states(self) -> dict[str, Any]:
        """The saved state of every object, by name."""
        resources: dict[str, Any] = self._state.get("sources", {}).get(SOURCE, {}).get("resources", {})
        return resources

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL, with its schema."""
        return f"{_quoted(self.target.dataset)}.{_quoted(table)}"

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a table does not exist yet."""
        try:
            with self._asking, duckdb.connect(str(self.target.duckdb)) as db:
                db.execute("SET TimeZone = 'UTC'")
                return db.execute(sql).fetchall()
        except duckdb.CatalogException:
            return None


@contextmanager
def _drawn(source: DltSource, state: dict[str, Any]) -> Iterator[Iterator[tuple[str, Any, Any]]]:
    """What dlt's extraction gets to see: (resource, item, meta); the state is the one that resources change."""
    sections = ConfigSectionContext(
        sections=("sources", source.section, source.name), source_state_key=source.name
    )
    with (
        inject_section(sections),
        Container().injectable_context(StateInjectableContext(state=cast(TPipelineState, state))),
        PipeIterator.from_pipes(source.resources.selected_pipes) as pipes,
    ):
        yield ((item.pipe.name, item.item, item.meta) for item in pipes)


class _Load:
    """The rows of one load, by table."""

    def __init__(self) -> None:
        self._hints: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._rows: dict[str, list[pa.Table]] = {}

    def add(self, table: str, hints: Hints, rows: Any) -> None:
        """Take a table of rows, or rows as dicts."""
        if not isinstance(rows, pa.Table):
            types = [(name, _ARROW[str(hint["data_type"])]) for name, hint in hints.items()]
            rows = pa.Table.from_pylist(
                [_exact(row) for row in (rows if isinstance(rows, list) else [rows])], schema=pa.schema(types)
            )
        self._hints.setdefault(table, {}).update(hints)
        self._rows.setdefault(table, []).append(rows)

    def write(self, db: duckdb.DuckDBPyConnection, dataset: str) -> None:
        """Merge everything, or nothing."""
        db.execute("SET TimeZone = 'UTC'")
        db.execute("BEGIN")
        db.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
        there = _columns(db, dataset)
        for table, rows in self._rows.items():
            staged = pa.concat_tables(rows, promote_options="default")
            db.register("staged", staged)
            _widen(db, f'"{dataset}"."{table}"', there.get(table), staged)
            if staged.num_rows:
                _merge(db, f'"{dataset}"."{table}"', self._hints[table], staged)
        db.execute("COMMIT")


def _quoted(name: str) -> str:
    return f'"{name}"'


def _exact(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Decimal(str(v)) if isinstance(v, float) else v for name, v in row.items()}


def _columns(db: duckdb.DuckDBPyConnection, dataset: str) -> dict[str, set[str]]:
    """The tables that are there, with their columns."""
    found: dict[str, set[str]] = {}
    for table, column in db.execute(
        f"SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = '{dataset}'"
    ).fetchall():
        found.setdefault(str(table), set()).add(str(column))
    return found


def _widen(db: duckdb.DuckDBPyConnection, table: str, there: set[str] | None, staged: pa.Table) -> None:
    """Let the table have every column of the rows."""
    if there is None:
        db.execute(f"CREATE TABLE {table} AS SELECT * FROM staged LIMIT 0")
        return
    for name in [name for name in staged.schema.names if name not in there]:
        ((_, type_, *_rest),) = db.execute(f'DESCRIBE SELECT "{name}" FROM staged').fetchall()
        db.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {type_}')


def _merge(db: duckdb.DuckDBPyConnection, table: str, hints: Hints, staged: pa.Table) -> None:
    """Dlt's delete-insert: what shares a key with the rows goes, one row of each key comes, markers do not."""
    primary = [name for name, hint in hints.items() if hint.get("primary_key")]
    merged_by = [name for name, hint in hints.items() if hint.get("merge_key")]
    markers = [name for name, hint in hints.items() if hint.get("hard_delete")]
    for keys in filter(None, (primary, merged_by)):
        listed = ", ".join(map(_quoted, keys))
        db.execute(f"DELETE FROM {table} WHERE ({listed}) IN (SELECT ({listed}) FROM staged)")
    columns = ", ".join(map(_quoted, staged.schema.names))
    where = " AND ".join(f"{_quoted(name)} IS NOT TRUE" for name in markers) or "true"
    one_each = (
        f" QUALIFY row_number() OVER (PARTITION BY {', '.join(map(_quoted, primary))}) = 1" if primary else ""
    )
    db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM staged WHERE {where}{one_each}")
