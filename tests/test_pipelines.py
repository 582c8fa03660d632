"""Deals outside the pipeline that the default views show: all of them are loaded, whatever the search does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.state.findings import HIDDEN_PIPELINES, SEARCH_DETAIL, Findings, Found, Hints
from tests.connector import company, connect_swiftly
from tests.hidden_pipelines import (
    assert_all_deals_are_there,
    connect_deals,
    deals_of,
    default_pipeline,
    hidden_company,
    hidden_pipelines,
    make_default,
    searches,
    stage_in,
    switch,
    sync_deals,
)

# What the search does, and the calls of an idle sync for two further pipelines of more than a page.
POSITIONS: list[tuple[dict[str, Any], int]] = [
    ({}, 2),
    ({"search_detail": False}, 2),
    ({"search_short_pages": True}, 2),
    ({"search_order": "loose"}, 4),
    ({"search_order": "ignored"}, 4),
    ({"search_lag_s": 60.0}, 2),
    ({"page_cap": 8}, 2),
    ({"is_after_inclusive": True, "search_order": "ignored"}, 4),
    ({"naive_dates": "utc", "search_order": "ignored"}, 4),
    ({"search_detail": False, "search_order": "ignored"}, 4),
    (
        {
            "search_detail": False,
            "search_order": "ignored",
            "search_short_pages": True,
            "search_lag_s": 60.0,
            "view_lag_s": 60.0,
            "tie_order": "reshuffled",
            "stamps": "z",
            "pipeline_default_key": "default",
            "lead_source_key": "lead_source",
            "money": "number",
            "binned_get": "not_found",
            "side_loads": "after",
        },
        4,
    ),
]


def named(position: object) -> str:
    return "+".join(position) or "likely" if isinstance(position, dict) else ""


@pytest.mark.parametrize(("position", "idle"), POSITIONS, ids=named)
def test_all_deals_are_loaded_and_an_idle_sync_is_cheap(
    position: dict[str, Any], idle: int, tmp_path: Path
) -> None:
    emulator = hidden_company(deals=130, **position)
    assert min(len(deals_of(emulator, one)) for one in hidden_pipelines(emulator)) > 12
    connector = connect_deals(emulator, tmp_path, page_size=12)
    deals = sync_deals(connector)
    assert (deals.verdict, deals.reason) == ("matched", "")
    assert deals.expected_count == deals.loaded_count == 130
    assert_all_deals_are_there(emulator, connector)
    connector.clock.advance(1000)
    before = len(emulator.log)
    deals = sync_deals(connector)
    assert (deals.verdict, deals.rows_changed) == ("matched", 0)
    assert searches(emulator, before) == idle
    # Beside the searches: three views, the bin, and the pipelines, for a new one may have come.
    assert len(emulator.log) - before == idle + 5
    change_some(emulator)
    connector.clock.advance(400)
    before = len(emulator.log)
    deals = sync_deals(connector)
    assert (deals.verdict, deals.reason, deals.rows_changed) == ("matched", "", 6)
    assert len(emulator.log) - before <= idle + 5 + 6
    assert_all_deals_are_there(emulator, connector)


def change_some(emulator: Emulator) -> None:
    """Edit, create, delete, and move deals of each kind of pipeline into another."""
    shown, (one, other) = default_pipeline(emulator), hidden_pipelines(emulator)
    store = emulator.store
    store.update("deals", deals_of(emulator, one)[0], amount=12, tags=("new",))
    store.create("deals", name="Fresh", deal_stage_id=stage_in(emulator, other))
    store.delete("deals", deals_of(emulator, one)[1])
    store.move_stage(deals_of(emulator, one)[2], stage_in(emulator, other, 1))
    store.move_stage(deals_of(emulator, one)[3], stage_in(emulator, shown))
    store.move_stage(deals_of(emulator, shown)[0], stage_in(emulator, other))


def test_a_plain_sync_of_a_company_with_several_pipelines_is_whole(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_swiftly(emulator, tmp_path)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (0, "")
    assert_all_deals_are_there(emulator, connector)


def test_the_first_sync_costs_the_pages_and_one_count_of_each_pipeline(tmp_path: Path) -> None:
    emulator = hidden_company(deals=260)
    sync_deals(connect_deals(emulator, tmp_path))
    pages = sum(pages_of(emulator, one, 100) for one in hidden_pipelines(emulator))
    assert searches(emulator) == 1 + 3 + pages


def test_what_a_probe_found_spares_counts_and_a_page(tmp_path: Path) -> None:
    emulator = hidden_company(deals=130, search_detail=False)
    found = {HIDDEN_PIPELINES: "hidden", SEARCH_DETAIL: "thin"}
    hints = hints_of(emulator, found)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector, hints=hints).verdict == "matched"
    # One question whether the search works, and the pages, ten records each.
    pages = sum(pages_of(emulator, one, 10) for one in hidden_pipelines(emulator))
    assert searches(emulator) == 1 + pages
    assert not hints.has_changed
    assert_all_deals_are_there(emulator, connector)


def test_what_a_probe_found_is_dropped_when_it_is_wrong(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    hints = hints_of(emulator, {SEARCH_DETAIL: "thin"})
    assert sync_deals(connect_deals(emulator, tmp_path / "whole"), hints=hints).verdict == "matched"
    assert not hints.findings.points
    switch(emulator, deal_views_default_pipeline_only=False)
    hints = hints_of(emulator, {HIDDEN_PIPELINES: "hidden"})
    assert sync_deals(connect_deals(emulator, tmp_path / "shown"), hints=hints).verdict == "matched"
    assert not hints.findings.points


def pages_of(emulator: Emulator, pipeline: int, size: int) -> int:
    """The pages that a pipeline's deals fill, and the empty one behind them that proves the end of several."""
    deals = len(deals_of(emulator, pipeline))
    return 1 if deals < size else -(-deals // size) + 1


def hints_of(emulator: Emulator, positions: dict[str, str]) -> Hints:
    """The hints of a probe that found these positions a moment ago."""
    now = emulator.clock.now()
    points = {name: Found(position=position, seen_at=now) for name, position in positions.items()}
    return Hints.of(Findings(made_at=now, points=points), now)


def test_views_that_show_all_pipelines_are_recognised_without_a_search(tmp_path: Path) -> None:
    emulator = hidden_company(deal_views_default_pipeline_only=False)
    connector = connect_deals(emulator, tmp_path)
    for _ in range(2):
        assert sync_deals(connector).verdict == "matched"
        connector.clock.advance(1000)
    assert searches(emulator) == 0
    before = len(emulator.log)
    assert sync_deals(connector, lookups_every_s=86_400).verdict == "matched"
    assert len(emulator.log) - before == 4
    assert_all_deals_are_there(emulator, connector)


def test_views_whose_newest_pages_show_one_pipeline_are_recognised_by_their_numbers(tmp_path: Path) -> None:
    emulator = hidden_company(deals=260, deal_views_default_pipeline_only=False)
    shown = default_pipeline(emulator)
    for each in (deals_of(emulator, shown), deals_of(emulator, shown)):
        emulator.store.bulk_update("deals", each, tags=("touched",))
        emulator.clock.sleep(1000)
    connector = connect_deals(emulator, tmp_path, page_size=10)
    assert sync_deals(connector).verdict == "matched"
    # The numbers were enough to leave the search alone; then the older pages proved it for good.
    assert searches(emulator) == 1 + 3
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator) == 1 + 3
    assert_all_deals_are_there(emulator, connector)


