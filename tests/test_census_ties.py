"""Equal keys that change places at each request: ranks hold, one reading of a block does not show all its records."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from freshsales_source.census import Outcome
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
    assert records.items() <= replica.rows.items()
    # Of very small pages one reading leaves out so many that nobody is suspected.
    assert size < 10 or replica.rows == records
    assert sum(report.calls for report in reports) <= 2 * rows / size + 10


def test_a_cycle_does_not_take_the_rows_behind_a_capped_total_for_gone() -> None:
    world = contacts(RECORDS, replace(MOVING, meta="total", past_the_end="repeat", total_cap=120))
    reports = Replica(rows={**RECORDS, 7: 1_000_301}).refresh_cycle(world, 1_000)
    assert RECORDS.keys() - {i for report in reports for i in report.shown} <= BLOCK.keys()
    assert world.requests[-1][1] >= 15


def test_a_block_too_large_to_be_seen_whole_is_not_suspected_by_the_refresh() -> None:
    block = imported(3_000, step=0)
    world = contacts(without(block, [7]), Switches(ties="reshuffled"))
    reports = Replica(rows=block).refresh_cycle(world, 1_000)
    assert reports[-1].candidates == frozenset()
    assert {report.outcome for report in reports} == {Outcome.SETTLED}


def test_a_block_too_large_to_be_seen_whole_is_left_undecided() -> None:
    """Not even read over again: that would leave too many unseen."""
    block = imported(6_000, step=0)
    report = Replica(rows=block).bisect(contacts(without(block, [7]), Switches(ties="reshuffled")))
    assert (report.outcome, report.candidates, report.calls) == (Outcome.UNDECIDED, frozenset(), 60)


def test_a_few_that_no_reading_happened_to_show_are_suspected_and_nothing_is_vouched_for() -> None:
    block = imported(3_300, step=0)
    report = Replica(rows=block).bisect(contacts(without(block, [7]), Switches(ties="reshuffled")))
    assert report.outcome is Outcome.UNDECIDED
    assert 7 in report.candidates
    assert 1 < len(report.candidates) <= 21
    assert report.calls <= 200


def test_a_record_removed_in_mid_search_is_told_from_a_change_of_places_without_a_total() -> None:
    """Pages show an id twice in either case; read over again, only one of them shows the same rows."""
    world = contacts(without(RECORDS, [50]), Switches(page_size=10, meta="total_pages"))
    world.before_request = lambda: world.remove(3) if len(world.requests) == 5 else None
    replica = Replica(rows=RECORDS)
    replica.bisect(world)
    replica.bisect(world)
    assert replica.rows == world.records


def test_a_total_that_lags_is_told_from_a_change_of_places() -> None:
    """The server repeats its last page, all of one key: it looks as if the block went on."""
    records = imported(40, step=0)
    world = contacts(
        records, Switches(page_size=10, meta="total", past_the_end="repeat", total_is_cached=True)
    )
    world.cached_totals = {"contacts": 60}
    report = Replica(rows={**records, 99: 1_000_000}).bisect(world)
    assert report.settles(vanished=[99])
    assert report.calls < 100
