"""Each type of custom field: the column it becomes, and what stands there for what the API may send."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from freshsales_source.decode import Layout, Page, decode_page
from freshsales_source.entities import DEALS
from freshsales_source.schema.account_fields import AccountFields
from freshsales_source.schema.fields import COLUMN_TYPES, parse_fields
from tests.decoding import LIVE, STAMP

# Type, what is sent, what stands in the column, what stands beside it.
GOLDEN: tuple[tuple[str, Any, Any, str | None], ...] = (
    ("text", "plain", "plain", None),
    ("text", "", "", None),
    ("text", "007", "007", None),
    ("text", 5, "5", None),
    ("text", True, "true", None),
    ("text", {"a": 1.5}, None, '{"a": 1.5}'),
    ("textarea", "two\nlines\t=1+1", "two\nlines\t=1+1", None),
    ("number", 7, Decimal(7), None),
    ("number", -0.1, Decimal("-0.1"), None),
    ("number", "12.50", Decimal("12.5"), None),
    ("number", 2**64, Decimal(2**64), None),
    ("number", "many", None, "many"),
    ("number", "", None, ""),
    ("number", 1e-10, None, "1E-10"),
    ("checkbox", True, True, None),
    ("checkbox", False, False, None),
    ("checkbox", "true", None, "true"),
    ("checkbox", 1, None, "1"),
    ("date", "2024-02-29", date(2024, 2, 29), None),
    ("date", "2024-02-29T23:30:00-06:00", date(2024, 2, 29), None),
    ("date", "29/02/2024", None, "29/02/2024"),
    ("date", "2023-02-29", None, "2023-02-29"),
    ("dropdown", "EMEA", "EMEA", None),
    ("radio", "Yes", "Yes", None),
    ("multi_select_dropdown", "A;B", "A;B", None),
    ("multi_select_dropdown", ["A", "B"], None, '["A", "B"]'),
    ("auto_complete", 17001391875, 17001391875, None),
    ("auto_complete", "17001391875", 17001391875, None),
    ("auto_complete", 2**63, None, str(2**63)),
    ("lookup", 2**53 + 1, 2**53 + 1, None),
    ("lookup", "Acme", None, "Acme"),
    ("a type of tomorrow", "2024-02-29", "2024-02-29", None),
)
STORED_AS = {
    "text": "string",
    "textarea": "string",
    "number": "decimal128(38, 9)",
    "checkbox": "bool",
    "date": "date32[day]",
    "dropdown": "string",
    "radio": "string",
    "multi_select_dropdown": "string",
    "auto_complete": "int64",
    "lookup": "int64",
}


def page_with(type_: str, value: Any) -> Page:
    """A page of a deal whose only custom field is of that type and holds that value."""
    told = {"id": 1, "name": "cf_x", "label": "X", "type": type_, "default": False}
    fields = parse_fields(json.dumps({"fields": [told]}).encode(), object="deals")
    known = AccountFields().with_settings(fields, reserved=(), stored={})
    deal = {"id": 1, "updated_at": STAMP, "custom_field": {"cf_x": value}}
    body = json.dumps({"deals": [deal]}).encode()
    return decode_page(body, Layout.of(DEALS, known.columns), envelope="deals", read=LIVE)


@pytest.mark.parametrize(("type_", "sent", "stored", "beside"), GOLDEN)
def test_what_is_sent_stands_in_the_column_or_beside_it(
    type_: str, sent: Any, stored: Any, beside: str | None
) -> None:
    page = page_with(type_, sent)
    (row,) = page.tables["deals"].to_pylist()
    assert (row["cf_x"], row.get("cf_x__raw")) == (stored, beside)
    assert type(row["cf_x"]) is type(stored)
    assert page.misfits.total() == (beside is not None)


@pytest.mark.parametrize("type_", STORED_AS)
def test_a_field_without_a_value_is_a_typed_null(type_: str) -> None:
    table = page_with(type_, None).tables["deals"]
    assert table.column("cf_x").to_pylist() == [None]
    assert "cf_x__raw" not in table.column_names
    assert str(table.schema.field("cf_x").type).replace("large_", "") == STORED_AS[type_]


def test_every_type_that_is_known_is_tried() -> None:
    assert COLUMN_TYPES.keys() == STORED_AS.keys()
    assert COLUMN_TYPES.keys() <= {type_ for type_, *_ in GOLDEN}


@pytest.mark.parametrize(
    ("sent", "rows"),
    [
        ("A;B", ["A", "B"]),
        ("A", ["A"]),
        (";A;;B;", ["A", "B"]),
        ("", []),
        (None, []),
        (5, ["5"]),
        (["A"], []),
    ],
)
def test_choices_become_rows_in_their_order_and_none_empties_the_list(sent: Any, rows: list[str]) -> None:
    table = page_with("multi_select_dropdown", sent).tables["deals__cf_x"].to_pylist()
    kept = [row for row in table if not row["_is_emptied"]]
    assert [(row["deal_id"], row["position"], row["value"]) for row in kept] == [
        (1, place, value) for place, value in enumerate(rows)
    ]
    assert len(table) == max(1, len(rows))
