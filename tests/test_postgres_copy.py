"""Every value that a column can hold gets into Postgres as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshsales_source.warehouse.postgres_copy import copy_text
from tests.postgres_server import PostgresServer
from tests.warehouse_reader import Row

TEXTS = st.one_of(
    st.text(st.sampled_from(["\n", "\r", "\t", "\\", "N", ".", '"', "\u2028", "\x1a", "😀"]), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = {
    "t": ("text", pa.string(), TEXTS),
    "n": ("numeric(38,9)", pa.decimal128(38, 9), st.decimals(-(10**28), 10**28, places=9)),
    "i": ("bigint", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "b": ("boolean", pa.bool_(), st.booleans()),
    "d": ("date", pa.date32(), st.dates(date(1, 1, 1))),
    "s": (
        "timestamptz",
        pa.timestamp("us", tz="UTC"),
        st.integers(-(2**55), 2**57).map(lambda us: EPOCH + timedelta(microseconds=us)),
    ),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, _, values) in COLUMNS.items()}))


@pytest.fixture(scope="module")
def scratch(postgres: PostgresServer) -> Iterator[Any]:
    with postgres.connect("public") as connection:
        cursor = connection.cursor()
        cursor.execute(
            f"CREATE TEMP TABLE scratch ({', '.join(f'{name} {type_}' for name, (type_, *_) in COLUMNS.items())})"
        )
        connection.commit()
        yield cursor


@settings(max_examples=50)
@given(rows=ROWS)
def test_every_value_that_a_column_can_hold_is_copied_exactly(scratch: Any, rows: list[Row]) -> None:
    schema = pa.schema([pa.field(name, type_) for name, (_, type_, _) in COLUMNS.items()])
    scratch.connection.rollback()
    for batch in pa.Table.from_pylist(rows, schema=schema).to_batches():
        scratch.copy_expert("COPY scratch FROM STDIN", pa.BufferReader(copy_text(batch)))
    scratch.execute("SELECT * FROM scratch ORDER BY ctid")
    assert [dict(zip(COLUMNS, row, strict=True)) for row in scratch.fetchall()] == rows
