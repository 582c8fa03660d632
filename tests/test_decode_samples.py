"""Recorded answers load with exact values: every column is compared with an independent reading of the JSON.

The reading here shares nothing with the decoder: json with Decimal, datetime.fromisoformat,
date.fromisoformat.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from freshsales_source.decode import Layout, Page, Reading, decode_page, decode_record
from freshsales_source.entities import (
    APPOINTMENTS,
    DEAL_PIPELINES,
    DEAL_STAGES,
    ENTITIES,
    LOOKUPS,
    OWNERS,
    entity,
)
from freshsales_source.schema.columns import Column, ColumnType, Confidence, Table
from freshsales_source.schema.entity_types import Entity
from tests.shared_data import SHARED, needs_shared

pytestmark = needs_shared

SYNCED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAMPLES = SHARED / "api-samples"

LIST_ANSWERS = [
    ("contacts.json", "contacts"),
    ("sales_accounts.json", "sales_accounts"),
    ("deals_open.json", "deals"),
    ("deals_won.json", "deals"),
    ("deals_lost.json", "deals"),
    ("legacy_contacts_view.json", "contacts"),
    ("legacy_deals_view.json", "deals"),
    ("legacy_sales_accounts_view.json", "sales_accounts"),
    ("contacts_view_with_includes.json", "contacts"),
    ("deals_view_with_includes.json", "deals"),
    ("tasks_open.json", "tasks"),
    ("tasks_completed.json", "tasks"),
    ("legacy_tasks.json", "tasks"),
    ("appointments_past.json", "appointments"),
    ("appointments_upcoming.json", "appointments"),
    ("sales_activities.json", "sales_activities"),
    ("cpq_products.json", "products"),
]

SELECTORS = [
    (f"selector_{row.name}.json", row.name)
    for row in LOOKUPS
    # No sample of these two selectors exists.
    if row.name not in ("deal_products", "sales_activity_entity_types")
]


def body_of(file: str) -> bytes:
    return (SAMPLES / file).read_bytes()


def custom_texts(records: list[dict[str, Any]]) -> tuple[Column, ...]:
    """Every custom key of the records as a column, typed by its values, under its key's plainest name."""
    values: dict[str, set[type]] = {}
    for record in records:
        for key, value in record.get("custom_field", {}).items():
            values.setdefault(key, set()).add(type(value))
    return tuple(
        Column(
            name=key.replace("-", "_"),
            key=key,
            type=ColumnType.BOOLEAN if bool in types else ColumnType.TEXT,
            description="",
            confidence=Confidence.RECORDED,
            is_custom=True,
        )
        for key, types in values.items()
    )


def read_by_hand(type_: ColumnType, value: Any) -> Any:
    if value is None:
        return None
    if type_ is ColumnType.DECIMAL:
        return Decimal(value)
    if type_ is ColumnType.TIMESTAMP:
        return datetime.fromisoformat(value).astimezone(UTC)
    if type_ is ColumnType.DATE:
        return date.fromisoformat(value)
    if type_ is ColumnType.JSON:
        return json.dumps(value)
    expected = {ColumnType.TEXT: str, ColumnType.BOOLEAN: bool}.get(type_, int)
    assert type(value) is expected, (type_, value)
    return value


@pytest.mark.parametrize(("file", "name"), LIST_ANSWERS)
def test_every_column_of_a_recorded_page_is_exact(file: str, name: str) -> None:
    body = body_of(file)
    records = json.loads(body, parse_float=Decimal)[name]
    row = entity(name)
    page = page_of(body, Layout.of(row, custom_texts(records)))
    # Attendees are side-loaded, which Arrow is not asked to sort out.
    assert page.was_fast == (row is not APPOINTMENTS)
    assert page.unknown == ()
    assert page.ignored == ()
    assert page.misfits == Counter()
    assert page.replaced == 0
    check_parent(page, page_layout(row, records), records)
    check_lists(page, row, records)


@pytest.mark.parametrize(("file", "name"), SELECTORS)
def test_every_column_of_a_selector_is_exact(file: str, name: str) -> None:
    body = body_of(file)
    row = entity(name)
    records = json.loads(body, parse_float=Decimal)[row.envelope]
    page = page_of(body, Layout.of(row))
    assert page.was_fast
    assert (page.unknown, page.ignored, page.misfits) == ((), (), Counter())
    check_parent(page, Layout.of(row), records)


def page_layout(row: Entity, records: list[dict[str, Any]]) -> Layout:
    return Layout.of(row, custom_texts(records))


def page_of(body: bytes, layout: Layout) -> Page:
    return decode_page(body, layout, envelope=layout.entity.envelope, read=Reading(synced_at=SYNCED_AT))


