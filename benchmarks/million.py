"""A million contacts: whether syncs run to the end, their peak memory, and what merging a few changes costs.

The account is a process of its own, so its memory does not count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.account_process import AccountProcess
from benchmarks.aims import Line
from benchmarks.measured import Measured, measure, middle, seconds_of

CHANGES = 1_000
MOST_MORE_MB = 100
MOST_LOAD_S = 2.0


def measured(quick: bool) -> Iterator[Line]:
    """Three lines."""
    small, large = (2_000, 10_000) if quick else (100_000, 1_000_000)
    rounds = 1 if quick else 3
    with tempfile.TemporaryDirectory() as folder:
        with AccountProcess({"contacts": small}) as account:
            first_small = _sync(Path(folder) / "small", account)
        with AccountProcess({"contacts": large}) as account:
            first = _sync(Path(folder) / "large", account)
            yield _memory(first_small, first, small, large)
            later = []
            for number in range(rounds):
                account.edit("contacts", CHANGES, offset=number)
                later.append(_sync(Path(folder) / "large", account))
            yield _merge(later)
            yield _million(first, later, large)


def _sync(folder: Path, account: AccountProcess) -> Measured:
    return measure("benchmarks.syncs:first_sync", folder=str(folder), url=account.url, objects=["contacts"])


def _memory(first_small: Measured, first: Measured, small: int, large: int) -> Line:
    more = first.peak_mb - first_small.peak_mb
    return Line(
        key="memory",
        reached=f"{more:+.0f} MB ({first_small.peak_mb:.0f} and {first.peak_mb:.0f} MB)",
        holds=more <= MOST_MORE_MB,
        detail={f"{small:,}": _told(first_small), f"{large:,}": _told(first)},
    )


def _merge(later: list[Measured]) -> Line:
    seconds = sorted(run.value["loading_s"] for run in later)
    load_s = seconds[len(seconds) // 2]
    whole = middle(later)
    return Line(
        key="merge",
        reached=f"{load_s:.2f} s of a run of {whole.wall_s:.1f} s",
        holds=load_s < MOST_LOAD_S,
        detail={
            "normalising and loading, all packages of the run, s": [round(one, 3) for one in seconds],
            "changed": [run.value["changed"] for run in later],
            **seconds_of(later),
        },
    )


def _million(first: Measured, later: list[Measured], large: int) -> Line:
    runs = [first, *later]
    matched = all(run.value["verdicts"] == {"contacts": "matched"} for run in runs)
    are_there = all(run.value["rows"] == {"contacts": large} for run in runs)
    # What was edited within the lookback of the run before is read again.
    have_come = all(run.value["changed"]["contacts"] >= CHANGES for run in later)
    minutes = first.wall_s / 60
    return Line(
        key="million",
        reached=f"first: {minutes:.1f} min, {first.value['calls']:,} calls; then {middle(later).wall_s:.1f} s",
        holds=matched and are_there and have_come,
        detail={"first": _told(first), "incremental": [_told(run) for run in later]},
    )


def _told(run: Measured) -> dict[str, Any]:
    return {
        "wall_s": round(run.wall_s, 1),
        "cpu_s": round(run.cpu_s, 1),
        "peak_mb": round(run.peak_mb),
        **run.value,
    }
