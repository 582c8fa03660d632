"""Tasks, appointments, activities and products through `freshsales sync`: what a run costs, cuts, kills, absences."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, asked, connect_swiftly, of, verdicts
from tests.other_objects import (
    PLANNED,
    assert_rows,
    live,
    open_tasks,
    small_company,
    switch,
    upcoming,
)

DAY = 86_400


# First syncs


@pytest.mark.parametrize("newer_columns", [False, True])
def test_a_first_sync_brings_every_record_with_its_lists(newer_columns: bool, tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, newer_columns=newer_columns, page_cap=7)
    emulator = small_company(tasks=30, appointments=20, activities=25, products=9, switches=switches)
    objects = ["tasks", "appointments", "sales_activities", "products"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects)
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    for name in objects:
        ids = live(emulator, name)
        assert connector.reader.ids(name) == ids
        assert_rows(emulator, connector.reader, name, ids)
        assert of(report, name).loaded_count == len(ids)


def test_counts_are_compared_where_a_list_tells_one(tmp_path: Path) -> None:
    emulator = small_company(tasks=4, appointments=4, activities=5, products=3)
    objects = ["tasks", "appointments", "sales_activities", "products"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects)
    assert verdicts(connector.sync()) == {
        **dict.fromkeys(("tasks", "appointments", "sales_activities"), "matched"),
        # This list of products tells no total.
        "products": "unchecked",
    }
    switch(emulator, products_meta="total")
    assert verdicts(connector.sync())["products"] == "matched"


# Cost


def whole_lists(emulator: Emulator, page_size: int) -> int:
    """Pages of what has to be read whole, beyond the first of each list."""
    sizes = [
        len(open_tasks(emulator)),
        len(upcoming(emulator)),
        len(live(emulator, "products")),
        len(live(emulator, "sales_activities")),
    ]
    return sum(max(0, ceil(size / page_size) - 1) for size in sizes)


def test_an_idle_sync_of_everything_costs_twenty_calls_and_what_is_read_whole(tmp_path: Path) -> None:
    emulator = small_company(tasks=20, appointments=12, activities=9, products=5, leads=4)
    connector = connect_swiftly(emulator, tmp_path, lookups_every_s=DAY)
    assert connector.sync().exit_code is ExitCode.DONE
    connector.clock.advance(1000)
    # This one learns which ids no lookup explains.
    connector.sync()
    connector.clock.advance(1000)
    before = len(emulator.log)
    report = connector.sync(page_size=4, refresh_pages=0)
    further_pipelines = len(emulator.store.account.selectors["deal_pipelines"]) - 1
    allowed = 20 + further_pipelines + whole_lists(emulator, page_size=4)
    assert report.calls == len(emulator.log) - before <= allowed
    paths = Counter(call.partition("?")[0].rpartition("/api/")[2] for call in asked(emulator, since=before))
    # The account has no leads: one question tells.
    assert paths["leads/filters"] == 1
    # A pipeline that is new may hold deals that no view shows.
    asked_anew = [path for path in paths if path.startswith(("selector/", "settings/"))]
    assert asked_anew == ["selector/deal_pipelines"]
    assert [path for path, n in paths.items() if "/view/" in path and n > 1] == []


def test_each_record_that_left_costs_one_call(tmp_path: Path) -> None:
    emulator = small_company(tasks=20, appointments=12)
    connector = connect_swiftly(emulator, tmp_path, objects=list(PLANNED))
    connector.sync()
    idle = connector.sync().calls
    tasks, meetings = open_tasks(emulator), upcoming(emulator)
    for task in tasks[:3]:
        emulator.store.complete_task(task)
    emulator.store.delete("tasks", *tasks[3:5])
    emulator.store.delete("appointments", meetings[0])
    left = [*tasks[:5], meetings[0]]
    before = len(emulator.log)
    report = connector.sync()
    alone = [
        int(call.partition("?")[0].rpartition("/")[2])
        for call in asked(emulator, since=before)
        if "filter" not in call
    ]
    # Of the tasks one answered; that no appointment did may lie at the route, so a live one is tried.
    (tried,) = set(alone) - set(left)
    assert tried in live(emulator, "appointments")
    assert sorted(alone) == sorted([*left, tried])
    assert report.calls == idle + len(left) + 1
    assert of(report, "tasks").rows_deleted == 2
    assert of(report, "appointments").rows_deleted == 1
    assert connector.sync().calls == idle
    assert connector.reader.ids("tasks", where="is_deleted") == sorted(tasks[3:5])
    assert connector.reader.ids("appointments", where="is_deleted") == [meetings[0]]
    assert_rows(emulator, connector.reader, "tasks", live(emulator, "tasks"))


def test_an_appointment_that_time_carries_over_costs_one_call_once(tmp_path: Path) -> None:
    emulator = small_company(appointments=6)
    end = emulator.clock.now() + timedelta(minutes=10)
    meeting = emulator.store.create("appointments", title="Soon", from_date=end, end_date=end)
    connector = connect_swiftly(emulator, tmp_path, objects=["appointments"])
    connector.sync()
    idle = connector.sync().calls
    connector.clock.advance(1200)
    assert connector.sync().calls == idle + 1
    assert connector.sync().calls == idle
    assert_rows(emulator, connector.reader, "appointments", [meeting])


def test_completed_and_past_are_read_once_and_then_counted(tmp_path: Path) -> None:
    emulator = small_company(tasks=20, appointments=12)
    connector = connect_swiftly(emulator, tmp_path, objects=list(PLANNED))
    connector.sync()
    assert asked(emulator, "/tasks?", since=0)
    before = len(emulator.log)
    for _ in range(2):
        connector.clock.advance(4000)
        connector.sync()
    calls = asked(emulator, since=before)
    settled = [call for call in calls if "filter=completed" in call or "filter=past" in call]
    assert len(settled) == len([call for call in settled if "page=1&" in call]) == 4


def test_activities_cost_their_changes_where_the_order_is_honoured_else_their_pages(tmp_path: Path) -> None:
    emulator = small_company(activities=35, switches=replace(ALL_PIPELINES, activities_sort_honoured=True))
    connector = connect_swiftly(emulator, tmp_path, objects=["sales_activities"], page_size=10)
    assert verdicts(connector.sync()) == {"sales_activities": "matched"}
    connector.clock.advance(1000)
    emulator.store.update("sales_activities", live(emulator, "sales_activities")[3], title="Edited")
    report = connector.sync()
    assert (report.calls, of(report, "sales_activities").rows_changed) == (1, 1)
    switch(emulator, activities_sort_honoured=False)
    connector.clock.advance(1000)
    connector.sync()
    connector.clock.advance(1000)
    emulator.store.update("sales_activities", live(emulator, "sales_activities")[20], title="Edited")
    assert connector.sync().calls == 4
    assert_rows(emulator, connector.reader, "sales_activities", live(emulator, "sales_activities"))


# Single lives


def test_a_task_fetched_while_it_is_open_again_is_still_watched(tmp_path: Path) -> None:
    emulator = small_company(tasks=9)
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"])
    connector.sync()
    task = open_tasks(emulator)[0]
    emulator.store.complete_task(task)
    emulator.before_request = reopen_when_alone(emulator, task)
    connector.sync()
    assert connector.reader.query(f"SELECT status FROM tasks WHERE id = {task}") == [(0,)]
    emulator.store.delete("tasks", task)
    connector.sync()
    assert connector.reader.ids("tasks", where="is_deleted") == [task]


def reopen_when_alone(emulator: Emulator, task: int) -> Any:
    """Reopens the task when the list of open ones was read to its end, and before anything else is asked."""
    pages = len(emulator.log) + 2

    def reopen(_: int) -> None:
        if len(emulator.log) == pages:
            emulator.store.reopen_task(task)

    return reopen


def test_a_task_whose_contact_was_in_the_bin_comes_back_unflagged(tmp_path: Path) -> None:
    emulator = small_company(tasks=6, switches=replace(ALL_PIPELINES, deleted_record_hides="all"))
    contact = live(emulator, "contacts")[0]
    task = emulator.store.create("tasks", title="Call", targetables=[{"id": contact, "type": "Contact"}])
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"])
    connector.sync()
    emulator.store.delete("contacts", contact)
    connector.clock.advance(1000)
    connector.sync()
    assert connector.reader.ids("tasks", where="is_deleted") >= [task]
    emulator.store.restore("contacts", contact)
    connector.clock.advance(1000)
    connector.sync()
    assert task not in connector.reader.ids("tasks", where="is_deleted")
    assert_rows(emulator, connector.reader, "tasks", open_tasks(emulator))


def test_a_link_that_is_lost_without_a_new_stamp_is_lost_here_too(tmp_path: Path) -> None:
    emulator = small_company(switches=replace(ALL_PIPELINES, lost_link_moves_stamp=False))
    account = live(emulator, "sales_accounts")[0]
    target = {"id": account, "type": "SalesAccount"}
    soon = emulator.clock.now() + timedelta(days=2)
    meeting = emulator.store.create("appointments", title="Visit", from_date=soon, targetables=[target])
    connector = connect_swiftly(emulator, tmp_path, objects=["appointments"])
    connector.sync()
    connector.clock.advance(1000)
    emulator.store.forget("sales_accounts", account)
    connector.sync()
    assert connector.reader.query("SELECT * FROM appointments__targetables") == []
    assert_rows(emulator, connector.reader, "appointments", [meeting])


def test_a_record_out_of_this_keys_sight_is_not_called_deleted(tmp_path: Path) -> None:
    emulator = small_company(tasks=12)
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"])
    connector.sync()
    switch(emulator, sees_only_owner=2, unseen_record="forbidden")
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"tasks": "mismatch"})
    assert "out of this key's sight" in of(report, "tasks").reason
    assert connector.reader.ids("tasks", where="is_deleted") == []
    assert connector.reader.ids("tasks") == live(emulator, "tasks")


# Lists inside records


def test_what_leaves_the_lists_of_a_task_leaves_their_tables(tmp_path: Path) -> None:
    emulator = small_company()
    people = live(emulator, "contacts")
    owners = [int(row["id"]) for row in emulator.store.account.selectors["owners"]]
    targets = [{"id": id_, "type": "Contact"} for id_ in people[:3]]
    task = emulator.store.create("tasks", title="T", targetables=targets, user_ids=owners[:2])
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks"])
    edits: tuple[dict[str, Any], ...] = (
        {},
        {"targetables": targets[1:2], "user_ids": owners[1:3]},
        {"targetables": [], "user_ids": []},
        {"targetables": targets[:1]},
    )
    for changes in edits:
        connector.clock.advance(1000)
        emulator.store.update("tasks", task, **changes)
        connector.sync()
        assert_rows(emulator, connector.reader, "tasks", [task])
    assert connector.reader.count("tasks__targetables") == 1
    assert connector.reader.count("tasks__users") == 0


def test_attendees_follow_their_appointment_when_it_is_fetched_alone_too(tmp_path: Path) -> None:
    emulator = small_company()
    people = [{"type": "contact", "id": id_} for id_ in live(emulator, "contacts")[:3]]
    soon = emulator.clock.now() + timedelta(days=1)
    meeting = emulator.store.create("appointments", from_date=soon, appointment_attendees=people)
    connector = connect_swiftly(emulator, tmp_path, objects=["appointments"])
    connector.sync()
    assert connector.reader.count("appointments__attendees") == 3
    before = emulator.clock.now() - timedelta(days=1)
    edits: tuple[tuple[dict[str, Any], int], ...] = (
        ({"appointment_attendees": people[1:]}, 2),
        ({"from_date": before, "end_date": before, "appointment_attendees": people[:1]}, 1),
        ({"from_date": soon, "end_date": soon, "appointment_attendees": []}, 0),
    )
    for changes, n in edits:
        connector.clock.advance(1000)
        emulator.store.update("appointments", meeting, **changes)
        connector.sync()
        assert connector.reader.count("appointments__attendees") == n
        assert_rows(emulator, connector.reader, "appointments", [meeting])


@pytest.mark.parametrize("products_meta", ["none", "total"])
def test_prices_follow_their_product(products_meta: Any, tmp_path: Path) -> None:
    emulator = small_company(products=7, switches=replace(ALL_PIPELINES, products_meta=products_meta))
    connector = connect_swiftly(emulator, tmp_path, objects=["products"], page_size=3)
    connector.sync()
    first, second = live(emulator, "products")[:2]
    euros = {"currency_code": "EUR", "unit_price": 12.5}
    edits: tuple[list[dict[str, Any]], ...] = (
        [euros, {"currency_code": "USD", "unit_price": 14}],
        [],
        [{**euros, "unit_price": 99.95}],
    )
    for prices in edits:
        connector.clock.advance(1000)
        emulator.store.update("products", first, product_pricings=prices)
        emulator.store.update("products", second, name="Renamed", product_pricings=prices)
        connector.sync()
        assert_rows(emulator, connector.reader, "products", live(emulator, "products"))
