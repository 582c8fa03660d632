"""What tests of forgetting share: the command by the connector's clock, and a look into every table there is."""

from __future__ import annotations

from collections.abc import Collection

from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.forgetting import Forgotten, forget
from freshsales_source.sync.report import RunReport
from tests.connector import Connector, verdicts
from tests.warehouse_reader import WarehouseReader

CANARY = "Zanzibar-Canary-0815"


def forget_them(connector: Connector, object_name: str, *ids: int) -> Forgotten:
    """What the command does, by the connector's clock."""
    return forget(connector.warehouse(connector.settings()), object_name, ids, connector.clock.now())


def tables_with(reader: WarehouseReader, ids: Collection[int]) -> set[str]:
    """The tables of all schemas in which the canary stands, or a row of one of these contacts or deals."""
    wanted: dict[str, list[str]] = {}
    for schema, table, column, type_ in reader.query(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
    ):
        is_key = (column, table) in (("id", "contacts"), ("id", "deals"), ("targetable_id", "notes"))
        is_key |= column == f"{table.partition('_')[0].removesuffix('s')}_id"
        where = [f"strpos({column}, '{CANARY}') > 0"] if type_ == "VARCHAR" else []
        where += [f"{column} IN ({', '.join(map(str, ids))})"] if is_key else []
        wanted.setdefault(f"{schema}.{table}", []).extend(where)
    asked = (f"SELECT '{t}' FROM {t} WHERE {' OR '.join(w)}" for t, w in wanted.items() if w)
    return {str(row[0]) for row in reader.query(" UNION ALL ".join(asked))}


def assert_whole(report: RunReport, *, unchecked: Collection[str] = (), reason: str = "") -> None:
    assert (report.exit_code, report.reason) == (ExitCode.DONE, reason)
    wanted = {name: "unchecked" if name in unchecked else "matched" for name in verdicts(report)}
    assert verdicts(report) == wanted
