"""The memory of a walk: what is closed is what was read, never more; what is joined is never less; JSON keeps all."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.walk import BEGINNING, Span, WalkState
from freshsales_source.walk.state import MOST_SPANS, TOP, Cut, Edge, Place, close, edge, fewer, merged

# Small numbers, so that stamps and positions meet; a place is a stamp and how many records lie below it in the view.
few = st.integers(0, 8)
stamps = st.integers(0, 2**31) | few
cuts = st.builds(Cut, below=st.none() | few, tail=st.lists(few, max_size=3).map(tuple))
places = st.tuples(few, few)


@st.composite
def spans(draw: st.DrawFn, stamp: st.SearchStrategy[int] = few) -> Span:
    low, high = sorted((draw(stamp), draw(stamp)))
    return Span(low=low, high=high, cut=draw(st.none() | cuts))


def waits_for(span: Span, place: Edge) -> bool:
    """Whether the record at this place is still to be read for the span."""
    return span.contains(place[0]) and place <= span.edge


edges_of_time = st.sampled_from([BEGINNING, TOP])
states = st.builds(
    WalkState,
    watermark=st.none() | stamps,
    spans=st.lists(spans(stamps), max_size=4).map(tuple),
    owed=st.lists(spans(stamps), max_size=4).map(tuple),
    unproven=st.lists(spans(stamps), max_size=4).map(tuple),
    doubts=st.lists(stamps, max_size=4).map(tuple),
    reshuffles=st.booleans(),
    unordered=st.booleans(),
    order_shown=st.booleans(),
    place=st.none()
    | st.builds(Place, position=st.integers(0, 10**6), total=st.none() | st.integers(0, 10**6)),
)


@given(states)
def test_json_gives_back_the_same_state(state: WalkState) -> None:
    assert WalkState.from_json(json.loads(json.dumps(state.to_json()))) == state


@given(spans(stamps), st.booleans(), st.booleans())
def test_json_keeps_spans_that_have_no_end(span: Span, from_beginning: bool, to_top: bool) -> None:
    endless = replace(span, low=BEGINNING if from_beginning else span.low, high=TOP if to_top else span.high)
    state = WalkState(watermark=1, spans=(endless,))
    assert WalkState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_state_that_was_never_saved_is_that_of_a_walk_that_never_ran() -> None:
    assert WalkState.from_json(None) == WalkState.from_json({}) == WalkState()
    assert not WalkState().is_complete


def test_times_are_readable_in_json() -> None:
    state = WalkState(watermark=1_700_000_000, spans=(Span(low=BEGINNING, high=1_600_000_000),))
    saved = state.to_json()
    assert saved["watermark"] == "2023-11-14T22:13:20Z"
    assert saved["spans"] == [{"low": None, "high": "2020-09-13T12:26:40Z"}]


@given(st.lists(spans(), max_size=4), places, places, places)
def test_what_lies_outside_what_was_read_stays_open(
    open_spans: list[Span], one: tuple[int, int], other: tuple[int, int], place: tuple[int, int]
) -> None:
    bottom, top = sorted((one, other))
    left = close(open_spans, top=top, down_to=bottom[0], cut=Cut(below=bottom[1]))
    if any(waits_for(span, place) for span in open_spans) and not bottom < place <= top:
        assert any(waits_for(span, place) for span in left)


@given(st.lists(spans(), max_size=4), places, places, places)
def test_what_was_read_is_closed_for_every_span_that_did_not_begin_higher(
    open_spans: list[Span], one: tuple[int, int], other: tuple[int, int], place: tuple[int, int]
) -> None:
    bottom, top = sorted((one, other))
    begun = [span for span in open_spans if span.edge <= top]
    left = close(begun, top=top, down_to=bottom[0], cut=Cut(below=bottom[1]))
    if bottom < place <= top:
        assert not any(waits_for(span, place) for span in left)


@given(st.lists(spans(), max_size=4), places, st.none() | cuts)
def test_closing_opens_nothing(open_spans: list[Span], place: tuple[int, int], cut: Cut | None) -> None:
    left = close(open_spans, top=(TOP, 0), down_to=4, cut=cut)
    if any(waits_for(span, place) for span in left):
        assert any(waits_for(span, place) for span in open_spans)


def test_a_place_deeper_in_the_same_stamp_survives_a_reading_that_came_less_far() -> None:
    deep = Span(low=BEGINNING, high=5, cut=Cut(below=10, tail=(7,)))
    assert close([deep], top=edge(TOP, None), down_to=5, cut=Cut(below=90)) == (deep,)


def test_a_reading_that_began_inside_a_stamp_does_not_close_it_for_who_wants_all_of_it() -> None:
    all_of_it = Span(low=0, high=5)
    assert close([all_of_it], top=(5, 10), down_to=2, cut=Cut(below=1)) == (all_of_it,)


@given(st.lists(spans(), max_size=6), places)
def test_joined_spans_wait_for_everything_that_one_of_them_waits_for(
    open_spans: list[Span], place: tuple[int, int]
) -> None:
    if any(waits_for(span, place) for span in open_spans):
        assert any(waits_for(span, place) for span in merged(open_spans))


@given(st.lists(spans(), max_size=6))
def test_joined_spans_are_apart_and_newest_first(open_spans: list[Span]) -> None:
    joined = merged(open_spans)
    assert all(upper.low > lower.high for upper, lower in pairwise(joined))


def test_only_neighbours_touch() -> None:
    assert merged([Span(low=0, high=4), Span(low=5, high=9)]) == (Span(low=0, high=9),)
    assert merged([Span(low=0, high=4), Span(low=6, high=9)]) == (Span(low=6, high=9), Span(low=0, high=4))


short_spans = st.builds(lambda low, length: Span(low=low, high=low + length), st.integers(0, 400), few)


@given(st.lists(short_spans, min_size=MOST_SPANS, max_size=60))
def test_spans_never_grow_many_and_lose_nothing_by_it(open_spans: list[Span]) -> None:
    newest_first = sorted(open_spans, key=lambda span: span.edge, reverse=True)
    for joined in (merged(open_spans), fewer(newest_first)):
        assert len(joined) <= MOST_SPANS
        for stamp in {stamp for span in open_spans for stamp in range(span.low, span.high + 1)}:
            assert any(span.contains(stamp) for span in joined)