def test_a_deal_whose_stamp_lies_ahead_is_not_counted_twice(tmp_path: Path) -> None:
    emulator = hidden_company(deals=40)
    first, second = (
        deals_of(emulator, one)[0] for one in (default_pipeline(emulator), hidden_pipelines(emulator)[0])
    )
    live = [int(deal["id"]) for deal in emulator.store.live("deals")]
    emulator.store.delete("deals", *(set(live) - {first, second}))
    emulator.clock.sleep(1000)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector).verdict == "matched"
    tomorrow = emulator.clock.now().replace(microsecond=0) + timedelta(days=1)
    emulator.store.update("deals", second, name="Stamped", updated_at=tomorrow)
    switch(emulator, deal_views_default_pipeline_only=False)
    connector.clock.advance(1000)
    # When it changed last nobody can tell, so it does not prove for good that the views show its pipeline.
    assert sync_deals(connector).verdict == "matched"
    before = searches(emulator)
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator) > before
    assert_all_deals_are_there(emulator, connector)
    emulator.store.update("deals", second, name="Stamped anew")
    connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    before = searches(emulator)
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator) == before


def test_one_pipeline_alone_is_not_searched(tmp_path: Path) -> None:
    emulator = hidden_company(deals=40)
    account = emulator.store.account
    for gone in hidden_pipelines(emulator):
        for deal in deals_of(emulator, gone):
            emulator.store.move_stage(deal, stage_in(emulator, default_pipeline(emulator)))
        account.selectors["deal_pipelines"][:] = [
            row for row in account.selectors["deal_pipelines"] if row["id"] != gone
        ]
    emulator.clock.sleep(600)
    assert sync_deals(connect_deals(emulator, tmp_path)).verdict == "matched"
    assert searches(emulator) == 0


