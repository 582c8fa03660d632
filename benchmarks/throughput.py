"""Records a second from page bytes to tables in DuckDB: ours, dlt's rows as shipped and tuned, and the floor.

All read the same kept answers, in turn, each in a process of its own that has warmed up. Ratios are of the clock, as
threads may share the work; those of CPU, which a busy machine changes less, stand beside them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.aims import Line
from benchmarks.measured import Measured, in_turn, measure, middle, seconds_of

OURS, APPENDED = "sync", "decoder, append"
JOBS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    OURS: ("benchmarks.our_rows:sync", {}),
    APPENDED: ("benchmarks.our_rows:append", {}),
    "tuned, merge": ("benchmarks.plain_dlt:load", {"disposition": "merge", "is_tuned": True}),
    "tuned, append": ("benchmarks.plain_dlt:load", {"disposition": "append", "is_tuned": True}),
    "orjson floor": ("benchmarks.floor:load", {"way": "orjson"}),
    "arrow floor": ("benchmarks.floor:load", {"way": "arrow"}),
}
SHIPPED = ("benchmarks.plain_dlt:load", {"disposition": "merge", "is_tuned": False})
Runs = dict[str, list[Measured]]


def measured(quick: bool) -> Iterator[Line]:
    """Four lines."""
    small, large, rounds = (300, 300, 1) if quick else (10_000, 50_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        keep(root / "warm", 200)
        keep(root / "small", small)
        runs = compare(root, "small", {OURS: JOBS[OURS], "as shipped": SHIPPED}, rounds=min(rounds, 2))
        yield _ratio("rate_shipped", runs, OURS, "as shipped", least=15, records=small)
        keep(root / "large", large)
        runs = compare(root, "large", JOBS, rounds=rounds)
        yield _ratio("rate_tuned_merge", runs, OURS, "tuned, merge", least=3, records=large)
        yield _ratio("rate_tuned_append", runs, APPENDED, "tuned, append", least=4, records=large)
        floor = min(("orjson floor", "arrow floor"), key=lambda name: middle(runs[name]).wall_s)
        yield _ratio("rate_floor", runs, OURS, floor, least=0.5, records=large)


def keep(folder: Path, contacts: int) -> None:
    """Keep the answers of a first sync of so many contacts."""
    folder.mkdir()
    measure("benchmarks.kept_pages:keep", folder=str(folder), contacts=contacts)


def compare(
    root: Path, pages: str, jobs: Mapping[str, tuple[str, Mapping[str, Any]]], *, rounds: int
) -> Runs:
    """Run these jobs in turn over the kept pages; raises SystemExit where two of them loaded different records."""
    runs: Runs = {name: [] for name in jobs}
    usual = {"pages": str(root / pages), "warm_pages": str(root / "warm")}
    for number in range(rounds):
        for name, (job, arguments) in jobs.items():
            folder = root / f"{pages}-{number}-{name.replace(' ', '_')}"
            one = {name: (job, {**usual, "folder": str(folder), **arguments})}
            runs[name] += in_turn(one, rounds=1)[name]
            shutil.rmtree(folder)
    _check_alike(runs)
    return runs


def _check_alike(runs: Mapping[str, Sequence[Measured]]) -> None:
    # What our decoder appends holds a marker for each empty list, which a merge takes away.
    loaded = {name: one.value["rows"] for name, found in runs.items() if name != APPENDED for one in found}
    if len({tuple(sorted(rows.items())) for rows in loaded.values()}) != 1:
        raise SystemExit(f"not the same rows: {loaded}")


def _ratio(key: str, runs: Runs, ours: str, other: str, *, least: float, records: int) -> Line:
    a, b = middle(runs[ours]), middle(runs[other])
    clock, cpu = b.wall_s / a.wall_s, b.cpu_s / a.cpu_s
    said = f"{clock:.1f} times (in CPU {cpu:.1f} times)"
    if least < 1:
        said = f"{1 / clock:.1f} times its time ({1 / cpu:.1f} times its CPU)"
    rates = {name: round(records / middle(found).wall_s) for name, found in runs.items()}
    return Line(
        key=key,
        reached=f"{said}: {rates[ours]:,} records/s against {rates[other]:,}",
        holds=clock >= least,
        detail={
            "records": records,
            "compared with": other,
            "ratio on the clock": round(clock, 3),
            "ratio of cpu": round(cpu, 3),
            "records/s": rates,
            "records/s of cpu": {name: round(records / middle(found).cpu_s) for name, found in runs.items()},
            "runs": {name: seconds_of(found) for name, found in runs.items()},
        },
    )
