"""Lives of a CRM in which everything happens, read all the while: schedules with every switch drawn anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from random import Random
from typing import Any

from freshsales_source.walk import Fetch, Walk, WalkState
from tests.checked_replica import CheckedReplica, Checks
from tests.crm_world import KINDS, Crm, CrmServer
from tests.walk_model import SWITCHES, random_run
from tests.walk_replica import Habits, RunPlan, new_walk
from tests.walk_world import Row, Rows

MOST_RUNS = 400
"""Runs that a cycle of the refresh may take here, at a page a run."""
NOTHING = Checks(bisects=False, finds_unseen=False)
"""Walks alone."""
Positions = Mapping[str, Sequence[Any]]

WALKED: Positions = {
    **SWITCHES,
    "kind": tuple(KINDS),
    "delete_moves_stamp": (True, False),
    "drift_s": (0, 3),
    "wrong_stamps": ((), ("future",)),
    "silent_edits": (False, True),
    "ignores_order": (False, True),
}
"""Every position at which a walk alone must see each change that moves a stamp."""

COUNTED: Positions = {
    **WALKED,
    "meta": ("total_pages", "total"),
    "delete_moves_stamp": (True,),
    "silent_edits": (False,),
}
"""Every position at which walks and counts together must see everything."""

REFRESHED: Positions = {
    **WALKED,
    "restore_moves_stamp": (True, False),
    "wrong_stamps": ((), ("future",), ("future", "past")),
    "total_cached_s": (0, 5),
}
"""Every position there is: a whole cycle of the refresh must see everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that is decided before a life begins; `seed` decides what happens in it."""

    seed: int
    server: CrmServer
    habits: Habits
    imports: tuple[int, ...] = ()
    history: int = 0
    runs: tuple[RunPlan, ...] = ()

    @property
    def rest_s(self) -> int:
        """How long nothing happens before the last run: longer than lookback and lag."""
        return self.server.needed_lookback_s + self.habits.lookback_s + 20

    def world(self) -> Crm:
        """The CRM as it is before the first run."""
        world = Crm(Random(self.seed), self.server)
        for count in self.imports:
            world.create(count)
            world.now += world.random.choice([0, 5])
        for _ in range(self.history):
            world.now += world.random.choice([0, 0, 1, 5])
            world.happen()
        return world

    def replica(self, world: Crm, checks: Checks) -> CheckedReplica:
        """An empty warehouse, with what the connector knows of the lists: of some it knows that they have no order."""
        kind = self.server.kind
        states = {view: WalkState(unordered=True).to_json() for view in world.views if kind == "tasks"}
        return CheckedReplica(
            world,
            self.habits,
            new_walk=careful_walk if kind == "activities" else new_walk,
            states=dict(states),
            checks=checks,
        )


def careful_walk(
    state: Mapping[str, Any] | None, fetch: Fetch[Rows], /, *, started_at: int, lookback_s: int, floor: int
) -> Walk[Rows]:
    """The engine over a list of which nobody knows whether it honours an order."""
    return Walk(
        WalkState.from_json(state),
        fetch,
        started_at=started_at,
        lookback_s=lookback_s,
        floor=floor,
        trusts_order=False,
    )


def random_life(seed: int, positions: Positions = WALKED, **fixed: Any) -> Life:
    """A life with everything random but for the switches given."""
    random = Random(seed)
    server = CrmServer(**consistent({n: random.choice(p) for n, p in positions.items()} | fixed))
    habits = Habits(
        lookback_s=server.needed_lookback_s + random.choice([0, 5]),
        slice_pages=random.randint(1, 8),
        streams=random.random() < 0.3,
    )
    return Life(
        seed=seed,
        server=server,
        habits=habits,
        imports=tuple(random.choice([1, 10, 40]) for _ in range(random.randint(0, 3))),
        history=random.choice([0, 5, 40]),
        runs=tuple(random_run(random) for _ in range(random.randint(1, 4))),
    )


def consistent(switches: dict[str, Any]) -> dict[str, Any]:
    """The switches without what cannot be: saved views are ordered, and a list without an order comes by id."""
    if switches["kind"] in ("contacts", "deals"):
        switches["ignores_order"] = False
    if switches["kind"] == "tasks":
        switches["ignores_order"] = True
    if switches["ignores_order"] and switches["ties"] == "reshuffled":
        switches["ties"] = "by id"
    return switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a life left: the records whose row is wrong, as (there, here), and what the last run is not sure of."""

    missed: Mapping[int, tuple[Row | None, Row | None]]
    doubts: tuple[str, ...]
    world: Crm
    replica: CheckedReplica