def check_parent(page: Page, layout: Layout, records: list[dict[str, Any]]) -> None:
    table = page.tables[layout.entity.name]
    assert table.schema == layout.schema
    rows = table.to_pylist()
    assert page.ids == [record["id"] for record in records]
    stamped = records if layout.entity.cursor else []
    assert page.stamps == [
        int(read_by_hand(ColumnType.TIMESTAMP, record["updated_at"]).timestamp()) for record in stamped
    ]
    for row, record in zip(rows, records, strict=True):
        read = {key: value for key, value in record.items() if key in names_of_plain_keys(layout)}
        for column in layout.columns:
            source = record.get("custom_field", {}) if column.is_custom else read
            expected = read_by_hand(column.type, source.get(column.key))
            if column.name == "is_deleted":
                expected = bool(expected)
            assert row[column.name] == expected, (record["id"], column.name)
        assert row["_synced_at"] == SYNCED_AT
        assert row["_deleted_reason"] is None
        assert row["_deleted_at"] is None


def names_of_plain_keys(layout: Layout) -> set[str]:
    return {column.key for column in layout.columns}


def check_lists(page: Page, row: Entity, records: list[dict[str, Any]]) -> None:
    for table, child in zip(row.tables()[1:], row.lists, strict=True):
        expected = []
        for record in records:
            for position, element in enumerate(record.get(child.key) or []):
                values = {"value": element} if child.is_plain else element
                own = {
                    column.name: read_by_hand(column.type, values.get(column.key)) for column in child.columns
                }
                place = {"position": position} if child.has_position else {}
                expected.append({row.foreign_key: record["id"], **place, **own, "_is_emptied": None})
        expected += [
            {row.foreign_key: record["id"], "_is_emptied": True}
            for record in records
            if not record.get(child.key)
        ]
        found = page.tables[table.name].drop_columns(["_synced_at"]).to_pylist()
        assert [{**nulls(table), **line} for line in expected] == found


def nulls(table: Table) -> dict[str, None]:
    names = (column.name for column in table.columns if column.name not in (*table.merge_key, "_synced_at"))
    return dict.fromkeys(names)


def test_every_key_of_the_recorded_rows_is_loaded_or_dropped_with_a_reason() -> None:
    files = [file for file, _ in LIST_ANSWERS]
    masked = [("masked_contact_hydrated.json", "contacts"), ("masked_deal_hydrated.json", "deals")]
    masked.append(("masked_account_hydrated.json", "sales_accounts"))
    keys: dict[str, set[str]] = {name: set() for _, name in LIST_ANSWERS}
    for file, name in LIST_ANSWERS:
        for record in json.loads(body_of(file))[name]:
            keys[name].update(record)
    for file, name in masked:
        keys[name].update(json.loads(body_of(file)))
    listed = json.loads(body_of("column_inventory_production_lake.json"))
    for name, found in keys.items():
        found.update(listed.get(f"{name}_beyond_airbyte_2023", {}))
        assert found <= Layout.of(entity(name)).known, found - Layout.of(entity(name)).known
    assert len(files) == 17


def test_every_key_of_the_masked_lead_is_loaded_or_dropped_with_a_reason() -> None:
    lead = json.loads(body_of("masked_lead_hydrated.json"))
    members = {f"{name}_{member}" for name in ("company", "deal") for member in lead[name]}
    known = Layout.of(entity("leads")).known
    assert {*lead, *members} <= known, {*lead, *members} - known


def test_every_sample_of_these_objects_is_tried() -> None:
    """So that a sample added later cannot be forgotten."""
    tried = {file for file, _ in (*LIST_ANSWERS, *SELECTORS)}
    words = ("tasks", "appointments", "sales_activities", "products", "selector_")
    files = {path.name for path in SAMPLES.iterdir() if any(word in path.name for word in words)}
    assert files - tried == {"legacy_selector_owners.json"}


def test_the_raw_contacts_of_2023_have_the_values_seen_in_the_record() -> None:
    """A few values written out by hand, so that an error in the comparison above cannot hide."""
    page = page_of(body_of("contacts.json"), Layout.of(entity("contacts")))
    jane = next(row for row in page.tables["contacts"].to_pylist() if row["id"] == 17008066468)
    assert jane["mcr_id"] == 1450049339590340608
    assert jane["open_deals_amount"] == Decimal(22780)
    assert jane["updated_at"] == datetime(2023, 9, 9, 5, 42, 26, tzinfo=UTC)
    assert jane["subscription_types"] == "1;2;3;4;5"
    mail = [row for row in page.tables["contacts__emails"].to_pylist() if row["contact_id"] == 17008066468]
    assert mail == [
        {
            "contact_id": 17008066468,
            "position": 0,
            "id": 17007194356,
            "value": "janesampleton@gmail.com",
            "is_primary": True,
            "label": None,
            "_is_emptied": None,
            "_synced_at": SYNCED_AT,
        }
    ]


def test_embedded_accounts_and_contact_ids_become_bridges() -> None:
    contacts = page_of(body_of("contacts_view_with_includes.json"), Layout.of(entity("contacts")))
    deals = page_of(body_of("deals_view_with_includes.json"), Layout.of(entity("deals")))
    assert contacts.tables["contacts"].num_rows == 1
    bridge = contacts.tables["contacts__sales_accounts"].select(
        ["contact_id", "sales_account_id", "is_primary"]
    )
    assert bridge.to_pylist() == [
        {"contact_id": 17008066468, "sales_account_id": 17001321830, "is_primary": True}
    ]
    assert deals.tables["deals__contacts"].select(["deal_id", "contact_id"]).to_pylist() == [
        {"deal_id": 17015628751, "contact_id": 17008318589}
    ]


