"""Both readers give the same tables for every page that both accept, and the slow one takes every page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshsales_source.decode import Layout, Page, Reading
from freshsales_source.decode.fast import read_fast
from freshsales_source.decode.page import assemble
from freshsales_source.decode.slow import read_slow
from freshsales_source.decode.values import fit_column
from freshsales_source.entities import APPOINTMENTS, ENTITIES
from freshsales_source.entities.custom_modules import module_entity
from freshsales_source.schema.columns import Child, Column, ColumnType, Confidence
from freshsales_source.schema.entity_types import Entity

READ = Reading(synced_at=datetime(2026, 1, 2, tzinfo=UTC))


def custom(key: str, type_: ColumnType) -> Column:
    return Column(
        name=key, key=key, type=type_, description="", confidence=Confidence.DOCUMENTED, is_custom=True
    )


CUSTOM = (
    custom("cf_number", ColumnType.DECIMAL),
    custom("cf_day", ColumnType.DATE),
    custom("cf_flag", ColumnType.BOOLEAN),
    custom("cf_json", ColumnType.JSON),
)
MODULE = module_entity("cm_contracts", "cm_contracts", "Contracts")
LAYOUTS = {
    entity.name: Layout.of(entity, CUSTOM if entity.has_custom_fields else ())
    for entity in (*ENTITIES, MODULE)
}
EXACT = {name: layout.entity for name, layout in LAYOUTS.items() if layout.is_exact}
"""Every entity that the fast reader takes: all but the one whose elements stand elsewhere in the answer."""
RICH = sorted(name for name, entity in EXACT.items() if entity.lists)

# Characters that JSON writes plainly, escaped, or not at all.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6),
    st.sampled_from(["", "n/a", "7700.0", "日本", "NaN", "12", "2021-10-21", '\\u0041"', "a\tb"]),
)
UNSTORABLE = st.sampled_from(["\x00", "\ud800", "a\udc00b\x00", "\ud800\ud800"])
STAMPS = st.sampled_from(
    [
        "2023-03-23T05:19:22-06:00",
        "2019-09-18T06:55:54Z",
        "2023-10-29T01:30:00+05:30",
        "2019-09-18T06:55:54.123456Z",
        "2019-09-18 06:55Z",
        "2019-09-18T06:55:54+0530",
        "0001-01-02T00:00:00Z",
        "9999-12-30T23:59:59Z",
    ]
)
BAD_STAMPS = st.sampled_from(
    [
        "2019-09-18T06:55:54",
        "2019-09-18",
        "",
        "yesterday",
        "2019-02-30T00:00:00Z",
        "2019-09-18T06:55:54.1234567Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ]
)
DAYS = st.sampled_from(["2021-10-21", "2024-02-29", "2021-10-21T00:00:00+05:30", "2021-10-20T18:30:00Z"])
BAD_DAYS = st.sampled_from(["2021-02-30", "21.10.2021", "", "2021-10-21T00:00:00", "0000-01-01"])
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.sampled_from([Decimal("0.1"), Decimal("1E+3"), Decimal("0.123456789"), Decimal("-0.0")]),
)
HUGE: st.SearchStrategy[Any] = st.sampled_from(
    [2**63, -(2**63) - 1, 10**29, 10**30, 10**40, Decimal("1E-10"), Decimal("1E+400")]
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, HUGE, TEXTS, UNSTORABLE),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "ü"]), inner, max_size=3)
    ),
    max_leaves=5,
)

FITTING: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.ID: st.integers(-(2**63), 2**63 - 1),
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnType.DECIMAL: st.one_of(NUMBERS, NUMBERS.map(str)),
    ColumnType.TEXT: TEXTS,
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.TIMESTAMP: STAMPS,
    ColumnType.DATE: DAYS,
    ColumnType.JSON: st.just([]),
}
UNFITTING = st.one_of(ANYTHING, BAD_STAMPS, BAD_DAYS, HUGE, UNSTORABLE)


def dumps(value: Any) -> str:
    """JSON with Decimals as number literals and lone surrogates escaped."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


@st.composite
def records(draw: st.DrawFn, entity: Entity, *, is_odd: bool) -> dict[str, Any]:
    def value(column: Column) -> Any:
        fitting = st.one_of(st.none(), FITTING[column.type])
        return draw(st.one_of(fitting, UNFITTING) if is_odd and draw(st.integers(0, 5)) == 0 else fitting)

    def some(columns: tuple[Column, ...]) -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from(columns), unique=True, max_size=8))
        return {column.key: value(column) for column in chosen}

    record = some(entity.columns)
    record["id"] = draw(st.integers(1, 2**53 + 1000))
    record["updated_at"] = draw(STAMPS)
    if draw(st.booleans()):
        record["is_deleted"] = draw(st.sampled_from([None, True, False]))
    if entity.has_custom_fields and draw(st.booleans()):
        record["custom_field"] = some(CUSTOM) | draw(extra_keys(is_odd=is_odd))
    for child in entity.lists:
        if draw(st.booleans()):
            member = (
                st.builds(lambda c=child: value(c.columns[0]))
                if child.is_plain
                else st.builds(lambda c=child: some(c.columns))
            )
            record[child.key] = draw(st.one_of(st.none(), st.lists(st.one_of(member, st.none()), max_size=3)))
            if is_odd and draw(st.integers(0, 9)) == 0:
                record[child.key] = draw(ANYTHING)
    return draw(folded(record, entity.objects, is_odd=is_odd)) | draw(extra_keys(is_odd=is_odd))


