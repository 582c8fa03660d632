"""A CRM with one view of known stamps, and a reader that counts its calls: for tests of one behaviour at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from freshsales_source.walk import BEGINNING, Page, Walk, WalkState
from tests.walk_world import Row, Rows, Server, World

HUNDRED = Server(page_size=100)
NOON = 1_000_000


def crm(stamps: list[int], server: Server = HUNDRED, view: str = "open") -> World:
    """A CRM whose view holds one record for each stamp; ids count from 1 in the order given."""
    rows = {i: Row(stamp, 1, view) for i, stamp in enumerate(stamps, 1)}
    return World(Random(0), server, now=NOON, rows=rows)


def long_ago(count: int) -> list[int]:
    """Stamps a minute apart, all of them older than any lookback."""
    return [NOON - 100_000 - 60 * i for i in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One run: the pages asked for, the ids loaded in their order, and the walk's own doubts."""

    asked: list[int]
    loaded: list[int]
    stamps: list[int]
    doubts: tuple[str, ...]
    is_whole: bool

    @property
    def calls(self) -> int:
        return len(self.asked)


class OutOfBudget(Exception):
    """No further call."""


@dataclass
class Reader:
    """Reads the view `open` of a CRM in runs, an hour apart, and keeps what was loaded."""

    world: World
    lookback_s: int = 300
    floor: int = BEGINNING
    state: WalkState = field(default_factory=WalkState)
    rows: dict[int, Row] = field(default_factory=dict)
    before_call: Callable[[int], None] = lambda number: None
    trusts_order: bool = True

    def run(self, calls: int = 10_000) -> Reading:
        asked: list[int] = []
        loaded: list[tuple[int, int]] = []

        def fetch(number: int) -> Page[Rows] | None:
            if len(asked) == calls:
                raise OutOfBudget
            asked.append(number)
            self.before_call(len(asked))
            return self.world.page("open", number)

        state = WalkState.from_json(json.loads(json.dumps(self.state.to_json())))
        walk = Walk(
            state,
            fetch,
            started_at=self.world.now,
            lookback_s=self.lookback_s,
            floor=self.floor,
            trusts_order=self.trusts_order,
        )
        is_whole = True
        try:
            for step in walk.steps():
                self.state = step.state
                loaded += [(step.page.ids[i], step.page.stamps[i]) for i in step.keep]
                self.rows |= {step.page.ids[i]: step.page.content[step.page.ids[i]] for i in step.keep}
        except OutOfBudget:
            is_whole = False
        self.world.now += 3600
        return Reading(
            asked=asked,
            loaded=[i for i, _ in loaded],
            stamps=[s for _, s in loaded],
            doubts=walk.doubts,
            is_whole=is_whole,
        )

    @property
    def has_all(self) -> bool:
        return {i: r for i, r in self.rows.items() if r.view == "open"} == {
            i: r for i, r in self.world.rows.items() if r.view == "open"
        }
