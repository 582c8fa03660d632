"""The numbers that the connector is to reach, each with how it is told whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One line of the table; `aim` in the words a reader sees, the limit itself where it is measured."""

    key: str
    what: str
    aim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was measured for one aim: in a few words, whether it holds, and everything it was made from."""

    key: str
    reached: str
    holds: bool
    detail: Mapping[str, Any] = field(default_factory=dict)


AIMS = (
    Aim(
        key="first_sync_calls",
        what="calls of a first sync / fewest possible (its pages), lookups beside them",
        aim="<= 1.05",
    ),
    Aim(
        key="incremental_calls",
        what="calls of an incremental sync for each walk, k changes of n = 1,000 and of n = 100,000",
        aim="<= ceil(k/100) + 2, the same at both n",
    ),
    Aim(
        key="budget_sync",
        what="a first sync's share of limit x (1 - reserve), clock on the wall, 400 calls a minute",
        aim=">= 95 %; 0 calls above the limit",
    ),
    Aim(
        key="budget_processes",
        what="the same for three processes of four workers",
        aim=">= 95 %; 0 calls above the limit",
    ),
    Aim(
        key="latency",
        what="calls x latency / walks in flight, as a share of a first sync's time; latency 300 ms",
        aim=">= 90 %",
    ),
    Aim(
        key="rate_shipped",
        what="records/s, page bytes to merged tables, against dlt's dict rows as dlt ships (10,000 records)",
        aim=">= 15 times",
    ),
    Aim(
        key="rate_tuned_merge",
        what="the same against dlt's dict rows tuned (parquet, no compression, one process), merging",
        aim=">= 3 times",
    ),
    Aim(
        key="rate_tuned_append",
        what="our decoder and an appending load against the same dict rows, appending",
        aim=">= 4 times",
    ),
    Aim(
        key="rate_floor",
        what="records/s of a whole sync against parse and insert with nothing else (orjson, Arrow, DuckDB)",
        aim="within 2 times",
    ),
    Aim(
        key="memory",
        what="peak memory of a first sync of 1,000,000 contacts, above that of 100,000",
        aim="<= 100 MB more",
    ),
    Aim(
        key="merge",
        what="seconds of load when 1,000 changes are merged into 1,000,000 contacts",
        aim="< 2 s",
    ),
    Aim(
        key="million",
        what="1,000,000 contacts: a first sync and an incremental one run to their end",
        aim="both match",
    ),
    Aim(
        key="one_updated_at",
        what="seconds of a first sync, one `updated_at` for all: 20,000 contacts / 5,000",
        aim="<= 6 times",
    ),
    Aim(
        key="one_created_at",
        what="the same, one `created_at` for all",
        aim="<= 6 times",
    ),
    Aim(
        key="cut_runs",
        what="runs of 30 calls that read 20,000 contacts, whose stamps lie in one hour or one second",
        aim="<= 14",
    ),
)


def aim(key: str) -> Aim:
    """The aim of that key; raises KeyError for an unknown one."""
    return {one.key: one for one in AIMS}[key]
