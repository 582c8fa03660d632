"""Custom fields: which columns they become, and names that stay apart for ever."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

import orjson
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention
from hypothesis import example, given
from hypothesis import strategies as st

from freshsales_source.errors import MalformedPage
from freshsales_source.schema.account_fields import AccountFields
from freshsales_source.schema.column_names import assign_names, name_without_field_id, plain_name
from freshsales_source.schema.columns import ColumnType
from freshsales_source.schema.fields import Field, field_to_state, parse_fields
from tests.shared_data import SHARED, needs_shared

DLT = NamingConvention()

KEYS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.from_regex(r"cf_[a-cA-C1_+*@|. -]{0,8}", fullmatch=True),
    st.sampled_from(
        ["cf_日本", "cf_भारत", "cf_x", "cf__x", "cf_X", "cf_no-go_truck_types", "cf_١٢", "cf_a__raw"]
    ),
)


def answer(*fields: dict[str, Any]) -> bytes:
    return json.dumps({"fields": list(fields)}).encode()


def row(id_: int | str | None, name: str, type_: str = "text", **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": name, "label": name, "type": type_, "default": False, **more}


def read(
    *fields: dict[str, Any],
    before: AccountFields | None = None,
    reserved: Collection[str] = (),
    stored: Mapping[str, ColumnType] | None = None,
) -> AccountFields:
    """What is known of the fields of deals once the settings have listed these."""
    told = parse_fields(answer(*fields), object="deals")
    return (before or AccountFields()).with_settings(told, reserved=reserved, stored=stored or {})


def columns_of(*fields: dict[str, Any], before: AccountFields | None = None) -> dict[str, str]:
    return read(*fields, before=before, reserved={"id", "amount"}).names


def hashed(plain: str, name: str) -> str:
    return f"{plain}_{sha256(name.encode()).hexdigest()[:8]}"


@pytest.mark.parametrize(
    ("field_type", "column_type"),
    [
        ("number", ColumnType.DECIMAL),
        ("checkbox", ColumnType.BOOLEAN),
        ("date", ColumnType.DATE),
        ("text", ColumnType.TEXT),
        ("textarea", ColumnType.TEXT),
        ("dropdown", ColumnType.TEXT),
        ("radio", ColumnType.TEXT),
        ("multi_select_dropdown", ColumnType.TEXT),
        ("lookup", ColumnType.ID),
        ("auto_complete", ColumnType.ID),
        ("formula", ColumnType.TEXT),
        ("", ColumnType.TEXT),
    ],
)
def test_a_field_type_decides_the_column_type(field_type: str, column_type: ColumnType) -> None:
    (column,) = read(row(1, "cf_x", field_type)).columns
    assert (column.type, column.key, column.name, column.is_custom) == (column_type, "cf_x", "cf_x", True)


def test_standard_fields_and_groups_are_no_custom_columns() -> None:
    fields = parse_fields(
        answer(
            row(1, "amount", default=True),
            {
                "id": 2,
                "type": "group_field",
                "fields": [row(3, "cf_inside"), row(4, "custom_field.cf_named")],
            },
            {"id": 5, "name": "cf_group", "type": "group_field"},
        ),
        object="deals",
    )
    assert [(field.name, field.is_custom) for field in fields] == [
        ("amount", False),
        ("cf_inside", True),
        ("cf_named", True),
    ]


def test_ids_of_fields_and_choices_may_be_numbers_or_text() -> None:
    choices = [{"id": 17, "value": "A", "position": 1}, {"id": "18", "value": "B", "position": "2"}]
    (field,) = parse_fields(answer(row("9", "cf_x", "dropdown", choices=choices)), object="deals")
    assert field.id == 9
    assert [(choice.id, choice.value, choice.position) for choice in field.choices] == [
        ("17", "A", 1),
        ("18", "B", 2),
    ]


def test_names_and_labels_that_no_state_can_hold_are_made_storable() -> None:
    odd = row(1, "cf_a\ud800", "text\x00", label="a\x00b\udfff")
    (field,) = parse_fields(answer(odd), object="deals")
    assert (field.name, field.label, field.type) == (r"cf_a\ud800", "a\ufffdb\ufffd", "text\ufffd")
    assert orjson.dumps(field_to_state(field))


def test_what_the_settings_do_not_say_of_a_field_is_none() -> None:
    told, silent, odd = parse_fields(
        answer(
            row(1, "cf_a", required=True, visible=False, multiple=True, field_group_id="7", position=3),
            row(2, "cf_b"),
            row(3, "cf_c", required="yes", visible=1, multiple=None, field_group_id="seven", position="x"),
        ),
        object="deals",
    )
    assert (told.is_required, told.is_visible, told.is_multiple) == (True, False, True)
    assert (told.group_id, told.position) == (7, 3)
    for field in (silent, odd):
        assert (field.is_required, field.is_visible, field.is_multiple) == (None, None, None)
        assert (field.group_id, field.position) == (None, None)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"fields": null}', b'{"fields": [{}]}', b'{"fields": [1]}']
)
def test_an_answer_that_is_no_list_of_named_fields_is_an_error(body: bytes) -> None:
    with pytest.raises(MalformedPage):
        parse_fields(body, object="deals")


def test_the_lowest_id_keeps_the_plain_name_whatever_the_order() -> None:
    fields = [row(30, "cf_Size"), row(4, "cf_size"), row("5", "cf-size")]
    expected = {
        "cf_size": "cf_size",
        "cf-size": hashed("cf_size", "cf-size"),
        "cf_Size": hashed("cf_size", "cf_Size"),
    }
    assert columns_of(*fields) == columns_of(*reversed(fields)) == expected


def test_names_in_other_scripts_stay_apart() -> None:
    names = columns_of(row(1, "cf_日本"), row(2, "cf_भारत"), row(3, "cf_x"))
    assert len(set(names.values())) == 3
    assert names["cf_日本"] == plain_name("cf_日本")
    assert names["cf_भारत"] == hashed(plain_name("cf_भारत"), "cf_भारत")


def test_a_name_once_given_never_changes() -> None:
    before = read(row(2, "cf_size"), row(4, "cf_gone"))
    names = columns_of(
        row(1, "cf_Size"), row(2, "cf_size", label="Renamed"), row(3, "cf_Gone"), before=before
    )
    assert names == {
        **before.names,
        "cf_Size": hashed("cf_size", "cf_Size"),
        "cf_Gone": hashed("cf_gone", "cf_Gone"),
    }


def test_a_custom_field_never_takes_the_name_of_another_column() -> None:
    assert columns_of(row(1, "amount"), row(2, "Amount"))["Amount"] == hashed("amount", "Amount")


def test_a_field_listed_twice_is_one_column() -> None:
    assert [column.name for column in read(row(1, "cf_x"), row(2, "cf_x")).columns] == ["cf_x"]


@given(keys=st.lists(KEYS, unique=True, max_size=8), known=st.dictionaries(KEYS, st.just(""), max_size=3))
@example(keys=["cf_日", "cf_本", "cf_x", "cf_X", "x", "日"], known={})
def test_given_names_never_meet_and_dlt_leaves_them_alone(keys: list[str], known: dict[str, str]) -> None:
    before = assign_names(known, known={}, reserved={"id"})
    names = assign_names(keys, known=before, reserved={"id"})
    assert {key: names[key] for key in before} == before
    assert len(set(names.values())) == len(names)
    assert "id" not in names.values()
    for name in names.values():
        assert DLT.normalize_identifier(name) == name
        assert DLT.normalize_path(name) == name
        assert DLT.normalize_path(f"{name}__raw") == f"{name}__raw"


@given(keys=st.lists(KEYS, unique=True, min_size=2, max_size=8))
def test_without_field_ids_a_name_does_not_depend_on_what_came_before(keys: list[str]) -> None:
    names = [name_without_field_id(key, ()) for key in keys]
    assert len(set(names)) == len(names)
    assert all(DLT.normalize_path(name) == name for name in names)


@given(key=st.from_regex(r"[a-zA-Z0-9_+*@|. -]{1,12}", fullmatch=True).filter(str.strip))
def test_the_plain_name_of_an_ascii_key_is_the_one_dlt_would_give(key: str) -> None:
    assert plain_name(key) == DLT.normalize_identifier(key)


@needs_shared
def test_the_documented_sample_of_deal_fields_is_read() -> None:
    body = (SHARED / "api-samples" / "settings_deals_fields.json").read_bytes()
    fields = parse_fields(body, object="deals")
    columns = AccountFields().with_settings(fields, reserved=(), stored={}).columns
    assert {column.name: column.type for column in columns} == {
        "cf_region": ColumnType.TEXT,
        "cf_interested_products": ColumnType.TEXT,
        "cf_get_live_date": ColumnType.DATE,
        "cf_budget": ColumnType.DECIMAL,
        "cf_has_budget": ColumnType.BOOLEAN,
    }
    payment = fields[0]
    assert isinstance(payment, Field)
    assert (payment.name, payment.is_custom) == ("deal_payment_status_id", False)
    assert [choice.value for choice in fields[2].choices] == ["Alpha", "Beta"]
    assert (payment.is_required, payment.is_visible, payment.is_multiple) == (False, False, None)
    assert fields[2].is_multiple is True
