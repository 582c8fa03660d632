"""What becomes of tasks, appointments and sales activities when the record they belong to goes."""

from __future__ import annotations

from typing import Any

import pytest

from freshsales_source.emulator import Switches, UnknownRecord
from tests.emulator_browser import Browser
from tests.test_emulator_activities import LISTS, a_contact, activity_type, log_with, pointing_to


@pytest.mark.parametrize("position", ["sales_activities", "all", "nothing"])
def test_activities_may_hide_while_their_record_is_in_the_bin(position: Any) -> None:
    browser = Browser(Switches(deleted_record_hides=position))
    contact = a_contact(browser)
    task = browser.store.create("tasks", title="T", targetables=pointing_to(contact))
    activity = log_with(browser, contact)
    browser.store.delete("contacts", contact)
    task_is_there = task in browser.listed_ids("tasks", filter="open")
    activity_is_there = activity in browser.listed_ids("sales_activities")
    assert (task_is_there, activity_is_there) == {
        "sales_activities": (True, False),
        "all": (False, False),
        "nothing": (True, True),
    }[position]
    assert (browser.get(f"/tasks/{task}").status_code == 200) == task_is_there
    before = {name: browser.store.record(name, each)["updated_at"] for name, each in [("tasks", task)]}
    browser.clock.advance(60)
    browser.store.restore("contacts", contact)
    assert task in browser.listed_ids("tasks", filter="open")
    assert activity in browser.listed_ids("sales_activities")
    assert browser.store.record("tasks", task)["updated_at"] == before["tasks"]


def test_an_activity_with_another_live_record_does_not_hide() -> None:
    browser = Browser(Switches(deleted_record_hides="all"))
    first, second = a_contact(browser), a_contact(browser)
    targets = pointing_to(first, {"id": second, "type": "Contact"})
    task = browser.store.create("tasks", title="T", targetables=targets)
    browser.store.delete("contacts", first)
    assert task in browser.listed_ids("tasks", filter="open")
    browser.store.delete("contacts", second)
    assert task not in browser.listed_ids("tasks", filter="open")
    browser.store.restore("contacts", first)
    assert task in browser.listed_ids("tasks", filter="open")


def test_what_is_hidden_goes_with_the_record_when_the_bin_empties() -> None:
    browser = Browser()
    contact = a_contact(browser)
    activity = log_with(browser, contact)
    browser.store.delete("contacts", contact)
    browser.clock.advance(90 * 86400)
    browser.listed("sales_activities")
    with pytest.raises(UnknownRecord):
        browser.store.record("sales_activities", activity)


@pytest.mark.parametrize("forget_takes_all", [True, False])
@pytest.mark.parametrize("object_name", ["contacts", "sales_accounts", "deals"])
def test_a_forgotten_record_takes_activities_along(object_name: str, forget_takes_all: bool) -> None:
    browser = Browser(Switches(forget_takes_all=forget_takes_all))
    record = browser.store.live(object_name)[0]["id"]
    name = {"contacts": "Contact", "sales_accounts": "SalesAccount", "deals": "Deal"}[object_name]
    target = {"id": record, "type": name}
    ids = {
        "tasks": browser.store.create("tasks", title="T", targetables=[target]),
        "appointments": browser.store.create(
            "appointments", from_date=browser.clock.now(), targetables=[target]
        ),
        "sales_activities": browser.store.log_activity(object_name, record, activity_type(browser)),
    }
    browser.store.forget(object_name, record)
    gone = {each for each, id_ in ids.items() if browser.get(f"/{each}/{id_}").status_code == 404}
    documented = {"contacts": set(LISTS), "sales_accounts": {"tasks"}, "deals": set()}
    assert gone == (set(LISTS) if forget_takes_all else documented[object_name])
    for each in ids.keys() - gone:
        row = browser.emulator.served(each, ids[each])
        assert row.get("targetables", []) == []
        assert row.get("targetable_id") is None


@pytest.mark.parametrize("forget_takes_shared", [True, False])
def test_a_shared_task_is_erased_or_loses_the_link(forget_takes_shared: bool) -> None:
    browser = Browser(Switches(forget_takes_shared=forget_takes_shared))
    first, second = a_contact(browser), a_contact(browser)
    targets = pointing_to(first, {"id": second, "type": "Contact"})
    task = browser.store.create("tasks", title="T", targetables=targets)
    browser.store.forget("contacts", first)
    if forget_takes_shared:
        assert browser.get(f"/tasks/{task}").status_code == 404
    else:
        assert browser.emulator.served("tasks", task)["targetables"] == pointing_to(second)


def test_a_merge_moves_activities_over() -> None:
    browser = Browser()
    first, second = a_contact(browser), a_contact(browser)
    targets = pointing_to(second, {"id": first, "type": "Contact"})
    task = browser.store.create("tasks", title="T", targetables=targets)
    activity = log_with(browser, second)
    browser.store.merge("contacts", first, second)
    assert browser.emulator.served("tasks", task)["targetables"] == pointing_to(first)
    assert browser.emulator.served("sales_activities", activity)["targetable_id"] == first
