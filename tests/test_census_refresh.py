"""The rolling refresh: a few pages a run, every record in time, ids compared both ways, within small means."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.census import Claim, Outcome, Refresh, RefreshState, turns
from freshsales_source.census.refresh_state import Place
from tests.census_replica import Replica, Report
from tests.census_world import ENDS, META, Records, Snapshot, Switches, World, imported, without

RECORDS = imported(1_000)


def contacts(records: Records, switches: Switches | None = None) -> World:
    return World(switches=switches or Switches(), lists={"contacts": dict(records)})


def found(reports: list[Report]) -> tuple[set[int], Records]:
    """What a whole cycle named: candidates, and rows that were missing here."""
    return (
        {i for report in reports for i in report.candidates},
        {i: key for report in reports for i, key in report.loaded.items()},
    )


@pytest.mark.parametrize("pages", [1, 3, 10, 100])
@pytest.mark.parametrize("switches", [Switches(meta=meta, past_the_end=end) for meta in META for end in ENDS])
def test_a_cycle_shows_every_record_in_about_as_many_calls_as_pages(switches: Switches, pages: int) -> None:
    replica, world = Replica(rows=without(RECORDS, [1_000])), contacts(without(RECORDS, [1_000]), switches)
    reports = replica.refresh_cycle(world, pages)
    assert {i for report in reports for i in report.shown} == world.records.keys()
    assert found(reports) == (set(), {})
    assert sum(report.calls for report in reports) <= 10 + (0 if switches.meta != "none" else 2)
    assert all(report.calls <= pages for report in reports)


@pytest.mark.parametrize("pages", [1, 3, 100])
def test_pairs_that_cancel_in_every_count_are_found(pages: int) -> None:
    """An erasure while another record is restored, both in one span: ranks show nothing, the ids do."""
    rows, there = without(RECORDS, [450]), without(RECORDS, [440])
    assert Replica(rows=rows).bisect(contacts(there)).settles()
    replica = Replica(rows=rows)
    assert found(replica.refresh_cycle(contacts(there), pages)) == ({440}, {450: RECORDS[450]})
    assert replica.rows == there


@pytest.mark.parametrize("i", [1, 99, 100, 101, 102, 500, 999, 1_000])
def test_a_record_gone_from_any_place_of_a_page_is_a_candidate(i: int) -> None:
    assert found(Replica(rows=RECORDS).refresh_cycle(contacts(without(RECORDS, [i])), 3)) == ({i}, {})


def test_equal_keys_across_page_and_run_edges_accuse_nobody() -> None:
    block = imported(1_000, step=0)
    world = contacts(without(block, [150, 777]), Switches(ties="by chance"))
    assert found(Replica(rows=block).refresh_cycle(world, 1)) == ({150, 777}, {})


def test_three_lists_are_read_side_by_side_and_compared_as_one() -> None:
    lists = {"open": imported(400, step=9), "won": imported(350, first_id=2_000), "lost": {}}
    everything = {**lists["open"], **lists["won"]}
    world = World(lists={name: without(one, [17, 2_222]) for name, one in lists.items()})
    reports = Replica(rows=without(everything, [33])).refresh_cycle(world, 2)
    assert found(reports) == ({17, 2_222}, {33: everything[33]})
    assert sum(report.calls for report in reports) <= 4 + 4 + 1 + 2


def test_removals_between_two_runs_hide_no_record_and_accuse_nobody_who_is_there() -> None:
    replica, world = Replica(rows=dict(RECORDS)), contacts(RECORDS)
    shown = dict(replica.refresh(world, 3).shown)
    for i in range(50, 70):
        world.remove(i)
    reports = [replica.refresh(world, 3) for _ in range(3)]
    assert not replica.state.is_in_progress
    assert {i for report in reports for i in report.shown} | shown.keys() >= world.records.keys()
    assert found(reports) == (set(), {})


def test_removals_the_warehouse_knows_cost_no_extra_call() -> None:
    records = without(RECORDS, [1_000])
    replica, world = Replica(rows=dict(records)), contacts(records)
    first = replica.refresh(world, 3)
    for i in range(1, 201):
        world.remove(i)
        del replica.rows[i]
    reports = [replica.refresh(world, 3) for _ in range(3)]
    assert first.calls + sum(report.calls for report in reports) == 10
    assert not replica.state.is_in_progress


def test_many_records_that_come_in_front_do_not_stop_it() -> None:
    """Such as a bin's worth of old records, restored."""
    replica, world = Replica(rows=dict(RECORDS)), contacts(RECORDS)
    shown = dict(replica.refresh(world, 3).shown)
    for i, key in imported(1_500, first_id=5_000, key=0).items():
        world.put("contacts", i, key)
        replica.rows[i] = key
    while replica.state.is_in_progress:
        report = replica.refresh(world, 1)
        shown |= report.shown
        assert report.candidates == frozenset()
        assert replica.runs <= 12
    assert shown.keys() >= RECORDS.keys()


