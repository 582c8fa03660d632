"""Tasks, appointments, activities, products and leads where something is absent, refused, cut, killed or odd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Fault, Switches
from freshsales_source.errors import Forbidden, NotFound
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, asked, connect_swiftly, of, verdicts
from tests.other_objects import (
    PLANNED,
    assert_rows,
    live,
    load_plainly,
    open_tasks,
    plain_file,
    small_company,
    switch,
    upcoming,
)
from tests.warehouse_reader import WarehouseReader

DAY = 86_400


class KilledError(Exception):
    """What stands for a kill: nothing in the product knows it."""


# Absent, refused, failing


@pytest.mark.parametrize("position", ["forbidden", "not_found"])
def test_an_account_without_products_is_whole_without_them(position: Any, tmp_path: Path) -> None:
    emulator = small_company(products=3, switches=replace(ALL_PIPELINES, products_list=position))
    connector = connect_swiftly(emulator, tmp_path, objects=["products", "leads", "tasks"])
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.DONE, "")
    assert verdicts(report) == {"leads": "not_available", "tasks": "matched", "products": "not_available"}
    assert of(report, "products").reason
    assert connector.reader.count("products") == 0
    switch(emulator, products_list="present")
    assert verdicts(connector.sync())["products"] == "unchecked"
    assert connector.reader.ids("products") == live(emulator, "products")


@pytest.mark.parametrize("position", ["forbidden", "not_found"])
def test_products_that_were_there_once_fail_when_they_are_refused(position: Any, tmp_path: Path) -> None:
    emulator = small_company(products=3, tasks=3)
    connector = connect_swiftly(emulator, tmp_path, objects=["products", "tasks"])
    connector.sync()
    switch(emulator, products_list=position)
    for _ in range(2):
        report = connector.sync()
        assert (report.exit_code, report.reason) == (ExitCode.INCOMPLETE, position)
        assert verdicts(report) == {"products": "failed", "tasks": "matched"}
        connector.clock.advance(4000)
    assert connector.reader.ids("products", where="NOT is_deleted") == live(emulator, "products")
    assert connector.sync(objects=["tasks"]).exit_code is ExitCode.DONE


def test_leads_of_a_classic_account_are_read_and_fail_when_they_are_gone(tmp_path: Path) -> None:
    emulator = small_company(leads=5, switches=replace(ALL_PIPELINES, classic=True))
    connector = connect_swiftly(emulator, tmp_path, objects=["leads", "owners"])
    assert verdicts(connector.sync()) == {"leads": "matched", "owners": "matched"}
    assert connector.reader.ids("leads", where="NOT is_deleted") == live(emulator, "leads")
    switch(emulator, classic=False)
    connector.clock.advance(4000)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)["leads"]) == (ExitCode.INCOMPLETE, "failed")


def test_leads_this_key_may_not_see_are_not_available(tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, classic=True, forbidden=("leads",))
    emulator = small_company(leads=5, tasks=2, switches=switches)
    connector = connect_swiftly(emulator, tmp_path, objects=["leads", "tasks"])
    report = connector.sync()
    assert (report.exit_code, verdicts(report)["leads"]) == (ExitCode.DONE, "not_available")


@pytest.mark.parametrize("object_name", ["tasks", "appointments", "sales_activities"])
def test_a_core_object_that_is_refused_fails_and_the_others_are_loaded(
    object_name: str, tmp_path: Path
) -> None:
    emulator = small_company(
        tasks=5, appointments=5, activities=5, switches=replace(ALL_PIPELINES, forbidden=(object_name,))
    )
    objects = ["tasks", "appointments", "sales_activities"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.INCOMPLETE, "forbidden")
    assert [name for name, verdict in verdicts(report).items() if verdict == "failed"] == [object_name]
    others = [name for name in objects if name != object_name]
    for name in others:
        assert connector.reader.ids(name) == live(emulator, name)
    assert connector.sync(objects=others).exit_code is ExitCode.DONE


def test_plain_dlt_passes_over_an_absent_object_and_raises_for_a_refused_one(tmp_path: Path) -> None:
    emulator = small_company(tasks=3, products=3, switches=replace(ALL_PIPELINES, products_list="not_found"))
    connector = connect_swiftly(emulator, tmp_path)
    chosen = ["leads", "products", "tasks", "territories"]
    load_plainly(connector, objects=chosen)
    plain = WarehouseReader(plain_file(connector))
    assert plain.ids("tasks") == live(emulator, "tasks")
    assert (plain.count("products"), plain.count("leads")) == (0, 0)
    switch(emulator, products_list="present")
    load_plainly(connector, objects=chosen)
    assert plain.ids("products") == live(emulator, "products")
    switch(emulator, products_list="not_found")
    with pytest.raises(NotFound):
        load_plainly(connector, objects=chosen)
    switch(emulator, products_list="present", forbidden=("tasks",))
    with pytest.raises(Forbidden):
        load_plainly(connector, objects=chosen)


def test_a_failing_page_of_a_watched_list_calls_nothing_deleted(tmp_path: Path) -> None:
    emulator = small_company(tasks=30)
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"], page_size=5, retries=1)
    connector.sync()
    before = connector.reader.content()
    emulator.faults.add(Fault(kind="no_envelope", request=len(emulator.log) + 2))
    report = connector.sync()
    assert verdicts(report) == {"tasks": "failed"}
    assert connector.reader.content() == before
    emulator.store.delete("tasks", open_tasks(emulator)[0])
    assert of(connector.sync(), "tasks").rows_deleted == 1


# Cut and killed


def test_cut_runs_lose_nothing_and_say_that_they_are_not_finished(tmp_path: Path) -> None:
    emulator = small_company(tasks=20, appointments=12, activities=12)
    objects = ["tasks", "appointments", "sales_activities"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects, page_size=6)
    seen: set[int] = set()
    for max_calls in (2, 5, 9):
        report = connector.sync(max_calls=max_calls)
        assert (report.exit_code, report.reason) == (ExitCode.UNFINISHED, "max_calls")
        assert "partial" in verdicts(report).values()
        assert set(verdicts(report).values()) <= {"partial", "matched", "unchecked"}
        now = {id_ for name in objects for id_ in connector.reader.ids(name)}
        assert now >= seen
        seen = now
        for task in open_tasks(emulator)[:2]:
            emulator.store.complete_task(task)
        connector.clock.advance(1000)
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    for name in objects:
        assert_rows(emulator, connector.reader, name, live(emulator, name))


def test_lists_too_long_for_one_run_are_read_whole_by_several(tmp_path: Path) -> None:
    emulator = small_company(tasks=40, products=20)
    connector = connect_swiftly(
        emulator, tmp_path, objects=["tasks", "products"], page_size=5, lookups_every_s=DAY
    )
    for _ in range(8):
        connector.sync(max_calls=6)
        connector.clock.advance(600)
    for name in ("tasks", "products"):
        assert_rows(emulator, connector.reader, name, live(emulator, name))
    # A task that stands on a page which this run did not reach has not left its list.
    assert not asked(emulator, "/tasks/")


def test_leavers_beyond_the_ceiling_are_fetched_by_the_next_run(tmp_path: Path) -> None:
    emulator = small_company(tasks=20)
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"])
    connector.sync()
    idle = connector.sync().calls
    left = open_tasks(emulator)[:5]
    emulator.store.delete("tasks", *left)
    report = connector.sync(max_calls=idle + 2)
    assert verdicts(report) == {"tasks": "partial"}
    # One that is gone, and one that is there, which proves that asking for a record works.
    assert len(connector.reader.ids("tasks", where="is_deleted")) == 1
    assert connector.sync().calls == idle + 5
    assert connector.reader.ids("tasks", where="is_deleted") == sorted(left)


def test_a_run_killed_at_any_request_and_run_again_ends_with_the_accounts_rows(tmp_path: Path) -> None:
    emulator = small_company(tasks=28, appointments=30, activities=6)
    objects = ["tasks", "appointments", "sales_activities"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects, lookups_every_s=DAY, refresh_pages=0)
    connector.sync()
    gone: dict[str, list[int]] = {name: [] for name in PLANNED}
    for request in range(1, 9):
        connector.clock.advance(1000)
        tasks, meetings = open_tasks(emulator), upcoming(emulator)
        emulator.store.complete_task(tasks[0])
        gone["tasks"] += emulator.store.delete("tasks", tasks[1])
        gone["appointments"] += emulator.store.delete("appointments", meetings[0])
        emulator.store.update(
            "sales_activities", live(emulator, "sales_activities")[0], title=f"Edit {request}"
        )
        die_at(emulator, len(emulator.log) + request)
        with pytest.raises(Exception, match="killed"):
            connector.sync()
        emulator.before_request = None
        before = len(emulator.log)
        connector.sync()
        # Two lists that end on an empty page, two that are counted, one that tells its pages: 7 calls; then the three
        # records that left, in the order of their ids, and for an object of which the first one is missing another
        # that is there. The appointment is always missing, the first task only where the deleted one comes first.
        assert len(emulator.log) - before == 7 + 3 + 1 + (tasks[1] < tasks[0])
        for name in objects:
            assert_rows(emulator, connector.reader, name, live(emulator, name))
            assert connector.reader.ids(name, where="is_deleted") == sorted(gone.get(name, []))


def die_at(emulator: Emulator, request: int) -> None:
    def kill(_: int) -> None:
        # Once dead it asks for nothing more.
        if len(emulator.log) + 1 >= request:
            raise KilledError("killed")

    emulator.before_request = kill


# Switches that make lists harder to read


@pytest.mark.parametrize("position", ["empty", "repeat_last", "not_found"])
def test_lists_are_read_to_their_end_however_it_looks(position: Any, tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, page_past_end=position, page_cap=5, products_meta="none")
    emulator = small_company(tasks=20, appointments=10, activities=15, products=10, switches=switches)
    objects = ["tasks", "appointments", "sales_activities", "products"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects)
    assert connector.sync().exit_code is ExitCode.DONE
    for name in objects:
        assert connector.reader.ids(name) == live(emulator, name)


def test_records_in_both_filters_at_once_are_loaded_once(tmp_path: Path) -> None:
    switches: Switches = replace(ALL_PIPELINES, appointment_filters="same")
    emulator = small_company(appointments=12, switches=switches)
    connector = connect_swiftly(emulator, tmp_path, objects=["appointments"], page_size=5)
    connector.sync()
    assert connector.reader.ids("appointments") == live(emulator, "appointments")
    assert_rows(emulator, connector.reader, "appointments", live(emulator, "appointments"))
    gone = live(emulator, "appointments")[3]
    emulator.store.delete("appointments", gone)
    connector.sync()
    assert connector.reader.ids("appointments", where="is_deleted") == [gone]
