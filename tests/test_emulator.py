from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from freshsales_source.emulator import (
    Emulator,
    Switches,
    delete_custom_field,
    retype_custom_field,
    with_texts,
)
from freshsales_source.emulator.objects import CONTACTS, DEALS, SALES_ACCOUNTS
from tests.emulator_browser import Browser
from tests.shared_data import SHARED, needs_shared

SAMPLES = SHARED / "api-samples"
MAIN_VIEWS = {"contacts": "All Contacts", "sales_accounts": "All Accounts", "deals": "Open Deals"}


SUITE = {kind.name: kind for kind in (CONTACTS, SALES_ACCOUNTS, DEALS)}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


# --- shapes


@needs_shared
@pytest.mark.parametrize(
    ("name", "object_name"),
    [("contacts", "contacts"), ("sales_accounts", "sales_accounts"), ("deals_open", "deals")],
)
def test_bare_rows_have_the_recorded_keys_in_the_recorded_order(name: str, object_name: str) -> None:
    recorded = sample(name)
    page = Browser().page(object_name, MAIN_VIEWS[object_name])
    assert list(page) == list(recorded)
    assert list(page["meta"]) == list(recorded["meta"])
    for row in page[object_name]:
        assert list(row) == list(recorded[object_name][0])
        assert list(row["links"]) == list(recorded[object_name][0]["links"])


@needs_shared
@pytest.mark.parametrize(
    ("name", "object_name", "include"),
    [
        ("contacts_view_with_includes", "contacts", "owner,contact_status,sales_accounts"),
        (
            "deals_view_with_includes",
            "deals",
            "owner,sales_account,deal_type,deal_reason,contacts,creater,updater",
        ),
    ],
)
def test_included_rows_have_the_keys_of_the_sample(name: str, object_name: str, include: str) -> None:
    recorded = sample(name)
    page = Browser().page(object_name, MAIN_VIEWS[object_name], include=include, per_page=100)
    row, expected = page[object_name][0], recorded[object_name][0]
    assert set(row) == set(expected)
    lists = set(page) - {"meta"}
    assert lists == {key for key in recorded if key != "meta"} - {"deal_stages"}
    for key in lists - {object_name}:
        if page[key] and recorded[key]:
            assert set(page[key][0]) == set(recorded[key][0]), key
    if "sales_accounts" in expected:
        with_account = next(each for each in page["contacts"] if each["sales_accounts"])
        assert set(with_account["sales_accounts"][0]) == set(expected["sales_accounts"][0])


@needs_shared
def test_filters_have_the_documented_names_and_keys() -> None:
    for object_name in SUITE:
        recorded = sample(f"filters_{object_name}")["filters"]
        views = Browser().body(f"/{object_name}/filters")["filters"]
        assert set(views[0]) == set(recorded[0])
        assert [view["name"] for view in views if view["is_default"]] == [view["name"] for view in recorded]
        assert {view["model_class_name"] for view in views} == {recorded[0]["model_class_name"]}


@needs_shared
def test_selectors_have_the_keys_of_the_samples() -> None:
    browser = Browser()
    for path in sorted(SAMPLES.glob("selector_*.json")):
        name = path.stem.removeprefix("selector_")
        if name in browser.store.account.selectors:
            recorded, answer = sample(path.stem), browser.body(f"/selector/{name}")
            assert list(answer) == list(recorded)
            for key, rows in recorded.items():
                assert set(answer[key][0]) == set(rows[0]), name


@needs_shared
def test_pipelines_carry_their_stages_as_in_the_sample() -> None:
    recorded = sample("selector_deal_pipelines")["deal_pipelines"][0]
    pipelines = Browser().body("/selector/deal_pipelines")["deal_pipelines"]
    assert [len(pipeline["deal_stages"]) for pipeline in pipelines] == [6, 4, 4]
    assert list(pipelines[0]["deal_stages"][0]) == list(recorded["deal_stages"][0])


@needs_shared
def test_field_settings_have_the_keys_of_the_sample() -> None:
    recorded = sample("settings_deals_fields")["fields"]
    fields = Browser().body("/settings/deals/fields")["fields"]
    for field in fields:
        assert set(field) - {"multiple", "creatable", "auto_suggest_url"} == set(recorded[0])
    multi = next(field for field in fields if field["type"] == "multi_select_dropdown")
    assert set(multi) == {*recorded[0], "multiple"}


