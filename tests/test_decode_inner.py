"""Objects inside a record, and elements that stand beside the records."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from freshsales_source.decode import Layout
from freshsales_source.entities import APPOINTMENTS, DEALS, LEADS, TASKS
from freshsales_source.schema.columns import ColumnType
from tests.decoding import STAMP, decode, row_of

LEAD = Layout.of(LEADS)
TASK = Layout.of(TASKS)
APPOINTMENT = Layout.of(APPOINTMENTS)


def record(**values: Any) -> dict[str, Any]:
    return {"id": 1, "updated_at": STAMP, **values}


def test_members_of_an_inner_object_become_columns_of_the_record() -> None:
    page = decode(record(company={"name": "Acme", "annual_revenue": 5, "industry_type_id": 7}), layout=LEAD)
    assert page.was_fast
    lead = row_of(page, "leads")
    assert (lead["company_name"], lead["company_annual_revenue"]) == ("Acme", 5)
    assert lead["company_industry_type_id"] == 7
    assert lead["deal_name"] is None


@pytest.mark.parametrize("other", ["legacy", None])
def test_a_task_names_its_record_in_an_object_or_in_two_keys(other: str | None) -> None:
    inside = record(title=other, targetable={"id": 5, "type": "Lead"})
    outside = record(title=other, targetable_id=5, targetable_type="Lead")
    assert decode(inside, layout=TASK).tables == decode(outside, layout=TASK).tables


@pytest.mark.parametrize("is_fast", [True, False])
def test_a_records_own_value_comes_before_that_of_an_inner_object(is_fast: bool) -> None:
    odd = {} if is_fast else {"title": 5}
    rows = (
        record(targetable_id=5, targetable={"id": 6, "type": "Deal"}, **odd),
        record(id=2, targetable_id=None, targetable={"id": 6}),
        record(id=3, targetable_id=7, targetable=None),
    )
    page = decode(*rows, layout=TASK)
    assert page.was_fast == is_fast
    assert page.tables["tasks"].column("targetable_id").to_pylist() == [5, 6, 7]


def test_an_unknown_member_of_an_inner_object_is_told_and_loads_once_it_is_known() -> None:
    lead = record(company={"name": "Acme", "tier": "Gold", "extra": {"a": 1}, "empty": None})
    page = decode(lead, layout=LEAD)
    assert {column.name: column.type for column in page.unknown} == {
        "company_tier": ColumnType.TEXT,
        "company_extra": ColumnType.JSON,
    }
    again = decode(lead, layout=LEAD.extended(page.unknown))
    assert again.unknown == ()
    row = row_of(again, "leads")
    assert (row["company_tier"], row["company_extra"], row["company_name"]) == ("Gold", '{"a": 1}', "Acme")


@pytest.mark.parametrize(("value", "raw"), [("Acme", "Acme"), (["Acme"], '["Acme"]'), (5, "5")])
def test_an_inner_object_of_another_shape_is_kept_beside_as_text(value: Any, raw: str) -> None:
    page = decode(record(company=value), layout=LEAD)
    assert row_of(page, "leads")["company__raw"] == raw
    assert page.misfits == Counter({"leads.company": 1})


def test_an_empty_list_in_place_of_an_inner_object_is_nothing() -> None:
    page = decode(record(company=[]), layout=LEAD)
    assert page.misfits == Counter()
    assert page.tables == decode(record(), layout=LEAD).tables


# Side-loaded elements


def attendees(*rows: dict[str, Any], side_load: Any = None) -> list[tuple[Any, ...]]:
    page = decode(*rows, layout=APPOINTMENT, appointment_attendees=side_load)
    names = ["appointment_id", "position", "id", "attendee_type", "attendee_id", "_is_emptied"]
    return [tuple(line.values()) for line in page.tables["appointments__attendees"].select(names).to_pylist()]


SIDE_LOAD = [
    {"id": 21, "attendee": {"type": "Contact", "id": 8}},
    {"id": 20, "attendee": {"type": "FdMultitenant::User", "id": 9}},
    {"id": 22, "attendee_type": "Contact", "attendee_id": 10},
]


def test_attendees_are_found_beside_the_appointments_by_their_ids() -> None:
    first = record(appointment_attendee_ids=[20, 22])
    second = record(id=2, appointment_attendee_ids=[21])
    assert attendees(first, second, side_load=SIDE_LOAD) == [
        (1, 0, 20, "FdMultitenant::User", 9, None),
        (1, 1, 22, "Contact", 10, None),
        (2, 0, 21, "Contact", 8, None),
    ]


@pytest.mark.parametrize("side_load", [None, [], {}, "none", [None, 5, {}]])
def test_an_attendee_who_is_not_beside_is_still_counted(side_load: Any) -> None:
    row = record(appointment_attendee_ids=[20])
    assert attendees(row, side_load=side_load) == [(1, 0, 20, None, None, None)]


def test_attendees_inside_the_appointment_are_read_as_any_list() -> None:
    row = record(appointment_attendees=SIDE_LOAD[2:])
    assert attendees(row) == [(1, 0, 22, "Contact", 10, None)]


@pytest.mark.parametrize("ids", [{}, {"appointment_attendee_ids": []}, {"appointment_attendee_ids": None}])
def test_an_appointment_that_nobody_attends_empties_its_list(ids: dict[str, Any]) -> None:
    assert attendees(record(**ids), side_load=SIDE_LOAD) == [(1, None, None, None, None, True)]


def test_ids_of_another_shape_are_kept_beside_as_text() -> None:
    page = decode(record(appointment_attendee_ids="20,21"), layout=APPOINTMENT)
    assert row_of(page, "appointments")["appointment_attendees__raw"] == "20,21"


def test_an_attendee_of_another_shape_is_told() -> None:
    page = decode(record(appointment_attendees=[{"id": 1, "attendee": "Ann"}]), layout=APPOINTMENT)
    assert page.ignored == ("appointments__attendees.attendee",)


# One list, read twice


def test_products_of_a_deal_are_lines_and_stay_as_sent() -> None:
    line = {"product_id": 7, "quantity": 2, "unit_price": 9.5, "adjustments": [{"a": 1}], "_id": "x"}
    page = decode(record(products=[line]), layout=Layout.of(DEALS))
    assert page.was_fast
    assert page.ignored == ()
    (row,) = page.tables["deals__products"].select(["product_id", "quantity", "unit_price"]).to_pylist()
    assert {name: str(value.normalize()) for name, value in row.items() if name != "product_id"} == {
        "quantity": "2",
        "unit_price": "9.5",
    }
    assert '"unit_price": 9.5' in row_of(page, "deals")["products"]


def test_empty_lists_in_json_columns_do_not_make_a_page_slow_nor_lose_the_difference_to_null() -> None:
    page = decode(
        record(products=[], deal_price_adjustments=[]), record(id=2, products=None), layout=Layout.of(DEALS)
    )
    assert page.was_fast
    assert page.tables["deals"].column("products").to_pylist() == ["[]", None]
    assert page.tables["deals"].column("deal_price_adjustments").to_pylist() == ["[]", None]
