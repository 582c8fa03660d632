"""The registry of what can be measured: `python3 run.py bench NAME` runs one of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks import big_stamps, budget, calls, latency, million, throughput
from benchmarks.aims import Line

Measuring: TypeAlias = Callable[[bool], Iterator[Line]]
"""Measures in the quick size (True) or the full one, and yields each line when it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing to measure. `lines` are the keys of its aims; a line that never came is told as missing."""

    name: str
    about: str
    lines: tuple[str, ...]
    run: Measuring


SUBJECTS = (
    Subject(
        name="calls",
        about="API calls of first and incremental syncs",
        lines=("first_sync_calls", "incremental_calls"),
        run=calls.measured,
    ),
    Subject(
        name="throughput",
        about="records a second against dlt's own rows, and against parsing and inserting alone",
        lines=("rate_shipped", "rate_tuned_merge", "rate_tuned_append", "rate_floor"),
        run=throughput.measured,
    ),
    Subject(
        name="latency",
        about="a first sync from a server 300 ms away",
        lines=("latency",),
        run=latency.measured,
    ),
    Subject(
        name="big_stamps",
        about="one stamp shared by all records",
        lines=("one_updated_at", "one_created_at", "cut_runs"),
        run=big_stamps.measured,
    ),
    Subject(
        name="budget",
        about="the share of the allowed calls that is used, on the wall clock",
        lines=("budget_sync", "budget_processes"),
        run=budget.measured,
    ),
    Subject(
        name="million",
        about="memory and merging at a million contacts",
        lines=("memory", "merge", "million"),
        run=million.measured,
    ),
)


def subject(name: str) -> Subject:
    """The subject of that name; raises KeyError for an unknown one."""
    return {one.name: one for one in SUBJECTS}[name]
