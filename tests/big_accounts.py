"""Accounts of thousands of contacts with chosen stamps, built without a generator; and cut syncs of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from freshsales_source.emulator import Emulator, Store
from freshsales_source.sync.report import RunReport
from tests.connector import ALL_PIPELINES, Connector, emulate, verdicts
from tests.fake_clock import FAKE_START, FakeClock

When: TypeAlias = Callable[[int], datetime]
"""The stamp of the n-th record."""

LONG_AGO = FAKE_START - timedelta(days=400)


def at_once(_: int) -> datetime:
    """All in one second, as an import leaves them."""
    return FAKE_START - timedelta(hours=2)


def over_an_hour(count: int) -> When:
    """One after the other over an hour that ended two hours ago."""
    return lambda n: FAKE_START - timedelta(hours=2, seconds=3600 * n // count)


def one_by_one(n: int) -> datetime:
    """A minute apart, long ago."""
    return LONG_AGO + timedelta(minutes=n)


def contacts(count: int, *, created: When, updated: When) -> Emulator:
    """An account of nothing but so many contacts, at rest."""
    clock = FakeClock()
    store = Store(clock)
    store.account.add_owner("Ada", "ada@example.com")
    for n in range(count):
        store.load(
            "contacts", {"first_name": f"Contact {n}", "created_at": created(n), "updated_at": updated(n)}
        )
    return emulate(store, clock, replace(ALL_PIPELINES, page_cap=100))


def sync_in_parts(connector: Connector, max_calls: int, *, most: int) -> list[RunReport]:
    """Runs ten minutes apart, each with so few calls, until one is whole; fails if that takes too many."""
    reports: list[RunReport] = []
    while not reports or "partial" in verdicts(reports[-1]).values():
        assert len(reports) < most, f"not whole after {most} runs"
        reports.append(connector.sync(max_calls=max_calls))
        connector.clock.advance(600)
    return reports


def state_size(connector: Connector) -> int:
    """Bytes of JSON that the connector keeps between runs."""
    files = list((connector.folder / "dlt").rglob("state.json"))
    assert files, "no state was saved"
    return max(len(json.dumps(json.loads(Path(file).read_text("utf-8")))) for file in files)
