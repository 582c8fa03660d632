"""The walk engine against random schedules: whatever people do and wherever runs end, no record is lost.

Creations, edits, bulk edits in one second, stage moves, deletions and restores fall between any two requests. Then
the CRM is quiet for longer than lookback and lag, one more run reads it, and ids and versions must be equal. Only a
server that reshuffles equal stamps at every request may leave a difference, and then the walk must say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshsales_source.walk import Fetch, Page, Span, Step, Walk, WalkState
from freshsales_source.walk.asking import Asking
from freshsales_source.walk.frontier import Frontier
from tests.walk_model import SWITCHES, Schedule, failure, play, random_schedule
from tests.walk_replica import Habits, RunPlan
from tests.walk_world import Rows, Server

FIXED_SEEDS = range(800)

servers = st.builds(
    Server,
    page_size=st.integers(1, 100),
    **{name: st.sampled_from(positions) for name, positions in SWITCHES.items() if name != "page_size"},
)
cuts = st.none() | st.integers(1, 40)
plans = st.builds(
    RunPlan,
    budget=st.integers(1, 40) | st.just(200),
    kill_at=cuts,
    refuse_at=cuts,
    events=st.sampled_from([0.0, 0.2, 0.5, 0.7]),
    pause_s=st.sampled_from([0, 1, 40]),
)


@st.composite
def schedules(draw: st.DrawFn, largest_import: int, most_runs: int) -> Schedule:
    server = draw(servers)
    habits = Habits(
        lookback_s=server.needed_lookback_s + draw(st.sampled_from([0, 5])),
        slice_pages=draw(st.integers(1, 8)),
        streams=draw(st.booleans()),
    )
    return Schedule(
        seed=draw(st.integers(0, 2**32)),
        server=server,
        habits=habits,
        imports=tuple(draw(st.lists(st.integers(1, largest_import), max_size=3))),
        history=draw(st.integers(0, 40)),
        runs=tuple(draw(st.lists(plans, min_size=1, max_size=most_runs))),
    )


@settings(max_examples=1000)
@given(schedules(largest_import=20, most_runs=4))
def test_after_quiet_and_one_run_the_copy_is_equal_or_the_walk_is_not_sure(schedule: Schedule) -> None:
    assert failure(schedule) is None


@settings(max_examples=150)
@given(schedules(largest_import=100, most_runs=10))
def test_so_it_is_in_larger_views_over_many_runs_that_are_cut(schedule: Schedule) -> None:
    assert failure(schedule) is None


@pytest.mark.soak
@given(schedules(largest_import=100, most_runs=12))
def test_so_it_is_in_a_long_search(schedule: Schedule) -> None:
    assert failure(schedule) is None


@pytest.fixture(scope="module")
def sightings() -> Counter[str]:
    """What was seen to happen over a fixed set of schedules, each of which must keep the promise."""
    seen: Counter[str] = Counter()
    for seed in FIXED_SEEDS:
        schedule = random_schedule(seed)
        seen.update(f"{name}={getattr(schedule.server, name)}" for name in SWITCHES)
        seen["streams" if schedule.habits.streams else "slices"] += 1
        seen[f"lookback beyond need={schedule.habits.lookback_s > schedule.server.needed_lookback_s}"] += 1

        def watched(state: Mapping[str, Any] | None, fetch: Fetch[Rows], /, **times: int) -> Walk[Rows]:
            return WatchedWalk(seen, WalkState.from_json(state), fetch, **times)

        outcome = play(schedule, watched)
        seen.update(f"a run ended: {ending}" for ending in outcome.replica.endings)
        if schedule.server.ties == "reshuffled":
            seen["reshuffled: " + ("equal" if outcome.is_equal else "different and said so")] += 1
            assert outcome.is_equal or outcome.doubts
        else:
            assert outcome.is_equal
    return seen


def test_every_switch_position_occurred(sightings: Counter[str]) -> None:
    expected = [f"{name}={position}" for name, positions in SWITCHES.items() for position in positions]
    expected += ["streams", "slices", "lookback beyond need=True", "lookback beyond need=False"]
    expected += [
        f"a run ended: {how}" for how in ("whole", "OutOfBudget", "ConnectionRefusedError", "Killed")
    ]
    assert {what: sightings[what] for what in expected if sightings[what] < 20} == {}


def test_every_mechanism_of_the_engine_was_at_work(sightings: Counter[str]) -> None:
    mechanisms = (
        "went back: the total fell",
        "a span was found again by its stamp",
        "a span was found again by its position inside one stamp",
        "a stretch stopped before pages that an earlier run had read",
        "a cut stretch of the lookback was finished by a later run",
        "the last page came again behind the end",
        "an answer without new records was the end",
        "records changed places inside a stamp",
        "such a stamp was read again until it was sure",
        "a view was found to reshuffle",
        "pages without a total were read again",
        "the newest row was younger than the run",
    )
    assert {what: sightings[what] for what in mechanisms if sightings[what] < 10} == {}


def test_reshuffled_ties_are_mostly_made_whole_and_not_only_admitted(sightings: Counter[str]) -> None:
    assert sightings["reshuffled: equal"] > 4 * sightings["reshuffled: different and said so"]


class WatchedFrontier(Frontier):
    """Counts the pages that began behind unread records."""

    def __init__(self, seen: Counter[str]) -> None:
        super().__init__()
        self._counts = seen

    def skips(self, number: int) -> bool:
        skips = super().skips(number)
        self._counts["went back: the total fell"] += skips
        return skips


class WatchedAsking(Asking[Rows]):
    """Counts how ends were proven."""

    def __init__(self, seen: Counter[str], fetch: Fetch[Rows], like: Asking[Rows]) -> None:
        super().__init__(fetch, settled_before=like.settled_before, unordered=like.unordered)
        self.frontier = WatchedFrontier(seen)
        self._counts = seen

    def next(self, number: int, after: Page[Rows]) -> Page[Rows] | None:
        answer = super().next(number, after)
        self._counts["an answer without new records was the end"] += answer is None
        return answer

    def _is_repeat(self, answer: Page[Rows], page: Page[Rows]) -> bool:
        repeats = super()._is_repeat(answer, page)
        self._counts["the last page came again behind the end"] += repeats
        return repeats


class WatchedWalk(Walk[Rows]):
    """Counts the decisions of a walk, without changing any."""

    def __init__(
        self,
        seen: Counter[str],
        state: WalkState,
        fetch: Fetch[Rows],
        *,
        started_at: int,
        lookback_s: int,
        floor: int,
    ) -> None:
        super().__init__(state, fetch, started_at=started_at, lookback_s=lookback_s, floor=floor)
        self._view = WatchedAsking(seen, fetch, self._view)
        self._counts = seen
        seen["pages without a total were read again"] += bool(state.unproven)
        seen["a cut stretch of the lookback was finished by a later run"] += any(s.cut for s in state.owed)

    def steps(self) -> Iterator[Step[Rows]]:
        before = self.state
        for step in super().steps():
            after = step.state
            self._counts["records changed places inside a stamp"] += bool({*after.doubts} - {*before.doubts})
            self._counts["such a stamp was read again until it was sure"] += bool(
                {*before.doubts} - {*after.doubts}
            )
            self._counts["a view was found to reshuffle"] += after.reshuffles > before.reshuffles
            self._counts["the newest row was younger than the run"] += any(
                s > self._started_at for s in step.page.stamps
            )
            before = after
            yield step

    def _find(self, span: Span) -> Page[Rows]:
        page = super()._find(span)
        if page.number > 1:
            is_above = self._view.begin(page) > span.high
            how = "its stamp" if is_above else "its position inside one stamp"
            self._counts[f"a span was found again by {how}"] += 1
        return page

    def _is_far(self, span: Span) -> bool:
        is_far = super()._is_far(span)
        self._counts["a stretch stopped before pages that an earlier run had read"] += is_far
        return is_far
