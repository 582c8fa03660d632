"""Tasks and appointments: what the filters say they hold, against the rows; read again where that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, asked, connect_swiftly, of, verdicts
from tests.other_objects import PLANNED, assert_rows, live, open_tasks, small_company, switch, upcoming

WHOLE = dict.fromkeys(PLANNED, "matched")


def planned(tmp_path: Path, *, page_size: int = 7, **switches: Any) -> tuple[Emulator, Connector]:
    """An account with tasks and appointments, and a connector that has read them."""
    emulator = small_company(tasks=40, appointments=30, switches=replace(ALL_PIPELINES, **switches))
    connector = connect_swiftly(emulator, tmp_path, objects=list(PLANNED), page_size=page_size)
    assert verdicts(connector.sync()) == WHOLE
    connector.clock.advance(1000)
    return emulator, connector


def completed_tasks(emulator: Emulator) -> list[int]:
    return sorted(set(live(emulator, "tasks")) - set(open_tasks(emulator)))


def past_appointments(emulator: Emulator) -> list[int]:
    return sorted(set(live(emulator, "appointments")) - set(upcoming(emulator)))


def assert_copied(emulator: Emulator, connector: Connector) -> None:
    for name in PLANNED:
        assert connector.reader.ids(name, where="NOT is_deleted") == live(emulator, name)
        assert_rows(emulator, connector.reader, name, live(emulator, name))


def pages_of(emulator: Emulator, filter_: str, since: int) -> list[str]:
    return [call for call in asked(emulator, since=since) if f"filter={filter_}" in call]


# A quiet account


def test_a_quiet_account_is_matched_for_one_call_more_for_each_settled_list(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    before = len(emulator.log)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, WHOLE)
    for name in PLANNED:
        assert of(report, name).expected_count == of(report, name).loaded_count == len(live(emulator, name))
    assert len(pages_of(emulator, "completed", before)) == len(pages_of(emulator, "past", before)) == 1


def test_people_at_work_between_runs_leave_a_whole_copy_behind(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    tasks, meetings = open_tasks(emulator), upcoming(emulator)
    emulator.store.complete_task(tasks[0])
    emulator.store.delete("tasks", tasks[1])
    emulator.store.reopen_task(completed_tasks(emulator)[0])
    emulator.store.delete("appointments", meetings[0])
    emulator.store.create("tasks", title="New", due_date=connector.clock.now())
    assert verdicts(connector.sync()) == WHOLE
    assert_copied(emulator, connector)


# What never was in the lists that are read every time


def test_what_changed_in_settled_lists_is_found_by_their_counts(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    done, over = completed_tasks(emulator)[3], past_appointments(emulator)[3]
    emulator.store.delete("tasks", done)
    emulator.store.delete("appointments", over)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, WHOLE)
    assert connector.reader.ids("tasks", where="_deleted_reason = 'vanished'") == [done]
    assert connector.reader.ids("appointments", where="_deleted_reason = 'vanished'") == [over]
    assert_copied(emulator, connector)
    # Settled: the next run counts, and reads nothing again. And what comes after that is found as well.
    connector.clock.advance(1000)
    before = len(emulator.log)
    assert verdicts(connector.sync()) == WHOLE
    assert len(pages_of(emulator, "completed", before)) == 1
    emulator.store.delete("tasks", completed_tasks(emulator)[5])
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == WHOLE
    assert_copied(emulator, connector)


def test_what_was_logged_as_done_is_loaded(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    task = emulator.store.create("tasks", title="Made and done between two runs")
    emulator.store.complete_task(task)
    yesterday = connector.clock.now() - timedelta(days=1)
    meeting = emulator.store.create(
        "appointments", title="Logged", from_date=yesterday, end_date=yesterday + timedelta(hours=1)
    )
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, WHOLE)
    assert task in connector.reader.ids("tasks")
    assert meeting in connector.reader.ids("appointments")
    assert_copied(emulator, connector)


@pytest.mark.parametrize("max_calls", [9, 14])
def test_a_cut_second_reading_goes_on_and_comes_to_its_end(tmp_path: Path, max_calls: int) -> None:
    emulator, connector = planned(tmp_path, page_size=4)
    gone = completed_tasks(emulator)[2::7]
    emulator.store.delete("tasks", *gone)
    for _ in range(10):
        # One list at a time: side by side they share so small a ceiling by turns, and may take many runs more.
        connector.sync(objects=["tasks"], max_calls=max_calls, concurrency=1)
        connector.clock.advance(600)
    assert connector.reader.ids("tasks", where="_deleted_reason = 'vanished'") == gone
    assert verdicts(connector.sync(objects=["tasks"])) == {"tasks": "matched"}
    assert connector.reader.ids("tasks", where="NOT is_deleted") == live(emulator, "tasks")


def test_a_difference_that_stays_is_read_again_once_and_is_a_mismatch(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    switch(emulator, sees_only_owner=2, unseen_record="forbidden")
    first = connector.sync(objects=["tasks"])
    assert (first.exit_code, verdicts(first)) == (ExitCode.INCOMPLETE, {"tasks": "mismatch"})
    assert connector.reader.ids("tasks", where="is_deleted") == []
    connector.clock.advance(1000)
    before = len(emulator.log)
    second = connector.sync(objects=["tasks"])
    assert verdicts(second) == {"tasks": "mismatch"}
    # The page that tells the total; all else was tried by the first run.
    assert len(pages_of(emulator, "completed", before)) == 1
    switch(emulator, sees_only_owner=None)
    connector.clock.advance(1000)
    assert verdicts(connector.sync(objects=["tasks"])) == {"tasks": "matched"}


# Both filters may show the same appointments


@pytest.mark.parametrize("page_size", [7, 100])
def test_filters_that_show_the_same_are_compared_with_all_rows(tmp_path: Path, page_size: int) -> None:
    emulator, connector = planned(tmp_path, page_size=page_size, appointment_filters="same")
    assert upcoming(emulator) == [int(row["id"]) for row in in_order(emulator)]
    emulator.store.delete("appointments", *live(emulator, "appointments")[2:5])
    report = connector.sync()
    assert verdicts(report) == WHOLE
    assert of(report, "appointments").expected_count == len(live(emulator, "appointments"))
    assert_copied(emulator, connector)


def in_order(emulator: Emulator) -> list[Any]:
    return sorted(emulator.store.live("appointments"), key=lambda row: (row["end_date"], row["id"]))


def test_a_task_that_is_completed_between_its_two_lists_is_no_mismatch(tmp_path: Path) -> None:
    emulator, connector = planned(tmp_path)
    before, task = len(emulator.log), open_tasks(emulator)[0]
    emulator.before_request = once_after(emulator, before + 2, lambda: emulator.store.complete_task(task))
    report = connector.sync()
    emulator.before_request = None
    assert report.exit_code is ExitCode.DONE
    assert set(verdicts(report).values()) <= {"matched", "moving"}
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == WHOLE
    assert_copied(emulator, connector)


def once_after(emulator: Emulator, requests: int, act: Callable[[], object]) -> Callable[[int], None]:
    """Does something before the first request after so many."""
    done: list[object] = []

    def hook(_: int) -> None:
        if not done and len(emulator.log) >= requests:
            done.append(act())

    return hook


@pytest.mark.parametrize("past_end", ["empty", "repeat_last", "not_found"])
def test_a_cut_reading_that_goes_on_behind_the_end_of_its_list_is_matched(
    tmp_path: Path, past_end: str
) -> None:
    emulator, connector = planned(tmp_path, page_size=3, page_past_end=past_end)
    while len(upcoming(emulator)) > 6:
        emulator.store.delete("appointments", upcoming(emulator)[0])
    report = connector.sync(objects=["appointments"], max_calls=3, concurrency=1)
    assert verdicts(report) == {"appointments": "partial"}
    over = past_appointments(emulator)[2]
    emulator.store.delete("appointments", *upcoming(emulator)[3:], over)
    connector.clock.advance(600)
    before = len(emulator.log)
    report = connector.sync(objects=["appointments"], concurrency=1)
    assert verdicts(report) == {"appointments": "matched"}
    asked_for = pages_of(emulator, "upcoming", before)
    assert "page=2" in asked_for[1]
    assert connector.reader.ids("appointments", where="NOT is_deleted") == live(emulator, "appointments")
