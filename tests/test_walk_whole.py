"""Views without an order are read whole, over as many runs as it takes."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.walk import WalkState
from freshsales_source.walk.whole import READINGS
from tests.walk_reader import NOON, Reader, crm, long_ago
from tests.walk_world import BIN, Server, World

UNORDERED = Server(page_size=10, ignores_order=True)


def unordered(count: int, server: Server = UNORDERED) -> Reader:
    """A reader of a view that lists its records by age, whatever order is asked for, and is known to."""
    return Reader(crm(long_ago(count)[::-1], server), state=WalkState(unordered=True))


@pytest.mark.parametrize("meta", ["total_pages", "total", "none"])
def test_a_cut_reading_without_an_order_goes_on_where_it_was_left(
    meta: Literal["total_pages", "total", "none"],
) -> None:
    reader = unordered(300, replace(UNORDERED, meta=meta))
    runs = 0
    while not reader.state.is_complete:
        reading = reader.run(calls=6)
        runs += 1
        assert reading.is_whole or len(set(reading.loaded)) >= 40
    assert reader.has_all
    assert runs <= 8  # of 6 calls each one measures the view and one is asked again


def test_when_the_reading_has_ended_the_next_begins_at_the_top() -> None:
    reader = unordered(40)
    reader.run()
    assert reader.state.place is None
    assert reader.run().asked == [1, 2, 3, 4]


def test_what_was_removed_meanwhile_sends_the_reading_back_by_as_much() -> None:
    reader = unordered(300)
    reader.run(calls=15)
    for record_id in range(1, 26):
        reader.world.move(record_id, BIN)
    while not reader.state.is_complete:
        reader.run(calls=15)
    assert set(range(26, 301)) <= set(reader.rows)


def test_a_view_that_shrank_to_what_was_read_is_at_its_end() -> None:
    reader = unordered(100)
    reader.run(calls=7)
    for record_id in range(41, 101):
        reader.world.move(record_id, BIN)
    reader.run(calls=7)
    assert reader.state.is_complete
    assert set(range(1, 41)) <= set(reader.rows)


@given(
    cuts=st.lists(st.integers(3, 8), min_size=1, max_size=12),
    removals=st.lists(st.integers(1, 80), max_size=12),
    size=st.integers(1, 80),
)
def test_cuts_and_removals_lose_no_row_of_a_view_without_an_order(
    cuts: list[int], removals: list[int], size: int
) -> None:
    reader = unordered(size)
    for calls in cuts:
        if removals and removals[-1] in reader.world.rows and removals[-1] <= size:
            reader.world.move(removals.pop(), BIN)
        if reader.state.is_complete:
            break
        reader.run(calls=calls)
    while not reader.state.is_complete:
        reader.run(calls=4)
    live = {i for i, row in reader.world.rows.items() if row.view == "open"}
    assert live <= set(reader.rows)


# Records that change places at each request


class Overcounting(World):
    """A CRM whose lists tell of three records that they do not show."""

    def _count(self, view: str, count: int) -> int:
        return count + 3


@pytest.mark.parametrize("meta", ["total_pages", "total"])
def test_a_list_that_stands_still_while_its_records_change_places_is_read_again_in_the_same_run(
    meta: Literal["total_pages", "total"],
) -> None:
    reader = unordered(40, replace(UNORDERED, meta=meta, ties="reshuffled", page_size=20))
    reading = reader.run()
    assert 3 < reading.calls <= 3 * READINGS
    assert reader.has_all
    assert reader.state.is_complete
    assert reading.doubts == ()


def test_so_it_is_when_the_reading_goes_on_where_it_was_cut() -> None:
    reader = unordered(40, replace(UNORDERED, ties="reshuffled", page_size=20))
    assert not reader.run(calls=1).is_whole
    reading = reader.run()
    assert reader.has_all
    assert reader.state.is_complete
    assert reading.calls <= 1 + 2 * READINGS


def test_a_list_in_which_people_work_meanwhile_is_left_to_the_next_run() -> None:
    reader = unordered(200, replace(UNORDERED, ties="reshuffled"))
    reader.before_call = lambda number: reader.world.create() if number == 15 else None
    reading = reader.run()
    assert reading.calls <= 22
    assert not reader.state.is_complete
    assert reading.doubts


def test_a_list_that_shows_less_than_its_total_from_place_to_place_is_not_read_again() -> None:
    reader = unordered(35)
    reader.world = Overcounting(Random(0), UNORDERED, now=NOON, rows=reader.world.rows)
    reading = reader.run()
    assert reading.calls <= 7
    assert not reader.state.is_complete


# Whether an order is honoured


def doubtful(reader: Reader) -> Reader:
    """The reader of a list of which nobody knows yet whether it honours the order asked for."""
    reader.trusts_order = False
    return reader


def test_an_order_that_nobody_knows_of_is_not_trusted_before_rows_have_shown_it() -> None:
    # Ids fall while stamps fall: by id or by stamp, who can tell?
    reader = doubtful(Reader(crm(long_ago(300)[::-1], Server(page_size=100, ties="by id, newest first"))))
    for _ in range(2):
        assert reader.run().asked == [1, 2, 3]
        assert not reader.state.order_shown
    reader.world.edit([150])
    assert reader.run().asked == [1, 2, 3]
    assert reader.state.order_shown
    reader.world.edit([40])
    assert reader.run().calls < 3
    assert reader.has_all


def test_a_list_by_id_that_looks_sorted_is_read_whole_and_so_shows_an_old_record_that_was_edited() -> None:
    reader = doubtful(Reader(crm(long_ago(300), replace(UNORDERED, page_size=100))))
    reader.run()
    reader.world.edit([250])
    reader.run()
    assert reader.has_all
    assert not reader.state.order_shown


def test_an_order_that_was_shown_and_then_broken_is_not_trusted_any_more() -> None:
    reader = doubtful(Reader(crm([NOON - 1000 * i for i in (1, 3, 2, 9, 8, 12)], Server(page_size=10))))
    reader.run()
    assert reader.state.order_shown
    reader.world.server = replace(UNORDERED)
    reader.world.edit([4])
    reader.world.now += 10_000
    reader.run()
    assert reader.state.unordered
    assert reader.has_all
