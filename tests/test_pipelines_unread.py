"""Pipelines that the default views leave out and nothing else gives: named, with what to do, and never a match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from freshsales_source.emulator import Emulator, Fault
from freshsales_source.errors import CallCeilingReached, QuotaExhausted
from freshsales_source.resources.entity_resource import SharedRun
from freshsales_source.run import Run
from freshsales_source.source import source_resources
from tests.connector import Connector
from tests.hidden_pipelines import (
    assert_all_deals_are_there,
    connect_deals,
    deals_of,
    default_pipeline,
    hidden_company,
    hidden_pipelines,
    search_rewritten,
    stage_in,
    switch,
    sync_deals,
)

SEARCH = "*/filtered_search/*"


def assert_named(connector: Connector, emulator: Emulator, why: str, **flags: Any) -> None:
    """A sync ends with exit code 4, and names both pipelines, the reason and the remedy."""
    report = connector.sync(**flags)
    deals = next(row for row in report.objects if row.object == "deals")
    assert (report.exit_code, report.reason, deals.verdict) == (4, "mismatch", "mismatch"), deals.reason
    for pipeline in hidden_pipelines(emulator):
        rows = emulator.store.account.selectors["deal_pipelines"]
        name = next(row["name"] for row in rows if row["id"] == pipeline)
        assert f'pipeline "{name}": ' in deals.reason
    assert why in deals.reason
    assert "set views.deals" in deals.reason


@pytest.mark.parametrize(
    ("status", "why"), [(403, "(403)"), (404, "(404)"), (400, "status 400"), (500, "status 500")]
)
@pytest.mark.parametrize("skip", [0, 4])
def test_a_search_that_fails_is_told(status: int, why: str, skip: int, tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    # Refused from the first question on, or only when the deals are asked for.
    emulator.faults.add(Fault(kind="status", status=status, path=SEARCH, skip=skip, times=1000))
    connector = connect_deals(emulator, tmp_path, retries=2)
    assert_named(connector, emulator, why)
    shown = deals_of(emulator, default_pipeline(emulator))
    assert connector.reader.ids("deals", where="NOT is_deleted") == sorted(shown)
    assert emulator.faults.fired()


def test_a_search_that_works_again_heals(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    emulator.faults.add(Fault(kind="status", status=403, path=SEARCH, times=1))
    connector = connect_deals(emulator, tmp_path)
    assert_named(connector, emulator, "(403)")
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


def test_rows_that_are_neither_whole_nor_to_be_fetched_are_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60, search_detail=False)
    emulator.faults.add(Fault(kind="status", status=403, method="GET", path="*/deals/4*", times=1000))
    connector = connect_deals(emulator, tmp_path)
    assert_named(connector, emulator, "(403)")
    assert emulator.faults.fired()


def test_a_search_that_stops_before_its_total_is_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=130, search_depth_cap=12)
    assert_named(connect_deals(emulator, tmp_path, page_size=10), emulator, "ended before its own total")


def test_a_search_without_totals_is_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    search_rewritten(emulator, connector, answer=lambda answer: answer.pop("meta"))
    assert_named(connector, emulator, "tells no total")


def test_totals_that_are_lost_later_are_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector).verdict == "matched"
    search_rewritten(emulator, connector, answer=lambda answer: answer.pop("meta"))
    assert_named(connector, emulator, "tells no total")


def test_a_search_that_overlooks_its_rules_loads_nothing(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    search_rewritten(emulator, connector, body=lambda body: body.pop("filter_rule"))
    assert_named(connector, emulator, "does not tell records apart by deal_pipeline_id")
    shown = deals_of(emulator, default_pipeline(emulator))
    assert connector.reader.ids("deals", where="NOT is_deleted") == sorted(shown)


def test_a_search_that_begins_to_overlook_its_rules_is_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    assert sync_deals(connector).verdict == "matched"
    search_rewritten(emulator, connector, body=lambda body: body.pop("filter_rule"))
    assert_named(connector, emulator, "shows deals of other pipelines")


def test_rows_without_what_is_included_are_fetched_alone(tmp_path: Path) -> None:
    emulator = hidden_company(deals=40)
    connector = connect_deals(emulator, tmp_path)

    def forget(answer: dict[str, Any]) -> None:
        for row in answer["deals"]:
            row.pop("owner_id", None)

    search_rewritten(emulator, connector, answer=forget)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_search_that_cannot_tell_changes_is_read_whole(refuses: bool, tmp_path: Path) -> None:
    emulator = hidden_company(deals=130, search_order="ignored")
    connector = connect_deals(emulator, tmp_path, page_size=10)
    assert sync_deals(connector).verdict == "matched"
    changed = deals_of(emulator, hidden_pipelines(emulator)[0])[7]
    emulator.store.update("deals", changed, amount=4711)
    connector.clock.advance(1000)

    def break_dates(body: dict[str, Any]) -> None:
        for rule in body["filter_rule"]:
            if rule["attribute"] == "updated_at":
                rule.update({"operator": "since"} if refuses else {"value": "2999-01-01"})

    search_rewritten(emulator, connector, body=break_dates)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


@pytest.mark.parametrize("status", [403, 500])
def test_pipelines_that_cannot_be_listed_are_told(status: int, tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    emulator.faults.add(Fault(kind="status", status=status, path="*/selector/deal_pipelines*", times=1000))
    connector = connect_deals(emulator, tmp_path, objects=["deals"], retries=2)
    deals = sync_deals(connector)
    assert deals.verdict == "mismatch"
    assert deals.reason.startswith("deals are missing, or may be: the list of pipelines: ")


# A view that the user chose


def one_view(emulator: Emulator, *, of: set[int] | None = None) -> int:
    """A saved view over the deals of some pipelines; of all, if none are given."""
    return emulator.store.views.add(
        "deals", "Everything", lambda deal: of is None or deal["deal_pipeline_id"] in of
    )


def test_one_view_over_all_pipelines_needs_no_search(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path, views={"deals": one_view(emulator)})
    assert sync_deals(connector).verdict == "matched"
    assert not [call for call in emulator.log if "filtered_search" in call.path]
    assert_all_deals_are_there(emulator, connector)


def test_a_pipeline_that_the_chosen_view_leaves_out_is_told(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    one, other = hidden_pipelines(emulator)
    view = one_view(emulator, of={default_pipeline(emulator), one})
    connector = connect_deals(emulator, tmp_path, views={"deals": view})
    report = connector.sync()
    reason = next(row.reason for row in report.objects if row.object == "deals")
    assert report.exit_code == 4
    assert f"holds {len(deals_of(emulator, other))} deals" in reason
    assert reason.count('pipeline "') == 1


def test_an_empty_pipeline_beside_the_chosen_view_is_no_error(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    view = one_view(emulator)
    emulator.store.account.add_pipeline("Empty", [("New", "Open", 10)])
    connector = connect_deals(emulator, tmp_path, views={"deals": view})
    assert sync_deals(connector).verdict == "matched"
    emulator.faults.add(Fault(kind="status", status=403, path=SEARCH, times=1000))
    deals = sync_deals(connector)
    assert (deals.verdict, deals.reason) == (
        "unchecked",
        'no deal of pipeline "Empty" was seen, and the search cannot count them',
    )


def test_a_view_may_be_chosen_later_and_given_up_again(tmp_path: Path) -> None:
    emulator = hidden_company(deals=130)
    connector = connect_deals(emulator, tmp_path)
    view = one_view(emulator)
    for flags in ({}, {"views": {"deals": view}}, {}):
        assert sync_deals(connector, **flags).verdict == "matched"
        emulator.store.update(
            "deals", deals_of(emulator, hidden_pipelines(emulator)[0])[0], amount=len(flags)
        )
        connector.clock.advance(1000)
    assert sync_deals(connector).verdict == "matched"
    assert_all_deals_are_there(emulator, connector)


# Plain dlt


def run_plainly(connector: Connector, folder: Path) -> None:
    """One run of the source without `freshsales sync`."""
    settings = connector.settings()
    shared = SharedRun(
        lambda: Run(
            settings, connector.client(settings), connector.clock, keeps=(CallCeilingReached, QuotaExhausted)
        )
    )

    @dlt.source(name="freshsales", section="freshsales")
    def source() -> list[Any]:
        return list(source_resources(settings, shared, in_slices=False))

    pipeline = dlt.pipeline(
        "plain",
        pipelines_dir=str(folder / "plain"),
        destination=dlt.destinations.duckdb(str(connector.database)),
        dataset_name="freshsales",
    )
    pipeline.run(source())


def test_plain_dlt_loads_all_pipelines(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path)
    run_plainly(connector, tmp_path)
    assert_all_deals_are_there(emulator, connector)
    emulator.store.move_stage(
        deals_of(emulator, default_pipeline(emulator))[0], stage_in(emulator, hidden_pipelines(emulator)[0])
    )
    connector.clock.advance(1000)
    run_plainly(connector, tmp_path)
    assert_all_deals_are_there(emulator, connector)


@pytest.mark.parametrize("skip", [0, 4])
def test_plain_dlt_raises_where_a_pipeline_cannot_be_read(skip: int, tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    emulator.faults.add(Fault(kind="status", status=403, path=SEARCH, skip=skip, times=1000))
    connector = connect_deals(emulator, tmp_path)
    with pytest.raises(PipelineStepFailed, match="403"):
        run_plainly(connector, tmp_path)


def test_plain_dlt_raises_nothing_where_the_views_prove_to_show_all(tmp_path: Path) -> None:
    emulator = hidden_company(deals=130)
    switch(emulator, deal_views_default_pipeline_only=False)
    emulator.store.bulk_update("deals", deals_of(emulator, default_pipeline(emulator)), tags=("touched",))
    emulator.clock.sleep(1000)
    emulator.faults.add(Fault(kind="status", status=403, path=SEARCH, times=1000))
    connector = connect_deals(emulator, tmp_path, page_size=10)
    run_plainly(connector, tmp_path)
    assert emulator.faults.fired()
    assert_all_deals_are_there(emulator, connector)