@st.composite
def folded(
    draw: st.DrawFn, record: dict[str, Any], objects: tuple[str, ...], *, is_odd: bool
) -> dict[str, Any]:
    """The record with some of its values inside its objects, or in both places, with other members beside."""
    for name in objects:
        start = f"{name}_"
        members = {key.removeprefix(start): record[key] for key in record if key.startswith(start)}
        chosen = draw(st.lists(st.sampled_from(sorted(members)), unique=True)) if members else []
        outside = set() if draw(st.booleans()) else {start + member for member in chosen}
        record = {key: value for key, value in record.items() if key not in outside}
        inner = {member: members[member] for member in chosen} | draw(extra_keys(is_odd=is_odd))
        record[name] = draw(st.sampled_from([inner, inner, None]))
        if is_odd and draw(st.integers(0, 9)) == 0:
            record[name] = draw(ANYTHING)
    return record


EXTRA: dict[str, st.SearchStrategy[Any]] = {
    "new": TEXTS,
    "newId": st.integers(0, 9),
    "thing_id": st.integers(0, 9),
    "日本": st.booleans(),
    "cf_x-y": STAMPS,
    "links": st.just({"notes": "/notes"}),
    "list": st.lists(st.integers(0, 9), max_size=2),
}
"""Values of keys that no layout knows (links is known, and dropped)."""


