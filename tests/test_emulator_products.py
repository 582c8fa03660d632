"""Products with their prices, the leads of a Classic account, and the selectors of all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freshsales_source.emulator import Switches
from freshsales_source.emulator.account import CLASSIC_SELECTORS, SELECTORS
from tests.emulator_browser import Browser
from tests.shared_data import SHARED, needs_shared

SAMPLES = SHARED / "api-samples"
PRICES = {"include": "product_pricings"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


# --- products


@needs_shared
def test_products_have_the_keys_of_the_sample() -> None:
    recorded = sample("cpq_products")
    page = Browser().body("/cpq/products", **PRICES)
    assert list(page) == list(recorded) == ["products"]
    for row in page["products"]:
        assert list(row) == list(recorded["products"][0])
        assert list(row["custom_field"]) == ["cf_hsn_no"]
        assert list(row["product_pricings"][0]) == ["currency_code", "unit_price"]
    assert {type(row["base_currency_amount"]) for row in page["products"]} <= {int, float}


def test_prices_come_only_when_included() -> None:
    browser = Browser()
    product = browser.store.live("products")[0]["id"]
    assert "product_pricings" not in browser.listed("cpq/products")[0]
    assert "product_pricings" not in browser.body(f"/cpq/products/{product}")["product"]
    assert browser.body(f"/cpq/products/{product}", **PRICES)["product"]["product_pricings"]


@pytest.mark.parametrize("position", ["empty", "repeat_last", "not_found"])
def test_products_end_on_an_empty_list(position: Any) -> None:
    browser = Browser(Switches(page_past_end=position))
    sizes = [len(browser.body("/cpq/products", per_page=5, page=page)["products"]) for page in (1, 2, 3, 4)]
    assert sizes == [5, 5, 4, 0]


def test_products_lie_below_cpq_only() -> None:
    assert Browser().get("/products").status_code == 404
    assert Browser().get("/cpq/contacts").status_code == 404


@pytest.mark.parametrize(
    ("position", "expected"),
    [("none", None), ("total", {"total": 14}), ("total_and_pages", {"total_pages": 1, "total": 14})],
)
def test_the_meta_of_products_has_the_form_of_its_switch(position: Any, expected: Any) -> None:
    assert Browser(Switches(products_meta=position)).body("/cpq/products").get("meta") == expected


def test_products_come_by_id_unless_sort_is_honoured() -> None:
    browser = Browser()
    query = {"sort": "created_at", "sort_type": "desc"}
    ids = browser.listed_ids("cpq/products", **query)
    assert ids == sorted(ids)
    browser.switch(products_sort_honoured=True)
    moments = [row["created_at"] for row in browser.listed("cpq/products", **query)]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize(("position", "status"), [("present", 200), ("forbidden", 403), ("not_found", 404)])
def test_the_list_of_products_may_be_missing(position: Any, status: int) -> None:
    browser = Browser(Switches(products_list=position))
    product = browser.store.live("products")[0]["id"]
    assert browser.get("/cpq/products").status_code == status
    assert browser.get(f"/cpq/products/{product}").status_code == 200
    browser.switch(products_list="empty")
    assert browser.body("/cpq/products") == {"products": []}


def test_a_deleted_product_leaves_its_list_or_stays_flagged() -> None:
    # What rows of a recycle bin say is another matter.
    browser = Browser(Switches(delete_moves_stamp=False, bin_rows_is_deleted=False))
    product = browser.store.live("products")[0]["id"]
    browser.store.delete("products", product)
    assert product not in browser.listed_ids("cpq/products")
    assert browser.body(f"/cpq/products/{product}")["product"]["is_deleted"] is True
    browser.switch(deleted_products="listed")
    flags = {row["id"]: row["is_deleted"] for row in browser.listed("cpq/products")}
    assert (flags[product], sum(flags.values())) == (True, 2)
    browser.switch(deleted_products="left_out")
    browser.store.restore("products", product)
    assert product in browser.listed_ids("cpq/products")


# --- leads


@needs_shared
def test_leads_have_the_keys_of_the_sample_less_what_was_folded_in() -> None:
    recorded = sample("masked_lead_hydrated")
    browser = Browser(Switches(classic=True))
    row = browser.rows("leads", "All Leads")[0]
    folded = {"owner", "lead_stage"}
    included = {"owner_id", "lead_stage_id", "appointment_ids"}
    assert list(row) == [key for key in recorded if key not in folded | included]
    assert set(row["company"]) == set(recorded["company"]) - {"industry_type", "business_type"}
    assert set(row["deal"]) == set(recorded["deal"]) - {"currency", "deal_product"}
    assert set(row["links"]) == set(recorded["links"])
    page = browser.page("leads", "All Leads", include="owner,lead_stage,appointments")
    assert page["leads"][0].keys() >= included
    assert {row["lead_stage_id"] for row in page["leads"]} == {row["id"] for row in page["lead_stages"]}


def test_leads_are_there_on_classic_accounts_only() -> None:
    browser = Browser()
    lead = browser.store.live("leads")[0]["id"]
    paths = [
        "/leads/filters",
        f"/leads/{lead}",
        browser.view_path("leads", "All Leads"),
        "/settings/leads/fields",
    ]
    assert {browser.get(path).status_code for path in paths} == {404}
    assert browser.client.post("/filtered_search/lead", json={}).status_code == 404
    browser.switch(classic=True)
    assert {browser.get(path).status_code for path in paths} == {200}
    assert browser.client.post("/filtered_search/lead", json={}).json()["meta"]["total"] == 25
    names = [view["name"] for view in browser.body("/leads/filters")["filters"]]
    assert names[:2] == ["All Leads", "My Leads"]


def test_leads_have_a_bin_and_lives_like_contacts() -> None:
    browser = Browser(Switches(classic=True))
    lead = browser.store.create("leads", last_name="New", email="new@example.com", company={"name": "X"})
    row = browser.rows("leads", "All Leads", sort="updated_at", sort_type="desc")[0]
    assert (row["id"], row["display_name"], row["company"]["name"]) == (lead, "New", "X")
    assert row["emails"][0]["value"] == "new@example.com"
    browser.store.delete("leads", lead)
    assert lead in browser.ids("leads", "Recycle Bin")
    assert lead not in browser.ids("leads", "All Leads")


def test_each_view_of_leads_can_be_read() -> None:
    browser = Browser(Switches(classic=True))
    total = len(browser.store.live("leads"))
    sizes = {name: len(browser.ids("leads", name)) for name in ("Hot Leads", "Warm Leads", "Cold Leads")}
    assert sum(sizes.values()) == total == len(browser.ids("leads", "Never Contacted"))
    unassigned = browser.rows("leads", "Unassigned Leads", include="owner")
    assert unassigned
    assert {row["owner_id"] for row in unassigned} == {None}


# --- selectors


def test_every_selector_answers_under_its_name_with_rows() -> None:
    browser = Browser(Switches(classic=True))
    for name in SELECTORS:
        body = browser.body(f"/selector/{name}")
        assert list(body) == ["users" if name == "owners" else name]
        assert next(iter(body.values())), name


@pytest.mark.parametrize("name", CLASSIC_SELECTORS)
def test_selectors_of_leads_are_missing_on_suite(name: str) -> None:
    assert Browser().get(f"/selector/{name}").status_code == 404


def test_the_outcomes_of_one_activity_type_have_a_path_of_their_own() -> None:
    browser = Browser()
    every = browser.body("/selector/sales_activity_outcomes")["sales_activity_outcomes"]
    kind = browser.body("/selector/sales_activity_types")["sales_activity_types"][0]["id"]
    path = f"/selector/sales_activity_types/{kind}/sales_activity_outcomes"
    rows = browser.body(path)["sales_activity_outcomes"]
    assert [row["id"] for row in rows] == [
        row["id"] for row in every if row["sales_activity_type_id"] == kind
    ]
    assert 0 < len(rows) < len(every)


def test_activities_point_to_types_and_outcomes_that_are_there() -> None:
    browser = Browser()
    types = {row["id"] for row in browser.store.account.selectors["sales_activity_types"]}
    kinds = {row["id"]: row for row in browser.store.account.selectors["sales_activity_outcomes"]}
    for row in browser.store.live("sales_activities"):
        assert row["sales_activity_type_id"] in types
        outcome = row["sales_activity_outcome_id"]
        assert outcome is None or (kinds[outcome]["sales_activity_type_id"] == row["sales_activity_type_id"])
    for task in browser.store.live("tasks"):
        assert {task["task_type_id"]} - {None} <= types
        assert {task["outcome_id"]} - {None} <= kinds.keys()


def test_choices_can_be_renamed_and_deleted() -> None:
    browser = Browser()
    account = browser.store.account
    deal = next(deal for deal in browser.store.live("deals") if deal["deal_type_id"])
    account.rename_choice("deal_types", deal["deal_type_id"], "Renewal")
    names = {row["id"]: row["name"] for row in browser.body("/selector/deal_types")["deal_types"]}
    assert names[deal["deal_type_id"]] == "Renewal"
    account.delete_choice("deal_types", deal["deal_type_id"])
    assert deal["deal_type_id"] not in {
        row["id"] for row in browser.body("/selector/deal_types")["deal_types"]
    }
    served = browser.emulator.served("deals", deal["id"], "deal_type")
    assert served["deal_type_id"] == deal["deal_type_id"]