def test_a_pipeline_that_is_made_later_is_found_at_once(tmp_path: Path) -> None:
    emulator = hidden_company(deals=40)
    connector = connect_deals(emulator, tmp_path)
    sync_deals(connector)
    stages = emulator.store.account.add_pipeline("Upsell", [("New", "Open", 10), ("Won", "Closed Won", 100)])
    deal = emulator.store.create("deals", name="Larger", deal_stage_id=stages["New"])
    connector.clock.advance(100)
    deals = sync_deals(connector)
    assert (deals.verdict, deals.rows_changed) == ("matched", 1)
    assert deal in connector.reader.ids("deals")
    # An empty pipeline costs a call, and no more than that.
    emulator.store.account.add_pipeline("Empty", [("New", "Open", 10)])
    sync_deals(connector)
    before = len(emulator.log)
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator, before) == 4


def test_a_pipeline_that_leaves_the_account_keeps_its_deals(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    sync_deals(connector)
    gone, _ = hidden_pipelines(emulator)
    pipelines = emulator.store.account.selectors["deal_pipelines"]
    pipelines[:] = [row for row in pipelines if row["id"] != gone]
    emulator.store.update("deals", deals_of(emulator, gone)[0], amount=77)
    connector.clock.advance(4000)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)
    emulator.store.delete("deals", *deals_of(emulator, gone))
    connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    before = len(emulator.log)
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator, before) == 1


@pytest.mark.parametrize("fields", [{}, {"search_order": "ignored"}], ids=named)
def test_another_default_pipeline_changes_what_is_searched(fields: dict[str, Any], tmp_path: Path) -> None:
    emulator = hidden_company(deals=130, **fields)
    connector = connect_deals(emulator, tmp_path, page_size=12)
    sync_deals(connector)
    before, (after, _) = default_pipeline(emulator), hidden_pipelines(emulator)
    for pipeline in (after, before, after):
        make_default(emulator, pipeline)
        for each in (before, after):
            emulator.store.update("deals", deals_of(emulator, each)[-1], amount=pipeline % 1000)
        connector.clock.advance(1000)
        assert sync_deals(connector).verdict == "matched"
        assert_all_deals_are_there(emulator, connector)


