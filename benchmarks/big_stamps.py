"""Does one stamp shared by all records cost more than its pages? Contacts with one `updated_at`, then one `created_at`.

    python -m benchmarks.big_stamps

For each: the seconds of a first sync of 5,000 and of 20,000 contacts, whose ratio must not exceed 6; what it costs to
find one record that vanished; and 20,000 contacts read in runs of 30 calls, ten minutes apart, of which at most 14 may
be needed. The API is emulated in process and never waits, so that only our own work is timed. Ends with 1 where a
limit is exceeded.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

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
from tests.connector import Connector, connect, verdicts

SMALL, LARGE = 5_000, 20_000
MOST_RATIO, MOST_RUNS, MOST_STATE = 6.0, 14, 100_000


def main() -> int:
    """Run everything; return the exit code."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # The first sync of a process pays for imports.
        timed_sync(root / "warm", contacts(100, created=one_by_one, updated=one_by_one))
        results = {
            "one updated_at": shared_stamp(root / "updated", created=one_by_one, updated=at_once),
            "one created_at": shared_stamp(root / "created", created=at_once, updated=one_by_one),
            "runs of 30 calls, an hour of edits": cut_runs(root / "hour", updated=over_an_hour(LARGE)),
            "runs of 30 calls, one updated_at": cut_runs(root / "cut", updated=at_once),
        }
    results["machine"] = machine()
    print(json.dumps(results, indent=2))
    broken = [name for name, result in results.items() if result.get("holds") is False]
    print(f"broken: {', '.join(broken) or 'nothing'}", file=sys.stderr)
    return 1 if broken else 0


def shared_stamp(folder: Path, *, created: When, updated: When) -> dict[str, object]:
    """Seconds of first syncs of two sizes, and the calls that one vanished record of the larger one costs."""
    small = contacts(SMALL, created=created, updated=updated)
    emulator = contacts(LARGE, created=created, updated=updated)
    seconds, _ = timed_sync(folder / "small", small)
    more, connector = timed_sync(folder / "large", emulator)
    state = state_size(connector)
    connector.clock.advance(600)
    idle = connector.sync(refresh_pages=0).calls
    vanished = connector.reader.ids("contacts")[LARGE // 3]
    emulator.store.forget("contacts", vanished)
    connector.clock.advance(600)
    search = connector.sync(refresh_pages=0).calls - idle
    is_found = connector.reader.ids("contacts", where="is_deleted") == [vanished]
    return {
        f"seconds of {SMALL:,}": round(seconds, 2),
        f"seconds of {LARGE:,}": round(more, 2),
        "ratio": round(more / seconds, 2),
        "state, bytes": state,
        "calls of an idle run": idle,
        "more calls to find one that vanished": search,
        "holds": more / seconds <= MOST_RATIO and state < MOST_STATE and is_found,
    }


def timed_sync(folder: Path, emulator: Emulator) -> tuple[float, Connector]:
    """Seconds of a first sync of an account of contacts, and the connector that made it."""
    count = len(emulator.store.live("contacts"))
    connector = connect(emulator, folder, objects=["contacts"], refresh_pages=0)
    started = time.perf_counter()
    report = connector.sync()
    seconds = time.perf_counter() - started
    if verdicts(report) != {"contacts": "matched"} or connector.reader.count("contacts") != count:
        raise SystemExit(f"{count:,} contacts: {report.objects}")
    return seconds, connector


def cut_runs(folder: Path, *, updated: When) -> dict[str, object]:
    """How many runs of 30 calls read 20,000 contacts."""
    emulator = contacts(LARGE, created=one_by_one, updated=updated)
    connector = connect(emulator, folder, objects=["contacts"], refresh_pages=0)
    runs = len(sync_in_parts(connector, 30, most=2 * MOST_RUNS))
    count, state = connector.reader.count("contacts"), state_size(connector)
    holds = runs <= MOST_RUNS and count == LARGE and state < MOST_STATE
    return {"runs": runs, "rows": count, "state, bytes": state, "holds": holds}


def machine() -> dict[str, object]:
    """Where this ran."""
    versions = {name: version(name) for name in ("freshsales-source", "dlt", "duckdb", "pyarrow")}
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        **versions,
    }


if __name__ == "__main__":
    sys.exit(main())
