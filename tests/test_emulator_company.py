from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from freshsales_source.emulator import SeedFolderIncomplete, Store, generate_company, read_folder
from freshsales_source.emulator.links import LINKS
from freshsales_source.emulator.objects import OBJECTS
from tests.emulator_browser import Browser
from tests.fake_clock import FakeClock
from tests.shared_data import SHARED, needs_shared

MAVEN = SHARED / "datasets" / "maven_crm_sales_opportunities"
MAIN_VIEWS = {
    "contacts": "All Contacts",
    "sales_accounts": "All Accounts",
    "deals": "Every pipeline",
    "leads": "All Leads",
}


def company() -> Store:
    return generate_company(FakeClock())


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (tuple, list)):
        return [text for each in value for text in texts(each)]
    return [text for each in value.values() for text in texts(each)] if isinstance(value, dict) else []


def test_the_company_has_the_promised_size() -> None:
    store = company()
    assert {name: len(store.live(name)) for name in OBJECTS} == {
        "contacts": 400,
        "sales_accounts": 120,
        "deals": 600,
        "leads": 25,
        "tasks": 90,
        "appointments": 60,
        "sales_activities": 150,
        "products": 14,
        "lists": 0,
    }
    assert {name: len(store.binned(name)) for name in OBJECTS if store.binned(name)} == {
        "contacts": 9,
        "sales_accounts": 9,
        "deals": 9,
        "leads": 1,
        "products": 1,
    }
    assert len(store.account.selectors["owners"]) == 8
    assert len(store.account.selectors["deal_pipelines"]) == 3


def test_one_seed_gives_one_company_and_another_seed_another() -> None:
    first, second, other = (generate_company(FakeClock(), seed=seed) for seed in (5, 5, 6))
    assert first.live("deals") == second.live("deals")
    assert first.account.selectors == second.account.selectors
    assert first.live("deals") != other.live("deals")


def test_two_years_of_deals_end_at_the_clocks_now() -> None:
    store = company()
    now = store.clock.now()
    for name in OBJECTS:
        for record in store.live(name) + store.binned(name):
            assert now - timedelta(days=731) < record["created_at"] < now
            # A second sync right after the first must have nothing to load.
            assert record["updated_at"] <= now - timedelta(hours=1)
        # One appointment was updated before it was created, as in a recorded response.
        odd = [record for record in store.live(name) if record["updated_at"] < record["created_at"]]
        assert len(odd) == (1 if name == "appointments" else 0)
    created = [deal["created_at"] for deal in store.live("deals")]
    assert min(created) < now - timedelta(days=700)
    assert max(created) > now - timedelta(days=30)


def test_each_pipeline_has_open_won_and_lost_deals() -> None:
    store = company()
    stage = store.account.stage
    kinds = Counter(
        (stage(deal["deal_stage_id"])["deal_pipeline_id"], stage(deal["deal_stage_id"])["forecast_type"])
        for deal in store.live("deals")
    )
    assert len(kinds) == 9
    assert all(
        (deal["closed_date"] is None) == (stage(deal["deal_stage_id"])["forecast_type"] == "Open")
        for deal in store.live("deals")
    )


def test_links_point_to_records_that_are_there() -> None:
    store = company()
    for link in LINKS:
        for record in store.live(link.object):
            assert all(each in store.tables[link.to].live for each in link.targets(record))


def test_a_deals_contacts_work_at_its_account() -> None:
    store = company()
    for deal in store.live("deals"):
        for contact in deal["contact_ids"]:
            assert deal["sales_account_id"] in store.record("contacts", contact)["sales_account_ids"]


def test_texts_come_in_several_scripts() -> None:
    store = company()
    letters = {
        letter
        for name in OBJECTS
        for record in store.live(name)
        for text in texts(dict(record))
        for letter in text
    }
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in letters if letter.isalpha()}
    assert {"LATIN", "DEVANAGARI", "HIRAGANA", "CJK", "ARABIC"} <= names
    assert letters >= {"🔥", "🚀", "ł", "\n", ";", '"'}


