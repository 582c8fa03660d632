"""What stands in an SQLite file: every digit, times in an order, and what a missing package is told."""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.errors import ConfigurationError
from freshsales_source.warehouse.sqlite_client import Dates, Decimals, Kept, Times
from freshsales_source.warehouse.sqlite_destination import sqlite
from tests.altered_answers import Altered
from tests.connector import company, connect

CREDENTIALS = "DESTINATION__SQLITE__CREDENTIALS"


def test_values_stand_as_texts_that_sqlite_itself_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, f"sqlite:///{tmp_path}/crm.db")
    emulator = company(accounts=0, contacts=1, deals=2, in_bin=0)
    altered = Altered(emulator=emulator)
    connector = connect(emulator, tmp_path / "made", objects=["deals"])
    connector.transport = lambda: altered
    connector.destination = "sqlite"
    first, *_ = (int(row["id"]) for row in emulator.store.live("deals"))
    literals = {"amount": '"12345678901234567890.120"', "updated_at": '"2026-01-31T08:15:00+05:30"'}
    altered.set("deals", first, expected_close='"2026-01-31"', **literals)
    assert connector.sync().exit_code == 0
    with sqlite3.connect(tmp_path / "crm__freshsales.db") as db:
        columns = "amount, updated_at, expected_close, is_deleted, datetime(updated_at), typeof(amount)"
        rows = {row[0]: row[1:] for row in db.execute(f"SELECT id, {columns} FROM deals")}
    db.close()
    assert rows[first] == (
        "12345678901234567890.12",
        "2026-01-31 02:45:00.000000",
        "2026-01-31",
        0,
        "2026-01-31 02:45:00",
        "text",
    )


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**29), max_value=10**29, places=9)
EARLY = timezone(timedelta(hours=-5, minutes=-30))
STAMPS = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    max_value=datetime.fromisoformat("9999-12-30"), timezones=st.just(EARLY)
)


@given(value=DECIMALS, at=STAMPS, day=st.dates())
def test_what_is_kept_is_read_back_as_it_was(value: Decimal, at: datetime, day: date) -> None:
    kinds: list[tuple[Kept, object]] = [(Decimals(), value), (Times(), at), (Dates(), day)]
    for kind, wanted in kinds:
        text = kind.text(wanted)
        assert kind.value(text.encode()) == wanted
    assert "E" not in Decimals().text(value)


@given(one=STAMPS, other=STAMPS)
def test_times_are_ordered_as_texts(one: datetime, other: datetime) -> None:
    assert (Times().text(one) < Times().text(other)) == (one < other)


def test_without_its_packages_the_destination_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    with pytest.raises(ConfigurationError, match="pip install sqlalchemy alembic"):
        sqlite()