def test_what_the_caller_does_with_a_find_does_not_move_the_place() -> None:
    gone, new = set(range(5, 300, 10)), set(range(3, 300, 30))
    replica = Replica(rows=without(RECORDS, new))
    reports = replica.refresh_cycle(contacts(without(RECORDS, gone)), 2)
    assert found(reports) == (gone, {i: RECORDS[i] for i in new})
    assert sum(report.calls for report in reports) <= 11


def test_a_removal_between_two_pages_of_a_run_is_followed() -> None:
    replica, world = Replica(rows=dict(RECORDS)), contacts(RECORDS)
    world.before_request = lambda: world.remove(7) if len(world.requests) == 2 else None
    report = replica.refresh(world, 100)
    assert report.candidates == frozenset()
    assert report.shown.keys() >= world.records.keys()


def test_smaller_pages_than_in_the_last_run_are_followed() -> None:
    replica = Replica(rows=dict(RECORDS))
    shown = dict(replica.refresh(contacts(RECORDS), 3).shown)
    small = contacts(RECORDS, Switches(page_size=25))
    while replica.state.is_in_progress:
        report = replica.refresh(small, 10)
        shown |= report.shown
        assert report.candidates == frozenset()
    assert shown == RECORDS


def test_a_list_without_order_is_read_by_page_number_and_accuses_nobody() -> None:
    replica, world = (
        Replica(rows=dict(RECORDS)),
        contacts(without(RECORDS, [9]), Switches(ignores_order=True)),
    )
    reports = replica.refresh_cycle(world, 3)
    assert {report.outcome for report in reports} == {Outcome.UNORDERED}
    assert found(reports) == (set(), {})
    assert {i for report in reports for i in report.shown} == world.records.keys()
    assert sum(report.calls for report in reports) == 10


def test_a_total_that_lags_ends_no_cycle_early() -> None:
    for told in (100, 300, 950, 1_100):
        world = contacts(RECORDS, Switches(total_is_cached=True, meta="total"))
        world.cached_totals = {"contacts": told}
        reports = Replica(rows=dict(RECORDS)).refresh_cycle(world, 3)
        assert found(reports) == (set(), {})
        assert {i for report in reports for i in report.shown} == RECORDS.keys()


@pytest.mark.parametrize("order", ["by id", "by chance"])
def test_the_state_stays_small_inside_an_import_of_one_second(order: str) -> None:
    block = imported(20_000, step=0)
    world = contacts(without(block, [7_777]), Switches(ties="by id" if order == "by id" else "by chance"))
    replica, largest, candidates = Replica(rows=dict(block)), 0, set[int]()
    while not replica.runs or replica.state.is_in_progress:
        candidates |= replica.refresh(world, 20).candidates
        largest = max(largest, len(json.dumps(replica.state.to_json())))
    assert candidates == {7_777}
    assert largest < 60_000


def test_a_block_too_scattered_to_remember_is_not_judged_rather_than_judged_wrongly() -> None:
    random = Random(1)
    block = dict.fromkeys((random.randrange(2**60) for _ in range(16_000)), 5)
    world = contacts(block, Switches(ties="by chance"))
    replica, largest = Replica(rows=dict(block)), 0
    while not replica.runs or replica.state.is_in_progress:
        assert replica.refresh(world, 40).candidates == frozenset()
        largest = max(largest, len(json.dumps(replica.state.to_json())))
    assert 20_000 < largest < 61_000


