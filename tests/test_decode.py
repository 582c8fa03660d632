"""What the decoder promises about pages: errors that are errors, lists that empty, unknown keys."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from freshsales_source.decode import Layout, decode_page, decode_record
from freshsales_source.entities import DEAL_PIPELINES, DEAL_STAGES, OWNERS, SALES_ACCOUNTS
from freshsales_source.errors import MalformedPage
from freshsales_source.schema.columns import ColumnType
from tests.decoding import (
    BINNED,
    LAYOUT,
    LIVE,
    NOON,
    STAMP,
    contact,
    decode,
    decode_text,
    page_text,
    row_of,
)

# Missing is not empty


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"meta": {"total": 0}}',
        '{"contacts": null}',
        '{"contacts": {}}',
        '{"contacts": "none"}',
        '{"contacts": [null]}',
        '{"contacts": [1]}',
        '{"contacts": []} {"contacts": []}',
        '{"contacts": [',
        '{"sales_accounts": []}',
        '{"users": [], "contact": []}',
    ],
)
def test_a_page_without_its_envelope_is_an_error_not_an_empty_table(body: str) -> None:
    with pytest.raises(MalformedPage):
        decode_text(body)


def test_an_empty_page_gives_empty_tables_with_the_whole_schema() -> None:
    page = decode(meta={"total": 0, "total_pages": 0})
    assert page.ids == page.stamps == []
    assert (page.total, page.total_pages) == (0, 0)
    assert {name: table.schema for name, table in page.tables.items()} == LAYOUT.schemas
    assert all(table.num_rows == 0 for table in page.tables.values())


@pytest.mark.parametrize("id_", [None, "abc", 1.5, True, 2**63, []])
def test_a_record_without_a_whole_number_as_id_is_an_error(id_: Any) -> None:
    with pytest.raises(MalformedPage, match="1 of 2 records have no whole number as id"):
        decode(contact(), contact(id=id_))


@pytest.mark.parametrize("stamp", [None, "", "2023-03-23", "2023-03-23T05:19:22", 1679570362])
def test_a_record_without_a_stamp_that_can_be_read_is_an_error(stamp: Any) -> None:
    with pytest.raises(MalformedPage, match="no updated_at"):
        decode(contact(updated_at=stamp))


def test_a_lookup_needs_no_stamp() -> None:
    page = decode({"id": 7, "display_name": "Ann"}, layout=Layout.of(OWNERS))
    assert (page.ids, page.stamps) == ([7], [])


def test_an_error_names_the_place_and_shows_nothing_of_the_record() -> None:
    with pytest.raises(MalformedPage) as caught:
        decode(contact(id=None, email="ann@example.com"))
    assert 'contacts, envelope "contacts"' in str(caught.value)
    assert "ann@example.com" not in str(caught.value)


def test_an_answer_nested_without_end_is_an_error() -> None:
    with pytest.raises(MalformedPage):
        decode_text('{"contacts": [{"id": 1, "web_form_ids": ' + "[" * 100_000)


# Counts, ids, stamps


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"total": 12, "total_pages": 2}, (12, 2)),
        ({"total": 12}, (12, None)),
        ({"total": "12", "total_pages": "2"}, (12, 2)),
        ({"total": True}, (None, None)),
        ({}, (None, None)),
        (None, (None, None)),
        ([], (None, None)),
    ],
)
def test_counts_of_meta_are_numbers_or_unknown(meta: Any, expected: tuple[int | None, int | None]) -> None:
    page = decode(contact(), meta=meta)
    assert (page.total, page.total_pages) == expected


def test_stamps_are_epoch_seconds_rounded_down() -> None:
    page = decode(
        contact(updated_at="1969-12-31T23:59:58.5Z"), contact(id=2, updated_at="1970-01-01T01:00:00.9+01:00")
    )
    assert page.stamps == [-2, 0]


def test_partial_rows_in_the_records_own_list_never_reach_the_tables() -> None:
    layout = Layout.of(SALES_ACCOUNTS)
    page = decode(
        {"partial": True, "id": 5, "name": "Child"},
        {"id": 6, "updated_at": STAMP, "tags": ["a"]},
        layout=layout,
    )
    assert page.ids == [6]
    assert page.tables["sales_accounts"].column("id").to_pylist() == [6]
    assert page.tables["sales_accounts__tags"].column("sales_account_id").to_pylist() == [6]


def test_rows_of_a_selector_are_whole_though_marked_partial() -> None:
    page = decode({"partial": True, "id": 5, "name": "New", "position": 1}, layout=Layout.of(DEAL_STAGES))
    assert page.ids == [5]


def test_side_loads_before_and_after_the_records_are_ignored() -> None:
    users = '"users": [{"id": 9, "x": 1}]'
    before = decode_text("{" + users + ", " + page_text("")[1:])
    after = decode_text(page_text("")[:-1] + ", " + users + "}")
    assert before == after
    assert before.ids == [1]
    assert before.unknown == ()


def test_a_key_that_other_accounts_use_fills_the_same_column() -> None:
    layout = Layout.of(DEAL_PIPELINES)
    assert row_of(decode({"id": 1, "default": True}, layout=layout), "deal_pipelines")["is_default"] is True
    assert (
        row_of(decode({"id": 1, "is_default": False}, layout=layout), "deal_pipelines")["is_default"] is False
    )


# Deletion


def test_rows_of_the_bin_are_deleted_whatever_they_say() -> None:
    row = row_of(decode(contact(is_deleted=False), read=BINNED))
    assert (row["is_deleted"], row["_deleted_reason"]) == (True, "recycle_bin")
    assert row["_deleted_at"] == row["updated_at"] == datetime(2023, 3, 23, 11, 19, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"), [({}, False), ({"is_deleted": None}, False), ({"is_deleted": True}, True)]
)
def test_live_rows_say_themselves_whether_they_are_deleted(said: dict[str, Any], expected: bool) -> None:
    row = row_of(decode(contact(**said)))
    assert (row["is_deleted"], row["_deleted_reason"], row["_deleted_at"]) == (expected, None, None)


# Lists


@pytest.mark.parametrize("tags", [{}, {"tags": None}, {"tags": []}])
def test_an_empty_list_leaves_one_marker_row(tags: dict[str, Any]) -> None:
    assert row_of(decode(contact(**tags)), "contacts__tags") == {
        "contact_id": 1,
        "position": None,
        "value": None,
        "_is_emptied": True,
        "_synced_at": NOON,
    }


def test_elements_keep_their_parent_and_place() -> None:
    page = decode(contact(tags=["b", "a"]), contact(id=2), contact(id=3, tags=[None]))
    table = page.tables["contacts__tags"].select(["contact_id", "position", "value", "_is_emptied"])
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (1, 0, "b", None),
        (1, 1, "a", None),
        (3, 0, None, None),
        (2, None, None, True),
    ]


def test_bridges_have_no_position() -> None:
    page = decode(contact(sales_accounts=[{"id": 4, "is_primary": True, "partial": True, "name": "Acme"}]))
    assert row_of(page, "contacts__sales_accounts") == {
        "contact_id": 1,
        "sales_account_id": 4,
        "is_primary": True,
        "_is_emptied": None,
        "_synced_at": NOON,
    }
    assert page.ignored == ()


@pytest.mark.parametrize(
    ("emails", "raw"), [("a@b.c", "a@b.c"), (["a@b.c"], '["a@b.c"]'), ({"id": 1}, '{"id": 1}')]
)
def test_a_list_of_another_shape_is_kept_beside_as_text(emails: Any, raw: str) -> None:
    page = decode(contact(emails=emails))
    assert row_of(page)["emails__raw"] == raw
    assert row_of(page, "contacts__emails")["_is_emptied"] is True
    assert page.misfits == Counter({"contacts.emails": 1})


def test_new_keys_inside_elements_are_told_and_stand_beside_the_element() -> None:
    page = decode(contact(emails=[{"id": 1, "a": 1.50, "b": None, "c": "\x00"}, {"id": 2}, None]))
    assert page.ignored == ("contacts__emails.a", "contacts__emails.c")
    rows = page.tables["contacts__emails"].select(["id", "other_keys__raw"]).to_pylist()
    others = r'{"a": 1.5, "c": "\u0000"}'
    assert [tuple(row.values()) for row in rows] == [(1, others), (2, None), (None, None)]
    assert page.misfits == Counter({"contacts__emails.other_keys": 1})


# Unknown keys


def test_unknown_keys_are_told_with_a_type_and_load_once_the_layout_knows_them() -> None:
    record = contact(
        vip=True,
        score=3,
        route_id=9,
        motto="2023-03-23T05:19:22Z",
        Extra={"a": 1},
        custom_field={"cf_new": 1.5, "cf_No": "x", "cf_null": None},
    )
    page = decode(record)
    assert page.was_fast
    assert {(column.key, column.is_custom): column.type for column in page.unknown} == {
        ("Extra", False): ColumnType.JSON,
        ("motto", False): ColumnType.TEXT,
        ("route_id", False): ColumnType.ID,
        ("score", False): ColumnType.DECIMAL,
        ("vip", False): ColumnType.BOOLEAN,
        ("cf_No", True): ColumnType.TEXT,
        ("cf_new", True): ColumnType.DECIMAL,
    }
    again = decode(record, layout=LAYOUT.extended(page.unknown))
    assert again.unknown == ()
    row = row_of(again)
    names = {column.key: column.name for column in page.unknown}
    assert {key: row[name] for key, name in names.items()} == {
        "Extra": '{"a": 1}',
        "motto": "2023-03-23T05:19:22Z",
        "route_id": 9,
        "score": Decimal(3),
        "vip": True,
        "cf_No": "x",
        "cf_new": Decimal("1.5"),
    }


def test_unknown_keys_that_look_alike_get_different_columns() -> None:
    page = decode(contact(custom_field={"cf_a": 1, "cf_A": 2, "cf-a": 3, "cf_日": 4, "cf_本": 5}, cf_a="top"))
    names = [column.name for column in page.unknown]
    assert len(set(names)) == len(names) == 6


def test_a_mixture_of_plain_values_becomes_text() -> None:
    page = decode(contact(mood=1), contact(id=2, mood="good"), contact(id=3, mood=None))
    assert [(column.name, column.type) for column in page.unknown] == [("mood", ColumnType.TEXT)]


# Single records


def test_a_single_record_decodes_like_a_page_of_one() -> None:
    body = json.dumps({"users": [], "contact": contact(tags=["a"]), "meta": {}}).encode()
    page = decode_record(body, LAYOUT, read=LIVE)
    assert page.tables == decode(contact(tags=["a"])).tables


@pytest.mark.parametrize(
    "body", ["{}", '{"contact": []}', '{"contact": null}', '{"contacts": {}}', "[]", "no"]
)
def test_a_single_record_without_its_envelope_is_an_error(body: str) -> None:
    with pytest.raises(MalformedPage):
        decode_record(body.encode(), LAYOUT, read=LIVE)


def test_embedded_lists_need_their_outer_records() -> None:
    with pytest.raises(MalformedPage, match='no "deal_stages"'):
        decode_page(
            b'{"deal_pipelines": [{"id": 1}]}',
            Layout.of(DEAL_STAGES),
            envelope="deal_pipelines.deal_stages",
            read=LIVE,
        )
