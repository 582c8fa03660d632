"""Would the schedules notice? Each known way of losing rows is put into the engine, and must make one of them fail.

A mutation replaces one line of the engine's source, so that it cannot drift away from the code: the line must occur
exactly once. Mistakes outside the engine are habits of the model's connector.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from freshsales_source import walk
from freshsales_source.walk import Fetch, Walk
from tests.walk_model import Schedule, failure, random_schedule
from tests.walk_replica import Endless, WalkFactory, new_walk
from tests.walk_world import Rows

SCHEDULES = [random_schedule(seed) for seed in range(800)]
FOLDER = Path(walk.__file__).parent
MODULES = (
    "state",
    "frontier",
    "ties",
    "locate",
    "order_evidence",
    "asking",
    "step",
    "whole",
    "engine",
)  # each imports only from those before it
COPY = "mutant_walk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """What a careless hand could write: in `module`, `new` in place of `old`."""

    name: str
    module: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        name="> for >= where a span begins",
        module="state",
        old="return self.low <= stamp <= self.high",
        new="return self.low < stamp <= self.high",
    ),
    Mutation(
        name="> for >= where a span ends",
        module="state",
        old="return self.low <= stamp <= self.high",
        new="return self.low <= stamp < self.high",
    ),
    Mutation(
        name="a page that begins with the span's highest stamp counts as above it",
        module="locate",
        old="begin(page) > span.high",
        new="begin(page) >= span.high",
    ),
    Mutation(
        name="the watermark is the newest stamp seen",
        module="engine",
        old="watermark=min(self._started_at, first.served_at),\n            spans",
        new="watermark=max(first.stamps, default=self._started_at),\n            spans",
    ),
    Mutation(
        name="the watermark is when this walk began, not the run",
        module="engine",
        old="watermark=min(self._started_at, first.served_at),\n            spans",
        new="watermark=first.served_at,\n            spans",
    ),
    Mutation(
        name="no going back when the total fell",
        module="frontier",
        old="return self.first_of(number) > self.position",
        new="return False",
    ),
    Mutation(
        name="a fall of the total is not noted",
        module="frontier",
        old="self.position = max(0, self.position - max(0, self.total - page.total))",
        new="pass",
    ),
    Mutation(
        name="a page reached after a fall closes spans",
        module="engine",
        old="yield Step(page=page, keep=self._wanted(page), state=self.state)",
        new="yield self._accept(page)",
    ),
    Mutation(
        name="a short page is taken for the end",
        module="asking",
        old="return self.frontier.is_last(page) and self.frontier.is_at_end",
        new="return len(page.ids) < 100",
    ),
    Mutation(
        name="an empty page is the end although the total promises more",
        module="asking",
        old="            if self.frontier.is_at_end:\n                return None",
        new="            return None",
    ),
    Mutation(
        name="no lookback",
        module="engine",
        old="state.watermark - self._lookback_s",
        new="state.watermark",
    ),
    Mutation(
        name="what the last run could not prove is not read again",
        module="engine",
        old="owed = [*state.owed, *state.unproven]",
        new="owed = [*state.owed]",
    ),
    Mutation(
        name="a cut run forgets what it still owed",
        module="engine",
        old="owed = [*state.owed, *state.unproven]",
        new="owed = [*state.unproven]",
    ),
    Mutation(
        name="older spans are dropped when a new run begins",
        module="engine",
        old="*state.spans, *left_out]",
        new="*left_out]",
    ),
    Mutation(
        name="what a floor leaves out is forgotten",
        module="engine",
        old="*state.spans, *left_out]",
        new="*state.spans]",
    ),
    Mutation(
        name="what a floor leaves out of older spans is forgotten",
        module="engine",
        old="(*unread, *owed) for part in span.below(floor)",
        new="(unread[0],) for part in span.below(floor)",
    ),
    Mutation(
        name="a span that a floor divides loses the stamp at the floor",
        module="state",
        old="high=min(self.high, floor - 1)",
        new="high=min(self.high, floor - 2)",
    ),
    Mutation(
        name="joined spans keep only the lower one",
        module="state",
        old="low=min(out[-1].low, span.low)",
        new="low=span.low",
    ),
    Mutation(
        name="ids that came twice are never suspicious",
        module="ties",
        old="return Overlap.RESHUFFLED",
        new="return Overlap.HARMLESS",
    ),
    Mutation(
        name="whatever looks like a push is trusted",
        module="ties",
        old="HARMLESS if len(common) <= known_overlap else Overlap.PUSHED",
        new="HARMLESS",
    ),
    Mutation(
        name="ids known from elsewhere prove the end of a view without a total",
        module="asking",
        old="            self._seen.clear()\n",
        new="            pass\n",
    ),
    Mutation(
        name="one more reading settles every doubt",
        module="engine",
        old="if len(seen) == len(found):",
        new="if seen:",
    ),
)

HABITS: Mapping[str, Mapping[str, bool]] = {
    "state before rows": {"saves_state_first": True},
    "the recycle bin is not read": {"skips_bin": True},
    "a 403 or a page without its envelope is taken for an empty page": {"takes_refusal_for_empty": True},
}


@contextmanager
def mutated(mutation: Mutation) -> Iterator[WalkFactory]:
    """The engine with one line changed: a copy of its modules, apart from the real ones."""
    try:
        for name in MODULES:
            source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
            if name == mutation.module:
                assert source.count(mutation.old) == 1, f"{name}.py has no single line: {mutation.old}"
                source = source.replace(mutation.old, mutation.new)
            for other in MODULES:
                source = source.replace(f"from {walk.__name__}.{other} ", f"from {COPY}.{other} ")
            module = sys.modules[f"{COPY}.{name}"] = ModuleType(f"{COPY}.{name}")
            exec(compile(source, f"{COPY}/{name}.py", "exec"), module.__dict__)
        yield factory_of(sys.modules[f"{COPY}.engine"], sys.modules[f"{COPY}.state"])
    finally:
        for name in MODULES:
            sys.modules.pop(f"{COPY}.{name}", None)


def factory_of(engine: ModuleType, state: ModuleType) -> WalkFactory:
    def new(saved: Mapping[str, Any] | None, fetch: Fetch[Rows], /, **times: int) -> Walk[Rows]:
        made: Walk[Rows] = engine.Walk(state.WalkState.from_json(saved), fetch, **times)
        return made

    return new


def first_failure(schedules: list[Schedule], factory: WalkFactory) -> str | None:
    for schedule in schedules:
        try:
            reason = failure(schedule, factory)
        except Endless as error:
            reason = str(error)
        if reason is not None:
            return reason
    return None


def test_the_engine_as_it_is_keeps_the_promise_on_every_schedule() -> None:
    assert first_failure(SCHEDULES, new_walk) is None


def test_a_copy_with_nothing_changed_keeps_it_too() -> None:
    nothing = Mutation(name="none", module="engine", old="PASSES = 4", new="PASSES = 4")
    with mutated(nothing) as factory:
        assert first_failure(SCHEDULES[:100], factory) is None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mutation_of_the_engine_is_noticed(mutation: Mutation) -> None:
    with mutated(mutation) as factory:
        assert first_failure(SCHEDULES, factory) is not None


@pytest.mark.parametrize("habit", HABITS)
def test_a_careless_connector_is_noticed(habit: str) -> None:
    careless = [replace(s, habits=replace(s.habits, **HABITS[habit])) for s in SCHEDULES]
    assert first_failure(careless, new_walk) is not None
