"""The marts over what syncs really leave behind: whole accounts, bare ones, and accounts whose fields change."""

from __future__ import annotations

from pathlib import Path

from freshsales_source.emulator import delete_custom_field, retype_custom_field
from freshsales_source.exit_codes import ExitCode
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.connector import Connector, company, connect_swiftly
from tests.field_values import NAMES, VALUES
from tests.warehouse_reader import WarehouseReader


def warehouse_of(connector: Connector) -> Warehouse:
    """The real warehouse over the file that was loaded past dlt."""
    target = Target(duckdb=connector.database, pipelines_dir=connector.folder / "marts")
    return Warehouse(target, connector.settings().account)


def read(connector: Connector) -> dict[str, int]:
    """The rows of each view; of the calendar, those of one year."""
    marts = WarehouseReader(connector.database, "freshsales_marts")
    year = "SELECT * FROM dim_date WHERE year = 2026"
    return {
        view: len(marts.query(year if view == "dim_date" else f"SELECT * FROM {view}"))
        for view in marts.tables()
    }


def test_the_marts_follow_custom_fields_that_are_made_retyped_and_deleted(tmp_path: Path) -> None:
    emulator = company(deals=8, contacts=4, accounts=3)
    store = emulator.store
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "deals", "deal_stages"])
    assert connector.sync().exit_code is ExitCode.DONE
    warehouse = warehouse_of(connector)
    warehouse.marts().make()
    views = read(connector)
    assert views["fct_deals"] == 8
    assert views["fct_leads"] == 4
    fields = list(store.account.custom_fields["deals"])
    for step in range(2):
        for name in NAMES[step::2]:
            store.account.add_custom_field("deals", name, "number", choices=("A", "B"))
        delete_custom_field(store, "deals", fields[step])
        retype_custom_field(store, "deals", fields[-1], ("date", "checkbox")[step])
        for place, record in enumerate(store.live("deals")):
            values = {name: VALUES[(place + step) % len(VALUES)] for name in NAMES[step::2]}
            store.update("deals", int(record["id"]), custom_field={**values, fields[-1]: VALUES[place]})
        connector.clock.advance(7200)
        assert connector.sync().exit_code is ExitCode.DONE
        assert warehouse.marts().keep() is None
        told = connector.reader.query(
            "SELECT column_name FROM fields WHERE object = 'deals' AND column_name LIKE 'cf%'"
        )
        columns = WarehouseReader(connector.database, "freshsales_marts").columns("fct_deals")
        assert {column for (column,) in told} <= columns.keys()
    assert read(connector).keys() == views.keys()


def test_an_account_without_custom_fields_deals_or_activities_has_marts(tmp_path: Path) -> None:
    emulator = company(deals=0, contacts=3, accounts=1)
    emulator.store.account.custom_fields.clear()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "deals"], history=False)
    assert connector.sync().exit_code is ExitCode.DONE
    warehouse_of(connector).marts().make()
    rows = read(connector)
    assert (rows["fct_deals"], rows["fct_leads"], rows["sales_totals"]) == (0, 3, 1)
    assert "stage_visits" not in rows
