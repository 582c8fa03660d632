"""Custom modules and feeds with what looks after every object: census, refresh, full refresh, lost tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from freshsales_source.emulator import Emulator, add_note, generate_company
from freshsales_source.exit_codes import ExitCode
from tests.connector import (
    ALL_PIPELINES,
    Connector,
    asked,
    company,
    connect,
    connect_swiftly,
    emulate,
    of,
    verdicts,
)
from tests.fake_clock import FakeClock
from tests.other_objects import load_plainly, plain_file
from tests.warehouse_reader import Row, WarehouseReader

CONTRACTS = "cm_contracts"
ONLY = ["custom_modules"]

READ_BY: dict[str, dict[str, Any]] = {
    "views": {},
    "views without a bin": {"module_bin": False},
    "the search": {"module_filters": "not_found"},
    "views whose order is not honoured": {"module_sort_honoured": False, "module_meta": "total"},
}


def account(contracts: int = 130, **positions: Any) -> Emulator:
    clock = FakeClock()
    store = generate_company(clock, accounts=2, contacts=2, deals=2, in_bin=0, contracts=contracts)
    return emulate(store, clock, replace(ALL_PIPELINES, **positions))


def live(emulator: Emulator, table: str = CONTRACTS) -> list[int]:
    return sorted(int(record["id"]) for record in emulator.store.live(table))


def sql(connector: Connector, statement: str) -> None:
    with duckdb.connect(str(connector.database)) as db:
        db.execute("USE warehouse.freshsales")
        db.execute(statement)


@pytest.mark.parametrize("way", READ_BY)
def test_an_erased_record_of_a_module_is_flagged_however_it_is_read(tmp_path: Path, way: str) -> None:
    emulator = account(**READ_BY[way])
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    connector.clock.advance(1000)
    doomed = live(emulator)[60]
    emulator.store.forget(CONTRACTS, doomed)
    connector.clock.advance(100)
    before = len(emulator.log)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (ExitCode.DONE, "matched")
    assert connector.reader.by_id(CONTRACTS)[doomed]["_deleted_reason"] == "vanished"
    assert connector.reader.ids(CONTRACTS, where="NOT is_deleted") == live(emulator)
    if way == "the search":
        asked_for = asked(emulator, since=before)
        assert all(f"filtered_search/{CONTRACTS}?" in call or f"/{CONTRACTS}/" in call for call in asked_for)
        assert not [call for call in asked_for if "/view/" in call]


@pytest.mark.parametrize("way", READ_BY)
def test_a_module_record_that_the_warehouse_lacks_is_found_by_its_count(tmp_path: Path, way: str) -> None:
    emulator = account(**READ_BY[way])
    hidden = live(emulator)[60]
    record = emulator.store.record(CONTRACTS, hidden)
    emulator.store.forget(CONTRACTS, hidden)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    connector.sync()
    connector.clock.advance(1000)
    # As if it had been restored with its old stamp: no newest-first page shows it.
    columns = {name: record[name] for name in ("id", "name", "created_at", "updated_at", "owner_id")}
    emulator.store.load(CONTRACTS, columns)
    connector.clock.advance(100)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (ExitCode.DONE, "matched")
    assert connector.reader.ids(CONTRACTS, where="NOT is_deleted") == live(emulator)


@pytest.mark.parametrize("way", ["views", "the search"])
def test_a_silent_change_in_a_module_is_found_by_the_refresh(tmp_path: Path, way: str) -> None:
    emulator = account(**READ_BY[way])
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    connector.sync()
    connector.clock.advance(1000)
    changed = live(emulator)[60]
    emulator.store.change_silently(CONTRACTS, changed, name="Relabelled")
    connector.clock.advance(100)
    connector.sync()
    assert connector.reader.by_id(CONTRACTS)[changed]["name"] != "Relabelled"
    for _ in range(3):
        connector.clock.advance(100)
        assert connector.sync(refresh_pages=5).exit_code is ExitCode.DONE
    assert connector.reader.by_id(CONTRACTS)[changed]["name"] == "Relabelled"


@pytest.mark.parametrize("named", ["custom_modules", CONTRACTS])
def test_a_full_refresh_takes_modules_along(tmp_path: Path, named: str) -> None:
    emulator = account(30)
    connector = connect_swiftly(emulator, tmp_path, objects=[named])
    connector.sync()
    connector.clock.advance(1000)
    changed = live(emulator)[3]
    emulator.store.change_silently(CONTRACTS, changed, name="Relabelled")
    report = connector.sync(full_refresh=[named])
    assert (report.exit_code, of(report, CONTRACTS).rows_read >= 30) == (ExitCode.DONE, True)
    assert connector.reader.by_id(CONTRACTS)[changed]["name"] == "Relabelled"


@pytest.mark.parametrize("statement", ["DROP TABLE", "TRUNCATE"])
def test_lost_tables_of_modules_are_read_again_under_the_names_they_had(
    tmp_path: Path, statement: str
) -> None:
    emulator = account(5)
    # The second is not the history of an object `cm_price`; the third would meet the first.
    for key in ("cm_deal", "cm_price_history", "cm_Deal"):
        emulator.store.add_module(key, "Thing", "Things")
        emulator.store.create(key, name=f"of {key}")
    connector = connect(emulator, tmp_path, objects=ONLY)
    connector.sync()
    before = connector.reader.content()
    emulator.store.drop_module("cm_deal")
    connector.clock.advance(10)
    for table in ("custom_modules", "cm_price_history", CONTRACTS):
        sql(connector, f"{statement} {table}")
    report = connector.sync()
    assert [name for name, verdict in verdicts(report).items() if verdict != "matched"] == ["cm_deal"]
    after = connector.reader.content()
    assert after.keys() == before.keys()
    kept = [table for table in after if table.startswith("cm_") and table != "cm_deal"]
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
    assert [row["_deleted_reason"] for row in after["cm_deal"]] == ["vanished"]
    assert sorted(names_in(before)) == sorted([*names_in(after), "cm_deal"])


def names_in(content: dict[str, list[Row]]) -> list[str]:
    return [str(row["entity_name"]) for row in content["custom_modules"]]


def test_a_lost_feed_is_read_again_and_one_that_shrank_is_no_loss(tmp_path: Path) -> None:
    emulator = company(accounts=1, contacts=4, deals=0, in_bin=0)
    contact = live(emulator, "contacts")[0]
    add_note(emulator.store, "contacts", contact, "Called")
    connector = connect(emulator, tmp_path, objects=["contacts", "notes"], lookback_s=0)
    connector.clock.advance(600)
    connector.sync()
    connector.clock.advance(600)
    sql(connector, "TRUNCATE notes")
    report = connector.sync()
    assert report.reason == "tables_changed"
    assert [row["description"] for row in connector.reader.rows("notes")] == ["Called"]
    assert of(report, "contacts").rows_changed == 0
    emulator.store.notes["contacts", contact].clear()
    emulator.store.update("contacts", contact, city="Rome")
    connector.clock.advance(600)
    assert connector.sync().exit_code is ExitCode.DONE
    assert connector.reader.rows("notes") == []
    assert connector.sync().reason == ""


def test_feeds_come_after_all_checks_so_that_a_short_run_still_compares(tmp_path: Path) -> None:
    emulator = company(accounts=1, contacts=40, deals=0, in_bin=0)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], lookback_s=0)
    connector.sync()
    connector.clock.advance(600)
    doomed = live(emulator, "contacts")[7]
    emulator.store.forget("contacts", doomed)
    report = connector.sync(objects=["contacts", "contact_activities"], max_calls=12)
    assert verdicts(report) == {"contacts": "matched", "contact_activities": "partial"}
    assert connector.reader.by_id("contacts")[doomed]["_deleted_reason"] == "vanished"


def test_a_plain_dlt_run_goes_on_where_a_module_was_deleted_in_the_crm(tmp_path: Path) -> None:
    emulator = account(3)
    emulator.store.add_module("cm_assets", "Asset", "Assets")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    load_plainly(connector)
    emulator.store.drop_module(CONTRACTS)
    made = emulator.store.create("cm_assets", name="Lathe")
    connector.clock.advance(600)
    for _ in range(2):
        load_plainly(connector)
    reader = WarehouseReader(plain_file(connector))
    assert (reader.ids("cm_assets"), reader.count(CONTRACTS)) == ([made], 5)
