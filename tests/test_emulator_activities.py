"""Tasks, appointments and sales activities: their lists, their lives, and the records they belong to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from freshsales_source.emulator import Switches, UnknownRecord
from tests.emulator_browser import Browser, seconds
from tests.fake_clock import FakeClock
from tests.shared_data import SHARED, needs_shared

SAMPLES = SHARED / "api-samples"
TASK_FILTERS = ("open", "due_today", "due_tomorrow", "overdue", "completed")
LISTS = ("tasks", "appointments", "sales_activities")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def a_contact(browser: Browser) -> int:
    return browser.store.create("contacts", last_name="Somebody")


def pointing_to(contact: int, *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": contact, "type": "Contact"}, *more]


def filters_of(browser: Browser, task: int) -> set[str]:
    return {name for name in TASK_FILTERS if task in browser.listed_ids("tasks", filter=name)}


def activity_type(browser: Browser) -> int:
    return int(browser.store.account.selectors["sales_activity_types"][0]["id"])


def log_with(browser: Browser, contact: int) -> int:
    return browser.store.log_activity("contacts", contact, activity_type(browser), title="Call")


# --- shapes


@needs_shared
@pytest.mark.parametrize(
    ("name", "object_name", "query"),
    [
        ("tasks_open", "tasks", {"filter": "open"}),
        ("tasks_completed", "tasks", {"filter": "completed"}),
        ("appointments_past", "appointments", {"filter": "past"}),
        ("appointments_upcoming", "appointments", {"filter": "upcoming"}),
        ("sales_activities", "sales_activities", {}),
    ],
)
def test_rows_have_the_recorded_keys_in_the_recorded_order(
    name: str, object_name: str, query: dict[str, str]
) -> None:
    recorded = sample(name)
    page = Browser().body(f"/{object_name}", **query)
    assert list(page) == list(recorded)
    assert list(page["meta"]) == list(recorded["meta"])
    for row in page[object_name]:
        assert list(row) == list(recorded[object_name][0])
    targets = [target for row in page[object_name] for target in row.get("targetables", ())]
    assert all(list(target) == ["id", "type"] for target in targets)


@needs_shared
def test_a_task_may_have_the_shape_of_its_sample_to_the_last_value() -> None:
    recorded = sample("tasks_completed")["tasks"][0]
    browser = Browser()
    browser.store.account.zone = ZoneInfo("America/Guatemala")
    stamps = ("created_at", "updated_at", "due_date", "completed_date")
    moments = {name: datetime.fromisoformat(recorded[name]) for name in stamps}
    browser.store.load("tasks", {**recorded, **moments})
    assert browser.body(f"/tasks/{recorded['id']}")["task"] == recorded


def test_activities_have_columns_of_later_years_only_when_switched_on() -> None:
    browser = Browser()
    contact = a_contact(browser)
    task = browser.store.create("tasks", title="T", targetables=pointing_to(contact))
    assert "targetables_with_email" not in browser.emulator.served("tasks", task)
    browser.switch(newer_columns=True)
    row = browser.emulator.served("tasks", task)
    assert row["targetables_with_email"] == [{"id": contact, "name": "Somebody", "type": "Contact"}]
    assert "updater_id" in browser.listed("appointments", filter="past")[0]


@pytest.mark.parametrize("name", LISTS)
def test_a_single_activity_stands_under_its_singular(name: str) -> None:
    browser = Browser()
    record = browser.store.live(name)[0]["id"]
    singular = {"sales_activities": "sales_activity"}.get(name, name[:-1])
    body = browser.body(f"/{name}/{record}", include="targetable")
    assert (body["meta"], body[singular]["id"]) == ({}, record)
    assert browser.get(f"/{name}/1").status_code == 404


def test_include_targetable_names_the_first_target_and_loads_all_of_them() -> None:
    browser = Browser()
    contact, deal = a_contact(browser), browser.store.live("deals")[0]["id"]
    targets = pointing_to(contact, {"id": deal, "type": "Deal"})
    task = browser.store.create("tasks", title="T", targetables=targets)
    body = browser.body(f"/tasks/{task}", include="targetable")
    assert body["task"]["targetables"] == targets
    assert body["task"]["targetable"] == targets[0]
    loaded = [(row["id"], row["partial"]) for name in ("contacts", "deals") for row in body[name]]
    assert loaded == [(contact, True), (deal, True)]
    activity = log_with(browser, contact)
    body = browser.body("/sales_activities", include="targetable,owner", per_page=100, page=2)
    row = next(row for row in body["sales_activities"] if row["id"] == activity)
    assert row["targetable"] == targets[0]
    assert contact in {row["id"] for row in body["contacts"]}


def test_include_users_adds_the_ids_of_a_tasks_helpers() -> None:
    browser = Browser()
    owners = [row["id"] for row in browser.store.account.selectors["owners"]]
    task = browser.store.create("tasks", title="T", user_ids=owners[2:4])
    body = browser.body(f"/tasks/{task}", include="owner,users")
    assert body["task"]["user_ids"] == owners[2:4]
    assert {row["id"] for row in body["users"]} == {owners[0], *owners[2:4]}


def test_attendees_are_listed_beside_the_appointments_with_who_they_are() -> None:
    browser = Browser()
    contact, me = a_contact(browser), browser.store.account.me
    attendees = [{"type": "user", "id": me}, {"type": "contact", "id": contact}]
    at = browser.clock.now() + timedelta(days=1)
    meeting = browser.store.create("appointments", from_date=at, appointment_attendees=attendees)
    assert "appointment_attendee_ids" not in browser.body(f"/appointments/{meeting}")["appointment"]
    include = "creater,targetable,appointment_attendees,conference,note"
    body = browser.body(f"/appointments/{meeting}", include=include)
    assert [row["attendee"] for row in body["appointment_attendees"]] == attendees
    ids = [row["id"] for row in body["appointment_attendees"]]
    assert body["appointment"]["appointment_attendee_ids"] == ids
    assert {row["id"] for row in body["users"]} == {me}
    assert {row["id"] for row in body["contacts"]} == {contact}
    assert (body["conferences"], body["notes"], body["appointment"]["note_id"]) == ([], [], None)


def test_records_can_include_their_activities() -> None:
    browser = Browser()
    contact = a_contact(browser)
    task = browser.store.create("tasks", title="T", targetables=pointing_to(contact))
    activity = log_with(browser, contact)
    body = browser.body(f"/contacts/{contact}", include="tasks,appointments,sales_activities")
    row = body["contact"]
    assert (row["task_ids"], row["appointment_ids"], row["sales_activity_ids"]) == ([task], [], [activity])
    assert [each["title"] for each in body["tasks"]] == ["T"]
    assert [each["targetable_id"] for each in body["sales_activities"]] == [contact]


# --- tasks


@pytest.mark.parametrize("query", [{}, {"filter": ""}, {"filter": "all"}, {"filter": "open,completed"}])
def test_one_filter_must_be_named(query: dict[str, str]) -> None:
    assert Browser().get("/tasks", **query).status_code == 400
    assert Browser().get("/appointments", **query).status_code == 400


def test_a_filter_may_be_written_with_a_space() -> None:
    browser = Browser()
    assert browser.body("/tasks", filter="due today") == browser.body("/tasks", filter="due_today")


def test_tasks_come_by_due_date_whatever_was_asked() -> None:
    browser = Browser()
    for name in TASK_FILTERS:
        rows = browser.listed("tasks", filter=name, sort="updated_at", sort_type="desc")
        due = [seconds(row["due_date"]) for row in rows]
        assert due == sorted(due)
        assert due, name


def test_every_task_is_open_or_completed_and_meta_counts_them() -> None:
    browser = Browser()
    still_open, done = (browser.body("/tasks", filter=name)["meta"] for name in ("open", "completed"))
    assert still_open.keys() == done.keys() == {"total"}
    assert still_open["total"] + done["total"] == len(browser.store.live("tasks"))
    ids = {*browser.listed_ids("tasks", filter="open"), *browser.listed_ids("tasks", filter="completed")}
    assert ids == {record["id"] for record in browser.store.live("tasks")}


def test_tasks_without_a_due_date_come_last() -> None:
    browser = Browser()
    task = browser.store.create("tasks", title="Some day")
    assert browser.listed_ids("tasks", filter="open")[-1] == task
    assert filters_of(browser, task) == {"open"}


def test_overdue_and_the_days_are_told_in_the_accounts_zone() -> None:
    # 02:00 UTC is the evening before in Chicago.
    browser = Browser(clock=FakeClock(datetime(2026, 3, 3, 2, 0, tzinfo=UTC)))
    now = browser.clock.now()
    due = {"last hour": -1, "this evening": 3, "tomorrow": 5, "tomorrow evening": 27, "later": 29}
    tasks = {
        name: browser.store.create("tasks", title=name, due_date=now + timedelta(hours=hours))
        for name, hours in due.items()
    }
    assert {name: filters_of(browser, task) for name, task in tasks.items()} == {
        "last hour": {"open", "overdue", "due_today"},
        "this evening": {"open", "due_today"},
        "tomorrow": {"open", "due_tomorrow"},
        "tomorrow evening": {"open", "due_tomorrow"},
        "later": {"open"},
    }
    browser.clock.advance(4 * 3600)
    assert filters_of(browser, tasks["this evening"]) == {"open", "overdue"}


def test_a_completed_task_moves_and_comes_back_when_reopened() -> None:
    browser = Browser()
    task = browser.store.create("tasks", title="T", due_date=browser.clock.now() - timedelta(hours=1))
    assert filters_of(browser, task) == {"open", "overdue", "due_today"}
    browser.clock.advance(60)
    assert browser.store.complete_task(task) == task
    row = browser.body(f"/tasks/{task}")["task"]
    assert (row["status"], row["completed_date"]) == (1, row["updated_at"])
    assert seconds(row["updated_at"]) == int(browser.clock.now().timestamp())
    assert filters_of(browser, task) == {"completed"}
    browser.clock.advance(60)
    assert browser.store.reopen_task(task) == task
    row = browser.body(f"/tasks/{task}")["task"]
    assert (row["status"], row["completed_date"]) == (0, None)
    assert seconds(row["updated_at"]) == int(browser.clock.now().timestamp())
    assert filters_of(browser, task) == {"open", "overdue", "due_today"}


@pytest.mark.parametrize("name", LISTS)
def test_a_deleted_activity_is_gone_for_good(name: str) -> None:
    browser = Browser()
    record = browser.store.live(name)[0]["id"]
    assert browser.store.delete(name, record) == [record]
    assert browser.get(f"/{name}/{record}").status_code == 404
    assert browser.store.binned(name) == []
    with pytest.raises(UnknownRecord, match=f"bin of {name} has no record"):
        browser.store.restore(name, record)


# --- appointments


def test_past_comes_newest_first_and_upcoming_oldest_first() -> None:
    browser = Browser()
    now = browser.clock.now().timestamp()
    ends = {
        name: [seconds(row["end_date"]) for row in browser.listed("appointments", filter=name, sort="id")]
        for name in ("past", "upcoming")
    }
    assert ends["past"] == sorted(ends["past"], reverse=True)
    assert ends["upcoming"] == sorted(ends["upcoming"])
    assert max(ends["past"]) < now <= min(ends["upcoming"])
    assert len(ends["past"]) + len(ends["upcoming"]) == len(browser.store.live("appointments"))
    assert browser.body("/appointments", filter="past")["meta"] == {"total": len(ends["past"])}


def test_appointments_that_end_together_come_by_id_both_ways() -> None:
    browser = Browser()
    at = browser.clock.now() - timedelta(days=400)
    ids = [browser.store.create("appointments", from_date=at) for _ in range(3)]
    past = browser.listed_ids("appointments", filter="past")
    assert [each for each in past if each in ids] == ids


def test_an_appointment_moves_between_the_filters_with_time_and_by_hand() -> None:
    browser = Browser()
    at = browser.clock.now() + timedelta(hours=1)
    meeting = browser.store.create("appointments", title="M", from_date=at)
    row = browser.emulator.served("appointments", meeting)
    assert seconds(row["end_date"]) == seconds(row["from_date"]) + 1800
    assert row["time_zone"] == "Central Time (US & Canada)"
    assert meeting in browser.listed_ids("appointments", filter="upcoming")
    browser.clock.advance(7200)
    assert meeting in browser.listed_ids("appointments", filter="past")
    assert meeting not in browser.listed_ids("appointments", filter="upcoming")
    later = browser.clock.now() + timedelta(days=1)
    browser.store.update("appointments", meeting, from_date=later, end_date=later + timedelta(hours=1))
    assert meeting in browser.listed_ids("appointments", filter="upcoming")


def test_both_filters_may_show_all_appointments() -> None:
    browser = Browser(Switches(appointment_filters="same"))
    past = browser.listed_ids("appointments", filter="past")
    upcoming = browser.listed_ids("appointments", filter="upcoming")
    everything = {record["id"] for record in browser.store.live("appointments")}
    assert set(past) == set(upcoming) == everything
    browser.switch(appointment_filters="apart")
    assert set(browser.listed_ids("appointments", filter="past")) < everything


# --- sales activities


def test_activities_come_by_id_unless_sort_is_honoured() -> None:
    browser = Browser()
    query = {"sort": "updated_at", "sort_type": "desc"}
    ids = browser.listed_ids("sales_activities", **query)
    assert ids == sorted(ids)
    browser.switch(activities_sort_honoured=True)
    stamps = [seconds(row["updated_at"]) for row in browser.listed("sales_activities", **query)]
    assert stamps == sorted(stamps, reverse=True)


def test_activities_carry_their_type_and_custom_fields() -> None:
    browser = Browser()
    contact = a_contact(browser)
    kind = activity_type(browser)
    activity = browser.store.log_activity("contacts", contact, kind, title="Call", cf_minutes=5)
    row = browser.emulator.served("sales_activities", activity)
    assert (row["targetable_type"], row["targetable_id"]) == ("Contact", contact)
    assert (row["sales_activity_type_id"], row["custom_field"]["cf_minutes"]) == (kind, 5)
    assert row["start_date"] == row["conversation_time"] == row["created_at"]
    names = {row["name"] for row in browser.body("/settings/sales_activities/fields")["fields"]}
    assert {"sales_activity_type_id", "cf_minutes", "cf_mood"} <= names
