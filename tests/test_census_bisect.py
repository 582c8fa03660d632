"""What the census concludes from lists that are odd, wrong about themselves, or changed while it reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from freshsales_source.census import NULLS_LAST, Bisect, Outcome, RankedPage
from tests.census_replica import Replica
from tests.census_world import ENDS, META, PastTheEnd, Records, Snapshot, Switches, World, imported, without

RECORDS = imported(1_000)
ENVELOPES = [Switches(meta=meta, past_the_end=end) for meta in META for end in ENDS]


@dataclass
class Script:
    """Does each thing once, before the request with that number."""

    things: dict[int, Callable[[], None]]
    requests: int = 0

    def __call__(self) -> None:
        self.requests += 1
        if self.requests in self.things:
            self.things.pop(self.requests)()


def contacts(records: Records, switches: Switches | None = None) -> World:
    return World(switches=switches or Switches(), lists={"contacts": dict(records)})


def calls_for(world: World, rows: Records) -> int:
    return Replica(rows=rows).bisect(world).calls


def test_records_made_while_it_searches_disturb_nothing() -> None:
    world, still = (contacts(without(RECORDS, [321])) for _ in range(2))
    made = iter(range(2_000, 3_000))

    def create() -> None:
        if world.requests:
            world.put("contacts", i := next(made), 2_000_000 + i)

    world.before_request = create
    report = Replica(rows=RECORDS).bisect(world)
    assert report.settles(vanished=[321])
    assert len(world.records) > len(RECORDS)
    assert report.calls == calls_for(still, RECORDS)


def test_a_removal_behind_what_was_measured_starts_the_search_over() -> None:
    world = contacts(without(RECORDS, [321]))
    world.before_request = script = Script({3: lambda: world.remove(20)})
    assert Replica(rows=RECORDS).bisect(world).settles(vanished=[20, 321])
    assert script.things == {}
    assert world.requests.count(("contacts", 1)) == 2


def test_removals_without_end_are_told_and_bounded() -> None:
    world = contacts(without(RECORDS, [321]))
    victims = iter(range(500, 700))
    world.before_request = lambda: world.remove(next(victims))
    report = Replica(rows=RECORDS).bisect(world)
    assert report.outcome is Outcome.MOVED
    assert report.calls <= 4 * 2
    assert report.loaded == {}
    assert report.candidates.isdisjoint(world.records)


def test_restarts_are_counted() -> None:
    world = contacts(RECORDS)
    victims = iter(range(500, 700))
    world.before_request = lambda: world.remove(next(victims))
    engine = Bisect(world.fetches, Snapshot({}), restarts=0)
    assert len(list(engine.steps())) == engine.calls == 2
    assert engine.outcome is Outcome.MOVED


def test_a_list_out_of_order_is_told_and_accuses_nobody() -> None:
    world = contacts(without(RECORDS, [321]), Switches(ignores_order=True))
    report = Replica(rows=RECORDS).bisect(world)
    assert (report.outcome, report.candidates) == (Outcome.UNORDERED, frozenset())
    assert report.calls <= 4


def test_order_that_only_shows_between_pages_is_seen_too() -> None:
    world = contacts(without(RECORDS, [321]), Switches(ignores_order=True, page_size=1))
    report = Replica(rows=RECORDS).bisect(world)
    assert (report.outcome, report.candidates) == (Outcome.UNORDERED, frozenset())


def test_a_server_that_caps_pages_is_followed() -> None:
    report = Replica(rows=RECORDS).bisect(contacts(without(RECORDS, [321]), Switches(page_size=25)))
    assert report.settles(vanished=[321])


@pytest.mark.parametrize("switches", ENVELOPES, ids=lambda one: f"{one.meta}, then {one.past_the_end}")
@pytest.mark.parametrize("size", [97, 100, 1_000])
@pytest.mark.parametrize("i", [1, 500, 901, 1_000])
def test_any_envelope_and_any_end_give_the_same_finding(switches: Switches, size: int, i: int) -> None:
    switches = replace(switches, page_size=size)
    assert Replica(rows=RECORDS).bisect(contacts(without(RECORDS, [i]), switches)).settles(vanished=[i])
    report = Replica(rows=without(RECORDS, [i])).bisect(contacts(RECORDS, switches))
    assert report.settles(missing={i: RECORDS[i]})


@pytest.mark.parametrize("wrong", [-3, -1, 1, 150, 5_000])
@pytest.mark.parametrize("end", ENDS)
def test_a_total_that_lags_accuses_nobody(wrong: int, end: PastTheEnd) -> None:
    switches = Switches(meta="total", total_is_cached=True, past_the_end=end)
    world = contacts(RECORDS, switches)
    world.cached_totals = {"contacts": 1_000 + wrong}
    assert Replica(rows=RECORDS).bisect(world).settles()


def test_a_capped_total_is_not_believed_against_total_pages() -> None:
    world = contacts(without(RECORDS, [321]), Switches(total_cap=500))
    assert Replica(rows=RECORDS).bisect(world).settles(vanished=[321])


def test_pages_of_changing_size_leave_it_undecided() -> None:
    world = contacts(without(RECORDS, [321]), Switches(meta="total"))
    whole = world.fetch("contacts")

    def some_hidden(number: int) -> RankedPage[str] | None:
        page = whole(number)
        if page is None or number == 1:
            return page
        return replace(page, ids=page.ids[:-number], keys=page.keys[:-number])

    engine = Bisect({"contacts": some_hidden}, Snapshot(RECORDS))
    assert list(engine.steps())
    assert (engine.outcome, engine.candidates) == (Outcome.UNDECIDED, frozenset())


def test_a_record_whose_key_moved_back_is_loaded_and_not_accused() -> None:
    """It stands on both sides, under another key: here where the list no longer shows it."""
    there = without(RECORDS, [50]) | {700: RECORDS[30]}
    report = Replica(rows=RECORDS).bisect(contacts(there))
    assert report.settles(vanished=[50], missing={700: RECORDS[30]})


def test_a_record_merged_away_is_found_beside_the_one_that_took_its_key() -> None:
    rows = RECORDS | {700: RECORDS[100]}
    assert Replica(rows=rows).bisect(contacts(without(rows, [100]))).settles(vanished=[100])


def test_records_without_a_key_stand_at_an_agreed_end() -> None:
    records = RECORDS | dict.fromkeys(range(2_000, 2_400), NULLS_LAST)
    assert Replica(rows=records).bisect(contacts(without(records, [2_222]))).settles(vanished=[2_222])
    assert Replica(rows=records).bisect(contacts(without(records, [7]))).settles(vanished=[7])


def test_an_emptied_list_makes_every_row_a_candidate() -> None:
    assert Replica(rows=RECORDS).bisect(contacts({})).settles(vanished=RECORDS)


def test_an_empty_warehouse_loads_every_row() -> None:
    report = Replica(rows={}).bisect(contacts(RECORDS))
    assert report.settles(missing=RECORDS)
    assert report.calls == 11  # the full last page proves no end


def test_a_restored_and_an_erased_record_apart_are_both_found_though_counts_are_equal() -> None:
    report = Replica(rows=without(RECORDS, [321])).bisect(contacts(without(RECORDS, [1])))
    assert report.settles(vanished=[1], missing={321: RECORDS[321]})


def test_a_search_that_is_left_concludes_nothing() -> None:
    engine = Bisect(contacts(without(RECORDS, [321])).fetches, Snapshot(RECORDS))
    steps = engine.steps()
    before, _, _ = engine.difference, next(steps), next(steps)
    assert (before, engine.difference) == (None, -1)
    assert (engine.outcome, engine.candidates) == (Outcome.UNDECIDED, frozenset())


def test_what_an_import_of_one_second_holds_is_asked_of_the_warehouse_once() -> None:
    block = imported(5_000, step=0)
    stored = Snapshot(block)
    engine = Bisect(contacts(without(block, [2_500])).fetches, stored)
    assert sum(1 for _ in engine.steps()) == 50
    assert engine.candidates == {2_500}
    assert stored.asked["between"] == 1
    assert stored.asked["keys"] == 50
