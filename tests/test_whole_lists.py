"""Lists that are read whole: what they no longer show is asked for alone, and flagged when it is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, asked, company, connect_swiftly, of, verdicts
from tests.other_objects import assert_rows, live, small_company, switch

FLAT = ["sales_activities", "products"]


def of_flat_lists(tmp_path: Path, *, page_size: int = 5, **switches: Any) -> tuple[Emulator, Connector]:
    """An account of activities and products, and a connector that has read them."""
    emulator = small_company(activities=23, products=17, switches=replace(ALL_PIPELINES, **switches))
    connector = connect_swiftly(emulator, tmp_path, objects=FLAT, page_size=page_size)
    assert connector.sync().exit_code is ExitCode.DONE
    connector.clock.advance(1000)
    return emulator, connector


def asked_alone(emulator: Emulator, since: int) -> list[int]:
    """The records fetched alone since that request."""
    names = [call.partition("?")[0].rpartition("/")[2] for call in asked(emulator, since=since)]
    return sorted(int(name) for name in names if name.isdigit())


def assert_copied(emulator: Emulator, connector: Connector, gone: dict[str, list[int]]) -> None:
    """Every live record to the last value, the gone ones flagged, and nothing else."""
    for name in FLAT:
        assert connector.reader.ids(name, where="NOT is_deleted") == live(emulator, name)
        assert_rows(emulator, connector.reader, name, live(emulator, name))
        flagged = {
            row["id"]: row["_deleted_reason"] for row in connector.reader.rows(name) if row["is_deleted"]
        }
        assert flagged == dict.fromkeys(gone.get(name, []), "vanished")


# Deleted, and back


@pytest.mark.parametrize("meta", ["none", "total", "total_and_pages"])
@pytest.mark.parametrize("binned_get", ["record", "not_found"])
def test_what_was_deleted_from_a_list_is_flagged_and_comes_back_unflagged(
    tmp_path: Path, meta: Any, binned_get: Any
) -> None:
    emulator, connector = of_flat_lists(tmp_path, products_meta=meta, binned_get=binned_get)
    gone = {name: live(emulator, name)[2:11:4] for name in FLAT}
    for name, ids in gone.items():
        emulator.store.delete(name, *ids)
    before, at = len(emulator.log), connector.clock.now()
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert verdicts(report) == {
        "sales_activities": "matched",
        "products": "unchecked" if meta == "none" else "matched",
    }
    assert [of(report, name).rows_deleted for name in FLAT] == [3, 3]
    assert {id_ for ids in gone.values() for id_ in ids} <= set(asked_alone(emulator, before))
    assert_copied(emulator, connector, gone)
    assert {row["_deleted_at"] for row in connector.reader.rows("products") if row["is_deleted"]} == {at}
    # What is settled is not asked for again.
    connector.clock.advance(1000)
    before = len(emulator.log)
    connector.sync()
    assert asked_alone(emulator, before) == []
    emulator.store.restore("products", *gone["products"])
    connector.clock.advance(1000)
    connector.sync()
    assert_copied(emulator, connector, {"sales_activities": gone["sales_activities"]})


def test_products_listed_as_deleted_are_rows_and_do_not_count_as_live(tmp_path: Path) -> None:
    emulator, connector = of_flat_lists(tmp_path, products_meta="total", deleted_products="listed")
    listed, erased = live(emulator, "products")[:3], live(emulator, "products")[3]
    emulator.store.delete("products", *listed, erased)
    emulator.store.forget("products", erased)
    before = len(emulator.log)
    report = connector.sync()
    assert verdicts(report) == dict.fromkeys(FLAT, "matched")
    products = of(report, "products")
    assert products.expected_count == products.loaded_count == len(live(emulator, "products"))
    rows = connector.reader.by_id("products")
    assert [(rows[i]["is_deleted"], rows[i]["_deleted_reason"]) for i in listed] == [(True, None)] * 3
    assert rows[erased]["_deleted_reason"] == "vanished"
    assert erased in asked_alone(emulator, before)
    # A product that the list showed as deleted, and that is erased then, vanishes too.
    emulator.store.forget("products", listed[0])
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == dict.fromkeys(FLAT, "matched")
    assert connector.reader.by_id("products")[listed[0]]["_deleted_reason"] == "vanished"
    emulator.store.restore("products", *listed[1:])
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == dict.fromkeys(FLAT, "matched")
    assert_rows(emulator, connector.reader, "products", live(emulator, "products"))


def test_the_last_product_of_all_is_not_taken_for_gone_without_a_proof(tmp_path: Path) -> None:
    emulator = small_company(products=1, switches=replace(ALL_PIPELINES, products_meta="total"))
    connector = connect_swiftly(emulator, tmp_path, objects=["products"])
    connector.sync()
    (only,) = live(emulator, "products")
    emulator.store.delete("products", only)
    emulator.store.forget("products", only)
    connector.clock.advance(1000)
    report = connector.sync()
    assert connector.reader.ids("products", where="is_deleted") == []
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"products": "mismatch"})
    assert "vanished" in of(report, "products").reason
    emulator.store.create("products", name="Another")
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == {"products": "matched"}
    assert connector.reader.ids("products", where="is_deleted") == [only]


# Cut runs


def test_a_reading_cut_into_several_runs_finds_what_is_gone(tmp_path: Path) -> None:
    emulator, connector = of_flat_lists(tmp_path, page_size=3)
    gone = {name: live(emulator, name)[1::5] for name in FLAT}
    for name, ids in gone.items():
        emulator.store.delete(name, *ids)
    for name in FLAT:
        # The list and what it no longer shows take more than ten calls.
        for run in range(6):
            report = connector.sync(objects=[name], max_calls=8, lookups_every_s=10**6)
            connector.clock.advance(100)
            assert run or report.exit_code is ExitCode.UNFINISHED
    assert_copied(emulator, connector, gone)


def test_a_record_deleted_behind_the_place_of_a_cut_reading_is_found_by_the_next(tmp_path: Path) -> None:
    emulator, connector = of_flat_lists(tmp_path, page_size=3)
    connector.sync(objects=["sales_activities"], max_calls=3)
    first, last = live(emulator, "sales_activities")[0], live(emulator, "sales_activities")[-1]
    emulator.store.delete("sales_activities", first, last)
    for _ in range(3):
        connector.clock.advance(100)
        connector.sync(objects=["sales_activities"])
    assert verdicts(connector.sync(objects=["sales_activities"])) == {"sales_activities": "matched"}
    assert connector.reader.ids("sales_activities", where="is_deleted") == [first, last]


# What is not gone


def test_a_record_that_a_list_hides_is_asked_for_and_kept(tmp_path: Path) -> None:
    emulator, connector = of_flat_lists(tmp_path)
    hidden = live(emulator, "sales_activities")[4]
    emulator.store.update("sales_activities", hidden, title="Still there")
    shown = emulator.store.delete("sales_activities", live(emulator, "sales_activities")[7])
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert connector.reader.ids("sales_activities", where="is_deleted") == shown
    assert_rows(emulator, connector.reader, "sales_activities", [hidden])


def test_rights_that_were_lost_flag_nothing(tmp_path: Path) -> None:
    emulator = small_company(activities=400)
    connector = connect_swiftly(emulator, tmp_path, objects=["sales_activities"])
    connector.sync()
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=2, unseen_record="not_found")
    before = len(emulator.log)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"sales_activities": "failed"})
    assert "--accept-vanished" in of(report, "sales_activities").reason
    # Nor is each of them asked for.
    assert asked_alone(emulator, before) == []
    assert connector.reader.ids("sales_activities", where="is_deleted") == []
    switch(emulator, sees_only_owner=None)
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == {"sales_activities": "matched"}


def test_with_a_start_date_older_rows_are_not_missed(tmp_path: Path) -> None:
    emulator, connector = of_flat_lists(tmp_path)
    connector.clock.advance(1000)
    since = connector.clock.now()
    new = emulator.store.create("products", name="New")
    connector.clock.advance(1000)
    before = len(emulator.log)
    connector.sync(start_date=since.isoformat())
    assert asked_alone(emulator, before) == []
    assert connector.reader.ids("products", where="NOT is_deleted") == live(emulator, "products")
    emulator.store.delete("products", new)
    connector.clock.advance(1000)
    connector.sync(start_date=since.isoformat())
    assert connector.reader.ids("products", where="is_deleted") == [new]


# Views whose order is ignored


@pytest.mark.parametrize(("max_calls", "runs"), [(None, 1), (20, 7)])
def test_records_erased_from_views_without_an_order_are_flagged(
    tmp_path: Path, max_calls: int | None, runs: int
) -> None:
    emulator = company(switches=replace(ALL_PIPELINES, sort_ignored=("contacts", "deals")))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "deals"], page_size=10)
    connector.sync()
    connector.clock.advance(1000)
    gone = {name: live(emulator, name)[3:20:5] for name in ("contacts", "deals")}
    for name, ids in gone.items():
        emulator.store.forget(name, *ids)
    connector.clock.advance(1000)
    for _ in range(runs):
        connector.sync(max_calls=max_calls)
        connector.clock.advance(100)
    for name, ids in gone.items():
        assert connector.reader.ids(name, where="_deleted_reason = 'vanished'") == ids
        assert connector.reader.ids(name, where="NOT is_deleted") == live(emulator, name)
