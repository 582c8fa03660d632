"""What a sync makes of findings: fewer calls where they are right, no row lost where they are wrong or stale."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from freshsales_source.emulator import Emulator, Switches
from freshsales_source.reading.hinted import ListHint
from freshsales_source.reading.listing import Listing
from freshsales_source.state.findings import Findings, Found, Hints
from freshsales_source.sync.report import RunReport
from freshsales_source.walk import Page, Step, WalkState
from freshsales_source.walk.state import Place
from tests.account_copy import Copy
from tests.connector import ALL_PIPELINES, OBJECTS, Connector, asked, company, connect_swiftly, of, verdicts
from tests.fake_clock import FAKE_START
from tests.probing import probed

ALL = (*OBJECTS, "tasks", "appointments", "sales_activities", "products")


SEVERAL = [*OBJECTS, "leads", "sales_activities", "products"]


def quiet_company(**positions: Any) -> Emulator:
    """A company of two pages of contacts at 50 a page, in which nothing happens."""
    switches = replace(ALL_PIPELINES, open_deals_count_late_s=0.0, **positions)
    emulator = company(accounts=28, contacts=55, deals=40, in_bin=6, switches=switches)
    emulator.clock.sleep(3600)
    return emulator


def found(connector: Connector, emulator: Emulator) -> Hints:
    """The hints of a probe that was made just now."""
    return Hints.of(probed(emulator, connector.folder / "probe").kept(), connector.clock.now())


def told(connector: Connector, **points: str) -> Hints:
    """Hints that somebody made up; `__` in a name stands for a dot."""
    now = connector.clock.now()
    positions = {name.replace("__", "."): Found(position=p, seen_at=now) for name, p in points.items()}
    return Hints(Findings(made_at=now, points=positions))


def assert_whole(emulator: Emulator, connector: Connector, objects: Iterable[str] = OBJECTS) -> None:
    copy = Copy(emulator=emulator, reader=connector.reader)
    assert {name: copy.wrong(name) for name in objects} == {name: {} for name in objects}


def synced(emulator: Emulator, connector: Connector, **options: Any) -> tuple[RunReport, list[str]]:
    """One sync, and what it asked."""
    before = len(emulator.log)
    report = connector.sync(**options)
    return report, asked(emulator, since=before)


def calls_of_both(folder: Path, objects: list[str], **positions: Any) -> tuple[int, int, Hints]:
    """Calls of a first sync without findings and of one with those of a probe; both bring the whole account."""
    emulator = quiet_company(**positions)
    plain, probing = (
        connect_swiftly(emulator, folder / name, objects=objects) for name in ("plain", "probing")
    )
    hints = found(probing, emulator)
    _, without = synced(emulator, plain)
    _, using = synced(emulator, probing, hints=hints)
    for connector in (plain, probing):
        assert_whole(emulator, connector, objects)
    return len(without), len(using), hints


# The page size


def sizes_asked(calls: Iterable[str], object_name: str) -> set[str]:
    queries = [dict(parse_qsl(call.partition("?")[2])) for call in calls if f"/{object_name}" in call]
    return {query["per_page"] for query in queries if "per_page" in query}


def test_pages_are_asked_for_in_the_size_that_is_served(tmp_path: Path) -> None:
    emulator = quiet_company(page_cap_with_include=25)
    connector = connect_swiftly(emulator, tmp_path, objects=list(OBJECTS))
    report, calls = synced(emulator, connector, hints=found(connector, emulator))
    # There are too few open deals to tell how many come at once.
    assert {name: sizes_asked(calls, f"{name}/view") for name in OBJECTS} == {
        "contacts": {"25"},
        "sales_accounts": {"25"},
        "deals": {"100"},
    }
    assert report.exit_code == 0
    assert_whole(emulator, connector)


def test_where_larger_pages_fall_back_to_the_smallest_a_probe_halves_the_calls(tmp_path: Path) -> None:
    without, using, _ = calls_of_both(tmp_path, ["contacts"], page_cap=50, over_page_cap="ignored")
    assert using == without - 1  # two pages in place of three


def test_where_larger_pages_are_refused_a_probe_makes_the_sync_possible(tmp_path: Path) -> None:
    emulator = quiet_company(page_cap=50, over_page_cap="refused")
    connector = connect_swiftly(emulator, tmp_path, objects=list(ALL))
    hints = found(connector, emulator)
    assert connect_swiftly(emulator, tmp_path / "plain", objects=list(ALL)).sync().exit_code != 0
    report = connector.sync(hints=hints)
    assert report.exit_code == 0
    assert_whole(emulator, connector, ALL)


def test_a_page_size_that_is_too_small_by_now_loses_nothing(tmp_path: Path) -> None:
    emulator = quiet_company()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    report, calls = synced(emulator, connector, hints=told(connector, contacts__page_cap_with_include="10"))
    assert sizes_asked(calls, "contacts/view") == {"10"}
    assert of(report, "contacts").verdict.value == "matched"
    assert_whole(emulator, connector, ["contacts"])


def test_a_page_size_that_is_too_large_by_now_loses_nothing(tmp_path: Path) -> None:
    emulator = quiet_company(page_cap=20)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    report = connector.sync(hints=told(connector, contacts__page_cap_with_include="60"))
    assert of(report, "contacts").verdict.value == "matched"
    assert_whole(emulator, connector, ["contacts"])


# Orders


def test_a_list_that_ignores_its_order_is_read_whole_at_once(tmp_path: Path) -> None:
    without, using, hints = calls_of_both(tmp_path, ["contacts"], sort_ignored=("contacts",))
    assert hints.holds("contacts.order.updated_at.desc", "ignored")
    assert hints.holds("contacts.bin.order.updated_at.desc", "ignored")
    assert using == without - 2  # one page of the view and one of the bin that would be read for nothing
    assert not hints.has_changed


def test_later_syncs_go_on_reading_it_whole_also_without_the_finding(tmp_path: Path) -> None:
    emulator = quiet_company(sort_ignored=("contacts",))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    connector.sync(hints=found(connector, emulator))
    for hints in (None, found(connector, emulator)):
        oldest = min(emulator.store.live("contacts"), key=lambda row: str(row["updated_at"]))
        emulator.store.update("contacts", oldest["id"], job_title=f"edited {hints is None}")
        emulator.clock.sleep(600)
        connector.sync(hints=hints)
        assert_whole(emulator, connector, ["contacts"])


def test_a_top_that_looks_sorted_hides_no_edit_once_the_finding_is_gone(tmp_path: Path) -> None:
    emulator = quiet_company(sort_ignored=("contacts",))
    ids = sorted(row["id"] for row in emulator.store.live("contacts"))
    for record_id in ids[-10:]:  # the first page, for it comes by id, the largest first
        emulator.clock.sleep(1)
        emulator.store.update("contacts", record_id, job_title="edited")
    emulator.clock.sleep(3600)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], page_size=10)
    connector.sync(hints=told(connector, contacts__order__updated_at__desc="ignored"))
    emulator.store.update("contacts", ids[0], job_title="edited further down")
    emulator.clock.sleep(3600)
    connector.sync()
    assert_whole(emulator, connector, ["contacts"])


@pytest.mark.parametrize(("place", "shown"), [(None, True), (Place(position=30, total=40), False)])
def test_the_end_of_a_list_shows_nothing_of_its_order(place: Place | None, shown: bool) -> None:
    now = FAKE_START
    point = "contacts.order.updated_at.desc"
    hints = Hints(Findings(made_at=now, points={point: Found(position="ignored", seen_at=now)}))
    listing = Listing(key="1", title="All Contacts", path="contacts/view/1", is_order_known=True)
    hint = ListHint(hints, "contacts", listing)
    begun = hint.begun(WalkState(unordered=True, place=place))
    assert (hint.is_doubted, begun.unordered) == (True, False)
    page = Page(number=4, ids=[], stamps=[], total=0, total_pages=4, served_at=0, content=None)
    saved = hint.judged(Step(page=page, keep=(), state=WalkState(order_shown=True))).state
    assert (saved.order_shown, saved.unordered) == (shown, not shown)
    assert hints.holds(point, "ignored") is not shown


def test_an_order_that_is_honoured_after_all_is_noticed_and_the_finding_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = quiet_company()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    hints = told(connector, contacts__order__updated_at__desc="ignored", tie_order="stable")
    with caplog.at_level(logging.WARNING):
        connector.sync(hints=hints)
    assert_whole(emulator, connector, ["contacts"])
    assert hints.findings.points.keys() == {"tie_order"}
    assert hints.has_changed
    assert "finding_dropped point=contacts.order.updated_at.desc seen=honoured" in caplog.text
    oldest = min(emulator.store.live("contacts"), key=lambda row: str(row["updated_at"]))
    emulator.store.update("contacts", oldest["id"], job_title="edited")
    emulator.clock.sleep(600)
    _, calls = synced(emulator, connector, hints=hints)
    assert (
        len([call for call in calls if "/contacts/view/" in call]) == 2
    )  # the tops of the view and of the bin
    assert_whole(emulator, connector, ["contacts"])


@pytest.mark.parametrize("honoured", [True, False])
def test_a_wrong_or_right_finding_of_an_order_loses_no_edit_while_it_is_read(
    tmp_path: Path, honoured: bool
) -> None:
    emulator = quiet_company(sort_ignored=() if honoured else ("contacts", "deals"), page_cap=20)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "deals"])
    hints = told(
        connector, contacts__order__updated_at__desc="ignored", deals__order__updated_at__desc="ignored"
    )

    def edit(number: int) -> None:
        emulator.clock.sleep(1)
        rows = emulator.store.live("contacts")
        emulator.store.update("contacts", rows[number * 7 % len(rows)]["id"], job_title=f"edit {number}")

    emulator.before_request = edit
    connector.sync(hints=hints)
    connector.sync(hints=hints, max_calls=6)
    emulator.before_request = None
    emulator.clock.sleep(3600)
    connector.sync(hints=hints)
    assert_whole(emulator, connector, ["contacts", "deals"])


# Objects that are not there


def test_an_object_that_is_not_there_is_asked_for_as_often_as_lookups(tmp_path: Path) -> None:
    emulator = quiet_company(products_list="not_found")
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "leads", "products"])
    hints = found(connector, emulator)

    def asked_for() -> list[str]:
        report, calls = synced(emulator, connector, hints=hints)
        assert verdicts(report) == {
            "contacts": "matched",
            "leads": "not_available",
            "products": "not_available",
        }
        assert report.exit_code == 0
        return [part for part in ("leads", "products") if any(f"/{part}" in call for call in calls)]

    assert asked_for() == []
    assert asked_for() == []
    emulator.clock.sleep(3600)
    assert asked_for() == ["leads", "products"]
    assert hints.has_changed
    assert asked_for() == []


def test_an_object_that_comes_is_loaded_and_the_finding_dropped(tmp_path: Path) -> None:
    emulator = quiet_company(products_list="forbidden")
    connector = connect_swiftly(emulator, tmp_path, objects=["products"])
    hints = found(connector, emulator)
    assert verdicts(connector.sync(hints=hints)) == {"products": "not_available"}
    emulator.switches = replace(emulator.switches, products_list="present")
    emulator.clock.sleep(3600)
    connector.sync(hints=hints)
    assert_whole(emulator, connector, ["products"])
    assert hints.findings.position("products.list") is None
    _, calls = synced(emulator, connector, hints=hints)
    assert any("/cpq/products" in call for call in calls)


def test_an_object_that_was_loaded_is_asked_for_whatever_a_finding_says(tmp_path: Path) -> None:
    emulator = quiet_company()
    connector = connect_swiftly(emulator, tmp_path, objects=["products"])
    connector.sync()
    emulator.store.create("products", name="New")
    connector.sync(hints=told(connector, products__list="not_found"))
    assert_whole(emulator, connector, ["products"])


# Pipelines that the views hide, and the search


HIDDEN = {"deal_views_default_pipeline_only": True}


def test_pipelines_that_are_hidden_are_searched_without_counting_first(tmp_path: Path) -> None:
    without, using, hints = calls_of_both(tmp_path, ["deals"], **HIDDEN)
    assert hints.holds("deals.pipelines", "hidden")
    assert using < without
    assert not hints.has_changed


def test_views_that_show_every_pipeline_after_all_are_enough(tmp_path: Path) -> None:
    emulator = quiet_company()
    connector = connect_swiftly(emulator, tmp_path, objects=["deals"])
    hints = told(connector, deals__pipelines="hidden")
    report = connector.sync(hints=hints)
    assert of(report, "deals").verdict.value == "matched"
    assert_whole(emulator, connector, ["deals"])
    assert hints.findings.position("deals.pipelines") is None


def test_pipelines_that_are_hidden_by_now_are_read_whatever_a_finding_says(tmp_path: Path) -> None:
    emulator = quiet_company(**HIDDEN)
    connector = connect_swiftly(emulator, tmp_path, objects=["deals"])
    connector.sync(hints=told(connector, deals__pipelines="shown"))
    assert_whole(emulator, connector, ["deals"])


def test_thin_rows_are_not_asked_for_in_large_pages_first(tmp_path: Path) -> None:
    without, using, hints = calls_of_both(tmp_path, ["deals"], search_detail=False, **HIDDEN)
    assert hints.holds("search.detail", "thin")
    assert using < without


def test_whole_rows_are_taken_as_such_though_a_finding_says_thin(tmp_path: Path) -> None:
    emulator = quiet_company(**HIDDEN)
    connector = connect_swiftly(emulator, tmp_path, objects=["deals"])
    hints = told(connector, search__detail="thin", deals__pipelines="hidden")
    _, calls = synced(emulator, connector, hints=hints)
    assert not any("/deals/402" in call for call in calls), "no deal is fetched alone"
    assert_whole(emulator, connector, ["deals"])
    assert hints.findings.position("search.detail") is None


# All of it


@pytest.mark.parametrize("strict", [False, True])
def test_a_probed_account_is_copied_like_an_unprobed_one_with_no_more_calls(
    tmp_path: Path, strict: bool
) -> None:
    switches = replace(Switches.strict(), tie_order="stable") if strict else Switches()
    emulator = company(accounts=28, contacts=55, deals=40, in_bin=6, switches=switches)
    emulator.clock.sleep(90_000)
    plain, probing = (
        connect_swiftly(emulator, tmp_path / name, objects=SEVERAL) for name in ("plain", "probing")
    )
    hints = found(probing, emulator)
    report, without = synced(emulator, plain)
    using_report, using = synced(emulator, probing, hints=hints)
    assert verdicts(using_report) == verdicts(report)
    assert len(using) <= len(without)
    assert probing.reader.content() == plain.reader.content()


OPPOSITES = {
    "contacts__page_cap_with_include": "7",
    "deals__page_cap_with_include": "3",
    "over_page_cap": "refused",
    "contacts__order__updated_at__desc": "ignored",
    "contacts__bin__order__updated_at__desc": "ignored",
    "sales_accounts__order__updated_at__desc": "ignored",
    "deals__order__updated_at__desc": "ignored",
    "deals__pipelines": "shown",
    "search__detail": "thin",
    "search__order": "ignored",
    "leads__list": "present",
    "tie_order": "stable",
    "unheard_of": "nonsense",
}


def test_findings_of_another_account_altogether_lose_no_row(tmp_path: Path) -> None:
    emulator = quiet_company(**HIDDEN)
    connector = connect_swiftly(emulator, tmp_path, objects=list(OBJECTS))
    hints = told(connector, **OPPOSITES)
    connector.sync(hints=hints)
    for name in OBJECTS:
        emulator.store.update(name, emulator.store.live(name)[3]["id"], owner_id=None)
    emulator.store.delete("contacts", emulator.store.live("contacts")[5]["id"])
    emulator.clock.sleep(3600)
    report = connector.sync(hints=hints)
    assert report.exit_code == 0
    assert_whole(emulator, connector, OBJECTS)
