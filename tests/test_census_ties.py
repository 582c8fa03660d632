"""Equal keys that change places at each request: ranks hold, one reading of a block does not show all its records."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.census_replica import Replica
from tests.census_world import ENDS, META, Meta, PastTheEnd, Records, Switches, World, imported, without

MOVING = Switches(ties="reshuffled", page_size=10)
BLOCK = imported(45, first_id=1_000, key=1_000_300, step=0)
"""An import of one second."""
RECORDS = {**imported(100), **BLOCK}
ENVELOPES = [replace(MOVING, meta=meta, past_the_end=end) for meta in META for end in ENDS]


def contacts(records: Records, switches: Switches = MOVING) -> World:
    return World(switches=switches, lists={"contacts": dict(records)})


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("meta", ["both", "total"])
@pytest.mark.parametrize("others", [100, 40, 35, 0], ids=lambda n: f"{n} others")
@pytest.mark.parametrize("size", [3, 10, 15])
def test_who_is_gone_from_a_block_is_found(end: PastTheEnd, meta: Meta, others: int, size: int) -> None:
    records = {**imported(others), **BLOCK}
    gone = {1_003, 1_017, 1_044}
    switches = Switches(ties="reshuffled", page_size=size, meta=meta, past_the_end=end)
    report = Replica(rows=records).bisect(contacts(without(records, gone), switches))
    assert report.settles(vanished=gone)


@pytest.mark.parametrize("seed", range(20))
def test_who_came_into_a_block_is_loaded(seed: int) -> None:
    came = Random(seed).sample(sorted(BLOCK), 5)
    world = contacts(RECORDS)
    world.random = Random(seed)
    report = Replica(rows=without(RECORDS, came)).bisect(world)
    assert report.settles(missing=dict.fromkeys(came, 1_000_300))


@pytest.mark.parametrize("switches", ENVELOPES, ids=lambda one: f"{one.meta}, then {one.past_the_end}")
@pytest.mark.parametrize("others", [0, 35, 40, 105])
@pytest.mark.parametrize("size", [1, 2, 10, 100])
@pytest.mark.parametrize("pages", [1, 3, 1_000])
def test_a_cycle_of_the_refresh_ends_whatever_stands_behind_the_end(
    switches: Switches, others: int, size: int, pages: int
) -> None:
    records = {**imported(others), **BLOCK}
    replica = Replica(rows={**records, **imported(3, first_id=5_000, key=1_000_300, step=0)})
    rows = len(replica.rows)
    reports = replica.refresh_cycle(contacts(records, replace(switches, page_size=size)), pages)
    assert replica.rows == records
    assert sum(report.calls for report in reports) <= 2 * rows / size + 10