def live(life: Life, checks: Checks) -> tuple[Crm, CheckedReplica]:
    """The life, then quiet and one run."""
    world = life.world()
    replica = life.replica(world, checks)
    for plan in life.runs:
        replica.run(plan)
    world.now += life.rest_s
    replica.run(RunPlan())
    return world, replica


def live_by_walks(life: Life) -> Ending:
    """By walks alone. Wrong is what moved its stamp and is not here as it is there."""
    world, replica = live(life, NOTHING)
    told = {i: row for i, row in world.rows.items() if i not in world.silent}
    missed = {i: (row, replica.rows.get(i)) for i, row in told.items() if replica.rows.get(i) != row}
    return Ending(missed=missed, doubts=replica.doubts, world=world, replica=replica)


def live_by_counts(life: Life) -> Ending:
    """By walks, and the census where counts differ. Wrong is all that differs."""
    world, replica = live(life, Checks(bisects=True, finds_unseen=True))
    return _checked_ending(world, replica)


def live_by_refresh(life: Life, checks: Checks) -> Ending:
    """By what `checks` says and, once all is quiet, a whole cycle of the refresh. Wrong is all that differs."""
    world, replica = live(life, checks)
    quiet_since = world.now
    replica.checks = replace(checks, refresh_pages=max(1, checks.refresh_pages))
    for _ in range(MOST_RUNS):
        if (replica.refresh_began or 0) > quiet_since or life.server.ignores_order:
            break
        world.now += 60
        replica.run(RunPlan())
    return _checked_ending(world, replica)


def _checked_ending(world: Crm, replica: CheckedReplica) -> Ending:
    unequal = tuple(f"counts of {part} differ" for part in replica.unequal)
    return Ending(
        missed=differences(world, replica),
        doubts=replica.doubts + unequal,
        world=world,
        replica=replica,
    )


def differences(world: Crm, replica: CheckedReplica) -> dict[int, tuple[Row | None, Row | None]]:
    """The records that are not here as they are there, with both."""
    there, here = world.rows, replica.rows
    return {i: (there.get(i), here.get(i)) for i in {*there, *here} if there.get(i) != here.get(i)}


def failure(life: Life, ending: Ending) -> str | None:
    """Why the life breaks the promise; None if it does not. Only moving ties excuse, and only if admitted."""
    if not ending.missed or (life.server.ties == "reshuffled" and ending.doubts):
        return None
    return f"(there, here) by id: {dict(ending.missed)}; doubts: {ending.doubts}; {life}"


@dataclass
class Coverage:
    """Which positions of switches occurred together."""

    seen: set[tuple[tuple[str, Any], ...]] = field(default_factory=set)

    def note(self, server: CrmServer, names: Iterable[str]) -> None:
        """Note the pairs of this vector."""
        self.seen.update(combinations([(name, getattr(server, name)) for name in sorted(names)], 2))

    def missing(self, positions: Positions) -> list[str]:
        """The pairs of positions that can be and did not occur."""
        wanted = (
            ((one, a), (other, b))
            for one, other in combinations(sorted(positions), 2)
            for a in positions[one]
            for b in positions[other]
            if can_be({one: a, other: b})
        )
        return [f"{pair}" for pair in wanted if pair not in self.seen]


def can_be(some: Mapping[str, Any]) -> bool:
    """Whether a life can have these switches together."""
    kinds = [some["kind"]] if "kind" in some else list(KINDS)
    orders = [some["ignores_order"]] if "ignores_order" in some else [False, True]
    ties = some.get("ties", "by id")
    wholes = ({"kind": k, "ignores_order": o, "ties": ties} for k in kinds for o in orders)
    return any(consistent(dict(whole)) == whole for whole in wholes)
