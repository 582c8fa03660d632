"""Custom modules as the emulator serves them: directory, forms, views, records, and what may be missing."""

from __future__ import annotations

from typing import Any

import pytest

from freshsales_source.emulator import Switches, generate_company
from tests.emulator_browser import Browser, seconds
from tests.fake_clock import FakeClock

CONTRACTS = "cm_contracts"


def browser(**positions: Any) -> Browser:
    clock = FakeClock()
    store = generate_company(clock, accounts=5, contacts=5, deals=5, in_bin=1, contracts=30)
    return Browser(Switches(**positions), store=store, clock=clock)


def views_of(account: Browser, module: str = CONTRACTS) -> dict[str, int]:
    return {view["name"]: view["id"] for view in account.body(f"/custom_module/{module}/filters")["filters"]}


def rows_of(account: Browser, view: str, module: str = CONTRACTS, **query: Any) -> list[dict[str, Any]]:
    view_id = account.store.views.id_of(module, view)
    return list(account.body(f"/custom_module/{module}/view/{view_id}", per_page=100, **query)[module])


def test_the_directory_lists_all_modules_and_marks_the_custom_ones() -> None:
    rows = browser().body("/settings/module_customizations")["module_customizations"]
    assert {row["entity_name"]: row["custom"] for row in rows} == {
        "contact": False,
        "sales_account": False,
        "deal": False,
        CONTRACTS: True,
    }
    row = rows[-1]
    assert (row["singular_name"], row["plural_name"], row["table_name"]) == (
        "Contract",
        "Contracts",
        CONTRACTS,
    )
    assert browser().body(f"/settings/module_customizations/{row['id']}") == {"module_customization": row}


def test_a_directory_may_be_missing_or_beyond_the_keys_rights() -> None:
    account = browser(module_directory="forbidden")
    assert account.get("/settings/module_customizations").status_code == 403
    account.switch(module_directory="not_found")
    assert account.get("/settings/module_customizations").status_code == 404
    account.switch(module_directory="present")
    assert account.get("/settings/module_customizations/17").status_code == 404


def test_list_and_record_stand_under_the_same_key() -> None:
    account = browser()
    row = rows_of(account, "All Contracts")[0]
    single = account.body(f"/custom_module/{CONTRACTS}/{row['id']}")
    assert (single[CONTRACTS], single["meta"]) == (row, {})
    assert list(row) == [
        "id",
        "name",
        "owner_id",
        "custom_field",
        "created_at",
        "creator_id",
        "updated_at",
        "updater_id",
        "avatar",
        "recent_note",
        "links",
        "record_type_id",
    ]
    assert row["links"]["notes"] == f"/crm/sales/custom_module/{CONTRACTS}/{row['id']}/notes"
    assert set(row["custom_field"]) == {
        "cf_contract_id",
        "cf_sign_date",
        "cf_company",
        "cf_products_in_contract",
        "cf_revenue",
        "cf_bidding_required",
    }


def test_fields_stand_nested_in_forms_with_keys_in_camel_case() -> None:
    ((group,),) = [form["fields"] for form in browser().body(f"/settings/{CONTRACTS}/forms")["forms"]]
    fields = {field["name"]: field for field in group["fields"]}
    assert list(fields)[:3] == ["name", "owner_id", "cf_contract_id"]
    assert fields["cf_products_in_contract"]["type"] == "multi_select_dropdown"
    assert [choice["value"] for choice in fields["cf_products_in_contract"]["choices"]] == ["Alpha", "Beta"]
    assert {"baseModel", "quickAddPosition"} <= set(fields["cf_sign_date"])
    assert browser().get("/settings/contacts/forms").status_code == 404
    assert browser().get("/settings/cm_nothing/forms").status_code == 404


def test_views_show_live_records_and_the_bin_the_others() -> None:
    account = browser()
    assert list(views_of(account)) == ["All Contracts", "My Contracts", "Recycle Bin"]
    live, binned = rows_of(account, "All Contracts"), rows_of(account, "Recycle Bin")
    assert (len(live), len(binned)) == (30, 2)
    assert not any("is_deleted" in row for row in live + binned)
    account.store.delete(CONTRACTS, live[0]["id"])
    assert live[0]["id"] in [row["id"] for row in rows_of(account, "Recycle Bin")]


def test_a_module_may_have_no_list_of_views_while_views_answer() -> None:
    account = browser(module_filters="not_found")
    assert account.get(f"/custom_module/{CONTRACTS}/filters").status_code == 404
    assert len(rows_of(account, "All Contracts")) == 30


def test_a_module_may_have_no_bin() -> None:
    account = browser(module_bin=False)
    assert list(views_of(account)) == ["All Contracts", "My Contracts"]


def test_a_view_may_ignore_the_order() -> None:
    account = browser()
    newest = {"sort": "updated_at", "sort_type": "desc"}
    stamps = [seconds(row["updated_at"]) for row in rows_of(account, "All Contracts", **newest)]
    assert stamps == sorted(stamps, reverse=True)
    account.switch(module_sort_honoured=False)
    ids = [row["id"] for row in rows_of(account, "All Contracts", **newest)]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("position", "meta"),
    [("none", None), ("total", {"total": 30}), ("total_and_pages", {"total_pages": 1, "total": 30})],
)
def test_a_view_tells_its_size_as_the_switch_says(position: str, meta: dict[str, int] | None) -> None:
    account = browser(module_meta=position)
    view = account.store.views.id_of(CONTRACTS, "All Contracts")
    assert account.body(f"/custom_module/{CONTRACTS}/view/{view}", per_page=100).get("meta") == meta


def test_search_may_know_modules() -> None:
    account = browser()
    found = account.search(CONTRACTS, {"attribute": "name", "operator": "is", "value": "C-0001"}, detail=True)
    assert [row["custom_field"]["cf_contract_id"] for row in found[CONTRACTS]] == ["C-0001"]
    account.switch(module_search=False)
    assert account.client.post(f"/filtered_search/{CONTRACTS}", json={"filter_rule": []}).status_code == 404


def test_modules_are_made_and_deleted_while_the_account_is_in_use() -> None:
    account = browser()
    account.store.add_module("cm_assets", "Asset", "Assets")
    made = account.store.create("cm_assets", name="Lathe")
    (row,) = rows_of(account, "All Assets", "cm_assets")
    assert (row["id"], row["name"], row["creator_id"]) == (made, "Lathe", account.store.account.me)
    assert set(views_of(account).values()).isdisjoint(views_of(account, "cm_assets").values())
    account.store.drop_module("cm_assets")
    assert account.get("/custom_module/cm_assets/filters").status_code == 404
    names = [
        row["entity_name"] for row in account.body("/settings/module_customizations")["module_customizations"]
    ]
    assert names[-1] == CONTRACTS


def test_a_module_beyond_the_keys_rights_answers_403() -> None:
    account = browser(forbidden=(CONTRACTS,))
    assert account.get(f"/custom_module/{CONTRACTS}/filters").status_code == 403
    assert account.get("/settings/module_customizations").status_code == 200
