"""Does one stamp shared by all records cost more than its pages? Contacts with one `updated_at`, then one `created_at`.

For each: the seconds of CPU of a first sync of 5,000 and of 20,000 contacts, whose ratio must not exceed 6; and what it
costs to find one record that vanished. Then 20,000 contacts read in runs of 30 calls, ten minutes apart, of which at
most 14 may be needed. The API is emulated in process and never waits, so that only our own work (and the emulator's) is
timed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.aims import Line
from benchmarks.measured import Stopwatch
from freshsales_source.emulator import Emulator
from tests.big_accounts import (
    When,
    at_once,
    contacts,
    one_by_one,
    over_an_hour,
    state_size,
    sync_in_parts,
)
from tests.connector import Connector, connect, connect_swiftly, verdicts

MOST_RATIO, MOST_RUNS, MOST_STATE = 6.0, 14, 100_000


Connect: TypeAlias = Callable[..., Connector]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many contacts the two accounts have, and how many calls a cut run may make; the quick one goes past dlt."""

    small: int
    large: int
    calls: int
    connect: Connect = connect


def measured(quick: bool) -> Iterator[Line]:
    """Three lines."""
    size = Size(small=5_000, large=20_000, calls=30)
    if quick:
        size = Size(small=200, large=600, calls=6, connect=connect_swiftly)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # The first sync of a process pays for imports.
        timed_sync(root / "warm", size, contacts(100, created=one_by_one, updated=one_by_one))
        yield shared_stamp("one_updated_at", root / "updated", size, created=one_by_one, updated=at_once)
        yield shared_stamp("one_created_at", root / "created", size, created=at_once, updated=one_by_one)
        yield cut_line(
            {
                "stamps of one hour": cut_runs(root / "hour", size, updated=over_an_hour(size.large)),
                "stamps of one second": cut_runs(root / "cut", size, updated=at_once),
            }
        )


def shared_stamp(key: str, folder: Path, size: Size, *, created: When, updated: When) -> Line:
    """Seconds of first syncs of two sizes, and the calls that one vanished record of the larger one costs."""
    small = contacts(size.small, created=created, updated=updated)
    emulator = contacts(size.large, created=created, updated=updated)
    less, _ = timed_sync(folder / "small", size, small)
    more, connector = timed_sync(folder / "large", size, emulator)
    state = state_size(connector)
    connector.clock.advance(600)
    idle = connector.sync().calls
    vanished = connector.reader.ids("contacts")[size.large // 3]
    emulator.store.forget("contacts", vanished)
    connector.clock.advance(600)
    search = connector.sync().calls - idle
    is_found = connector.reader.ids("contacts", where="is_deleted") == [vanished]
    ratio = more.cpu_s / less.cpu_s
    return Line(
        key=key,
        reached=f"{ratio:.1f} times; {search} calls find one that vanished",
        holds=ratio <= MOST_RATIO and state < MOST_STATE and is_found,
        detail={
            f"cpu_s of {size.small:,}": round(less.cpu_s, 2),
            f"cpu_s of {size.large:,}": round(more.cpu_s, 2),
            f"wall_s of {size.small:,}": round(less.wall_s, 2),
            f"wall_s of {size.large:,}": round(more.wall_s, 2),
            "ratio": round(ratio, 2),
            "state, bytes": state,
            "calls of an idle run": idle,
            "more calls to find one that vanished": search,
        },
    )


def timed_sync(folder: Path, size: Size, emulator: Emulator) -> tuple[Stopwatch, Connector]:
    """What a first sync of an account of contacts took, and the connector that made it."""
    count = len(emulator.store.live("contacts"))
    connector = size.connect(emulator, folder, objects=["contacts"])
    with Stopwatch() as stopwatch:
        report = connector.sync()
    if verdicts(report) != {"contacts": "matched"} or connector.reader.count("contacts") != count:
        raise SystemExit(f"{count:,} contacts: {report.objects}")
    return stopwatch, connector


def cut_runs(folder: Path, size: Size, *, updated: When) -> dict[str, Any]:
    """How many short runs read all contacts."""
    emulator = contacts(size.large, created=one_by_one, updated=updated)
    connector = size.connect(emulator, folder, objects=["contacts"])
    runs = len(sync_in_parts(connector, size.calls, most=2 * MOST_RUNS))
    return {"runs": runs, "rows": connector.reader.count("contacts"), "state, bytes": state_size(connector)}


def cut_line(found: dict[str, dict[str, Any]]) -> Line:
    """The line of cut runs, by when the contacts were updated."""
    most = max(one["runs"] for one in found.values())
    are_small = all(one["state, bytes"] < MOST_STATE for one in found.values())
    are_whole = len({one["rows"] for one in found.values()}) == 1
    return Line(
        key="cut_runs",
        reached=f"{most} runs",
        holds=most <= MOST_RUNS and are_small and are_whole,
        detail=found,
    )
