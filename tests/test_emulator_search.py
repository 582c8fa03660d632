from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freshsales_source.emulator import Account, Store, Switches
from tests.emulator_browser import Browser, seconds
from tests.fake_clock import FAKE_START, FakeClock

START = FAKE_START - timedelta(days=10)
AT_ONCE = Switches(search_lag_s=0.0)


def rule(attribute: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "value": value}


def hourly(switches: Switches, contacts: int = 30, zone: str = "Asia/Kolkata") -> Browser:
    """An emulator whose contacts were updated one an hour, the ids in the opposite order."""
    clock = FakeClock()
    store = Store(clock, Account(time_zone=zone))
    store.account.add_owner("A", "a@example.com")
    for number in reversed(range(contacts)):
        at = START + timedelta(hours=number)
        store.load("contacts", {"last_name": f"N{number}", "created_at": at, "updated_at": at})
    return Browser(switches, store=store, clock=clock)


def found(browser: Browser, *rules: dict[str, Any], **body: Any) -> list[str]:
    answer = browser.search("contact", *rules, **{"query": {"per_page": 100}, **body})
    return [row["display_name"] for row in answer["contacts"]]


def test_rows_are_thin_unless_detail_asks_for_full_ones() -> None:
    browser = Browser(AT_ONCE)
    in_default = rule("deal_pipeline_id", "is", browser.store.account.default_pipeline)
    thin = browser.search("deal", in_default, query={"include": "owner"})
    assert set(thin["deals"][0]) == {"id", "name", "amount", "updated_at", "created_at"}
    assert "users" not in thin
    full = browser.search("deal", in_default, detail=True, query={"include": "owner", "per_page": 100})
    assert "users" in full
    served = browser.rows("deals", "Open Deals", include="owner")
    assert {row["id"]: row for row in served}.items() <= {row["id"]: row for row in full["deals"]}.items()


def test_detail_may_not_be_honoured() -> None:
    browser = Browser(Switches(search_detail=False, search_lag_s=0.0))
    answer = browser.search("deal", detail=True)
    assert len(answer["deals"][0]) == 5


def test_pages_have_ten_rows_unless_asked_in_query_or_body() -> None:
    browser = hourly(AT_ONCE)
    assert len(browser.search("contact")["contacts"]) == 10
    assert len(browser.search("contact", query={"per_page": 7})["contacts"]) == 7
    assert len(browser.search("contact", per_page=8)["contacts"]) == 8
    assert browser.search("contact")["meta"] == {"total": 30}
    second = browser.search("contact", query={"page": 3})["contacts"]
    assert browser.search("contact", page=3)["contacts"] == second
    assert browser.search("contact", page=4)["contacts"] == []
    browser.switch(search_page_size=4)
    assert len(browser.search("contact")["contacts"]) == 4


def test_pages_may_come_short_before_the_end_and_still_hold_everything() -> None:
    browser = hourly(Switches(search_short_pages=True, search_lag_s=0.0))
    pages = [browser.search("contact", page=page)["contacts"] for page in range(1, 6)]
    assert [len(page) for page in pages] == [9, 9, 8, 4, 0]
    assert len({row["id"] for page in pages for row in page}) == 30


def test_order_is_honoured_loose_or_ignored() -> None:
    newest = {"sort": "updated_at", "sort_type": "desc"}
    browser = hourly(AT_ONCE)
    stamps = [seconds(row["updated_at"]) for row in browser.search("contact", **newest)["contacts"]]
    assert stamps == sorted(stamps, reverse=True)
    browser.switch(search_order="loose")
    loose = [seconds(row["updated_at"]) for row in browser.search("contact", **newest)["contacts"]]
    assert loose != stamps
    assert sorted(loose, reverse=True) == stamps
    browser.switch(search_order="ignored")
    ids = [row["id"] for row in browser.search("contact", **newest)["contacts"]]
    assert ids == sorted(ids)


def test_the_index_lags() -> None:
    browser = hourly(Switches(search_lag_s=5.0))
    browser.store.create("contacts", last_name="New")
    is_new = rule("name", "is", "New")
    assert found(browser, is_new) == []
    browser.clock.advance(5)
    assert found(browser, is_new) == ["New"]


def test_a_result_may_be_capped_in_depth() -> None:
    browser = hourly(Switches(search_depth_cap=15, search_lag_s=0.0))
    assert len(browser.search("contact", page=2)["contacts"]) == 5
    assert browser.search("contact", page=3)["contacts"] == []
    assert browser.search("contact")["meta"]["total"] == 30


