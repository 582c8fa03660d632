"""How many calls syncs cost: a first one, and incremental ones after k edits, in accounts of two sizes.

On a clock that nobody waits for, and past dlt's packages: calls are counted, nothing is timed.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.aims import Line
from benchmarks.large_account import LargeAccount
from tests.connector import Connector, connect_swiftly, of, verdicts
from tests.fake_clock import FakeClock

OBJECTS = ("contacts", "sales_accounts", "deals")
LISTS = {"contacts": "contacts", "sales_accounts": "sales_accounts", "deals": "open_deals"}
"""The list of each object that is enlarged and edited."""
MOST_EXTRA = 2


def measured(quick: bool) -> Iterator[Line]:
    """Two lines: first syncs, and incremental ones."""
    sizes = (500, 2_000) if quick else (1_000, 100_000)
    changes = (1, 100, 250) if quick else (1, 99, 100, 101, 250, 500)
    firsts: dict[str, dict[str, Any]] = {}
    costs: dict[str, dict[str, dict[str, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            account = LargeAccount({LISTS[name]: n for name in OBJECTS}, clock=FakeClock())
            connector = connect_swiftly(account, Path(folder) / str(n), objects=list(OBJECTS))
            firsts[f"{n:,}"] = first_sync(account, connector)
            costs[f"{n:,}"] = {f"{k:,}": dict(after_edits(account, connector, k)) for k in changes}
    yield first_line(firsts)
    yield incremental_line(costs)


def first_sync(account: LargeAccount, connector: Connector) -> dict[str, Any]:
    """Calls of a first sync: all, those for pages, and the fewest in which all pages can be read."""
    report = connector.sync()
    _check(report.exit_code == 0, f"a first sync ended with {verdicts(report)}")
    pages = [call for call in account.log if "/view/" in call.path]
    views = {call.path.rpartition("/")[2] for call in pages}
    fewest = sum(account.pages(view) for view in views)
    return {
        "calls": report.calls,
        "pages": len(pages),
        "fewest": fewest,
        "ratio": round(len(pages) / fewest, 4),
    }


def after_edits(account: LargeAccount, connector: Connector, k: int) -> Counter[str]:
    """Calls of each walk of the sync after k edits of each object; the edits are checked to have come."""
    connector.clock.advance(1_000)
    for name in OBJECTS:
        account.edit(LISTS[name], k)
    connector.clock.advance(400)
    before = len(account.log)
    report = connector.sync()
    for name in OBJECTS:
        changed = of(report, name).rows_changed
        _check(changed == k, f"{changed} of {k} edits of {name} came")
    _check(report.exit_code == 0, f"after {k} edits: {verdicts(report)}")
    views = [call.path.split("/api/")[-1] for call in account.log[before:] if "/view/" in call.path]
    return Counter(views)


def first_line(firsts: dict[str, dict[str, Any]]) -> Line:
    """The line of first syncs."""
    worst = max(one["ratio"] for one in firsts.values())
    lookups = max(one["calls"] - one["pages"] for one in firsts.values())
    return Line(
        key="first_sync_calls",
        reached=f"{worst:.3f} and {lookups} lookups",
        holds=worst <= 1.05,
        detail=firsts,
    )


def incremental_line(costs: dict[str, dict[str, dict[str, int]]]) -> Line:
    """The line of incremental syncs."""
    over = [
        max(calls.values()) - ceil(int(k.replace(",", "")) / 100)
        for by_changes in costs.values()
        for k, calls in by_changes.items()
    ]
    are_same = all(by_changes == next(iter(costs.values())) for by_changes in costs.values())
    return Line(
        key="incremental_calls",
        reached=f"ceil(k/100) + {max(over)}, {'the same' if are_same else 'not the same'} at both n",
        holds=max(over) <= MOST_EXTRA and are_same,
        detail=costs,
    )


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)
