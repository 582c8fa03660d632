"""Samples that are no page of a view: feeds, modules, lists, the search, raw recordings. Each value is read by hand.

And the roll of all samples, so that one that is added later cannot be forgotten.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.api.client import Answer
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.decode import Layout, Page, decode_page, decode_record
from freshsales_source.entities import CUSTOM_MODULES, DEALS, LISTS, entity
from freshsales_source.entities.custom_modules import module_entity
from freshsales_source.entities.feeds import CONTACT_ACTIVITIES, DEAL_STAGE_LOG, NOTES, Feed
from freshsales_source.entities.module_tables import read_directory
from freshsales_source.feeds.rows import RecordFeed, feed_table, read_feed_page
from freshsales_source.schema.account_fields import AccountFields
from freshsales_source.schema.columns import Column
from freshsales_source.schema.fields import parse_forms
from tests.decoding import LIVE, NOON
from tests.shared_data import SHARED, needs_shared
from tests.warehouse_reader import read_off

pytestmark = needs_shared

SAMPLES = SHARED / "api-samples"

# Samples of answers that are read for something else than rows, or not at all; each with the reason.
NO_ROWS = {
    "README.md": "about the samples",
    "column_inventory_production_lake.json": "names of columns",
    "email_conversations.json": "conversations are not copied",
    "errors.json": "refusals",
    "evidence_silent_changes.json": "two readings of one record",
    "filtered_search_deal_thin.json": "thin rows are refused",
    "filtered_search_deleted_request.json": "a request",
    "job_status.json": "jobs write",
    "lookup.json": "not asked",
    "search.json": "not asked",
}
STREAMS = {
    "accounts": "sales_accounts",
    "completed_tasks": "tasks",
    "contacts": "contacts",
    "lost_deals": "deals",
    "open_deals": "deals",
    "open_tasks": "tasks",
    "past_appointments": "appointments",
    "upcoming_appointments": "appointments",
    "won_deals": "deals",
}
CONTRACTS = module_entity("cm_contracts", "cm_contracts", "Contracts")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes())


def answer_of(name: str) -> Answer:
    body = (SAMPLES / name).read_bytes()
    return Answer(status=200, body=body, where=name, served_at=NOON, limits=LimitSignal())


def page_of(records: list[Any], layout: Layout) -> Page:
    envelope = layout.entity.envelope
    return decode_page(json.dumps({envelope: records}).encode(), layout, envelope=envelope, read=LIVE)


def with_custom_keys(name: str, records: list[dict[str, Any]]) -> Layout:
    """The layout of an object once these records were met."""
    layout = Layout.of(entity(name))
    return layout.extended(page_of(records, layout).unknown)


# Rows of feeds


def rows_of_feed(feed: Feed, object: str, name: str) -> list[dict[str, Any]]:
    page = read_feed_page(answer_of(name), feed)
    table, _ = feed_table(feed, [RecordFeed(object=object, record_id=7, rows=page.rows, read_at=NOON)])
    return [
        {k: v for k, v in row.items() if v is not None and k != "_synced_at"} for row in table.to_pylist()
    ]


def test_a_note_is_exact() -> None:
    at = datetime(2021, 10, 18, 15, 50, tzinfo=UTC)
    assert rows_of_feed(NOTES, "contacts", "notes.json") == [
        {
            "targetable_type": "Contact",
            "targetable_id": 7,
            "position": 0,
            "id": 17000400001,
            "description": "Sample note for contact create",
            "creater_id": 17000038922,
            "has_access": True,
            "created_at": at,
            "updated_at": at,
        }
    ]


def test_an_activity_of_a_contact_is_exact() -> None:
    (row,) = rows_of_feed(CONTACT_ACTIVITIES, "contacts", "contact_activities.json")
    data = row.pop("action_data"), row.pop("additional_timeline_info")
    assert tuple(map(json.loads, data)) == (
        {"title": "Sample Task", "status": "open", "due_date": "2022-06-21T05:00:00-06:00"},
        {},
    )
    assert row == {
        "contact_id": 7,
        "position": 0,
        "id": 17000500001,
        "composite_id": "17000500001_1",
        "action_type": "TASK_CREATED",
        "actionable_type": "Task",
        "actionable_id": 17000408204,
        "targetable_type": "Contact",
        "targetable_id": 17008066468,
        "created_at": datetime(2021, 10, 18, 15, 53, 2, tzinfo=UTC),
        "user_activity": True,
    }


def test_the_stage_log_of_a_deal_is_exact_and_leaves_out_what_has_its_own_table() -> None:
    rows = rows_of_feed(DEAL_STAGE_LOG, "deals", "timeline_feeds.json")
    assert rows == [
        {
            "deal_id": 7,
            "position": 0,
            "action_type": "STAGE_CHANGE",
            "created_at": datetime(2026, 5, 18, 16, 38, 3, tzinfo=UTC),
            "stage_id": 10,
            "stage_name": "Invoice Sent",
            "pipeline_name": "Renewal Pipeline",
        },
        {
            "deal_id": 7,
            "position": 1,
            "action_type": "OWNER_CHANGE",
            "created_at": datetime(2024, 3, 20, 16, 51, 58, tzinfo=UTC),
            "owner_change": 100,
            "owner_name": "Banke",
        },
        {
            "deal_id": 7,
            "position": 2,
            "action_type": "CREATE",
            "created_at": datetime(2024, 1, 1, tzinfo=UTC),
        },
    ]


# Modules, lists, the search


def contract_columns() -> tuple[Column, ...]:
    types = {
        "cf_contract_id": "text",
        "cf_sign_date": "date",
        "cf_company": "auto_complete",
        "cf_products_in_contract": "multi_select_dropdown",
        "cf_revenue": "number",
        "cf_bidding_required": "checkbox",
    }
    fields = [{"id": n, "name": name, "type": type_} for n, (name, type_) in enumerate(types.items())]
    told = parse_forms(json.dumps({"forms": [{"fields": [{"fields": fields}]}]}).encode(), object="x")
    return AccountFields().with_settings(told, reserved=(), stored={}).columns


def test_a_record_of_a_custom_module_is_exact_alone_and_in_a_list() -> None:
    sent = sample("custom_module_record.json")
    layout = Layout.of(CONTRACTS, contract_columns())
    alone = decode_record(json.dumps(sent).encode(), layout, read=LIVE)
    listed = page_of([sent["cm_contracts"]], layout)
    assert alone.tables == listed.tables
    assert (listed.unknown, listed.ignored, listed.misfits) == ((), (), Counter())
    (row,) = listed.tables["cm_contracts"].to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        "id": 17000800001,
        "name": "C-0001",
        "owner_id": 17000038922,
        "creator_id": 17000038922,
        "updater_id": 17000038922,
        "created_at": datetime(2024, 5, 1, 2, tzinfo=UTC),
        "updated_at": datetime(2024, 5, 2, 2, tzinfo=UTC),
        "cf_contract_id": "C-0001",
        "cf_sign_date": date(2024, 5, 1),
        "cf_company": 17001391875,
        "cf_products_in_contract": "Alpha;Beta",
        "cf_revenue": Decimal("1200.5"),
        "cf_bidding_required": False,
        "is_deleted": False,
        "_synced_at": NOON,
    }
    products = listed.tables["cm_contracts__cf_products_in_contract"].select(
        ["cm_contracts_id", "position", "value"]
    )
    assert [tuple(row.values()) for row in products.to_pylist()] == [
        (17000800001, 0, "Alpha"),
        (17000800001, 1, "Beta"),
    ]


@pytest.mark.parametrize(
    ("file", "name"), [("lists.json", LISTS.name), ("module_customizations.json", CUSTOM_MODULES.name)]
)
def test_every_column_of_a_small_list_is_exact(file: str, name: str) -> None:
    (sent,) = sample(file)[entity(name).envelope]
    page = page_of([sent], Layout.of(entity(name)))
    assert (page.unknown, page.ignored, page.misfits) == ((), (), Counter())
    check(page, name, [sent])


def test_the_directory_of_the_sample_has_one_module() -> None:
    layout = Layout.of(CUSTOM_MODULES)
    page = page_of(sample("module_customizations.json")["module_customizations"], layout)
    (module,) = read_directory(page.tables["custom_modules"].to_pylist(), known=()).modules
    assert (module.key, module.table, module.plural_name) == ("cm_contracts", "cm_contracts", "Contracts")


def test_a_deal_of_the_search_is_exact() -> None:
    records = sample("filtered_search_deal_detail.json")["response"]["deals"]
    check(page_of(records, with_custom_keys(DEALS.name, records)), DEALS.name, records)


# Raw recordings


@pytest.mark.parametrize("stream", STREAMS)
def test_every_raw_recording_is_exact(stream: str) -> None:
    lines = (SAMPLES / "airbyte_records_raw_2023-11.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line, parse_float=Decimal) for line in lines]
    assert {row["stream"] for row in read} == STREAMS.keys()
    records = [row["data"] for row in read if row["stream"] == stream]
    name = STREAMS[stream]
    page = page_of(records, with_custom_keys(name, records))
    assert page.misfits == Counter()
    check(page, name, records)


def check(page: Page, name: str, records: list[dict[str, Any]]) -> None:
    """Every key that is a column holds what the JSON says; every other is dropped with a reason, or a list."""
    row = entity(name)
    apart = {dropped.key for dropped in row.dropped} | {child.key for child in row.lists} | {"custom_field"}
    for loaded, record in zip(page.tables[name].to_pylist(), records, strict=True):
        for key, value in record.items():
            if key in apart or value is None:
                continue
            found = loaded[key]
            wanted = read_off(value)
            assert (json.loads(found) if isinstance(value, dict | list) else found) == wanted, key


def test_every_sample_is_tried_or_left_out_for_a_reason() -> None:
    here = Path(__file__)
    tests = "".join(path.read_text(encoding="utf-8") for path in here.parent.glob("test_*.py"))
    files = {path.name for path in SAMPLES.iterdir()}
    untried = {name for name in files if name not in tests and not name.startswith(("selector_", "filters_"))}
    assert files >= NO_ROWS.keys()
    assert untried == set()
