"""Custom modules through `freshsales sync`: which tables, rows, values and types come of them, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Switches, generate_company
from freshsales_source.errors import ConfigurationError
from tests.connector import ALL_PIPELINES, Connector, asked, connect, connect_swiftly, emulate, of, verdicts
from tests.fake_clock import FakeClock
from tests.warehouse_reader import read_off

CONTRACTS = "cm_contracts"
ONLY = ["custom_modules"]


def account(*, contracts: int = 30, **positions: Any) -> Emulator:
    clock = FakeClock()
    store = generate_company(clock, accounts=4, contacts=4, deals=4, in_bin=1, contracts=contracts)
    return emulate(store, clock, replace(ALL_PIPELINES, **positions))


def assert_whole(emulator: Emulator, connector: Connector, table: str = CONTRACTS, key: str = "") -> None:
    """The table holds the module's live records with their values, and flags those in the bin."""
    store, key = emulator.store, key or table
    rows = connector.reader.by_id(table)
    live = {record["id"] for record in store.live(key)}
    assert {id_ for id_, row in rows.items() if not row["is_deleted"]} == live
    for id_ in live:
        served = emulator.served(key, id_)
        wanted = {
            name: read_off(value) for name, value in served.items() if name not in ("custom_field", "links")
        }
        wanted |= {name: read_off(value) for name, value in served["custom_field"].items()}
        assert {name: rows[id_][name] for name in wanted} == wanted


def test_each_module_becomes_a_table_with_its_records_and_their_values(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (0, {"custom_modules": "matched", CONTRACTS: "matched"})
    assert_whole(emulator, connector)
    binned = connector.reader.rows(CONTRACTS)
    assert [row["_deleted_reason"] for row in binned if row["is_deleted"]] == ["recycle_bin"] * 2
    assert (of(report, CONTRACTS).expected_count, of(report, CONTRACTS).rows_deleted) == (30, 2)
    connector.clock.advance(1000)
    emulator.store.delete(CONTRACTS, *[record["id"] for record in emulator.store.live(CONTRACTS)][:1])
    told = [of(connector.sync(), CONTRACTS).rows_deleted for _ in range(2)]
    assert told == [1, 0], "the bin, too small to show its order, is read whole each time"
    # A module is remembered like any other object, so that what looks after memories finds it.
    assert "walks" in connector.warehouse(connector.settings()).states()[CONTRACTS]
    modules = {row["entity_name"]: row["custom"] for row in connector.reader.rows("custom_modules")}
    assert modules == {"contact": False, "sales_account": False, "deal": False, CONTRACTS: True}


def test_custom_fields_are_typed_by_the_modules_forms(tmp_path: Path) -> None:
    emulator = account(contracts=1)
    emulator.store.bulk_update(
        CONTRACTS,
        [record["id"] for record in emulator.store.live(CONTRACTS)],
        cf_sign_date=date(2024, 5, 1),
        cf_company=17001391875,
        cf_products_in_contract="Alpha;Beta",
        cf_revenue=Decimal("1200.5"),
        cf_bidding_required=False,
    )
    connector = connect(emulator, tmp_path, objects=ONLY)
    connector.sync()
    columns = connector.reader.columns(CONTRACTS)
    assert {name: columns[name] for name in columns if name.startswith("cf_")} == {
        "cf_contract_id": "VARCHAR",
        "cf_sign_date": "DATE",
        "cf_company": "BIGINT",
        "cf_products_in_contract": "VARCHAR",
        "cf_revenue": "DECIMAL(38,9)",
        "cf_bidding_required": "BOOLEAN",
    }
    (row,) = [row for row in connector.reader.rows(CONTRACTS) if not row["is_deleted"]]
    assert (row["cf_sign_date"], row["cf_company"], row["cf_revenue"]) == (
        date(2024, 5, 1),
        17001391875,
        Decimal("1200.5"),
    )
    assert row["creator_id"] == emulator.store.account.me
    fields = {row["name"]: row for row in connector.reader.rows("fields") if row["object"] == CONTRACTS}
    assert fields["cf_revenue"]["column_name"] == "cf_revenue"
    assert (fields["cf_revenue"]["type"], fields["name"]["is_custom"]) == ("number", False)
    choices = {row["value"] for row in connector.reader.rows("field_choices") if row["object"] == CONTRACTS}
    assert choices == {"Alpha", "Beta"}
    views = {
        row["name"]: row["is_used"] for row in connector.reader.rows("views") if row["object"] == CONTRACTS
    }
    assert views == {"All Contracts": True, "My Contracts": False, "Recycle Bin": True}


def test_a_second_run_reads_what_changed_and_costs_a_call_for_each_view(tmp_path: Path) -> None:
    emulator = account(contracts=250)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    connector.sync()
    first, second, third = (record["id"] for record in emulator.store.live(CONTRACTS)[:3])
    emulator.store.clock.sleep(600)
    emulator.store.update(CONTRACTS, first, name="C-changed", cf_revenue=7)
    emulator.store.delete(CONTRACTS, second)
    made = emulator.store.create(CONTRACTS, name="C-new")
    before = len(emulator.log)
    report = connector.sync()
    assert len(emulator.log) - before == 2
    assert verdicts(report)[CONTRACTS] == "matched"
    assert_whole(emulator, connector)
    rows = connector.reader.by_id(CONTRACTS)
    assert (rows[first]["name"], rows[made]["name"]) == ("C-changed", "C-new")
    assert rows[second]["_deleted_reason"] == "recycle_bin"
    emulator.store.restore(CONTRACTS, second)
    emulator.store.delete(CONTRACTS, third)
    connector.sync()
    assert_whole(emulator, connector)


def test_a_module_whose_order_is_not_honoured_is_read_whole_each_time(tmp_path: Path) -> None:
    emulator = account(contracts=150, module_sort_honoured=False, module_meta="total")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert_whole(emulator, connector)
    changed = emulator.store.live(CONTRACTS)[100]["id"]
    emulator.store.clock.sleep(600)
    emulator.store.update(CONTRACTS, changed, name="C-changed")
    report = connector.sync()
    assert verdicts(report)[CONTRACTS] == "matched"
    assert of(report, CONTRACTS).rows_read >= 150
    assert_whole(emulator, connector)


def test_a_module_that_appears_later_is_loaded_once_the_directory_is_read_again(tmp_path: Path) -> None:
    emulator = account(contracts=3)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=3600)
    connector.sync()
    emulator.store.add_module("cm_assets", "Asset", "Assets")
    emulator.store.account.add_custom_field("cm_assets", "cf_weight", "number")
    made = emulator.store.create("cm_assets", name="Lathe", cf_weight=1.5)
    assert "cm_assets" not in verdicts(connector.sync())
    connector.clock.advance(3600)
    report = connector.sync()
    assert verdicts(report) == {"custom_modules": "matched", CONTRACTS: "matched", "cm_assets": "matched"}
    row = connector.reader.by_id("cm_assets")[made]
    assert (row["name"], row["cf_weight"]) == ("Lathe", Decimal("1.5"))