@needs_shared
def test_errors_read_as_recorded() -> None:
    recorded = {row["case"]: row for row in sample("errors")}
    browser = Browser(Switches(forbidden=("deals",), language="nl", error_message="list"))
    blank = browser.client.get("/contacts/filters", headers={"Authorization": "Token token="})
    wrong = browser.client.get("/contacts/filters", headers={"Authorization": "Token token=nope"})
    denied = browser.get("/deals/filters")
    assert blank.json() == recorded["blank / missing API key on a valid account"]["body"]
    assert wrong.json() == recorded["wrong or expired API key"]["body"]
    assert [blank.status_code, wrong.status_code, denied.status_code] == [401, 401, 403]
    assert denied.json() == recorded["no permission (message in the user language, here Dutch)"]["body"]
    browser.switch(language="en", error_message="string")
    missing = browser.get("/contacts/1")
    assert missing.json() == recorded["record or view id not found"]["body"]


def test_foreign_keys_are_absent_unless_asked_for() -> None:
    browser = Browser()
    contact, deal = browser.rows("contacts", "All Contacts")[0], browser.rows("deals", "Open Deals")[0]
    assert not {"owner_id", "contact_status_id", "lead_source_id", "sales_accounts"} & contact.keys()
    assert not {"owner_id", "sales_account_id", "contact_ids", "currency_id"} & deal.keys()
    assert {"deal_pipeline_id", "deal_stage_id"} <= deal.keys()
    assert "owner_id" in browser.rows("sales_accounts", "All Accounts")[0]


def test_each_include_adds_its_key_and_its_list() -> None:
    browser = Browser(Switches(contact_status_key="contact_statuses"))
    for object_name, kind in SUITE.items():
        for include in kind.includes:
            page = browser.page(object_name, MAIN_VIEWS[object_name], include=include.name)
            assert include.key is None or include.key in page[object_name][0], include.name
            assert include.array is None or include.array in page, include.name


def test_side_loaded_rows_are_partial_and_listed_once() -> None:
    page = Browser().page("deals", "Won Deals", include="sales_account,owner,creater,updater", per_page=100)
    accounts = page["sales_accounts"]
    assert all(row["partial"] is True and "address" not in row for row in accounts)
    for rows in (accounts, page["users"]):
        assert len({row["id"] for row in rows}) == len(rows)
    assert {row["sales_account_id"] for row in page["deals"]} - {None} == {row["id"] for row in accounts}


def test_a_single_record_stands_under_its_singular_with_an_empty_meta() -> None:
    browser = Browser()
    for object_name, kind in SUITE.items():
        record_id = browser.store.live(object_name)[0]["id"]
        body = browser.body(f"/{object_name}/{record_id}", include="owner")
        assert body["meta"] == {}
        assert body[kind.singular]["id"] == record_id
        assert kind.single.keys() <= body[kind.singular].keys()
        assert "users" in body


def test_values_look_as_recorded() -> None:
    browser = Browser()
    deal = browser.store.create(
        "deals", name="X", amount="7700", expected_close=None, cf_seats=3, cf_interests="Training;サポート"
    )
    row = next(row for row in browser.rows("deals", "Open Deals") if row["id"] == deal)
    assert row["amount"] == row["base_currency_amount"] == "7700.0"
    assert row["expected_deal_value"] == "770.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[56]:00", row["updated_at"])
    assert row["custom_field"]["cf_interests"] == "Training;サポート"
    assert row["custom_field"]["cf_has_budget"] is False
    assert row["custom_field"]["cf_go_live"] is None
    contact = browser.rows("contacts", "All Contacts")[0]
    assert isinstance(contact["mcr_id"], int)
    assert contact["mcr_id"] > 2**53


def test_stamps_switch_their_offset_with_daylight_saving_time() -> None:
    stamps = {row["created_at"][-6:] for row in Browser().rows("contacts", "All Contacts")}
    assert stamps == {"-06:00", "-05:00"}


def test_age_runs_without_moving_the_stamp_and_may_be_negative() -> None:
    browser = Browser()
    deal = browser.store.create("deals", name="X")
    won = next(row["id"] for row in browser.store.account.selectors["deal_stages"] if row["name"] == "Won")
    before = browser.emulator.served("deals", deal)
    browser.clock.advance(40 * 86400)
    after = browser.emulator.served("deals", deal)
    assert (before["age"], before["rotten_days"]) == (0, None)
    assert (after["age"], after["rotten_days"]) == (40, 10)
    assert before["updated_at"] == after["updated_at"]
    created = browser.store.record("deals", deal)["created_at"].date()
    browser.store.update(
        "deals", deal, deal_stage_id=won, closed_date=created.replace(day=1).replace(year=2020)
    )
    assert browser.emulator.served("deals", deal)["age"] < 0
    assert browser.emulator.served("deals", deal)["rotten_days"] is None


