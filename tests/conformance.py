"""What a destination does, found out by two syncs with much happening between them, beside the same into DuckDB.

`WANTED` is what the README says of the destinations named there; test_conformance.py holds it against what is found.
Rows of a database are read with dlt's own client, those of a folder with the query of docs/destinations.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
from dlt.common.exceptions import DltException

from freshsales_source.emulator import Emulator
from freshsales_source.errors import ConfigurationError
from freshsales_source.sync.forgetting import forget
from freshsales_source.warehouse.warehouse import Warehouse
from tests.altered_answers import Altered
from tests.connector import Connector, asked, company, connect, connect_swiftly, verdicts
from tests.warehouse_reader import Row

OBJECTS = ["deals"]
"""What has all there is: money, dates, lists, a bridge, a bin, a history."""
ODD = {
    "amount": '"12345678901234567890.123456789"',
    "base_currency_amount": "-0.000000001",
    "probability": "0.5",
    "name": r'"a\u0000\t\\ \" \u65e5\ud83d\ude00"',
    "expected_close": '"0001-01-01"',
    "sales_account_id": "9223372036854775807",
    "tags": r'["", "x\ny", 5, null, {"a": 1.0}]',
    "order": '"a word of SQL"',
    "seen_at": '"9999-12-31T23:59:59.999999+00:00"',
}
"""Values at the edge of what columns hold, and beyond."""
CHECKS = {
    "rows": "Rows and values are those in DuckDB, to the last digit",
    "lists": "So are lists and bridges; what leaves a list leaves the table",
    "bin": "The recycle bin flags a row, a restore unflags it",
    "vanished": "Records gone without a trace are flagged",
    "verdicts": "Every run compares its rows with the CRM's counts",
    "history": "`deals_history` has one row for each change",
    "resume": "A lost state folder is taken from there",
    "forget": "`forget`, `on_erase`, `reset --drop`",
    "views": "Views in `<dataset>_marts`",
}
_LOG_ONLY = frozenset({"rows", "lists", "bin", "resume"})
WANTED: Mapping[str, frozenset[str]] = {
    "duckdb": frozenset(CHECKS),
    "postgres": frozenset(CHECKS),
    "sqlite": frozenset(CHECKS) - {"views"},
    "filesystem": _LOG_ONLY,
}
"""What holds of each destination; of a folder of files in its latest rows, see docs/destinations.md."""

Tables: TypeAlias = Mapping[str, list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A destination with a copy of an account, beside a copy of the same account in DuckDB."""

    emulator: Emulator
    reference: Connector
    copy: Connector
    ids: Mapping[str, int]


def examine(destination: str, folder: Path, *, dataset: str = "conformance") -> dict[str, bool]:
    """What holds of a destination that dlt finds in its settings, by the names of `CHECKS`."""
    emulator = company(accounts=1, contacts=3, deals=9, in_bin=1)
    altered = Altered(emulator=emulator)
    reference = connect_swiftly(emulator, folder / "reference", objects=OBJECTS)
    copy = connect(emulator, folder / "copy", objects=OBJECTS)
    reference.transport = copy.transport = lambda: altered
    copy.destination, copy.dataset = destination, dataset
    names = ("odd", "vanished", "binned")
    ids = {name: int(row["id"]) for name, row in zip(names, emulator.store.live("deals"), strict=False)}
    ids["restored"] = int(emulator.store.binned("deals")[0]["id"])
    examined = Examined(emulator=emulator, reference=reference, copy=copy, ids=ids)
    altered.set("deals", ids["odd"], **ODD)
    before = _synced(examined)
    _change(examined, altered)
    after = _synced(examined)
    return {
        **{name: before[name] and after[name] for name in before},
        "resume": _resumes(examined),
        "views": _has_views(examined),
        "forget": _forgets(examined),
    }


def _change(examined: Examined, altered: Altered) -> None:
    store, ids = examined.emulator.store, examined.ids
    examined.emulator.clock.sleep(3600)
    altered.set("deals", ids["odd"], amount="0.10", probability="7", tags='["b"]', products="[]")
    store.restore("deals", ids["restored"])
    store.delete("deals", ids["binned"], ids["vanished"])
    store.forget("deals", ids["vanished"])


def _synced(examined: Examined) -> dict[str, bool]:
    """What holds of the rows after one more sync of both."""
    wanted_report, report = examined.reference.sync(), examined.copy.sync()
    wanted = {name: in_order(rows) for name, rows in examined.reference.reader.content(without=()).items()}
    there = {name: in_order(rows) for name, rows in latest(examined.copy).items() if name in wanted}
    vanished, others = examined.ids["vanished"], [row["id"] for row in wanted["deals"]]
    others.remove(vanished)
    history = "deals_history"
    return {
        "rows": all(
            _without(there[name], vanished) == _without(rows, vanished)
            for name, rows in wanted.items()
            if "__" not in name and name != history
        ),
        "lists": all(
            _without(there[name], vanished) == _without(rows, vanished)
            for name, rows in wanted.items()
            if "__" in name
        ),
        "bin": _flags(there, others) == _flags(wanted, others),
        "vanished": _flags(there, [vanished]) == _flags(wanted, [vanished]),
        "verdicts": verdicts(report) == verdicts(wanted_report),
        "history": there[history] == wanted[history],
    }


