"""Whose records wait for a feed: never forgotten, never more than a state should hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.state import feed_state
from freshsales_source.state.feed_state import FeedState


def test_waiting_ids_are_bounded_and_a_sweep_begins_below_all_of_them() -> None:
    state = feed_state.FeedState().with_more("deals", range(10, 5_010), can_sweep=True)
    assert (len(state.waiting["deals"]), state.sweeps) == (5_000, {})
    state = state.with_more("deals", [7], can_sweep=True)
    assert (state.waiting["deals"], state.sweeps) == ((), {"deals": 6})
    state = state.swept("deals", [7, 10, 11])
    assert (state.waiting["deals"], state.sweeps) == ((7, 10, 11), {"deals": 11})
    state = state.with_more("deals", [5, 7, 12], can_sweep=True).without("deals", [7, 10])
    assert state.waiting["deals"] == (11, 5)
    assert feed_state.FeedState.from_json(state.to_json()) == state
    assert state.swept("deals", []).sweeps == {}
    assert (
        len(feed_state.FeedState().with_more("deals", range(6_000), can_sweep=False).waiting["deals"])
        == 6_000
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("load"), st.lists(st.integers(1, 60), min_size=1, max_size=12)),
        st.tuples(st.just("read"), st.lists(st.integers(0, 5), min_size=1, max_size=1)),
        st.tuples(st.just("sweep"), st.lists(st.integers(1, 7), min_size=1, max_size=1)),
    ),
    max_size=30,
)


@given(steps=STEPS, most=st.integers(1, 8))
def test_every_record_that_was_loaded_waits_or_lies_before_the_sweep_until_its_feed_is_read(
    steps: list[tuple[str, list[int]]], most: int
) -> None:
    state, table, owed = FeedState().beginning("deals"), set[int](), set[int]()

    def sweep(state: FeedState, size: int) -> FeedState:
        passed = state.sweeps["deals"]
        return state.swept("deals", sorted(i for i in table if i > passed)[:size])

    def read(state: FeedState, number: int) -> FeedState:
        done = state.waiting.get("deals", ())[:number]
        owed.difference_update(done)
        return state.without("deals", done)

    for action, numbers in steps:
        match action:
            case "load":
                table.update(numbers)
                owed.update(numbers)
                state = state.with_more("deals", numbers, can_sweep=True, most=most)
            case "read":
                state = read(state, numbers[0])
            case "sweep" if "deals" in state.sweeps and not state.waiting.get("deals"):
                state = sweep(state, numbers[0])
        state = FeedState.from_json(state.to_json())
        waiting = set(state.waiting.get("deals", ()))
        swept = {i for i in table if i > state.sweeps["deals"]} if "deals" in state.sweeps else set()
        assert owed <= waiting | swept
        assert len(waiting) <= most + 7
    while state.waiting.get("deals") or "deals" in state.sweeps:
        state = read(state, 100) if state.waiting.get("deals") else sweep(state, 7)
    assert owed == set()
