"""Parse and insert, and nothing else: the least that any program must do with the same pages.

No types but those the values show, no check, no merge, no state. Two ways: `orjson` into Python objects and from
there to Arrow; and Arrow's own JSON reader.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from benchmarks.kept_pages import KeptAnswers
from benchmarks.measured import Stopwatch
from benchmarks.plain_dlt import rows

Tables: TypeAlias = dict[str, pa.Table]
Way: TypeAlias = Literal["orjson", "arrow"]
PAGES_AT_ONCE = 50
LISTS = ("emails", "phone_numbers", "tags", "sales_accounts", "system_tags", "team_user_ids")
LEFT_OUT = ("links",)


def load(stopwatch: Stopwatch, *, folder: str, pages: str, way: Way, warm_pages: str) -> dict[str, Any]:
    """A job: parse all kept pages and insert them into a new DuckDB file."""
    run(Path(folder) / f"warm-{time.monotonic_ns()}", Path(warm_pages), way, None)
    # What types the values show is found beforehand: it is not part of the floor.
    bodies = [file.read_bytes() for _, file in islice(KeptAnswers(Path(pages)).view_pages("contacts"), 20)]
    schema = pa.unify_schemas([_read(body).schema for body in bodies], promote_options="permissive")
    with stopwatch:
        database = run(Path(folder) / "loaded", Path(pages), way, schema)
    return {"rows": rows(database, "floor")}


def run(folder: Path, pages: Path, way: Way, schema: pa.Schema | None) -> Path:
    """Parse and insert, fifty pages at a time; return the DuckDB file."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "warehouse.duckdb"
    files = (file for _, file in KeptAnswers(pages).view_pages("contacts"))
    with duckdb.connect(str(database)) as db:
        db.execute("CREATE SCHEMA floor")
        while chunk := [file.read_bytes() for file in islice(files, PAGES_AT_ONCE)]:
            parsed = _with_orjson(chunk) if way == "orjson" else _with_arrow(chunk, schema)
            for name, table in parsed.items():
                _insert(db, name, table)
    return database


def _with_orjson(bodies: Iterable[bytes]) -> Tables:
    parents: list[dict[str, Any]] = []
    children: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
    for body in bodies:
        for record in orjson.loads(body)["contacts"]:
            for name in LISTS:
                children[name].extend(_elements(record["id"], record.pop(name, None) or ()))
            for name in LEFT_OUT:
                record.pop(name, None)
            record.update(record.pop("custom_field"))
            parents.append(record)
    filled = {f"contacts__{name}": rows for name, rows in children.items() if rows}
    tables = {"contacts": parents, **filled}
    return {name: _without_nulls(pa.Table.from_pylist(rows)) for name, rows in tables.items()}


def _elements(parent: int, elements: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for position, element in enumerate(elements):
        own = element if isinstance(element, Mapping) else {"value": element}
        yield {"contact_id": parent, "position": position, **own}


def _with_arrow(bodies: Iterable[bytes], schema: pa.Schema | None) -> Tables:
    parts: dict[str, list[pa.Table]] = {}
    for body in bodies:
        for name, table in _parted(_read(body, schema)).items():
            parts.setdefault(name, []).append(table)
    joined = {name: pa.concat_tables(tables, promote_options="permissive") for name, tables in parts.items()}
    return {name: _without_nulls(table) for name, table in joined.items()}


def _read(body: bytes, schema: pa.Schema | None = None) -> pa.Table:
    read = pj.ReadOptions(block_size=len(body) + 1, use_threads=False)
    parse = pj.ParseOptions(explicit_schema=schema, newlines_in_values=False)
    return pj.read_json(pa.BufferReader(body), read_options=read, parse_options=parse)


def _parted(answer: pa.Table) -> Tables:
    """Parent and children of one page."""
    records = answer["contacts"].combine_chunks().flatten()
    fields = dict(zip((field.name for field in records.type), records.flatten(), strict=True))
    custom = fields.pop("custom_field")
    fields.update(zip((field.name for field in custom.type), custom.flatten(), strict=True))
    ids = fields["id"]
    tables = {f"contacts__{name}": _child(ids, fields.pop(name)) for name in LISTS if name in fields}
    kept = {name: values for name, values in fields.items() if name not in LEFT_OUT}
    return {"contacts": pa.table(kept), **{name: table for name, table in tables.items() if len(table)}}


def _child(ids: pa.Array, lists: pa.Array) -> pa.Table:
    if not pa.types.is_list(lists.type):
        return pa.table({"contact_id": ids.slice(0, 0)})
    parents, members = pc.list_parent_indices(lists), lists.flatten()
    is_struct = pa.types.is_struct(members.type)
    names = [field.name for field in members.type] if is_struct else ["value"]
    columns = members.flatten() if is_struct else [members]
    return pa.table({"contact_id": ids.take(parents), **dict(zip(names, columns, strict=True))})


def _without_nulls(table: pa.Table) -> pa.Table:
    """The same with texts in the place of columns that never had a value: DuckDB must give them some type."""
    types = [pa.string() if pa.types.is_null(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.schema.names, types, strict=True))))


def _insert(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    db.register("parsed", table)
    there = db.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
    if there and there[0]:
        db.execute(f"INSERT INTO floor.{name} BY NAME SELECT * FROM parsed")
    else:
        db.execute(f"CREATE TABLE floor.{name} AS SELECT * FROM parsed")
    db.unregister("parsed")