def test_there_are_custom_fields_of_each_type_with_values() -> None:
    store = company()
    types = {spec.type for fields in store.account.custom_fields.values() for spec in fields.values()}
    assert types == {
        "text",
        "textarea",
        "number",
        "checkbox",
        "dropdown",
        "multi_select_dropdown",
        "date",
        "auto_complete",
    }
    for name, fields in store.account.custom_fields.items():
        for field in fields:
            values = [record["custom_field"].get(field) for record in store.live(name)]
            assert any(value not in (None, False) for value in values), field


def test_every_row_can_be_served_with_every_include() -> None:
    clock = FakeClock()
    browser = Browser(store=generate_company(clock), clock=clock)
    browser.switch(deal_views_default_pipeline_only=False, classic=True)
    for name, kind in OBJECTS.items():
        include = ",".join(each.name for each in kind.includes)
        queries = [{"filter": each.name} for each in kind.flat.filters] if kind.flat else []
        path = f"/{'/'.join(kind.segments)}"
        if kind.views:
            views = browser.body(f"{path}/filters")["filters"]
            path = f"{path}/view/{next(row['id'] for row in views if row['name'] == MAIN_VIEWS[name])}"
        ids = {
            row["id"]
            for query in queries or [{}]
            for page in range(1, 7)
            for row in browser.body(path, per_page=100, page=page, include=include, **query)[name]
        }
        assert ids == {record["id"] for record in browser.store.live(name)}


# --- the Maven set


@needs_shared
def test_the_maven_set_gives_the_published_answers() -> None:
    store = read_folder(MAVEN, FakeClock())
    stage = store.account.stage
    deals = store.live("deals")
    by_stage = Counter(stage(deal["deal_stage_id"])["name"] for deal in deals)
    assert by_stage == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    won = [deal for deal in deals if stage(deal["deal_stage_id"])["name"] == "Won"]
    still_open = [deal for deal in deals if stage(deal["deal_stage_id"])["forecast_type"] == "Open"]
    assert sum(deal["amount"] for deal in won) == 10_005_534
    assert sum(deal["amount"] for deal in still_open) == 4_966_215
    zone = ZoneInfo("Asia/Kolkata")
    days = [(deal["closed_date"] - deal["created_at"].astimezone(zone).date()).days for deal in won]
    assert round(sum(days) / len(days), 1) == 51.8
    in_utc = [(deal["closed_date"] - deal["created_at"].date()).days for deal in won]
    assert round(sum(in_utc) / len(in_utc), 1) == 52.8
    assert len(store.live("sales_accounts")) == 85
    assert len(store.account.selectors["owners"]) == 35
    sums: Counter[str] = Counter()
    names = {row["id"]: row["display_name"] for row in store.account.selectors["owners"]}
    for deal in won:
        sums[names[deal["owner_id"]]] += int(deal["amount"])
    assert sums.most_common(1) == [("Darcel Schlecht", 1_153_214)]


@needs_shared
def test_the_maven_set_keeps_its_defects_and_its_days() -> None:
    store = read_folder(MAVEN, FakeClock())
    deals = store.live("deals")
    assert sum(deal["sales_account_id"] is None for deal in deals) == 1425
    assert {row["name"] for row in store.account.selectors["industry_types"]} >= {"technolgy"}
    assert "Philipines" in {firm["country"] for firm in store.live("sales_accounts")}
    assert {deal["custom_field"]["cf_product"] for deal in deals} >= {"GTX Pro"}
    assert "GTXPro" not in {deal["custom_field"]["cf_product"] for deal in deals}
    assert sum(firm.get("parent_sales_account_id") is not None for firm in store.live("sales_accounts")) == 15
    first = next(deal for deal in deals if deal["custom_field"]["cf_opportunity_id"] == "1C1I7A6R")
    zone = ZoneInfo("Asia/Kolkata")
    assert first["created_at"] == datetime(2016, 10, 20, tzinfo=zone)
    assert first["closed_date"] == date(2017, 3, 1)
    assert (first["amount"], first["deal_stage_id"]) == (
        Decimal(1054),
        next(row["id"] for row in store.account.selectors["deal_stages"] if row["name"] == "Won"),
    )
    undated = [deal for deal in deals if deal["created_at"] == datetime(2016, 10, 20, tzinfo=zone)]
    assert len(undated) >= 500


