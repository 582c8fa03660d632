"""The tables about settings: every column filled, rows replaced by object, texts that can be stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from freshsales_source.decode import Layout
from freshsales_source.entities import DEALS
from freshsales_source.pages.views import View
from freshsales_source.schema.account_fields import AccountFields
from freshsales_source.schema.column_names import plain_name
from freshsales_source.schema.columns import EMPTIED_MARKER, Column, ColumnType, Table, dlt_columns
from freshsales_source.schema.fields import Field, parse_fields
from freshsales_source.warehouse.metadata import (
    FIELD_CHOICES,
    FIELDS,
    METADATA,
    choices_table,
    fields_table,
    metadata_schema,
    views_table,
)
from tests.shared_data import SHARED, needs_shared

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

each_table = pytest.mark.parametrize("table", METADATA, ids=lambda table: table.name)


def fields_of(*rows: dict[str, Any]) -> tuple[Field, ...]:
    return parse_fields(json.dumps({"fields": list(rows)}).encode(), object="deals")


def columns_of(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    """All columns of deals in an account with these fields."""
    reserved = {column.name for column in Layout.of(DEALS).table.columns}
    custom = AccountFields().with_settings(fields, reserved=reserved, stored={}).columns
    return Layout.of(DEALS, custom).table.columns


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in table.to_pylist()]


FULLEST = {
    "id": 9,
    "name": "cf_Region",
    "label": "Region",
    "type": "dropdown",
    "default": False,
    "position": 40,
    "required": True,
    "visible": False,
    "multiple": True,
    "field_group_id": 12,
    "choices": [{"id": 7, "value": "EMEA", "position": 1}, {"id": "x", "value": "APAC", "position": 2}],
}


@each_table
def test_the_rows_of_an_object_are_replaced_together(table: Table) -> None:
    hints = dlt_columns(table)
    assert [name for name, hint in hints.items() if hint.get("merge_key")] == ["object"]
    assert not any("primary_key" in hint for hint in hints.values())
    assert table.column("object").type is ColumnType.TEXT
    assert table.column("_synced_at").type is ColumnType.TIMESTAMP
    assert [plain_name(name) for name in hints] == list(hints)
    assert all(column.description.endswith(".") for column in table.columns)


def test_every_column_of_a_field_is_filled() -> None:
    fields = fields_of(FULLEST)
    table = fields_table(fields, columns=columns_of(fields), synced_at=NOON)
    assert table.schema == metadata_schema(FIELDS)
    assert rows_of(table) == [
        {
            "object": "deals",
            "field_id": 9,
            "name": "cf_Region",
            "label": "Region",
            "type": "dropdown",
            "is_custom": True,
            "column_name": "cf_region",
            "position": 40,
            "required": True,
            "visible": False,
            "multiple": True,
            "field_group_id": 12,
            "is_deleted": False,
            "_synced_at": NOON,
        }
    ]


def test_a_field_names_the_column_that_holds_its_values_or_none() -> None:
    fields = fields_of(
        {"id": 1, "name": "amount", "type": "number", "default": True},
        {"id": 2, "name": "emails", "type": "text", "default": True},
        {"id": 3, "name": "amount", "type": "text", "default": False},
        {"id": 4, "name": "owner_id", "type": "auto_complete", "default": True},
    )
    rows = rows_of(fields_table(fields, columns=columns_of(fields), synced_at=NOON))
    standard, nowhere, custom, owner = (row["column_name"] for row in rows)
    assert (standard, nowhere, owner) == ("amount", None, "owner_id")
    assert custom.startswith("amount_")


def test_every_column_of_a_choice_is_filled_but_the_marker() -> None:
    table = choices_table("deals", fields_of(FULLEST), synced_at=NOON)
    assert table.schema == metadata_schema(FIELD_CHOICES)
    shared = {"object": "deals", "name": "cf_Region", EMPTIED_MARKER: None, "_synced_at": NOON}
    assert rows_of(table) == [
        {**shared, "choice_id": "7", "value": "EMEA", "position": 1},
        {**shared, "choice_id": "x", "value": "APAC", "position": 2},
    ]


def test_an_object_without_choices_leaves_one_marker_row() -> None:
    fields = fields_of({"id": 1, "name": "amount", "type": "number", "choices": []})
    (row,) = rows_of(choices_table("deals", fields, synced_at=NOON))
    assert (row["object"], row["name"], row[EMPTIED_MARKER]) == ("deals", None, True)
    assert dlt_columns(FIELD_CHOICES)[EMPTIED_MARKER]["hard_delete"] is True


def test_views_tell_which_of_them_are_read() -> None:
    views = (View(id=5, name="All Contacts"), View(id=6, name="Mine"))
    rows = rows_of(views_table("contacts", views, used={5}, synced_at=NOON))
    assert rows == [
        {"object": "contacts", "id": 5, "name": "All Contacts", "is_used": True, "_synced_at": NOON},
        {"object": "contacts", "id": 6, "name": "Mine", "is_used": False, "_synced_at": NOON},
    ]


def test_labels_that_no_warehouse_stores_are_made_storable() -> None:
    fields = fields_of({"id": 2**70, "name": "cf_x", "label": "a\x00b\ud800", "type": "text"})
    (row,) = rows_of(fields_table(fields, columns=(), synced_at=NOON))
    assert (row["field_id"], row["label"]) == (None, "a\ufffdb\ufffd")


@needs_shared
def test_the_documented_sample_of_deal_fields_loads_exactly() -> None:
    body = (SHARED / "api-samples" / "settings_deals_fields.json").read_bytes()
    sent = json.loads(body)["fields"]
    fields = parse_fields(body, object="deals")
    rows = rows_of(fields_table(fields, columns=columns_of(fields), synced_at=NOON))
    assert [row["column_name"] for row in rows] == [field["name"] for field in sent]
    for row, field in zip(rows, sent, strict=True):
        keys = ("name", "label", "type", "position", "required", "visible")
        assert {key: row[key] for key in keys} == {key: field[key] for key in keys}
        assert (row["field_id"], row["is_custom"]) == (field["id"], not field["default"])
    choices = rows_of(choices_table("deals", fields, synced_at=NOON))
    assert [(row["name"], row["choice_id"], row["value"], row["position"]) for row in choices] == [
        (field["name"], str(choice["id"]), choice["value"], choice["position"])
        for field in sent
        for choice in field["choices"]
    ]


@needs_shared
@pytest.mark.parametrize("object", ["contacts", "sales_accounts", "deals"])
def test_the_sample_views_load_exactly(object: str) -> None:
    sent = json.loads((SHARED / "api-samples" / f"filters_{object}.json").read_bytes())["filters"]
    views = tuple(View(id=row["id"], name=row["name"]) for row in sent)
    rows = rows_of(views_table(object, views, used=(), synced_at=NOON))
    assert [(row["id"], row["name"], row["is_used"]) for row in rows] == [
        (row["id"], row["name"], False) for row in sent
    ]