def test_a_module_without_records_is_an_empty_table(tmp_path: Path) -> None:
    emulator = account(contracts=0)
    emulator.store.add_module("cm_assets", "Asset", "Assets")
    emulator.store.account.add_custom_field("cm_assets", "cf_weight", "number")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    assert connector.sync().exit_code == 0
    assert connector.reader.count("cm_assets") == 0
    assert {"id", "creator_id", "cf_weight", "is_deleted"} <= set(connector.reader.columns("cm_assets"))


@pytest.mark.parametrize("position", ["forbidden", "not_found"])
def test_an_account_without_a_directory_has_no_modules(tmp_path: Path, position: str) -> None:
    emulator = account(module_directory=position)
    report = connect_swiftly(emulator, tmp_path, objects=[*ONLY, "owners"]).sync()
    assert (report.exit_code, verdicts(report)["custom_modules"]) == (0, "not_available")
    assert CONTRACTS not in verdicts(report)


def test_rights_lost_after_a_first_sync_are_told_and_known_modules_read_on(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    connector.sync()
    emulator.switches = replace(emulator.switches, module_directory="forbidden")
    made = emulator.store.create(CONTRACTS, name="C-new")
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (4, {"custom_modules": "failed", CONTRACTS: "matched"})
    assert made in connector.reader.by_id(CONTRACTS)


def test_a_module_beyond_the_keys_rights_is_not_available_and_one_lost_later_fails(tmp_path: Path) -> None:
    emulator = account(forbidden=(CONTRACTS,))
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (0, "not_available")
    emulator.switches = replace(emulator.switches, forbidden=())
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    emulator.switches = replace(emulator.switches, forbidden=(CONTRACTS,))
    report = connector.sync()
    assert (report.exit_code, of(report, CONTRACTS).verdict.value) == (4, "failed")
    assert_whole(emulator, connector)


def test_a_module_that_is_deleted_in_the_crm_is_told_once_and_its_rows_are_flagged(tmp_path: Path) -> None:
    emulator = account(contracts=3)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    connector.sync()
    emulator.store.drop_module(CONTRACTS)
    report = connector.sync()
    expected = {"custom_modules": "matched", CONTRACTS: "not_available"}
    assert (report.exit_code, verdicts(report)) == (0, expected)
    assert of(report, CONTRACTS).reason.endswith(
        "the custom module was deleted in the CRM; its rows stay, 3 flagged now"
    )
    assert of(report, CONTRACTS).rows_deleted == 3
    reasons = "SELECT _deleted_reason, count(*) FROM cm_contracts WHERE is_deleted GROUP BY 1 ORDER BY 1"
    assert connector.reader.query(reasons) == [("recycle_bin", 2), ("vanished", 3)]
    assert connector.reader.count(CONTRACTS) == 5
    before = len(emulator.log)
    assert verdicts(connector.sync()) == {"custom_modules": "matched"}
    assert not asked(emulator, CONTRACTS, since=before)
    report = connector.sync(objects=[CONTRACTS])
    assert "no custom module cm_contracts" in of(report, "custom_modules").reason


def test_a_module_that_there_never_was_ends_the_run_and_leaves_no_verdict(tmp_path: Path) -> None:
    emulator = account(contracts=3)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    with pytest.raises(ConfigurationError, match=r"no custom module cm_nope\. It has: cm_contracts\.$"):
        connector.sync(objects=["cm_nope", "owners"])
    assert "_sync_objects" not in connector.reader.tables()
    assert connector.sync().exit_code == 0
    # One that was made meanwhile is there at once, though lookups are still fresh.
    emulator.store.add_module("cm_assets", "Asset", "Assets")
    emulator.store.create("cm_assets", name="Lathe")
    assert verdicts(connector.sync(objects=["cm_assets"]))["cm_assets"] == "matched"
    assert connector.reader.count("cm_assets") == 1


def test_a_large_module_that_is_gone_is_flagged_only_when_the_user_says_so(tmp_path: Path) -> None:
    emulator = account(contracts=30)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    connector.sync()
    emulator.store.drop_module(CONTRACTS)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (4, "failed")
    assert "--accept-vanished" in of(report, CONTRACTS).reason
    assert len(connector.reader.ids(CONTRACTS, where="NOT is_deleted")) == 30
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (0, {"custom_modules": "matched"})
    report = connector.sync(accepts_vanished=True)
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (0, "not_available")
    assert connector.reader.ids(CONTRACTS, where="NOT is_deleted") == []
    assert connector.sync(accepts_vanished=True).exit_code == 0


def test_a_module_that_is_only_out_of_the_directory_is_read_on_and_one_that_is_back_is_read_again(
    tmp_path: Path,
) -> None:
    emulator = account(contracts=3)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    connector.sync()
    store = emulator.store
    kept = store.account.modules[CONTRACTS], store.kinds[CONTRACTS], store.tables[CONTRACTS]
    del store.account.modules[CONTRACTS]
    made = store.create(CONTRACTS, name="C-new")
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert made in connector.reader.by_id(CONTRACTS)
    del store.kinds[CONTRACTS], store.tables[CONTRACTS]
    assert verdicts(connector.sync())[CONTRACTS] == "not_available"
    store.account.modules[CONTRACTS], store.kinds[CONTRACTS], store.tables[CONTRACTS] = kept
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert_whole(emulator, connector)


def test_without_a_list_of_views_a_module_is_read_through_the_search(tmp_path: Path) -> None:
    emulator = account(contracts=130, module_filters="not_found")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert_whole(emulator, connector)
    changed = emulator.store.live(CONTRACTS)[100]["id"]
    emulator.store.clock.sleep(600)
    emulator.store.update(CONTRACTS, changed, name="C-changed")
    emulator.store.clock.sleep(30)  # The search lags.
    before = len(emulator.log)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert asked(emulator, "", since=before) == [
        f"/crm/sales/api/filtered_search/{CONTRACTS}?page=1&per_page=100"
    ]
    assert_whole(emulator, connector)


def test_thin_search_results_are_refused_and_blank_nothing(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    connector.sync()
    emulator.switches = replace(emulator.switches, module_filters="not_found", search_detail=False)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (4, "failed")
    assert f"views.{CONTRACTS}" in of(report, CONTRACTS).reason
    assert_whole(emulator, connector)


def test_views_named_by_id_are_read_even_where_nobody_lists_them(tmp_path: Path) -> None:
    emulator = account(module_filters="not_found", module_search=False)
    views = emulator.store.views
    chosen = {
        CONTRACTS: views.id_of(CONTRACTS, "All Contracts"),
        f"{CONTRACTS}_bin": views.id_of(CONTRACTS, "Recycle Bin"),
    }
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, views=chosen)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    assert_whole(emulator, connector)
    assert len([row for row in connector.reader.rows(CONTRACTS) if row["is_deleted"]]) == 2
    before = len(emulator.log)
    connector.sync()
    assert len(emulator.log) - before == 2


def test_a_module_nobody_can_list_is_not_available(tmp_path: Path) -> None:
    emulator = account(module_filters="not_found", module_search=False)
    report = connect_swiftly(emulator, tmp_path, objects=ONLY).sync()
    assert verdicts(report)[CONTRACTS] == "not_available"


def test_a_renamed_view_is_named_with_its_remedy(tmp_path: Path) -> None:
    emulator = account(view_names="renamed")
    report = connect_swiftly(emulator, tmp_path, objects=ONLY).sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (4, "failed")
    assert f"views.{CONTRACTS}" in of(report, CONTRACTS).reason


def test_a_module_without_a_bin_is_read_and_its_missing_bin_no_failure(tmp_path: Path) -> None:
    emulator = account(module_bin=False)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    assert verdicts(connector.sync())[CONTRACTS] == "matched"
    before = len(emulator.log)
    assert connector.sync().exit_code == 0
    assert len(emulator.log) - before == 1


def test_one_module_can_be_wanted_alone_and_a_wrong_name_is_told(tmp_path: Path) -> None:
    emulator = account(contracts=3)
    emulator.store.add_module("cm_assets", "Asset", "Assets")
    connector = connect_swiftly(emulator, tmp_path, objects=["cm_assets"])
    assert verdicts(connector.sync()) == {"custom_modules": "matched", "cm_assets": "matched"}
    with pytest.raises(ConfigurationError, match=r"cm_boats\. It has: cm_contracts, cm_assets"):
        connector.sync(objects=["cm_boats"])


def test_names_that_would_meet_stay_apart_and_keep_their_tables(tmp_path: Path) -> None:
    emulator = account(contracts=0)
    store = emulator.store
    made = {}
    for key in ("cm_deal", "cm_Deal", "cm-deal", "Orders"):
        store.add_module(key, "Thing", "Things")
        made[key] = store.create(key, name=f"of {key}")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY, lookups_every_s=0)
    assert connector.sync().exit_code == 0
    tables = [name for name in connector.reader.tables() if name.startswith("cm_")]
    assert len(tables) == 4
    assert {"cm_deal", "cm_orders"} < set(tables)
    held = {table: connector.reader.ids(table) for table in tables}
    assert sorted(ids for (ids,) in held.values()) == sorted(made.values())
    assert held["cm_deal"] == [made["cm_deal"]]
    store.drop_module("cm_deal")
    store.add_module("CM_DEAL", "Thing", "Things")
    later = store.create("CM_DEAL", name="later")
    connector.sync()
    assert {table: connector.reader.ids(table) for table in tables} == held
    assert [
        connector.reader.ids(t) for t in connector.reader.tables() if t.startswith("cm_") and t not in tables
    ] == [[later]]


def test_a_name_that_no_address_can_hold_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    emulator = account(contracts=3)
    emulator.store.add_module("cm_x; DROP TABLE deals", "Thing", "Things")
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (4, {"custom_modules": "failed", CONTRACTS: "matched"})
    assert "DROP TABLE" in of(report, "custom_modules").reason


def test_a_cut_first_sync_of_a_module_goes_on(tmp_path: Path) -> None:
    emulator = account(contracts=450)
    connector = connect_swiftly(emulator, tmp_path, objects=ONLY)
    codes = [connector.sync(max_calls=4).exit_code for _ in range(3)]
    assert codes[0] == 75
    assert connector.sync().exit_code == 0
    assert_whole(emulator, connector)


def test_a_sync_of_everything_takes_the_modules_along(tmp_path: Path) -> None:
    emulator = account()
    emulator.switches = Switches(deal_views_default_pipeline_only=False)
    connector = connect_swiftly(emulator, tmp_path)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)[CONTRACTS]) == (0, "matched")
    assert connector.reader.value(f"SELECT max(_synced_at) FROM {CONTRACTS}") <= datetime(
        2026, 3, 3, tzinfo=UTC
    )