def test_a_recorded_single_deal_decodes_as_a_page_of_one() -> None:
    body = body_of("legacy_deal_get_include_owner.json")
    record = json.loads(body, parse_float=Decimal)["deal"]
    layout = Layout.of(entity("deals"), custom_texts([record]))
    page = decode_record(body, layout, read=Reading(synced_at=SYNCED_AT))
    check_parent(page, layout, [record])
    assert page.tables["deals"].column("owner_id").to_pylist() == [5000031046]
    assert page.unknown == ()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tasks_completed.json", "tasks"),
        ("appointments_past.json", "appointments"),
        ("sales_activities.json", "sales_activities"),
        ("cpq_products.json", "products"),
    ],
)
def test_a_single_record_decodes_like_its_page(file: str, name: str) -> None:
    row = entity(name)
    answer = json.loads(body_of(file))
    layout = Layout.of(row, custom_texts(answer[name]))
    alone = json.dumps({row.singular: answer[name][0], "users": [], "meta": {}}).encode()
    in_page = json.dumps({**answer, name: answer[name][:1]}).encode()
    page = decode_record(alone, layout, read=Reading(synced_at=SYNCED_AT))
    assert page.tables == page_of(in_page, layout).tables


def test_the_recorded_tasks_have_the_values_seen_in_the_record() -> None:
    """A few values written out by hand, so that an error in the comparison above cannot hide."""
    page = page_of(body_of("tasks_completed.json"), Layout.of(entity("tasks")))
    (task,) = page.tables["tasks"].to_pylist()
    assert (task["id"], task["status"], task["outcome_id"]) == (17000407413, 1, 17001154300)
    assert task["completed_date"] == task["updated_at"] == datetime(2021, 10, 19, 6, 27, 33, tzinfo=UTC)
    targets = page.tables["tasks__targetables"].drop_columns(["_is_emptied", "_synced_at"])
    assert targets.to_pylist() == [
        {"task_id": 17000407413, "position": 0, "target_id": 17008066468, "target_type": "Contact"}
    ]


def test_an_appointment_may_be_older_than_itself() -> None:
    page = page_of(body_of("appointments_past.json"), Layout.of(entity("appointments")))
    meeting = next(row for row in page.tables["appointments"].to_pylist() if row["id"] == 17000382511)
    assert meeting["updated_at"] < meeting["created_at"]
    assert page.total == 6
    assert page.total_pages is None


def test_prices_are_exact_and_the_exchange_rate_is_no_text() -> None:
    products = page_of(body_of("cpq_products.json"), Layout.of(entity("products")))
    (price,) = products.tables["products__pricings"].to_pylist()
    assert (price["currency_code"], price["unit_price"]) == ("USD", Decimal(7000))
    currencies = page_of(body_of("selector_currencies.json"), Layout.of(entity("currencies")))
    assert currencies.tables["currencies"].column("exchange_rate").to_pylist() == [Decimal(1)]


def test_the_recorded_owners_are_found_under_users() -> None:
    page = page_of(body_of("legacy_selector_owners.json"), Layout.of(OWNERS))
    assert page.was_fast
    row = page.tables["owners"].to_pylist()[0]
    assert (row["id"], row["display_name"], row["is_active"]) == (5000031046, "Jo oge", True)
    assert page.unknown == ()


def test_stages_come_from_their_selector_and_from_inside_the_pipelines() -> None:
    body = body_of("selector_deal_pipelines.json")
    layout = Layout.of(DEAL_STAGES)
    alone = decode_page(
        body_of("selector_deal_stages.json"),
        layout,
        envelope="deal_stages",
        read=Reading(synced_at=SYNCED_AT),
    )
    embedded = decode_page(
        body, layout, envelope="deal_pipelines.deal_stages", read=Reading(synced_at=SYNCED_AT)
    )
    assert alone.unknown == embedded.unknown == ()
    assert alone.tables["deal_stages"].equals(embedded.tables["deal_stages"])
    assert embedded.ids == [17000237830, 17000237831, 17000237835, 17000237836]


def test_pipelines_keep_their_board_settings_as_json() -> None:
    page = page_of(body_of("selector_deal_pipelines.json"), Layout.of(DEAL_PIPELINES))
    row = page.tables["deal_pipelines"].to_pylist()[0]
    assert (row["id"], row["is_default"], row["rotting_days"]) == (17000033935, True, 30)
    assert json.loads(row["configs"]) == [{"field_name": "amount", "position": 1, "highlight": True}]
    assert page.unknown == ()


def test_tables_have_no_column_that_a_float_passed_through() -> None:
    for row in ENTITIES:
        for schema in Layout.of(row).schemas.values():
            assert not any(pa.types.is_floating(field.type) for field in schema)
