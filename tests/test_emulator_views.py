from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.emulator import Account, Store, Switches
from tests.emulator_browser import Browser, seconds
from tests.fake_clock import FakeClock

NEWEST_FIRST = {"sort": "updated_at", "sort_type": "desc"}


def plain_store(clock: FakeClock, contacts: int) -> Store:
    """A store with an owner and contacts, all of one second."""
    store = Store(clock, Account())
    store.account.add_owner("A", "a@example.com")
    for number in range(contacts):
        store.load(
            "contacts", {"last_name": str(number), "created_at": clock.now(), "updated_at": clock.now()}
        )
    return store


def plain_browser(contacts: int, switches: Switches | None = None) -> Browser:
    clock = FakeClock()
    return Browser(switches, store=plain_store(clock, contacts), clock=clock)


# --- pages


def test_pages_have_25_rows_unless_asked_and_100_at_most() -> None:
    browser = plain_browser(130)
    assert len(browser.page("contacts", "All Contacts")["contacts"]) == 25
    assert len(browser.page("contacts", "All Contacts", per_page=7)["contacts"]) == 7
    assert len(browser.page("contacts", "All Contacts", per_page=1000)["contacts"]) == 100
    assert len(browser.page("contacts", "All Contacts", perPage=100)["contacts"]) == 25


