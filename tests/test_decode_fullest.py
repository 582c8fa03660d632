"""Every declared column of every table is filled by a record that has everything, with the value sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from freshsales_source.decode import Layout, Page, decode_page, decode_record
from freshsales_source.decode.page import assemble
from freshsales_source.decode.slow import read_slow
from freshsales_source.entities import ENTITIES
from freshsales_source.schema.columns import Child, Column, ColumnType
from freshsales_source.schema.entity_types import Entity
from tests.decoding import LIVE, NOON

START = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)

# Of each type, as it stands on the wire, and as it must be loaded; `n` differs from column to column.
WIRE: dict[ColumnType, Callable[[int], Any]] = {
    ColumnType.ID: lambda n: 2**53 + n,
    ColumnType.INTEGER: lambda n: n,
    ColumnType.DECIMAL: lambda n: f"{n}.25",
    ColumnType.TEXT: lambda n: f"text {n}",
    ColumnType.BOOLEAN: lambda n: n % 2 == 0,
    ColumnType.TIMESTAMP: lambda n: f"2024-02-29T17:30:{n % 60:02}-06:00",
    ColumnType.DATE: lambda n: f"2024-01-{n % 28 + 1:02}",
    ColumnType.JSON: lambda n: {"a": [n]},
}
LOADED: dict[ColumnType, Callable[[int], Any]] = {
    **WIRE,
    ColumnType.DECIMAL: lambda n: Decimal(n) + Decimal("0.25"),
    ColumnType.TIMESTAMP: lambda n: START + timedelta(seconds=n % 60),
    ColumnType.DATE: lambda n: date(2024, 1, n % 28 + 1),
    ColumnType.JSON: lambda n: f'{{"a": [{n}]}}',
}


def fullest(columns: tuple[Column, ...], objects: tuple[str, ...]) -> dict[str, Any]:
    """A value under the key of each column; what may stand inside an object stands there."""
    record: dict[str, Any] = {}
    for n, column in enumerate(columns, start=1):
        inside = next((name for name in objects if column.key.startswith(f"{name}_")), None)
        place = record if inside is None else record.setdefault(inside, {})
        place[column.key.removeprefix(f"{inside}_")] = WIRE[column.type](n)
    return record


def element(child: Child) -> Any:
    whole = fullest(child.columns, child.objects)
    return whole[child.columns[0].key] if child.is_plain else whole


def fullest_answer(row: Entity) -> dict[str, Any]:
    """The answer to the path of one record that has everything."""
    record = fullest(row.columns, row.objects)
    answer: dict[str, Any] = {row.singular: record, "meta": {}}
    for child in row.lists:
        if child.ids:
            side_load = element(child)
            answer[child.key] = [side_load]
            record[child.ids] = [side_load["id"]]
        else:
            record[child.key] = [element(child)]
    return answer


def loaded(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: LOADED[column.type](n) for n, column in enumerate(columns, start=1)}


def check(page: Page, row: Entity) -> None:
    assert (page.unknown, page.ignored, page.misfits) == ((), (), Counter())
    (parent,) = page.tables[row.name].to_pylist()
    own = loaded(row.columns)
    shared = {column.name for column in row.columns for child in row.lists if child.key == column.key}
    assert {name: parent[name] for name in own.keys() - shared} == {
        name: own[name] for name in own.keys() - shared
    }
    assert None not in [parent[column.name] for column in row.columns]
    for child in row.lists:
        (line,) = page.tables[f"{row.name}__{child.name}"].to_pylist()
        place = {"position": 0} if child.has_position else {}
        ours = {row.foreign_key: own["id"], **place, "_is_emptied": None, "_synced_at": NOON}
        assert line == {**loaded(child.columns), **ours}


@pytest.mark.parametrize("row", ENTITIES, ids=lambda row: row.name)
def test_every_column_holds_what_the_fullest_record_sent(row: Entity) -> None:
    layout = Layout.of(row)
    answer = fullest_answer(row)
    check(decode_record(json.dumps(answer).encode(), layout, read=LIVE), row)
    record = answer.pop(row.singular)
    body = json.dumps({**answer, row.envelope: [record]}).encode()
    page = decode_page(body, layout, envelope=row.envelope, read=LIVE)
    assert page.was_fast == layout.is_exact
    check(page, row)
    slow = assemble(read_slow(body, layout, row.envelope), layout, LIVE, where="", was_fast=page.was_fast)
    assert slow == page


@pytest.mark.parametrize("row", ENTITIES, ids=lambda row: row.name)
def test_a_record_with_nothing_but_its_keys_is_read(row: Entity) -> None:
    layout = Layout.of(row)
    record = {column.key: WIRE[column.type](1) for column in row.columns if not column.is_nullable}
    body = json.dumps({row.envelope: [record]}).encode()
    page = decode_page(body, layout, envelope=row.envelope, read=LIVE)
    assert page.ids == [2**53 + 1]
    for child in row.lists:
        (marker,) = page.tables[f"{row.name}__{child.name}"].to_pylist()
        assert marker["_is_emptied"] is True
