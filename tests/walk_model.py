"""Random schedules: a world, a connector, runs that end anywhere; then quiet, one more run, and the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.walk_replica import Habits, Replica, RunPlan, WalkFactory, new_walk
from tests.walk_world import Row, Server, World

SWITCHES: Mapping[str, Sequence[Any]] = {
    "page_size": (1, 2, 3, 5, 10, 100),
    "page_cap": (2, 4, 100),
    "meta": ("total_pages", "total", "none"),
    "past_the_end": ("empty", "repeat", "404"),
    "ties": ("by id", "by id, newest first", "reshuffled"),
    "lag_s": (0, 3, 20),
    "clock_ahead_s": (0, 15, -2),
}
"""Every position of every switch of the server under which nothing may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All that is decided before it begins; `seed` decides the events and in which order the walks proceed."""

    seed: int
    server: Server
    habits: Habits
    imports: tuple[int, ...] = ()  # records created in one second each, long ago
    history: int = 0  # events before the first run
    runs: tuple[RunPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the last run left: the records that differ from the CRM, as (there, here), and what it says itself."""

    differences: Mapping[int, tuple[Row | None, Row | None]]
    doubts: tuple[str, ...]
    replica: Replica

    @property
    def is_equal(self) -> bool:
        return not self.differences


def play(schedule: Schedule, walk: WalkFactory = new_walk) -> Outcome:
    """Run the schedule, then let the CRM be quiet for longer than lookback and lag, then run once more."""
    world = World(Random(schedule.seed), schedule.server)
    for count in schedule.imports:
        world.create(count, world.random.choice(["open", "won"]))
        world.now += world.random.choice([0, 5])
    for _ in range(schedule.history):
        world.now += world.random.choice([0, 0, 1, 5])
        world.happen()
    replica = Replica(world, schedule.habits, walk)
    for plan in schedule.runs:
        replica.run(plan)
    world.now += schedule.server.needed_lookback_s + schedule.habits.lookback_s + 20
    replica.run(RunPlan())
    there, here = world.rows, replica.rows
    different = (i for i in {*there, *here} if there.get(i) != here.get(i))
    return Outcome(
        differences={i: (there.get(i), here.get(i)) for i in different},
        doubts=replica.doubts,
        replica=replica,
    )


def failure(schedule: Schedule, walk: WalkFactory = new_walk) -> str | None:
    """Why the schedule breaks the promise; None if it does not. Only moving ties excuse, and only if admitted."""
    outcome = play(schedule, walk)
    if outcome.is_equal or (schedule.server.ties == "reshuffled" and outcome.doubts):
        return None
    return f"(there, here) by id: {outcome.differences}; doubts: {outcome.doubts}; {schedule}"


def random_schedule(seed: int, **server: Any) -> Schedule:
    """A schedule with everything random but for the switches given."""
    random = Random(seed)
    switches = Server(**{name: random.choice(positions) for name, positions in SWITCHES.items()} | server)
    imports = [random.choice([1, 10, 40]) for _ in range(random.choice([0, 1, 1, 2]))]
    schedule = Schedule(
        seed=seed,
        server=switches,
        habits=Habits(
            lookback_s=switches.needed_lookback_s + random.choice([0, 5]),
            slice_pages=random.randint(1, 8),
            streams=random.random() < 0.3,
        ),
        imports=tuple(imports),
        history=random.randint(0, 40),
        runs=tuple(random_run(random) for _ in range(random.randint(1, 5))),
    )
    if random.random() < 0.7:
        return schedule
    return replace(
        schedule, runs=tuple(replace(run, leaves_out=random_share(random)) for run in schedule.runs)
    )


def random_share(random: Random) -> float | None:
    """How much a run leaves out by its floor, if anything."""
    return random.choice([None, 1.0, random.random()])


def random_run(random: Random) -> RunPlan:
    """One run that ends in any way, in a CRM at rest or a busy one."""
    plan = RunPlan(budget=200, events=random.choice([0.0, 0.2, 0.5, 0.7]), pause_s=random.choice([0, 1, 40]))
    match random.choice(["whole", "budget", "budget", "kill", "refusal"]):
        case "budget":
            return replace(plan, budget=random.randint(1, 30))
        case "kill":
            return replace(plan, kill_at=random.randint(1, 30))
        case "refusal":
            return replace(plan, refuse_at=random.randint(1, 30))
        case _:
            return plan