def test_a_default_pipeline_that_changes_within_a_run_is_caught_up_with(tmp_path: Path) -> None:
    emulator = hidden_company(deals=260)
    connector = connect_deals(emulator, tmp_path, page_size=10)
    after = hidden_pipelines(emulator)[0]
    begun = len(emulator.log)

    def change(number: int) -> None:
        if number - begun == 14:
            make_default(emulator, after)

    emulator.before_request = change
    first = sync_deals(connector)
    assert default_pipeline(emulator) == after
    assert first.verdict != "matched" or len(connector.reader.ids("deals", where="NOT is_deleted")) == 260
    emulator.before_request = None
    connector.clock.advance(1000)
    sync_deals(connector)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


@pytest.mark.parametrize("fields", [{}, {"search_detail": False}, {"search_order": "ignored"}], ids=named)
def test_short_runs_come_to_the_end_of_every_pipeline(fields: dict[str, Any], tmp_path: Path) -> None:
    emulator = hidden_company(deals=150, **fields)
    connector = connect_deals(emulator, tmp_path, page_size=10)
    # Where the search gives no whole rows, a page of each of the three pipelines takes ten calls more.
    max_calls = 40 if fields.get("search_detail", True) else 60
    runs = 0
    while (report := connector.sync(max_calls=max_calls)).exit_code == 75:
        runs += 1
        connector.clock.advance(1000)
        assert runs < 20
    assert report.exit_code == 0
    assert_all_deals_are_there(emulator, connector)


def test_a_deal_that_moves_is_never_counted_twice_nor_missed(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60, search_lag_s=60.0)
    connector = connect_deals(emulator, tmp_path)
    sync_deals(connector)
    shown, (one, _) = default_pipeline(emulator), hidden_pipelines(emulator)
    moved = deals_of(emulator, shown)[0]
    emulator.store.move_stage(moved, stage_in(emulator, one))
    # Neither the views nor the search show it now: nobody is to blame, and nothing is lost.
    connector.clock.advance(5)
    assert sync_deals(connector).verdict == "moving"
    connector.clock.advance(100)
    assert sync_deals(connector).verdict == "matched"
    emulator.store.move_stage(moved, stage_in(emulator, shown))
    connector.clock.advance(5)
    assert sync_deals(connector).verdict == "moving"  # Both show it.
    connector.clock.advance(100)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


def test_a_record_vanished_from_a_hidden_pipeline_is_flagged(tmp_path: Path) -> None:
    emulator = hidden_company(deals=260)
    connector = connect_deals(emulator, tmp_path)
    sync_deals(connector)
    gone = deals_of(emulator, hidden_pipelines(emulator)[0])[3]
    emulator.store.forget("deals", gone)
    connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    assert connector.reader.ids("deals", where="_deleted_reason = 'vanished'") == [gone]


def test_the_views_may_begin_to_show_all_pipelines(tmp_path: Path) -> None:
    emulator = hidden_company(deals=260)
    connector = connect_deals(emulator, tmp_path)
    sync_deals(connector)
    switch(emulator, deal_views_default_pipeline_only=False)
    connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    before = len(emulator.log)
    assert sync_deals(connector).verdict == "matched"
    assert searches(emulator, before) == 0
    assert_all_deals_are_there(emulator, connector)


def test_the_views_may_cease_to_show_all_pipelines(tmp_path: Path) -> None:
    emulator = hidden_company(deals=130, deal_views_default_pipeline_only=False)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector).verdict == "matched"
    switch(emulator, deal_views_default_pipeline_only=True)
    emulator.store.update("deals", deals_of(emulator, hidden_pipelines(emulator)[0])[0], amount=3)
    connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


def test_an_account_without_deals_is_whole(tmp_path: Path) -> None:
    emulator = company(accounts=2, contacts=2, deals=0, in_bin=0)
    switch(emulator, deal_views_default_pipeline_only=True)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector).verdict == "matched"
    deal = emulator.store.create(
        "deals", name="First", deal_stage_id=stage_in(emulator, hidden_pipelines(emulator)[1])
    )
    connector.clock.advance(100)
    assert sync_deals(connector).verdict == "matched"
    assert connector.reader.ids("deals") == [deal]
