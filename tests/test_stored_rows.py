"""Rows counted and ranked in SQL are what counting them by hand gives, nulls and both directions included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.census import BEGINNING, END, NULLS_LAST
from freshsales_source.warehouse.stored_rows import (
    Part,
    StoredKeys,
    count_binned_before,
    count_part,
    count_rows,
    key_of,
)

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


class Database:
    """A warehouse of one table."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    def fill(self, rows: list[tuple[int, int | None]]) -> None:
        """Have live rows with these ids, created so many milliseconds after the start; None without a stamp."""
        self._db.execute("CREATE OR REPLACE TABLE t (id BIGINT, created_at TIMESTAMPTZ, is_deleted BOOLEAN)")
        for id_, offset in rows:
            at = None if offset is None else START + timedelta(milliseconds=offset)
            self._db.execute("INSERT INTO t VALUES (?, ?, false)", [id_, at])

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        return self._db.execute(sql).fetchall()

    def name(self, table: str) -> str:
        return f'"{table}"'


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with closing(duckdb.connect()) as db:
        yield Database(db)


OFFSETS = st.one_of(st.none(), st.integers(-5_000, 5_000))


@given(
    offsets=st.lists(OFFSETS, max_size=12),
    forgotten=st.sets(st.integers(0, 11), max_size=4),
    ends=st.tuples(OFFSETS, OFFSETS),
    descends=st.booleans(),
)
def test_ranks_and_ranges_are_those_of_the_keys_whether_rows_or_forgotten_records_hold_them(
    database: Database,
    offsets: list[int | None],
    forgotten: set[int],
    ends: tuple[int | None, int | None],
    descends: bool,
) -> None:
    rows = list(enumerate(offsets))
    database.fill([row for row in rows if row[0] not in forgotten])
    places = {id_: seconds(offset) for id_, offset in rows if id_ in forgotten}
    stored = StoredKeys(database, "t", Part.LIVE.value, nulls=NULLS_LAST, descends=descends, more=places)
    keys = {id_: key(offset, descends) for id_, offset in rows}
    assert stored.count() == len(keys)
    assert dict(stored.keys([*keys, 99])) == keys
    low, high = sorted(key(end, descends) for end in ends)
    for end in (low, high, BEGINNING, BEGINNING + 1, END):
        assert stored.through(end) == sum(one <= end for one in keys.values())
    for first, last in ((low, high), (BEGINNING + 1, END), (low, END)):
        wanted = {id_: one for id_, one in keys.items() if first <= one <= last}
        assert dict(stored.between(first, last)) == wanted


def seconds(offset: int | None) -> int | None:
    return None if offset is None else int((START + timedelta(milliseconds=offset)).timestamp() // 1)


def key(offset: int | None, descends: bool) -> int:
    at = None if offset is None else START + timedelta(milliseconds=offset)
    return key_of(at, NULLS_LAST, descends=descends)


def test_parts_are_told_apart_by_their_flags() -> None:
    with closing(duckdb.connect()) as db:
        db.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES (1, false, NULL, NULL), (2, true, 'recycle_bin', "
            "TIMESTAMPTZ '2026-01-01 00:00:00+00'), (3, true, 'vanished', TIMESTAMPTZ '2026-01-01 00:00:00+00'), "
            "(4, true, NULL, NULL), (5, true, 'recycle_bin', TIMESTAMPTZ '2026-03-01 00:00:00+00')) "
            "AS t(id, is_deleted, _deleted_reason, _deleted_at)"
        )
        database = Database(db)
        counts = {part: count_part(database, "t", part) for part in (Part.LIVE, Part.BINNED, Part.LISTED)}
        assert counts == {Part.LIVE: 1, Part.BINNED: 2, Part.LISTED: 2}
        assert count_rows(database, "t") == 4
        assert count_binned_before(database, "t", datetime(2026, 2, 1, tzinfo=UTC)) == 1