def test_an_abandoned_run_leaves_a_state_that_is_true() -> None:
    """The state names what was handed out so far, so whoever stops early goes on there."""
    engine = Refresh(contacts(RECORDS).fetches, Snapshot(RECORDS), RefreshState(), pages=5, now=1)
    steps = engine.steps()
    next(steps)
    next(steps)
    assert (engine.state.position, engine.outcome) == (200, Outcome.UNDECIDED)
    replica = Replica(rows=dict(RECORDS), state=engine.state)
    assert min(replica.refresh(contacts(RECORDS), 1).shown) == 201


def test_a_cycle_tells_when_it_began_and_ended() -> None:
    replica, world = Replica(rows=dict(RECORDS)), contacts(RECORDS)
    states = []
    for _ in range(4):
        replica.refresh(world, 4)
        states.append(replica.state)
    assert [(state.began, state.ended) for state in states] == [(1, None), (1, None), (None, 3), (4, 3)]
    assert [state.pages_left(1_000, 100) for state in states] == [6, 2, 10, 6]


INTEGERS = st.integers(-(2**62), 2**62)


@given(
    seen=st.dictionaries(INTEGERS, INTEGERS),
    places=st.dictionaries(
        st.text(), st.builds(Place, position=INTEGERS, key=INTEGERS, is_done=st.booleans())
    ),
    began=st.none() | INTEGERS,
)
def test_the_state_survives_json(seen: Records, places: dict[str, Place], began: int | None) -> None:
    state = RefreshState(began=began, through=5, seen=seen, places=places)
    assert RefreshState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_missing_state_is_that_of_a_refresh_that_never_ran() -> None:
    assert RefreshState.from_json(None) == RefreshState.from_json({}) == RefreshState()


def claim(name: str, pages_left: int, *, began: int | None = None, ended: int | None = None) -> Claim:
    return Claim(name=name, state=RefreshState(began=began, ended=ended), pages_left=pages_left)


def test_pages_go_to_what_was_left_unread_longest() -> None:
    claims = [claim("a", 4, ended=9), claim("b", 3, ended=5), claim("c", 8, began=7, ended=2), claim("d", 1)]
    # Where two runs meet, a page may be read twice: what goes on gets one more.
    assert turns(claims, 10) == {"d": 1, "c": 9}
    assert turns(claims, 100) == {"d": 1, "c": 9, "b": 3, "a": 4}
    assert turns(claims, 0) == {}


def test_each_object_is_read_whole_in_as_many_runs_as_all_pages_take() -> None:
    sizes = {"contacts": 9_000, "deals": 2_500, "sales_accounts": 1_250, "tasks": 40, "appointments": 0}
    worlds = {name: contacts(imported(size)) for name, size in sizes.items()}
    replicas = {name: Replica(rows=imported(size)) for name, size in sizes.items()}
    ended: dict[str, list[int]] = {name: [] for name in sizes}
    for run in range(1, 61):
        claims = [
            Claim(name=name, state=one.state, pages_left=one.state.pages_left(sizes[name], 100))
            for name, one in replicas.items()
        ]
        shares = turns(claims, 10)
        assert sum(shares.values()) <= 10
        for name, pages in shares.items():
            replicas[name].runs = run
            replicas[name].refresh(worlds[name], pages)
            if not replicas[name].state.is_in_progress:
                ended[name].append(run)
    in_all = -(-(90 + 25 + 13 + 1 + 1) // 10)
    for runs in ended.values():
        assert runs[0] <= in_all + 1
        assert all(later - earlier <= in_all + 1 for earlier, later in pairwise(runs))
        assert runs[-1] >= 60 - in_all - 1


def test_rows_that_never_count_here_do_not_keep_a_cycle_from_ending() -> None:
    """Such as appointments that are past by the CRM's clock only: they are loaded, and not compared."""
    world, state = contacts(RECORDS, Switches(page_size=10)), RefreshState()
    stored, runs = Snapshot(without(RECORDS, range(1, 1_000, 7))), 0
    while not runs or state.is_in_progress:
        runs += 1
        engine = Refresh(world.fetches, stored, state, pages=1, now=runs)
        assert sum(1 for _ in engine.steps()) <= 1
        state = RefreshState.from_json(engine.state.to_json())
        assert runs <= 250, state
