"""Every value is in its column exactly, or beside it as text and counted."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from freshsales_source.decode import decode_page
from freshsales_source.decode.nesting import MOST_LEVELS
from tests.decoding import (
    LAYOUT,
    LIVE,
    STAMP,
    contact,
    decode,
    decode_text,
    page_text,
    row_of,
)


def test_ids_and_big_numbers_are_exact() -> None:
    row = row_of(decode(contact(id=2**53 + 1, mcr_id=2**63 - 1)))
    assert (row["id"], row["mcr_id"]) == (2**53 + 1, 2**63 - 1)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ('"7700.0"', Decimal(7700)),
        ("0.1", Decimal("0.1")),
        ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        ("1e3", Decimal(1000)),
        ("99999999999999999999999999999", Decimal(99999999999999999999999999999)),
    ],
)
def test_money_is_exact_from_text_and_from_numbers(literal: str, expected: Decimal) -> None:
    page = decode_text(page_text(f', "open_deals_amount": {literal}'))
    assert page.was_fast
    assert row_of(page)["open_deals_amount"] == expected


@pytest.mark.parametrize(
    ("literal", "kept"),
    [
        ("0.0000000001", "1E-10"),
        ("100000000000000000000000000000", "100000000000000000000000000000"),
        ("1e999999999", "1E+999999999"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_number_no_column_holds_is_kept_with_every_digit(literal: str, kept: str) -> None:
    page = decode_text(page_text(f', "open_deals_amount": {literal}'))
    row = row_of(page)
    assert (row["open_deals_amount"], row["open_deals_amount__raw"]) == (None, kept)
    assert page.misfits == Counter({"contacts.open_deals_amount": 1})


@pytest.mark.parametrize(
    ("key", "value", "raw"),
    [
        ("open_deals_amount", "n/a", "n/a"),
        ("open_deals_amount", "", ""),
        ("open_deals_amount", True, "true"),
        ("lead_score", 1.6, "1.6"),
        ("lead_score", "007", "007"),
        ("lead_score", 2**63, "9223372036854775808"),
        ("owner_id", [1, 2], "[1, 2]"),
        ("has_authority", 1, "1"),
        ("has_authority", "yes", "yes"),
        ("first_name", {"a": 1.5}, '{"a": 1.5}'),
        ("last_seen", "2023-03-23T05:19:22", "2023-03-23T05:19:22"),
        ("last_seen", "2023-03-23", "2023-03-23"),
        ("last_seen", 1679570362, "1679570362"),
        ("last_seen", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ("last_seen", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_a_value_that_does_not_fit_is_kept_beside_its_column_and_counted(
    key: str, value: Any, raw: str
) -> None:
    page = decode(contact(**{key: value}), contact(id=2))
    first, second = page.tables["contacts"].to_pylist()
    assert (first[key], first[f"{key}__raw"]) == (None, raw)
    assert (second[key], second[f"{key}__raw"]) == (None, None)
    assert page.misfits == Counter({f"contacts.{key}": 1})


@pytest.mark.parametrize(
    ("key", "value", "fitted"),
    [
        ("lead_score", "205", 205),
        ("lead_score", 5.0, 5),
        ("owner_id", "402003475669", 402003475669),
        ("first_name", 5, "5"),
        ("first_name", False, "false"),
    ],
)
def test_a_value_of_another_type_that_loses_nothing_stands_in_its_column(
    key: str, value: Any, fitted: Any
) -> None:
    page = decode(contact(**{key: value}))
    assert row_of(page)[key] == fitted
    assert not page.misfits


def test_a_misfit_inside_a_list_stands_beside_its_element() -> None:
    page = decode(contact(emails=[{"id": "x", "value": "a@b.c"}, {"id": 2}]), contact(id=2))
    rows = page.tables["contacts__emails"].select(["contact_id", "id", "id__raw"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [(1, None, "x"), (1, 2, None), (2, None, None)]
    assert page.misfits == Counter({"contacts__emails.id": 1})


def test_raw_columns_exist_only_where_something_did_not_fit() -> None:
    assert not [name for name in decode(contact()).tables["contacts"].schema.names if name.endswith("__raw")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-05-01T00:00:00+05:30", date(2023, 5, 1)),
        ("2023-05-01T00:00:00-06:00", date(2023, 5, 1)),
        ("2023-05-01T00:00:00Z", date(2023, 5, 1)),
    ],
)
def test_a_custom_date_sent_as_a_stamp_keeps_its_local_day(value: str, expected: date) -> None:
    page = decode(contact(custom_field={"cf_day": value}))
    assert page.was_fast
    assert row_of(page)["cf_day"] == expected


def test_custom_fields_are_typed_columns() -> None:
    fields = {"cf_number": 1.25, "cf_flag": True, "cf_lookup": 17001321830, "cf_text": "Ω", "cf_day": None}
    row = row_of(decode(contact(custom_field=fields)))
    assert {key: row[key] for key in fields} == {**fields, "cf_number": Decimal("1.25")}


@pytest.mark.parametrize(("value", "raw"), [([], None), ("x", "x"), ([1], "[1]")])
def test_custom_fields_that_are_no_object_are_kept_beside(value: Any, raw: str | None) -> None:
    page = decode(contact(custom_field=value))
    assert row_of(page).get("custom_field__raw") == raw


def test_characters_that_no_warehouse_stores_are_replaced_and_counted() -> None:
    page = decode(contact(first_name="a\x00b", last_name="\ud800", tags=["\udc00", "😀"]))
    row = row_of(page)
    assert (row["first_name"], row["last_name"]) == ("a\ufffdb", "\ufffd")
    assert page.tables["contacts__tags"].column("value").to_pylist() == ["\ufffd", "😀"]
    assert (page.replaced, page.misfits) == (3, Counter())


@pytest.mark.parametrize("first_name", ["\x00", "a\x00b", "\udc00"])
def test_one_such_character_is_enough_to_be_seen(first_name: str) -> None:
    page = decode(contact(first_name=first_name))
    assert (row_of(page)["first_name"].count("\ufffd"), page.replaced) == (1, 1)


def test_broken_utf8_is_replaced_and_counted() -> None:
    body = b'{"contacts": [{"id": 1, "updated_at": "%s", "first_name": "a\xffb"}]}' % STAMP.encode()
    page = decode_page(body, LAYOUT, envelope="contacts", read=LIVE)
    assert row_of(page)["first_name"] == "a\ufffdb"
    assert page.replaced == 1


def test_a_raw_tab_or_newline_inside_a_text_does_not_cost_the_page() -> None:
    assert row_of(decode_text(page_text(', "recent_note": "a\tb\nc"')))["recent_note"] == "a\tb\nc"


def test_pages_decoded_on_several_threads_come_out_alike() -> None:
    body = json.dumps({"contacts": [contact(id=number, tags=["a"]) for number in range(100)]}).encode()
    alone = decode_page(body, LAYOUT, envelope="contacts", read=LIVE)
    with ThreadPoolExecutor(4) as pool:
        for page in pool.map(lambda _: decode_page(body, LAYOUT, envelope="contacts", read=LIVE), range(16)):
            assert page == alone


def test_of_a_key_given_twice_the_last_counts() -> None:
    page = decode_text(page_text(', "id": 2'))
    assert page.ids == [2]


def test_json_columns_keep_every_digit_on_both_paths() -> None:
    value = '{"a": [0.10], "n": 12345678901234567890, "d": "2021-10-21"}'
    for more, was_fast in (("", True), (', "first_name": 5', False)):
        page = decode_text(page_text(f', "web_form_ids": {value}{more}'))
        assert page.was_fast is was_fast
        assert row_of(page)["web_form_ids"] == value


def nested(levels: int, inmost: str = "") -> str:
    return "[" * levels + inmost + "]" * levels


@pytest.mark.parametrize("levels", [300, 1_000, 100_000])
@pytest.mark.parametrize("key", ["web_form_ids", "new_key", "first_name"])
def test_a_value_nested_too_deep_for_a_parser_is_kept_as_json_and_counted(key: str, levels: int) -> None:
    page = decode_text(page_text(f', "{key}": {nested(levels)}'))
    if page.unknown:
        page = decode_text(page_text(f', "{key}": {nested(levels)}'), LAYOUT.extended(page.unknown))
    row = row_of(page)
    kept = row.get(f"{key}__raw") or row[key]
    # The answer's own brackets are levels, too: 250 in all are followed.
    deeper = nested(levels - (MOST_LEVELS - 3))
    assert kept == nested(MOST_LEVELS - 3, json.dumps(deeper))
    assert page.replaced == 1


def test_how_deep_a_value_is_kept_as_it_is_does_not_hang_on_its_neighbours() -> None:
    value = nested(MOST_LEVELS - 3)
    alone, beside = (
        decode_text(page_text(f', "web_form_ids": {value}, "x": {more}')) for more in ("0", nested(999))
    )
    assert row_of(alone)["web_form_ids"] == row_of(beside)["web_form_ids"] == value
    assert (alone.replaced, beside.replaced) == (0, 1)


def test_keys_that_no_state_can_hold_are_spelled_out_and_stay_apart() -> None:
    page = decode_text(page_text(r', "a\ud800": 1, "a\udfff": 2, "b\u0000": 3'))
    assert sorted(column.key for column in page.unknown) == [r"a\ud800", r"a\udfff", r"b\u0000"]
    assert len({column.name for column in page.unknown}) == 3
