"""What the walk engine does, one behaviour at a time, and what it costs in calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import ceil, log2

import pytest

from freshsales_source.walk import Page, Walk, WalkState
from freshsales_source.walk.engine import MOST_DOUBTS
from freshsales_source.walk.state import MOST_SPANS
from tests.walk_reader import NOON, Reader, crm, long_ago
from tests.walk_world import BIN, Row, Rows, Server, World

# What it costs


@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000, 2350])
def test_a_first_read_costs_the_fewest_calls_possible_and_comes_newest_first(count: int) -> None:
    reader = Reader(crm(long_ago(count)))
    reading = reader.run()
    assert reading.asked == list(range(1, ceil(count / 100) + 1))
    assert reading.stamps == sorted(reading.stamps, reverse=True)
    assert reader.has_all
    assert reader.state.is_complete


@pytest.mark.parametrize("count", [0, 5, 200])
def test_without_total_pages_the_end_is_proven_by_one_call_more(count: int) -> None:
    reader = Reader(crm(long_ago(count), Server(page_size=100, meta="total")))
    assert reader.run().calls == max(1, ceil(count / 100)) + (count > 0)
    assert reader.has_all


@pytest.mark.parametrize("count", [1, 1000, 20_000])
def test_a_second_run_over_a_quiet_view_costs_one_call_and_loads_nothing(count: int) -> None:
    reader = Reader(crm(long_ago(count)))
    reader.run()
    reading = reader.run()
    assert (reading.asked, reading.loaded) == ([1], [])


@pytest.mark.parametrize("count", [1000, 20_000])
@pytest.mark.parametrize("edits", [1, 99, 100, 101, 450, 1000])
def test_edits_cost_their_own_pages_and_two_calls_at_most_whatever_the_view_holds(
    count: int, edits: int
) -> None:
    reader = Reader(crm(long_ago(count)))
    reader.run()
    edited = reader.world.random.sample(sorted(reader.world.rows), edits)
    for record_id in edited:
        reader.world.now += 1
        reader.world.rows = {**reader.world.rows, record_id: Row(reader.world.now, 2, "open")}
    reading = reader.run()
    assert reading.calls <= ceil(edits / 100) + 2
    assert sorted(reading.loaded) == sorted(edited)
    assert reader.has_all


def test_the_lookback_is_read_again_and_nothing_else() -> None:
    reader = Reader(crm([NOON - 10, NOON - 299, NOON - 300, NOON - 301, *long_ago(500)]))
    reader.run()
    reading = reader.run()
    assert (reading.calls, reading.loaded) == (1, [1, 2, 3])


# Runs that are cut


@pytest.mark.parametrize("calls", [3, 8, 13, 20])
def test_every_cut_run_makes_progress_and_finding_the_place_again_is_cheap(calls: int) -> None:
    pages = 60
    reader = Reader(crm(long_ago(pages * 100)))
    while not reader.state.is_complete:
        spans = len(reader.state.spans)
        before = len(reader.rows)
        reading = reader.run(calls)
        new_pages = (len(reader.rows) - before) / 100
        assert new_pages >= 1 or reader.state.is_complete
        assert reading.calls - new_pages <= 1 + (log2(pages) + 2) * spans
        reader.world.edit([reader.world.random.choice(sorted(reader.rows))])
    assert reader.run().is_whole
    assert reader.has_all


def test_what_is_new_comes_before_what_an_earlier_run_left() -> None:
    reader = Reader(crm(long_ago(1000)))
    reader.run(calls=3)
    reader.world.edit([900])
    reading = reader.run(calls=6)
    assert reading.loaded[0] == 900
    assert reading.loaded[1:4] == [
        300,
        301,
        302,
    ]  # the bound is inclusive: 300 may share its stamp with another


def test_one_stamp_larger_than_a_run_comes_whole_over_several_runs() -> None:
    reader = Reader(crm([NOON - 5000] * 20_000))
    runs = 0
    while not reader.state.is_complete:
        reading = reader.run(calls=30)
        runs += 1
        assert reading.doubts == ()
        assert len(json.dumps(reader.state.to_json())) < 100_000
    assert runs <= ceil(200 / 28) + 1
    assert reader.has_all


def test_edits_above_a_stamp_that_was_left_half_read_do_not_send_the_walk_back() -> None:
    reader = Reader(crm([NOON - 5000] * 3000))
    reader.run(calls=20)
    reader.world.edit([2999])
    reading = reader.run(calls=15)
    assert reading.asked[0] == 1
    assert min(reading.asked[1:]) >= 20
    assert reader.state.is_complete
    assert reader.has_all


def test_records_that_show_late_inside_a_stamp_left_half_read_come_with_the_lookback() -> None:
    reader = Reader(crm([NOON - 10] * 20, Server(page_size=2)))
    everything = reader.world.rows
    reader.world.rows = {i: row for i, row in everything.items() if i not in (5, 6)}
    reader.run(calls=6)
    reader.world.rows = everything
    reader.run()
    assert reader.has_all


def test_the_state_stays_small_however_often_runs_are_cut() -> None:
    reader = Reader(crm([NOON - 5000] * 3000))
    for _ in range(60):
        reader.run(calls=4)
        reader.world.edit(reader.world.random.sample(sorted(reader.world.rows), 700))
    assert len(reader.state.spans) <= MOST_SPANS
    assert len(json.dumps(reader.state.to_json())) < 100_000
    assert reader.run().is_whole
    assert reader.has_all


# A view that moves


def test_a_removal_that_pulls_unread_records_up_is_followed() -> None:
    reader = Reader(crm(long_ago(1000)))

    def remove_what_was_read(call: int) -> None:
        if call == 4:
            for record_id in range(1, 151):
                reader.world.move(record_id, BIN)

    reader.before_call = remove_what_was_read
    reading = reader.run()
    assert reading.asked[3:6] == [4, 2, 3]
    assert set(range(151, 1001)) <= set(reading.loaded)


def test_a_removal_behind_the_place_costs_the_page_it_could_have_pulled_and_the_call_that_showed_it() -> None:
    reader = Reader(crm(long_ago(1000)))
    reader.before_call = lambda call: reader.world.move(900, BIN) if call == 4 else None
    reading = reader.run()
    assert reading.asked == [1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 9, 10]
    assert reading.doubts == ()


def test_a_view_that_outgrows_its_only_page_meanwhile_is_read_to_its_end() -> None:
    reader = Reader(crm(long_ago(2), Server(page_size=100, meta="total")))
    reader.before_call = lambda call: reader.world.create(150) if call == 2 else None
    assert reader.run().calls < 10
    reader.before_call = lambda call: None
    reader.run()
    assert reader.has_all


# Ends


def test_pages_smaller_than_asked_for_are_read_whole() -> None:
    reader = Reader(crm(long_ago(210), Server(page_size=100, page_cap=25)))
    assert reader.run().calls == 9
    assert reader.has_all


def test_total_pages_that_count_larger_pages_than_are_served_are_not_believed() -> None:
    world = crm(long_ago(100), Server(page_size=25))
    walk = Walk(WalkState(), miscounting(world), started_at=NOON)
    assert sum(len(step.keep) for step in walk.steps()) == 100
    assert (walk.doubts, walk.state.is_complete) == ((), True)


def miscounting(world: World) -> Callable[[int], Page[Rows] | None]:
    """A server that serves 25 records a page and counts pages of 100."""

    def fetch(number: int) -> Page[Rows] | None:
        page = world.page("open", number)
        assert page is not None
        return Page(
            number=number,
            ids=page.ids,
            stamps=page.stamps,
            total=page.total,
            total_pages=1,
            served_at=page.served_at,
            content=page.content,
        )

    return fetch


def test_an_empty_view_is_complete_after_one_call_and_a_first_record_is_found() -> None:
    reader = Reader(crm([]))
    assert reader.run().calls == 1
    assert (reader.state.is_complete, reader.state.watermark) == (True, NOON)
    reader.world.create()
    assert reader.run().loaded == [1]


def test_pages_that_the_total_promises_and_the_server_refuses_stay_unread_and_are_named() -> None:
    world = crm(long_ago(1000), Server(page_size=100, meta="total"))

    def refusing(number: int) -> Page[Rows] | None:
        return world.page("open", number) if number <= 3 else None

    walk = Walk(WalkState(), refusing, started_at=NOON)
    steps = list(walk.steps())
    assert len(steps) <= 6
    assert walk.doubts == ("the view ended before its own total",)
    assert not walk.state.is_complete

    reader = Reader(world, state=walk.state)
    reading = reader.run()
    assert set(range(301, 1001)) <= set(reading.loaded)
    assert reader.state.is_complete


def test_a_view_without_a_total_reads_on_though_a_whole_page_was_known() -> None:
    # A first run left the span inside one stamp; its last ids come again and are not the end.
    reader = Reader(crm([NOON - 5000] * 40, Server(page_size=2, meta="none")))
    reader.run(calls=12)
    reader.run()
    assert reader.has_all


@pytest.mark.parametrize("meta", ["total", "none"])
def test_a_last_page_that_comes_again_in_another_order_is_the_end(meta: str) -> None:
    stamps = [NOON - 5000] * 35 + [NOON - 6000]
    server = Server(page_size=10, past_the_end="repeat", ties="reshuffled")
    server = Server(
        page_size=10, past_the_end="repeat", ties="reshuffled", meta="total" if meta == "total" else "none"
    )
    assert Reader(crm(stamps, server)).run().calls < 500


def test_so_it_is_in_a_view_without_any_order() -> None:
    server = Server(page_size=10, past_the_end="repeat", ties="reshuffled", ignores_order=True, meta="total")
    assert Reader(crm(long_ago(36), server)).run().calls < 500


def test_page_one_answered_with_404_is_for_the_caller() -> None:
    walk = Walk[Rows](WalkState(), lambda number: None, started_at=NOON)
    with pytest.raises(LookupError):
        list(walk.steps())


# Orders and ties


def test_a_view_that_ignores_the_order_is_read_whole_in_every_run_and_says_so() -> None:
    stamps = long_ago(300)
    reader = Reader(crm(stamps[::-1], Server(page_size=100, ignores_order=True)))
    reader.run()
    assert reader.state.unordered
    assert reader.has_all
    reader.world.edit([250])
    assert reader.run().asked == [1, 2, 3]
    assert reader.has_all


def test_without_an_order_a_creation_that_hides_a_removal_is_healed_by_the_next_run() -> None:
    reader = Reader(crm(long_ago(300)[::-1], Server(page_size=100, ignores_order=True)))
    reader.run()

    def hide(call: int) -> None:
        if call == 2:
            reader.world.move(1, BIN)
            reader.world.create()

    reader.before_call, reader.rows = hide, {}
    reader.run()
    assert not reader.has_all
    reader.before_call = lambda call: None
    assert reader.run().doubts == ()
    assert set(range(2, 302)) <= set(reader.rows)


def test_a_view_without_any_order_is_whole_when_as_many_ids_came_as_its_total_says() -> None:
    reader = Reader(crm(long_ago(30), Server(page_size=10, ties="reshuffled", ignores_order=True)))
    for _ in range(5):
        is_sure = reader.run().doubts == ()
        assert is_sure == (len(reader.rows) == 30) or reader.has_all
        reader.rows = {}


def test_a_small_reshuffling_view_ends_whole_and_sure_or_unsure() -> None:
    reader = Reader(crm([NOON - 5000] * 30, Server(page_size=10, ties="reshuffled")))
    reading = reader.run()
    assert reader.state.reshuffles
    assert reader.has_all or reading.doubts


def test_more_doubts_than_the_state_holds_are_not_forgotten() -> None:
    stamps = [NOON - 5000 - i // 4 for i in range(4 * 280)]
    reader = Reader(crm(stamps, Server(page_size=2, ties="reshuffled")))
    reading = reader.run(calls=580)  # the view once, and no more
    assert len(reading.doubts) == 2
    assert len(reader.state.doubts) == MOST_DOUBTS
    missed = {row.stamp for i, row in reader.world.rows.items() if i not in reader.rows}
    assert missed - {*reader.state.doubts}
    for stamp in missed - {*reader.state.doubts}:
        assert any(span.contains(stamp) for span in reader.state.unproven)


def test_while_people_work_doubts_wait_for_a_quiet_run_and_cost_little() -> None:
    reader = Reader(crm(long_ago(6000)))
    reader.before_call = lambda call: reader.world.edit([6000 - call]) if call % 5 == 0 else None
    reading = reader.run()
    assert reading.calls <= 60 + 30
    assert len(reading.doubts) == 1
    reader.before_call = lambda call: None
    assert reader.run().doubts == ()
    assert reader.has_all


# Clocks


def test_a_stamp_in_the_future_does_not_carry_the_watermark_with_it() -> None:
    reader = Reader(crm([NOON + 500_000, *long_ago(300)]))
    reader.run()
    assert reader.state.watermark == NOON
    reader.world.edit([200])
    assert reader.run().loaded == [1, 200]


def test_the_watermark_passes_neither_the_start_of_the_run_nor_of_the_walk() -> None:
    world = crm(long_ago(3))
    for started_at, served_at in ((NOON, NOON + 90), (NOON + 90, NOON)):
        world.now = served_at
        walk = Walk(WalkState(), lambda number: world.page("open", number), started_at=started_at)
        assert [step.state.watermark for step in walk.steps()] == [NOON]


def test_records_last_updated_before_the_start_date_are_left_out() -> None:
    stamps = long_ago(1000)
    reader = Reader(crm(stamps), floor=stamps[249])
    reading = reader.run()
    assert reading.loaded == list(range(1, 251))
    assert reading.calls == 3
    assert reader.state.is_complete