@needs_shared
def test_the_other_sets_give_people() -> None:
    store = read_folder(MAVEN, FakeClock())
    people = store.live("contacts")
    assert len(people) == 93 + 2059
    assert "Maria Anders" in {person["display_name"] for person in people}
    assert sum(bool(person.get("sales_account_ids")) for person in people) == 93
    linked = [deal for deal in store.live("deals") if deal["contact_ids"]]
    assert len(linked) > 5000


@needs_shared
def test_the_products_and_the_other_sets_orders_are_there() -> None:
    store = read_folder(MAVEN, FakeClock())
    prices = {row["name"]: row["base_currency_amount"] for row in store.live("products")}
    assert (len(prices), prices["GTX Pro"]) == (7, 4821)
    tasks = store.live("tasks")
    assert len(tasks) == 830
    assert min(task["created_at"] for task in tasks) == datetime(
        2016, 10, 20, tzinfo=ZoneInfo("Asia/Kolkata")
    )
    late = [task for task in tasks if task["completed_date"] and task["completed_date"] > task["due_date"]]
    still_open = [task for task in tasks if task["status"] == 0]
    assert (len(late), len(still_open)) == (37, 21)
    assert sum(bool(task["targetables"]) for task in tasks) > 800


@needs_shared
def test_the_maven_set_is_served_whole() -> None:
    clock = FakeClock()
    browser = Browser(store=read_folder(MAVEN, clock), clock=clock)
    names = ("Open Deals", "Won Deals", "Lost Deals")
    assert [browser.page("deals", name)["meta"]["total"] for name in names] == [2089, 4238, 2473]
    row = browser.page("deals", "Won Deals", sort="created_at", sort_type="asc")["deals"][0]
    assert row["created_at"] == "2016-10-20T00:00:00+05:30"


def test_a_folder_without_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedFolderIncomplete, match=r"no sales_pipeline\.csv"):
        read_folder(tmp_path, FakeClock())
    (tmp_path / "sales_pipeline.csv").write_text("opportunity_id\n")
    with pytest.raises(SeedFolderIncomplete, match=r"sales_teams\.csv is missing"):
        read_folder(tmp_path, FakeClock())


def test_a_folder_without_people_gives_no_contacts(tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "maven"
    write(folder / "sales_teams.csv", ["sales_agent", "manager", "regional_office"], ["A B", "M", "East"])
    write(folder / "products.csv", ["product", "series", "sales_price"], ["GTX Pro", "GTX", "4821"])
    write(
        folder / "accounts.csv",
        ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"],
        ["Acme", "retail", "1996", "1100.04", "28", "Kenya", ""],
    )
    write(
        folder / "sales_pipeline.csv",
        [
            "opportunity_id",
            "sales_agent",
            "product",
            "account",
            "deal_stage",
            "engage_date",
            "close_date",
            "close_value",
        ],
        ["X1", "A B", "GTXPro", "", "Prospecting", "", "", ""],
    )
    # The folder itself, or the one above it.
    for path in (folder, folder.parent):
        store = read_folder(path, FakeClock())
        assert store.live("contacts") == []
        (deal,) = store.live("deals")
        assert (deal["amount"], deal["contact_ids"]) == (Decimal(4821), ())
        assert store.live("sales_accounts")[0]["annual_revenue"] == 1_100_040_000


def write(path: Path, *rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
