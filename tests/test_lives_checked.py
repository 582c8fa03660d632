"""Lives in which everything happens, with what looks for what walks cannot see: each mechanism alone, and all at once.

Walks and counts together see every change that moves a stamp and everything that is gone. A whole cycle of the rolling
refresh sees the rest, whatever a stamp says: silent edits, deletions and restores without a new stamp, stamps far in
the past, numbers that come from a cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.census import Outcome
from tests.checked_replica import CheckedReplica, Checks
from tests.crm_world import FAR, Crm, CrmServer
from tests.life_model import (
    COUNTED,
    REFRESHED,
    Coverage,
    Ending,
    Life,
    Positions,
    differences,
    failure,
    live_by_counts,
    live_by_refresh,
    random_life,
)
from tests.life_shrinking import simplest
from tests.walk_replica import Endless, RunPlan

SEEDS = range(300)
REFRESH_ALONE = Checks(bisects=False, finds_unseen=True)
ALL = Checks(refresh_pages=2)


def live_with(mode: str, life: Life) -> Ending:
    """The life with these mechanisms at work."""
    match mode:
        case "counts":
            return live_by_counts(life)
        case "refresh":
            return live_by_refresh(life, REFRESH_ALONE)
        case _:
            return live_by_refresh(life, ALL)


def failed(mode: str, life: Life) -> str | None:
    """Why the life fails with these mechanisms; endless runs fail, too."""
    try:
        return failure(life, live_with(mode, life))
    except Endless as endless:
        return f"{endless}; {life}"


def explained(mode: str, life: Life) -> str | None:
    """Why the simplest such life fails."""
    return failed(mode, simplest(life, lambda one: failed(mode, one) is not None))


POSITIONS: dict[str, Positions] = {"counts": COUNTED, "refresh": REFRESHED, "all": REFRESHED}


@pytest.mark.parametrize("mode", POSITIONS)
def test_whatever_happens_the_copy_is_equal_in_the_end(mode: str) -> None:
    coverage, outcomes = Coverage(), Counter[Outcome]()
    for seed in SEEDS:
        life = random_life(seed, POSITIONS[mode])
        ending = live_with(mode, life)
        assert failure(life, ending) is None, explained(mode, life)
        coverage.note(life.server, POSITIONS[mode])
        outcomes.update(ending.replica.outcomes)
    assert coverage.missing(POSITIONS[mode]) == []
    assert mode == "refresh" or outcomes[Outcome.SETTLED] > 50


@pytest.mark.soak
@pytest.mark.parametrize("mode", POSITIONS)
@given(seed=st.integers(0, 2**48))
def test_so_it_is_in_a_long_search(mode: str, seed: int) -> None:
    life = random_life(seed, POSITIONS[mode])
    assert failed(mode, life) is None, explained(mode, life)


# The census alone: nothing here moves a stamp that a walk would look at


@pytest.mark.parametrize("came", [False, True])
def test_the_census_alone_finds_who_is_gone_or_who_came_with_an_old_stamp(came: bool) -> None:
    for seed in range(60):
        world, replica = visited(seed, came=came)
        assert differences(world, replica) == {}, (seed, world.server)


def visited(seed: int, *, came: bool) -> tuple[Crm, CheckedReplica]:
    """A CRM of which some records were erased, or came with old stamps, and its copy, one run later."""
    random = Random(seed)
    life = random_life(seed, COUNTED, kind=random.choice(["contacts", "deals"]), lag_s=0)
    world = Crm(Random(seed), life.server)
    for _ in range(random.randint(1, 6)):
        world.create(random.choice([1, 1, 30]))
        world.now += random.choice([0, 60])
    everybody = dict(world.rows)
    strangers = random.sample(sorted(everybody), random.randint(1, len(everybody) // 2 + 1))
    if came:
        world.erase(strangers)
    world.now += FAR
    replica = life.replica(world, Checks())
    replica.run(RunPlan())
    world.now += FAR
    if not came:
        world.erase(strangers)
    for record_id in strangers if came else ():
        row = everybody[record_id]
        world.write([record_id], view=row.view, stamp=row.stamp, created=row.created)
    replica.run(RunPlan())
    return world, replica


# What the refresh alone catches


def silent() -> tuple[Crm, CheckedReplica]:
    """A CRM of 30 contacts, three of them in the bin, whose deletions and restores move no stamp, and its copy."""
    server = CrmServer(kind="contacts", page_size=5, delete_moves_stamp=False, restore_moves_stamp=False)
    world = Crm(Random(0), server)
    for _ in range(30):
        world.create()
        world.now += 10
    for record_id in (3, 4, 5):
        world.delete(record_id)
    world.now += FAR
    replica = CheckedReplica(world)
    replica.run(RunPlan())
    assert differences(world, replica) == {}
    world.now += FAR
    return world, replica


def edit(world: Crm) -> None:
    world.write([7])


def swap(world: Crm) -> None:
    """One is deleted, another restored: neither number moves."""
    world.delete(9)
    world.restore(4)


def erase_and_import(world: Crm) -> None:
    """One is erased while another comes from an import that keeps its old stamps."""
    world.erase([9])
    world.write([99], view="all", stamp=world.now - 2 * FAR, created=world.now - 2 * FAR)


@pytest.mark.parametrize("happens", [edit, swap, erase_and_import])
def test_the_refresh_alone_catches_what_moves_no_stamp_and_no_count(happens: Callable[[Crm], None]) -> None:
    world, replica = silent()
    happens(world)
    replica.run(RunPlan())
    assert differences(world, replica) != {}
    assert replica.outcomes == []
    replica.checks = Checks(refresh_pages=2)
    for _ in range(10):
        replica.run(RunPlan())
    assert differences(world, replica) == {}


def test_counts_catch_an_erasure_while_another_record_is_restored_with_its_old_stamp() -> None:
    """The number of live records stays, but that of the bin falls."""
    world, replica = silent()
    world.erase([9])
    world.restore(4)
    replica.run(RunPlan())
    assert differences(world, replica) == {}
