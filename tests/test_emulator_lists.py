"""The rules that all lists without saved views follow, and that they always show what the store holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.emulator import Account, Store, Switches
from tests.emulator_browser import Browser
from tests.fake_clock import FakeClock

HOURS = st.integers(-60, 60)
STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "complete", "reopen", "delete", "move", "wait"]), HOURS), max_size=25
)


def test_lists_page_lag_and_end_as_views_do() -> None:
    browser = Browser(Switches(page_past_end="not_found", view_lag_s=30.0))
    assert len(browser.body("/sales_activities")["sales_activities"]) == 25
    meta = browser.body("/sales_activities", per_page=100)["meta"]
    assert meta == {"total_pages": 2, "total": 150}
    assert browser.get("/sales_activities", per_page=100, page=3).status_code == 404
    task = browser.store.create("tasks", title="T")
    browser.switch(page_past_end="repeat_last")
    assert task not in {row["id"] for row in browser.body("/tasks", filter="open", per_page=100)["tasks"]}
    browser.clock.advance(30)
    first = browser.body("/tasks", filter="open", per_page=100)
    assert task in {row["id"] for row in first["tasks"]}
    assert browser.body("/tasks", filter="open", per_page=100, page=9) == first
    browser.switch(meta="none")
    assert "meta" not in browser.body("/tasks", filter="open")


def test_ties_may_be_reshuffled_in_lists_too() -> None:
    browser = Browser(Switches(tie_order="reshuffled"))
    due = browser.clock.now() - timedelta(days=900)
    ids = [browser.store.create("tasks", title="T", due_date=due) for _ in range(20)]
    orders = [tuple(browser.listed_ids("tasks", filter="overdue"))[:20] for _ in range(3)]
    assert {frozenset(order) for order in orders} == {frozenset(ids)}
    assert len(set(orders)) > 1


def test_a_restricted_key_sees_the_activities_of_its_owner_only() -> None:
    browser = Browser(Switches(sees_only_owner=2))
    owner = browser.store.account.selectors["owners"][1]["id"]
    rows = browser.listed("tasks", filter="open") + browser.listed("sales_activities")
    assert {row["owner_id"] for row in rows} == {owner}
    assert {row["creater_id"] for row in browser.listed("appointments", filter="past")} <= {owner}
    assert len(browser.listed("cpq/products")) == 14


@pytest.mark.parametrize("path", ["/tasks/filters", "/tasks/view/1", "/contacts", "/settings/tasks/fields"])
def test_lists_have_no_views_and_views_no_list(path: str) -> None:
    assert Browser().get(path).status_code == 404


def test_a_strict_account_can_still_be_read_whole() -> None:
    browser = Browser(Switches.strict())
    for path, query in (
        ("tasks", {"filter": "open"}),
        ("tasks", {"filter": "completed"}),
        ("appointments", {"filter": "past"}),
        ("sales_activities", {}),
        ("cpq/products", {}),
    ):
        name = path.split("/")[-1]
        wanted = {"open": 0, "completed": 1}.get(query.get("filter", ""))
        records = browser.store.live(name)
        assert read_whole(browser, path, **query) == {
            each["id"] for each in records if wanted is None or each["status"] == wanted
        }


def read_whole(browser: Browser, path: str, **query: str) -> set[int]:
    """Return the ids of a list, read ten times over: ties come in a new order at every request."""
    name = path.rsplit("/", maxsplit=1)[-1]
    pages = -(-len(browser.store.live(name)) // 25)
    bodies = (
        browser.body(f"/{path}", per_page=100, page=page, include="creater", **query)
        for _ in range(10)
        for page in range(1, pages + 1)
    )
    return {row["id"] for body in bodies for row in body[name]}


@given(steps=STEPS)
def test_each_filter_of_tasks_always_shows_what_the_store_holds(steps: list[tuple[str, int]]) -> None:
    clock = FakeClock()
    store = Store(clock, Account(time_zone="America/Chicago"))
    store.account.add_owner("A", "a@example.com")
    browser = Browser(store=store, clock=clock)
    for step, hours in steps:
        take(step, hours, store, clock)
        tasks = sorted(store.live("tasks"), key=lambda task: (task["due_date"] or FAR, task["id"]))
        for name, rule in rules_at(clock.now(), store.account).items():
            expected = [task["id"] for task in tasks if task["status"] == 0 and rule(task["due_date"])]
            assert browser.listed_ids("tasks", filter=name) == expected, name
        completed = [task["id"] for task in tasks if task["status"] == 1]
        assert browser.listed_ids("tasks", filter="completed") == completed


def rules_at(now: datetime, account: Account) -> dict[str, Callable[[datetime | None], bool]]:
    """Return what the due date of an open task must be for each filter."""
    today = account.local_date(now)

    def is_due(due: datetime | None, days: int) -> bool:
        return due is not None and account.local_date(due) == today + timedelta(days=days)

    return {
        "open": lambda due: True,
        "overdue": lambda due: due is not None and due < now,
        "due_today": lambda due: is_due(due, 0),
        "due_tomorrow": lambda due: is_due(due, 1),
    }


FAR = datetime.max.replace(tzinfo=FakeClock().now().tzinfo)


def take(step: str, hours: int, store: Store, clock: FakeClock) -> None:
    """Change one task; without any, or where the step does not fit it, nothing happens."""
    due = clock.now() + timedelta(hours=hours)
    tasks = [task["id"] for task in store.live("tasks")]
    task = tasks[hours % len(tasks)] if tasks else None
    if step == "create":
        store.create("tasks", title="T", due_date=due if hours else None)
    elif step == "wait":
        clock.advance(abs(hours) * 600)
    elif task is None:
        return
    elif step == "delete":
        store.delete("tasks", task)
    elif step == "move":
        store.update("tasks", task, due_date=due)
    else:
        store.update("tasks", task, status=int(step == "complete"))