def test_a_deleted_stage_leaves_its_selector_but_not_its_pipeline() -> None:
    browser = Browser()
    stage = browser.body("/selector/deal_stages")["deal_stages"][1]
    browser.store.account.delete_stage(stage["id"], browser.clock.now())
    assert stage["id"] not in {row["id"] for row in browser.body("/selector/deal_stages")["deal_stages"]}
    pipeline = browser.body("/selector/deal_pipelines")["deal_pipelines"][0]
    assert [row["is_deleted"] for row in pipeline["deal_stages"] if row["id"] == stage["id"]] == [True]


def test_the_stages_of_one_pipeline_have_a_path_of_their_own() -> None:
    browser = Browser()
    pipeline = browser.body("/selector/deal_pipelines")["deal_pipelines"][1]
    stages = browser.body(f"/selector/deal_pipelines/{pipeline['id']}/deal_stages")["deal_stages"]
    assert [row["id"] for row in stages] == [row["id"] for row in pipeline["deal_stages"]]


def test_a_custom_field_comes_and_goes_at_once() -> None:
    browser = Browser()
    account = browser.store.account
    account.add_custom_field("deals", "cf_new", "text")
    assert "cf_new" in browser.rows("deals", "Open Deals")[0]["custom_field"]
    assert "cf_new" in {row["name"] for row in browser.body("/settings/deals/fields")["fields"]}
    account.relabel_custom_field("deals", "cf_new", "Brand new")
    labels = {row["name"]: row["label"] for row in browser.body("/settings/deals/fields")["fields"]}
    assert labels["cf_new"] == "Brand new"
    account.drop_custom_field("deals", "cf_new")
    assert "cf_new" not in browser.rows("deals", "Open Deals")[0]["custom_field"]


def test_a_field_that_is_made_anew_begins_empty_and_one_of_another_type_keeps_its_values() -> None:
    browser = Browser()
    store = browser.store
    deal = int(store.live("deals")[0]["id"])
    for name in ("cf_anew", "cf_kept"):
        store.account.add_custom_field("deals", name, "text")
    store.update("deals", deal, cf_anew="old", cf_kept="12")
    stamp = store.record("deals", deal)["updated_at"]
    delete_custom_field(store, "deals", "cf_anew")
    store.account.add_custom_field("deals", "cf_anew", "checkbox")
    retype_custom_field(store, "deals", "cf_kept", "number")
    served = browser.body(f"/deals/{deal}")["deal"]["custom_field"]
    assert (served["cf_anew"], served["cf_kept"]) == (False, "12")
    types = {row["name"]: row["type"] for row in browser.body("/settings/deals/fields")["fields"]}
    assert (types["cf_anew"], types["cf_kept"]) == ("checkbox", "number")
    assert store.record("deals", deal)["updated_at"] == stamp


def test_field_groups_come_only_when_included() -> None:
    browser = Browser()
    assert "field_groups" not in browser.body("/settings/contacts/fields")
    assert "field_groups" in browser.body("/settings/contacts/fields", include="field_group")


# --- routes, key, host


@pytest.mark.parametrize(
    "path", ["/leads/filters", "/nothing/filters", "/deals/1/tasks", "/selector/nothing", "/contacts"]
)
def test_a_missing_route_is_an_html_404(path: str) -> None:
    answer = Browser().get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_missing_record_or_view_is_404() -> None:
    browser = Browser()
    assert browser.get("/contacts/999").status_code == 404
    assert browser.get("/contacts/nonsense").status_code == 404
    assert browser.get("/contacts/view/999").status_code == 404
    # A view belongs to its object.
    view = browser.store.views.id_of("deals", "Open Deals")
    assert browser.get(f"/contacts/view/{view}").status_code == 404


@pytest.mark.parametrize("header", ["Token demo-key", "demo-key", "Bearer token=demo-key", ""])
def test_only_the_documented_authorization_is_accepted(header: str) -> None:
    answer = Browser().client.get("/contacts/filters", headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"login": "failed", "message": None})


