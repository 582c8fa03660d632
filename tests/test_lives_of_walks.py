"""Walks alone, through lives in which everything happens: each change that moves a stamp is seen.

No lookback beyond what lag and clock need, no counts, no bisect, no refresh: so that none of them hides what a walk
lost. Merges, erasures, bin expiry, deletions without a stamp, silent edits and stamps in the future happen between
any two requests, of views, of lists without an order, and of lists without a bin.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crm_world import EVENTS, KINDS
from tests.life_model import WALKED, Coverage, Ending, Life, failure, live_by_walks, random_life
from tests.life_shrinking import simplest

SEEDS = range(400)


@pytest.fixture(scope="module")
def endings() -> list[Ending]:
    """A fixed set of lives, each of which kept the promise."""
    found = []
    for seed in SEEDS:
        life = random_life(seed)
        ending = live_by_walks(life)
        assert failure(life, ending) is None, explained(life)
        found.append(ending)
    return found


def test_whatever_happens_each_change_that_moves_a_stamp_is_seen(endings: list[Ending]) -> None:
    assert len(endings) == len(SEEDS)


def test_any_two_positions_of_switches_came_together(endings: list[Ending]) -> None:
    coverage = Coverage()
    for ending in endings:
        coverage.note(ending.world.server, WALKED)
    assert coverage.missing(WALKED) == []


def test_every_event_happened_to_every_kind_of_object(endings: list[Ending]) -> None:
    seen = Counter((e.world.server.kind, event) for e in endings for event in e.world.happened)
    impossible = {
        *((name, "move") for name, kind in KINDS.items() if len(kind.live) == 1),
        *((name, "merge") for name, kind in KINDS.items() if not kind.can_merge),
        *((name, event) for name, kind in KINDS.items() if not kind.has_bin for event in BIN_EVENTS),
    }
    wanted = {(name, event) for name in KINDS for event in EVENTS} - impossible
    assert {what: seen[what] for what in wanted if seen[what] < 20} == {}


BIN_EVENTS = ("restore", "erase", "expire")


def test_runs_ended_in_every_way(endings: list[Ending]) -> None:
    seen = Counter(how for ending in endings for how in ending.replica.endings)
    assert min(seen[how] for how in ("whole", "OutOfBudget", "ConnectionRefusedError", "Killed")) > 20


def test_what_no_stamp_tells_is_left_to_counts_and_refresh(endings: list[Ending]) -> None:
    stale = sum(
        e.replica.rows.get(i) != e.world.rows[i]
        for e in endings
        for i in e.world.silent & e.world.rows.keys()
    )
    erased = sum(len(e.world.erased & e.replica.rows.keys()) for e in endings)
    assert stale > 20
    assert erased > 100


@pytest.mark.soak
@given(st.integers(0, 2**48))
def test_so_it_is_in_a_long_search(seed: int) -> None:
    life = random_life(seed)
    assert failure(life, live_by_walks(life)) is None, explained(life)


def explained(life: Life) -> str | None:
    """Why the simplest such life fails."""
    simple = simplest(life, lambda one: failure(one, live_by_walks(one)) is not None)
    return failure(simple, live_by_walks(simple))