@pytest.mark.parametrize("is_after_inclusive", [True, False])
def test_is_after_includes_its_value_or_not(is_after_inclusive: bool) -> None:
    browser = hourly(Switches(is_after_inclusive=is_after_inclusive, search_lag_s=0.0))
    at = (START + timedelta(hours=27)).isoformat().replace("+00:00", "Z")
    late = {"N28", "N29"} | ({"N27"} if is_after_inclusive else set())
    assert set(found(browser, rule("updated_at", "is_after", at))) == late
    early = 28 if is_after_inclusive else 27
    assert len(found(browser, rule("updated_at", "is_before", at))) == early


def test_naive_values_are_read_in_the_accounts_zone_or_as_utc() -> None:
    naive = (START + timedelta(hours=20)).replace(tzinfo=None).isoformat()
    after = rule("updated_at", "is_after", naive)
    browser = hourly(AT_ONCE)
    # 5:30 h east of Greenwich the same reading comes earlier.
    assert len(found(browser, after)) == 15
    browser.switch(naive_dates="utc")
    assert len(found(browser, after)) == 9


def test_rules_are_anded_and_ranges_have_two_ends() -> None:
    browser = hourly(AT_ONCE)
    ends = [(START + timedelta(hours=hour)).isoformat() for hour in (3, 6)]
    assert sorted(found(browser, rule("updated_at", "is_in_the_range", ends))) == ["N3", "N4", "N5", "N6"]
    both = (rule("updated_at", "is_in_the_range", ends), rule("name", "contains", "5"))
    assert found(browser, *both) == ["N5"]
    assert len(found(browser, rule("name", "is_not_null"))) == 30
    assert sorted(found(browser, rule("name", "is_in", ["N1", "N2"]))) == ["N1", "N2"]


def test_deals_are_found_by_dates_numbers_stages_and_custom_fields() -> None:
    browser = Browser(AT_ONCE)
    live = browser.store.live("deals")
    limit = datetime(2025, 6, 1, tzinfo=UTC).date()

    def total(*rules: dict[str, Any]) -> int:
        return int(browser.search("deal", *rules)["meta"]["total"])

    with_date = [deal for deal in live if deal.get("expected_close")]
    assert total(rule("expected_close", "is_after", "2025-06-01")) == sum(
        deal["expected_close"] > limit for deal in with_date
    )
    assert total(rule("amount", "is_after", "40000")) == sum(deal["amount"] > 40_000 for deal in live)
    stage = live[0]["deal_stage_id"]
    assert total(rule("deal_stage_id", "is_in", [stage])) == sum(
        deal["deal_stage_id"] == stage for deal in live
    )
    assert total(rule("cf_product_line", "is", "business")) == sum(
        deal["custom_field"]["cf_product_line"] == "Business" for deal in live
    )


def test_deleted_records_are_found_only_when_asked_for() -> None:
    browser = Browser(AT_ONCE)
    deleted = browser.search("contact", rule("deleted", "is", 1), detail=True)
    assert {row["id"] for row in deleted["contacts"]} == {
        row["id"] for row in browser.store.binned("contacts")
    }
    assert {row["is_deleted"] for row in deleted["contacts"]} == {True}
    assert browser.search("contact")["meta"]["total"] == 60


def test_a_restricted_key_finds_only_what_it_sees() -> None:
    browser = Browser(Switches(sees_only_owner=1, search_lag_s=0.0))
    assert 0 < browser.search("contact")["meta"]["total"] < 60


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"[]",
        b'{"filter_rule": 3}',
        b'{"filter_rule": [{"attribute": "updated_at"}]}',
        b'{"filter_rule": [{"attribute": "updated_at", "operator": "is_after", "value": "soon"}]}',
        b'{"filter_rule": [{"attribute": "updated_at", "operator": "is_near", "value": "soon"}]}',
        b'{"filter_rule": [{"attribute": "updated_at", "operator": "is_in_the_range", "value": 3}]}',
    ],
)
def test_rules_that_cannot_be_read_are_400(content: bytes) -> None:
    answer = Browser(AT_ONCE).client.post("/filtered_search/contact", content=content)
    assert answer.status_code == 400
    assert answer.json()["errors"]["code"] == 400


def test_an_object_that_cannot_be_searched_is_404() -> None:
    assert Browser().client.post("/filtered_search/lead", json={}).status_code == 404
    assert Browser().get("/filtered_search/contact").status_code == 404