def test_a_wrong_key_may_have_no_message() -> None:
    browser = Browser(Switches(wrong_key_message="null"))
    answer = browser.client.get("/contacts/filters", headers={"Authorization": "Token token=x"})
    assert answer.json() == {"login": "failed", "message": None}


def test_another_alias_does_not_exist() -> None:
    browser = Browser(Switches(alias="acme"))
    assert browser.get("/contacts/filters").status_code == 200
    answer = browser.client.get("http://other.example/crm/sales/api/contacts/filters")
    assert (answer.status_code, answer.content) == (404, b"")


def test_the_classic_prefix_answers_only_when_switched_on() -> None:
    browser = Browser()
    path = "http://acme.example/api/contacts/filters"
    assert browser.client.get(path).status_code == 404
    browser.switch(classic=True)
    assert browser.client.get(path).status_code == 200
    assert browser.rows("deals", "Open Deals")[0]["links"]["notes"].startswith("/deals/")


def test_rights_can_miss_for_one_object_selector_or_the_settings() -> None:
    browser = Browser(Switches(forbidden=("deals", "owners", "settings")))
    deal = browser.store.live("deals")[0]["id"]
    for path in ("/deals/filters", f"/deals/{deal}", "/selector/owners", "/settings/contacts/fields"):
        assert browser.get(path).status_code == 403
    assert browser.client.post("/filtered_search/deal", json={}).status_code == 403
    assert browser.get("/contacts/filters").status_code == 200


@pytest.mark.parametrize(("position", "content_type"), [("json", "application/json"), ("html", "text/html")])
def test_a_404_is_json_or_html(position: str, content_type: str) -> None:
    browser = Browser(with_texts(Switches(), {"not_found_body": position}))
    answer = browser.get("/contacts/1")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(content_type)


# --- the answer around the records


def test_the_date_header_is_right_skewed_or_missing() -> None:
    browser = Browser()
    path = "/contacts/filters"
    assert parsedate_to_datetime(browser.get(path).headers["date"]) == browser.clock.now()
    browser.switch(date_header="skewed", date_skew_s=-90.0)
    off = parsedate_to_datetime(browser.get(path).headers["date"]) - browser.clock.now()
    assert off.total_seconds() == -90
    browser.switch(date_header="missing")
    assert "date" not in browser.get(path).headers


def test_bodies_are_gzipped_only_for_those_who_accept_it() -> None:
    browser = Browser()
    path = browser.view_path("contacts", "All Contacts")
    assert browser.get(path).headers["content-encoding"] == "gzip"
    plain = browser.client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == browser.get(path).json()
    browser.switch(gzip=False)
    assert "content-encoding" not in browser.get(path).headers


def test_latency_passes_half_before_and_half_after_the_records_are_read() -> None:
    browser = Browser(latency_s=2.0)
    seen: list[float] = []
    started = browser.clock.monotonic()
    browser.emulator.before_request = lambda number: seen.append(browser.clock.monotonic() - started)
    browser.get("/contacts/filters")
    assert seen == [1.0]
    assert browser.clock.sleeps == [1.0, 1.0]


def test_the_log_tells_each_request_in_order() -> None:
    browser = Browser()
    browser.get("/contacts/filters")
    browser.get("/contacts/1", include="owner")
    log = browser.emulator.log
    assert [(entry.method, entry.path, entry.query, entry.status) for entry in log] == [
        ("GET", "/crm/sales/api/contacts/filters", "", 200),
        ("GET", "/crm/sales/api/contacts/1", "include=owner", 404),
    ]
    assert log[0].at == browser.clock.now()


def test_a_schedule_of_events_runs_before_the_request_it_names() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]

    def on_request(number: int) -> None:
        if number == 2:
            browser.store.delete("contacts", contact)

    browser.emulator.before_request = on_request
    assert browser.body(f"/contacts/{contact}")["contact"]["is_deleted"] is False
    assert browser.body(f"/contacts/{contact}")["contact"]["is_deleted"] is True


def test_served_is_what_the_view_sends() -> None:
    browser = Browser()
    include = "owner,sales_account,contacts,currency"
    for row in browser.rows("deals", "Open Deals", include=include):
        assert browser.emulator.served("deals", row["id"], include) == row


def test_the_emulator_uses_its_stores_clock_unless_given_one() -> None:
    browser = Browser()
    assert Emulator(browser.store).clock is browser.clock