def _flags(tables: Tables, ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    wanted = set(ids)
    return {
        row["id"]: (row["is_deleted"], row["_deleted_reason"], row["_deleted_at"])
        for row in tables["deals"]
        if row["id"] in wanted
    }


def _without(rows: Iterable[Row], deal: int) -> list[Row]:
    return [row for row in rows if deal not in (row.get("id"), row.get("deal_id"))]


def _resumes(examined: Examined) -> bool:
    shutil.rmtree(examined.copy.folder / "dlt")
    calls = len(examined.emulator.log)
    report = examined.copy.sync()
    read = asked(examined.emulator, "/deals/view/", since=calls)
    return report.reason == "state_from_warehouse" and len(read) == 4


def _has_views(examined: Examined) -> bool:
    warehouse = _warehouse(examined.copy)
    try:
        with warehouse.pipeline.sql_client() as client:
            with client.with_alternative_dataset_name(f"{warehouse.target.dataset}_marts"):
                place = client.make_qualified_table_name("stage_visits")
            with client.execute_query(f"SELECT count(*) FROM {place}") as cursor:
                return bool(cursor.fetchall()[0][0])
    except (DltException, duckdb.Error):
        return False


def _forgets(examined: Examined) -> bool:
    deal = examined.ids["odd"]
    try:
        forget(_warehouse(examined.copy), "deals", [deal], examined.copy.clock.now())
    except ConfigurationError:
        return False
    left = [row for rows in latest(examined.copy).values() for row in rows]
    return not [row for row in left if deal in (row.get("id"), row.get("deal_id"))]


# Reading


def latest(connector: Connector) -> Tables:
    """Every table of objects as it stands, or would if the newest rows of a folder were all."""
    warehouse = _warehouse(connector)
    warehouse.prepare()
    read = _rows if warehouse.can_answer else _latest_rows
    schema = warehouse.pipeline.default_schema
    names = [name for name in schema.data_table_names(seen_data_only=True) if not name.startswith("_")]
    return {name: read(warehouse, name, _types(warehouse, name)) for name in names}


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row)])


def _warehouse(connector: Connector) -> Warehouse:
    return connector.warehouse(connector.settings())


def _types(warehouse: Warehouse, table: str) -> dict[str, str]:
    """The columns of a table and their types in dlt's words; dlt's own and those of markers aside."""
    columns = warehouse.pipeline.default_schema.get_table_columns(table)
    return {name: str(hints["data_type"]) for name, hints in columns.items() if not name.startswith("_dlt")}


def _rows(warehouse: Warehouse, table: str, types: Mapping[str, str]) -> list[Row]:
    with warehouse.pipeline.sql_client() as client:
        names = ", ".join(client.escape_column_name(name) for name in types)
        place = client.make_qualified_table_name(table)
        with client.execute_query(f"SELECT {names} FROM {place}") as cursor:
            return [_plain(row, types) for row in cursor.fetchall()]


def _latest_rows(warehouse: Warehouse, table: str, types: Mapping[str, str]) -> list[Row]:
    schema = warehouse.pipeline.default_schema
    hints = schema.get_table_columns(table)
    keys = [name for name, hint in hints.items() if hint.get("merge_key")]
    keys = keys or [name for name, hint in hints.items() if hint.get("primary_key")]
    config: Any = warehouse.pipeline.destination_client().config
    folder = f"{config.bucket_url}/{warehouse.target.dataset}"
    query = latest_query(
        folder.removeprefix("file://"), table, keys, [n for n, h in hints.items() if h.get("hard_delete")]
    )
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        cursor = db.execute("SELECT {} FROM ({})".format(", ".join(f'"{name}"' for name in types), query))
        return [_plain(row, types) for row in cursor.fetchall()]


def latest_query(folder: str, table: str, keys: Iterable[str], markers: Iterable[str]) -> str:
    """The query of docs/destinations.md, for any table."""
    where = " AND ".join(f'"{marker}" IS NOT TRUE' for marker in markers) or "true"
    parts = ", ".join(f'"{key}"' for key in keys)
    return f"""SELECT * EXCLUDE (filename, load_id) FROM (
    SELECT *, regexp_extract(filename, '([0-9.]+)[.][0-9a-z]+[.]parquet$', 1) AS load_id
    FROM read_parquet('{folder}/{table}/*.parquet', filename = true, union_by_name = true)
    QUALIFY load_id = max(load_id) OVER (PARTITION BY {parts})
) WHERE {where}"""


def _plain(row: Iterable[Any], types: Mapping[str, str]) -> Row:
    return {name: _value(value, types[name]) for name, value in zip(types, row, strict=True)}


def _value(value: Any, type_: str) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if type_ == "decimal" and value is not None:
        assert isinstance(value, Decimal | int), "a float is not exact"
        return Decimal(value)
    return value