@pytest.mark.parametrize(("position", "expected"), [("clamped", 40), ("ignored", 25)])
def test_above_the_cap_a_page_is_clamped_or_falls_back(position: Any, expected: int) -> None:
    browser = plain_browser(130, Switches(page_cap=40, over_page_cap=position))
    page = browser.page("contacts", "All Contacts", per_page=100)
    assert len(page["contacts"]) == expected
    assert page["meta"]["total_pages"] == -(-130 // expected)


def test_above_the_cap_a_page_may_be_refused() -> None:
    browser = plain_browser(10, Switches(over_page_cap="refused"))
    path = browser.view_path("contacts", "All Contacts")
    assert browser.get(path, per_page=101).status_code == 400
    assert browser.get(path, per_page=100).status_code == 200


def test_the_cap_may_be_lower_with_includes() -> None:
    browser = plain_browser(130, Switches(page_cap_with_include=30))
    assert len(browser.page("contacts", "All Contacts", per_page=100)["contacts"]) == 100
    assert len(browser.page("contacts", "All Contacts", per_page=100, include="owner")["contacts"]) == 30


def test_a_page_past_the_end_is_empty_repeats_the_last_or_is_404() -> None:
    browser = plain_browser(30)
    path = browser.view_path("contacts", "All Contacts")
    assert browser.get(path, page=3).json()["contacts"] == []
    browser.switch(page_past_end="repeat_last")
    assert browser.get(path, page=9).json()["contacts"] == browser.get(path, page=2).json()["contacts"]
    browser.switch(page_past_end="not_found")
    assert browser.get(path, page=3).status_code == 404
    assert browser.get(path, page=2).status_code == 200


@pytest.mark.parametrize(
    ("position", "expected"),
    [("none", None), ("total", {"total": 30}), ("total_and_pages", {"total_pages": 2, "total": 30})],
)
def test_meta_has_the_form_of_its_switch(position: Any, expected: dict[str, int] | None) -> None:
    page = plain_browser(30, Switches(meta=position)).page("contacts", "All Contacts")
    assert page.get("meta") == expected


def test_a_cached_total_tells_of_the_past() -> None:
    browser = plain_browser(30, Switches(total_cached_s=60.0))
    assert browser.page("contacts", "All Contacts")["meta"]["total"] == 30
    browser.store.create("contacts", last_name="New")
    assert browser.page("contacts", "All Contacts")["meta"]["total"] == 30
    browser.clock.advance(60)
    assert browser.page("contacts", "All Contacts")["meta"]["total"] == 31


def test_a_capped_total_contradicts_total_pages() -> None:
    meta = plain_browser(130, Switches(total_cap=100)).page("contacts", "All Contacts")["meta"]
    assert meta == {"total_pages": 6, "total": 100}


# --- order


@pytest.mark.parametrize("column", ["updated_at", "created_at", "id", "name", "lead_score"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_views_are_sorted_by_what_was_asked(column: str, direction: str) -> None:
    browser = Browser()
    key = {"name": "display_name"}.get(column, column)
    rows = browser.rows("contacts", "All Contacts", sort=column, sort_type=direction)
    values = [row[key].casefold() if key == "display_name" else row[key] for row in rows]
    if column.endswith("_at"):
        values = [seconds(value) for value in values]
    assert values == sorted(values, reverse=direction == "desc")
    assert len({row["id"] for row in rows}) == 60


def test_nulls_sort_last() -> None:
    rows = Browser().rows("deals", "Won Deals", sort="expected_close", sort_type="asc")
    is_null = [row["expected_close"] is None for row in rows]
    assert is_null == sorted(is_null)


def test_an_unknown_sort_is_ignored_or_refused() -> None:
    browser = Browser()
    path = browser.view_path("contacts", "All Contacts")
    assert browser.get(path, sort="colour").status_code == 200
    browser.switch(unknown_sort="refused")
    answer = browser.get(path, sort="colour")
    assert answer.status_code == 400
    assert answer.json()["errors"]["code"] == 400
    assert browser.get(path, **NEWEST_FIRST).status_code == 200


def test_an_object_may_ignore_every_sort() -> None:
    browser = Browser(Switches(sort_ignored=("contacts",)))
    rows = browser.rows("contacts", "All Contacts", sort="updated_at", sort_type="asc")
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert [row["updated_at"] for row in rows] != sorted(row["updated_at"] for row in rows)


def test_ties_keep_their_order_or_change_it_at_every_request() -> None:
    browser = plain_browser(60)
    first, second = (browser.page("contacts", "All Contacts", **NEWEST_FIRST)["contacts"] for _ in "ab")
    assert first == second
    browser.switch(tie_order="reshuffled")
    orders = [
        [row["id"] for row in browser.page("contacts", "All Contacts", **NEWEST_FIRST)["contacts"]]
        for _ in range(4)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_reshuffling_moves_ties_only() -> None:
    browser = Browser(Switches(tie_order="reshuffled"))
    rows = browser.rows("contacts", "All Contacts", **NEWEST_FIRST)
    stamps = [seconds(row["updated_at"]) for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert len({row["id"] for row in rows}) == 60


Step = tuple[str, int, int]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(
                ["create", "update", "bulk", "delete", "restore", "forget", "merge", "move", "wait"]
            ),
            st.integers(0, 1000),
            st.integers(0, 1000),
        ),
        max_size=40,
    ),
    view=st.sampled_from(["Open Deals", "Recycle Bin", "Won Deals"]),
    size=st.integers(1, 7),
)
def test_a_view_always_shows_the_state_of_the_store(steps: list[Step], view: str, size: int) -> None:
    clock = FakeClock()
    store = Store(clock, Account())
    store.account.add_owner("A", "a@example.com")
    stages = list(store.account.add_pipeline("P", [("New", "Open", 10), ("Won", "Closed Won", 100)]).values())
    browser = Browser(store=store, clock=clock)
    for step in steps:
        apply(store, clock, stages, step)
        page = browser.page("deals", view, per_page=size, **NEWEST_FIRST)
        assert [row["id"] for row in page["deals"]] == expected(store, view, stages)[:size]
    assert browser.ids("deals", view, per_page=size, **NEWEST_FIRST) == expected(store, view, stages)


def apply(store: Store, clock: FakeClock, stages: list[int], step: Step) -> None:
    action, one, two = step
    live = [record["id"] for record in store.live("deals")]
    binned = [record["id"] for record in store.binned("deals")]
    match action:
        case "create":
            store.create("deals", name=str(one))
        case "wait":
            clock.advance(one % 5)
        case "update" if live:
            store.update("deals", pick(live, one), amount=two)
        case "bulk" if live:
            store.bulk_update("deals", live[: one % 5], amount=two)
        case "move" if live:
            store.move_stage(pick(live, one), pick(stages, two))
        case "delete" if live:
            store.delete("deals", pick(live, one))
        case "restore" if binned:
            store.restore("deals", pick(binned, one))
        case "forget" if live + binned:
            store.forget("deals", pick(live + binned, one))
        case "merge" if len(live) > 1:
            primary, secondary = pick(live, one), pick(live, one + 1)
            store.merge("deals", primary, secondary)


def pick(ids: list[int], number: int) -> int:
    return ids[number % len(ids)]


def expected(store: Store, view: str, stages: list[int]) -> list[int]:
    stage = {"Open Deals": stages[0], "Won Deals": stages[1]}.get(view)
    records = store.binned("deals") if stage is None else store.live("deals")
    mine = [record for record in records if stage in (None, record["deal_stage_id"])]
    ordered = sorted(mine, key=lambda record: (record["updated_at"], record["id"]), reverse=True)
    return [record["id"] for record in ordered]


# --- lag


def test_a_lagging_view_shows_rows_order_values_and_counts_of_the_past() -> None:
    browser = plain_browser(3, Switches(view_lag_s=60.0))
    browser.clock.advance(100)
    old = browser.rows("contacts", "All Contacts", **NEWEST_FIRST)
    browser.store.update("contacts", old[-1]["id"], city="Pune")
    browser.store.create("contacts", last_name="New")
    browser.store.delete("contacts", old[0]["id"])
    browser.clock.advance(59)
    assert browser.rows("contacts", "All Contacts", **NEWEST_FIRST) == old
    assert browser.rows("contacts", "Recycle Bin") == []
    assert browser.page("contacts", "All Contacts")["meta"]["total"] == 3
    browser.clock.advance(1)
    assert [row["city"] for row in browser.rows("contacts", "All Contacts", **NEWEST_FIRST)] == [
        None,
        "Pune",
        None,
    ]
    assert [row["id"] for row in browser.rows("contacts", "Recycle Bin")] == [old[0]["id"]]


def test_a_single_record_never_lags() -> None:
    browser = plain_browser(1, Switches(view_lag_s=60.0))
    contact = browser.ids("contacts", "All Contacts")[0]
    browser.store.update("contacts", contact, city="Pune")
    assert browser.body(f"/contacts/{contact}")["contact"]["city"] == "Pune"


def test_a_lagging_view_may_name_an_account_that_is_gone() -> None:
    browser = Browser(Switches(view_lag_s=60.0))
    include: dict[str, str | int] = {"include": "sales_accounts", "per_page": 100}
    before = browser.page("contacts", "All Contacts", **include)["contacts"]
    account = next(row["sales_accounts"][0]["id"] for row in before if row["sales_accounts"])
    browser.store.forget("sales_accounts", account)
    after = browser.page("contacts", "All Contacts", **include)["contacts"]
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert account not in {each["id"] for row in after for each in row["sales_accounts"]}


# --- includes and side-loads


def test_an_unknown_include_is_ignored_or_refused() -> None:
    browser = Browser()
    path = browser.view_path("deals", "Open Deals")
    assert browser.get(path, include="owner,colour").json()["users"]
    browser.switch(unknown_include="refused")
    assert browser.get(path, include="owner,colour").status_code == 400
    assert browser.get(path, include="owner").status_code == 200


def test_side_loads_stand_before_or_after_the_main_list() -> None:
    browser = Browser()
    assert list(browser.page("deals", "Open Deals", include="owner")) == ["users", "deals", "meta"]
    browser.switch(side_loads="after")
    assert list(browser.page("deals", "Open Deals", include="owner")) == ["deals", "users", "meta"]


def test_two_side_loads_have_two_names_each() -> None:
    browser = Browser()
    include = {"include": "source,contact_status"}
    assert {"lead_sources", "contact_status"} <= browser.page("contacts", "All Contacts", **include).keys()
    browser.switch(lead_source_key="lead_source", contact_status_key="contact_statuses")
    assert {"lead_source", "contact_statuses"} <= browser.page("contacts", "All Contacts", **include).keys()


def test_the_default_pipeline_is_marked_by_either_key() -> None:
    browser = Browser()
    assert browser.body("/selector/deal_pipelines")["deal_pipelines"][0]["is_default"] is True
    browser.switch(pipeline_default_key="default")
    pipeline = browser.body("/selector/deal_pipelines")["deal_pipelines"][0]
    assert pipeline["default"] is True
    assert "is_default" not in pipeline


# --- which views and records


def test_system_deal_views_show_the_default_pipeline_or_all() -> None:
    browser = Browser()
    pipelines = [row["id"] for row in browser.body("/selector/deal_pipelines")["deal_pipelines"]]
    names = ("Open Deals", "Won Deals", "Lost Deals")
    some = [row for name in names for row in browser.rows("deals", name)]
    assert {row["deal_pipeline_id"] for row in some} == {pipelines[0]}
    browser.switch(deal_views_default_pipeline_only=False)
    rows = [row for name in names for row in browser.rows("deals", name)]
    assert {row["deal_pipeline_id"] for row in rows} == set(pipelines)
    assert len(rows) == len({row["id"] for row in rows}) == 90


def test_a_users_own_view_is_listed_and_read_like_any_other() -> None:
    browser = Browser()
    view = browser.store.views.add("deals", "Big ones", lambda record: record["amount"] > 50_000)
    listed = browser.body("/deals/filters")["filters"]
    assert [row["name"] for row in listed if not row["is_default"]] == ["Every pipeline", "Big ones"]
    rows = browser.body(f"/deals/view/{view}", per_page=100)["deals"]
    big = [record["id"] for record in browser.store.live("deals") if record["amount"] > 50_000]
    assert sorted(row["id"] for row in rows) == sorted(big)


@pytest.mark.parametrize("view", ["Hot Deals", "Cold Deals", "Closing this week", "This month's sales"])
def test_other_system_views_show_some_live_deals(view: str) -> None:
    browser = Browser()
    live = {record["id"] for record in browser.store.live("deals")}
    assert set(browser.ids("deals", view)) < live


def test_recent_views_change_with_the_day() -> None:
    browser = plain_browser(2)
    assert len(browser.ids("contacts", "New Contacts")) == 2
    browser.clock.advance(40 * 86400)
    assert browser.ids("contacts", "New Contacts") == []


def names(browser: Browser, object_name: str) -> list[str]:
    return [row["name"] for row in browser.body(f"/{object_name}/filters")["filters"]]


def test_view_names_can_be_localised_or_renamed_and_keep_their_ids() -> None:
    browser = Browser()
    ids = [row["id"] for row in browser.body("/contacts/filters")["filters"]]
    browser.switch(view_names="localised")
    assert names(browser, "contacts")[:4][0::3] == ["Alle contactpersonen", "Prullenbak"]
    browser.switch(view_names="renamed")
    assert "All Contacts" not in names(browser, "contacts")
    assert [row["id"] for row in browser.body("/contacts/filters")["filters"]] == ids


def test_views_can_be_missing() -> None:
    browser = Browser()
    bin_path = browser.view_path("deals", "Recycle Bin")
    browser.switch(missing_views=("All Contacts",), recycle_bin_missing=True)
    assert "All Contacts" not in names(browser, "contacts")
    for object_name in ("contacts", "sales_accounts", "deals"):
        assert "Recycle Bin" not in names(browser, object_name)
    assert browser.get(bin_path).status_code == 404


def test_several_views_can_share_a_name_and_only_one_is_the_systems() -> None:
    browser = Browser(Switches(several_views_of_one_name=True))
    views = [row for row in browser.body("/contacts/filters")["filters"] if row["name"] == "All Contacts"]
    assert [row["is_default"] for row in views] == [False, True]
    totals = [browser.body(f"/contacts/view/{row['id']}")["meta"]["total"] for row in views]
    assert totals == [0, 60]


def test_a_restricted_key_sees_one_owners_records_and_no_error() -> None:
    browser = Browser(Switches(sees_only_owner=2))
    owner = browser.store.account.selectors["owners"][1]["id"]
    for object_name, view in (("contacts", "All Contacts"), ("sales_accounts", "All Accounts")):
        mine = {record["id"] for record in browser.store.live(object_name) if record["owner_id"] == owner}
        assert set(browser.ids(object_name, view)) == mine
    stranger = next(each["id"] for each in browser.store.live("contacts") if each["owner_id"] != owner)
    assert browser.get(f"/contacts/{stranger}").status_code == 403
    browser.switch(unseen_record="not_found")
    assert browser.get(f"/contacts/{stranger}").status_code == 404


def test_sight_can_be_gained_later_and_moves_no_stamp() -> None:
    browser = Browser(Switches(sees_only_owner=1, sees_all_after_s=600.0))
    before = browser.rows("contacts", "All Contacts")
    browser.clock.advance(600)
    after = browser.rows("contacts", "All Contacts")
    assert 0 < len(before) < len(after) == 60
    stamps = {row["id"]: row["updated_at"] for row in after}
    assert all(stamps[row["id"]] == row["updated_at"] for row in before)
