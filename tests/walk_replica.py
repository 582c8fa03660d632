"""The connector reduced to what the walk engine needs: rows and states committed together, runs that end anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from freshsales_source.walk import BEGINNING, Fetch, Page, Sighting, Step, Walk, WalkState, latest
from tests.walk_world import BIN, Row, Rows, World


class WalkFactory(Protocol):
    """Makes a walk from its state as JSON, so that a changed engine can bring its own kind of state."""

    def __call__(
        self,
        state: Mapping[str, Any] | None,
        fetch: Fetch[Rows],
        /,
        *,
        started_at: int,
        lookback_s: int,
        floor: int,
    ) -> Walk[Rows]: ...


def new_walk(
    state: Mapping[str, Any] | None, fetch: Fetch[Rows], /, *, started_at: int, lookback_s: int, floor: int
) -> Walk[Rows]:
    """The engine as it is."""
    return Walk(WalkState.from_json(state), fetch, started_at=started_at, lookback_s=lookback_s, floor=floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One run: how it ends, and how busy people are meanwhile. Requests count from 1."""

    budget: int | None = None  # requests, then a clean partial end
    kill_at: int | None = None  # the request at which the process dies: what is not committed is lost
    refuse_at: int | None = None  # the request that is answered with 403: the run ends and keeps what it has
    events: float = 0.0  # chance of an event before each request, and of another one, and so on
    pause_s: int = 0  # how long nothing runs afterwards
    leaves_out: float | None = (
        None  # the share of all stamps, from the oldest on, that lie below the run's floor
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the connector loads. The last three are mistakes, for tests that must notice them."""

    lookback_s: int = 0
    slice_pages: int = 4
    streams: bool = False  # one load per run, page by page, as a plain dlt run does it
    saves_state_first: bool = False
    skips_bin: bool = False
    takes_refusal_for_empty: bool = False


class OutOfBudget(Exception):
    """The run may send no further request."""


class Killed(Exception):
    """The process dies."""


class Endless(AssertionError):
    """The run asks on and on."""


ENDLESS = 3000
"""Requests of one run after which it is taken for endless; the worlds here need a few hundred."""


@dataclass
class Replica:
    """The warehouse: rows by id, and the state of each walk as JSON."""

    world: World
    habits: Habits = field(default_factory=Habits)
    new_walk: WalkFactory = new_walk
    rows: dict[int, Row] = field(default_factory=dict)
    states: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    endings: list[str] = field(default_factory=list)

    def run(self, plan: RunPlan) -> None:
        run = self.new_run(plan)
        try:
            run.read()
            run.check()
            self.endings.append("whole")
        except (OutOfBudget, ConnectionRefusedError) as error:
            run.commit()
            self.endings.append(type(error).__name__)
        except Killed:
            self.endings.append("Killed")
        finally:
            self.world.now += plan.pause_s
        self.doubts = tuple(doubt for walk in run.walks.values() for doubt in walk.doubts)

    def new_run(self, plan: RunPlan) -> Run:
        """What one run does; it begins with nothing but what is saved here."""
        return Run(self, plan)


@dataclass
class Run:
    """One run: the walks in any order, slice by slice."""

    replica: Replica
    plan: RunPlan
    sent: int = 0
    walks: dict[str, Walk[Rows]] = field(default_factory=dict)
    slice: list[tuple[str, Step[Rows]]] = field(default_factory=list)

    def read(self) -> None:
        """Take one page of one walk after the other, in any order, as walks side by side do."""
        habits, random = self.replica.habits, self.replica.world.random
        # Any first answer of the run carries the server's clock: here the one that lists the views.
        started_at = self.replica.world.clock()
        floor = self._floor()
        open_walks: dict[str, Iterator[Step[Rows]]] = {}
        for view in self.replica.world.views:
            if view == BIN and habits.skips_bin:
                continue
            self.walks[view] = self.replica.new_walk(
                self.replica.states.get(view),
                lambda number, view=view: self.fetch(view, number),
                started_at=started_at,
                lookback_s=habits.lookback_s,
                floor=floor,
            )
            open_walks[view] = self.walks[view].steps()
        while open_walks:
            view = random.choice(sorted(open_walks))
            step = next(open_walks[view], None)
            if step is None:
                del open_walks[view]
                continue
            self.slice.append((view, step))
            if len(self.slice) >= habits.slice_pages and not habits.streams:
                self.commit()
        self.commit()

    def _floor(self) -> int:
        stamps = sorted(row.stamp for row in self.replica.world.rows.values())
        if self.plan.leaves_out is None or not stamps:
            return BEGINNING
        return stamps[int(self.plan.leaves_out * (len(stamps) - 1))] + 1

    def check(self) -> None:
        """What is done after the walks."""

    def fetch(self, view: str, number: int) -> Page[Rows] | None:
        """One page of one view; an empty one where a refusal is taken for that."""
        try:
            self.request(f"{view}: page {number}")
        except ConnectionRefusedError:
            if not self.replica.habits.takes_refusal_for_empty:
                raise
            served_at = self.replica.world.now
            return Page(
                number=number, ids=[], stamps=[], total=0, total_pages=None, served_at=served_at, content={}
            )
        return self.replica.world.page(view, number)

    def request(self, what: str) -> None:
        """Let things happen, then count the request, which may be one too many."""
        world, plan = self.replica.world, self.plan
        while world.random.random() < plan.events:
            world.now += world.random.choice([0, 0, 1, 2])
            world.happen()
        world.now += world.random.choice([0, 1])
        self.sent += 1
        if self.sent > ENDLESS:
            raise Endless(f"{what} is request {self.sent} of the run")
        if plan.kill_at is not None and self.sent >= plan.kill_at:
            raise Killed
        if plan.budget is not None and self.sent > plan.budget:
            raise OutOfBudget
        if self.sent == plan.refuse_at:
            raise ConnectionRefusedError

    def commit(self) -> None:
        steps, self.slice = self.slice, []
        if self.replica.habits.saves_state_first:
            self._save_states(steps)
            if self.plan.kill_at is not None:
                raise Killed
        for (_, step), rows in zip(steps, self._rows_to_load(steps), strict=True):
            for record_id in rows:
                self.replica.rows[record_id] = step.page.content[record_id]
        self._save_states(steps)

    def _save_states(self, steps: list[tuple[str, Step[Rows]]]) -> None:
        for view, step in steps:
            self.replica.states[view] = step.state.to_json()

    def _rows_to_load(self, steps: list[tuple[str, Step[Rows]]]) -> list[list[int]]:
        sightings = [
            Sighting(
                ids=[step.page.ids[i] for i in step.keep],
                stamps=[step.page.stamps[i] for i in step.keep],
                source=view,
            )
            for view, step in steps
        ]
        if not self.replica.habits.streams:
            loads = latest(sightings)
            return [[s.ids[row] for row in rows] for s, rows in zip(sightings, loads, strict=True)]
        loaded: set[int] = set()
        out = []
        for sighting in sightings:
            out.append([sighting.ids[row] for row in latest([sighting], loaded=loaded)[0]])
            loaded.update(sighting.ids)
        return out