def extra_keys(*, is_odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    values = {
        key: st.one_of(st.none(), *(EXTRA.values() if is_odd else [value])) for key, value in EXTRA.items()
    }
    return st.one_of(st.just({}), st.fixed_dictionaries({}, optional=values))


@st.composite
def pages(draw: st.DrawFn, *, is_odd: bool, names: Sequence[str] = RICH) -> tuple[str, bytes]:
    entity = EXACT[draw(st.sampled_from(names))]
    rows = draw(st.lists(records(entity, is_odd=is_odd), max_size=4))
    meta: dict[str, Any] = draw(
        st.sampled_from(
            [{}, {"meta": {"total": 3}}, {"meta": {"total": 3, "total_pages": 1, "x": 1}}, {"meta": None}]
        )
    )
    side_load: dict[str, Any] = {"users": [{"id": 1, "partial": True}], "campaigns": []}
    first, last = draw(st.sampled_from([(side_load, {}), ({}, side_load), ({}, {})]))
    body = dumps({**first, entity.name: rows, **last, **meta})
    return entity.name, body.encode()


def page_of(name: str, body: bytes, *, is_fast: bool, layout: Layout | None = None) -> Page | None:
    layout = layout or LAYOUTS[name]
    extract = read_fast(body, layout, name) if is_fast else read_slow(body, layout, name)
    return None if extract is None else assemble(extract, layout, READ, where=name, was_fast=True)


@given(case=st.one_of(pages(is_odd=False), pages(is_odd=True)))
@settings(max_examples=100)
def test_both_readers_give_the_same_page_wherever_the_fast_one_accepts_it(case: tuple[str, bytes]) -> None:
    check_that_the_readers_agree(*case)


@given(data=st.data(), is_odd=st.booleans())
@settings(max_examples=50)
def test_side_loaded_elements_are_read_from_any_answer(data: st.DataObject, *, is_odd: bool) -> None:
    rows = data.draw(st.lists(records(APPOINTMENTS, is_odd=is_odd), max_size=3))
    ids = st.one_of(st.none(), st.lists(st.integers(1, 3), max_size=3), *([ANYTHING] if is_odd else []))
    for row in rows:
        row["appointment_attendee_ids"] = data.draw(ids)
    side_load = data.draw(st.one_of(st.lists(st.fixed_dictionaries({"id": st.integers(1, 3)})), ANYTHING))
    body = dumps({"appointments": rows, "appointment_attendees": side_load})
    page = page_of("appointments", body.encode(), is_fast=False)
    assert page is not None
    assert page_of("appointments", body.encode(), is_fast=True) is None
    assert page.ids == [row["id"] for row in rows if row.get("partial") is not True]
    for table in page.tables.values():
        table.validate(full=True)


@pytest.mark.parametrize("name", sorted(EXACT))
@given(data=st.data())
@settings(max_examples=5)
def test_both_readers_give_the_same_page_of_every_entity(name: str, data: st.DataObject) -> None:
    is_odd = data.draw(st.booleans())
    check_that_the_readers_agree(*data.draw(pages(is_odd=is_odd, names=[name])))


def shapes(entity: Entity) -> dict[str, tuple[list[dict[str, Any]], bool]]:
    """Records in every shape that a server may send, and whether the fast reader must take them."""
    full = {column.key: PLAIN[column.type] for column in entity.columns}
    full |= {child.key: [_element(child)] * 2 for child in entity.lists}
    full |= {"id": 1, "updated_at": "2023-03-23T05:19:22-06:00"}
    bare = {"id": 2, "updated_at": "2019-09-18T06:55:54Z"}
    plain = next(column.key for column in entity.columns if column.type is ColumnType.TEXT)
    numbers = [c.key for c in entity.columns if c.type in WHOLE and c.key != "id"]
    fields = {"custom_field": {"cf_number": 1.5, "cf_new": "x"}} if entity.has_custom_fields else {}
    return {
        "full": ([full], True),
        "missing keys": ([full, bare], True),
        "nulls": ([full, {**dict.fromkeys(full), **bare}], True),
        "empty lists": ([full, {**bare, **{child.key: [] for child in entity.lists}}], True),
        "no record": ([], True),
        "new fields": ([full | fields, bare | {"new": "x", "new_id": 7, "newer": {"a": [1]}}], True),
        "odd names": ([bare | {"日本": True, "cf_x-y z": "a", " ": 1, "select": None, 'a"b': 2}], True),
        "huge integers": ([full | {"id": 3, plain: 10**30}, bare], False),
        "whole numbers too large": (
            [bare | dict.fromkeys(numbers[:1], 2**63) | {"new": 2**70}],
            not numbers,
        ),
        "wrong types": ([{**full, plain: {"a": 1}}, bare | {plain: 5}], False),
        **{
            f"{child.key} of a wrong type": ([full | {child.key: wrong}], False)
            for child in entity.lists
            for wrong in ("none", {"id": 1}, [[1]])
        },
    }


WHOLE = (ColumnType.ID, ColumnType.INTEGER)
PLAIN: dict[ColumnType, Any] = {
    ColumnType.ID: 2**53 + 1,
    ColumnType.INTEGER: 7,
    ColumnType.DECIMAL: "7700.10",
    ColumnType.TEXT: "Ä\n",
    ColumnType.BOOLEAN: True,
    ColumnType.TIMESTAMP: "2023-03-23T05:19:22-06:00",
    ColumnType.DATE: "2021-10-21",
    ColumnType.JSON: {"b": 1.50, "a": [None]},
}


def _element(child: Child) -> Any:
    if child.is_plain:
        return PLAIN[child.columns[0].type]
    return {column.key: PLAIN[column.type] for column in child.columns}


@pytest.mark.parametrize("name", sorted(EXACT))
def test_every_entity_is_read_alike_in_every_shape(name: str) -> None:
    for shape, (rows, is_fast) in shapes(EXACT[name]).items():
        body = json.dumps({name: rows}).encode()
        check_that_the_readers_agree(name, body)
        assert (page_of(name, body, is_fast=True) is not None) == is_fast, shape


@pytest.mark.soak
@given(case=st.one_of(pages(is_odd=False), pages(is_odd=True)))
def test_both_readers_agree_over_many_more_pages(case: tuple[str, bytes]) -> None:
    check_that_the_readers_agree(*case)


@given(case=pages(is_odd=False))
@settings(max_examples=50)
def test_a_page_that_fits_its_layout_is_read_fast_and_without_misfits(case: tuple[str, bytes]) -> None:
    page = page_of(*case, is_fast=True)
    assert page is not None
    assert not page.misfits
    assert not page.replaced


@given(
    type_=st.sampled_from(ColumnType), values=st.lists(st.one_of(st.none(), UNFITTING, STAMPS, DAYS, NUMBERS))
)
def test_a_value_is_either_in_its_column_or_beside_it_and_never_in_both(
    type_: ColumnType, values: list[Any]
) -> None:
    fitted = fit_column(type_, values)
    beside = fitted.raw.is_valid().to_pylist() if fitted.raw is not None else [False] * len(values)
    inside = fitted.values.is_valid().to_pylist()
    assert [a + b for a, b in zip(inside, beside, strict=True)] == [
        int(value is not None) for value in values
    ]


@given(value=st.one_of(NUMBERS, HUGE))
def test_a_number_in_a_decimal_column_is_exact_or_beside_it_digit_for_digit(value: int | Decimal) -> None:
    fitted = fit_column(ColumnType.DECIMAL, [value])
    assert (
        fitted.values[0].as_py() == value if fitted.raw is None else Decimal(fitted.raw[0].as_py()) == value
    )


def check_that_the_readers_agree(name: str, body: bytes) -> None:
    """Compare all that both make of a page: each table, what did not fit, what is new; then again with the new keys."""
    unknown = agreed(name, body, LAYOUTS[name]).unknown
    if unknown:
        page = agreed(name, body, LAYOUTS[name].extended(unknown))
        assert not page.unknown
        assert {column.name for column in unknown} <= set(page.tables[name].schema.names)


def agreed(name: str, body: bytes, layout: Layout) -> Page:
    slow = page_of(name, body, is_fast=False, layout=layout)
    fast = page_of(name, body, is_fast=True, layout=layout)
    assert slow is not None
    for table in slow.tables.values():
        table.validate(full=True)
    if fast is not None:
        assert {name: table.schema for name, table in fast.tables.items()} == layout.schemas
        assert fast == slow
    return slow
