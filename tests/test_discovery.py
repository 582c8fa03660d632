"""What `discover` finds out, against accounts of every kind; its forecast is held to the calls of a first sync."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.discovery.exploration import discover
from freshsales_source.discovery.forecast import first_calls, lookup_calls, pages_of, seconds_for
from freshsales_source.discovery.inventory import (
    Chosen,
    Discovery,
    ObjectFound,
    OwnerFound,
    OwnersFound,
    Standing,
)
from freshsales_source.discovery.search_counts import MOST_OWNERS, Counts, count_by
from freshsales_source.emulator import Emulator, Fault, Switches
from freshsales_source.entities import ENTITIES, entity
from freshsales_source.errors import ConfigurationError
from tests.canned_server import CannedServer, client_for, json_reply
from tests.connector import ALL_PIPELINES, Connector, asked, company, connect, connect_swiftly
from tests.fake_clock import FakeClock


def look(emulator: Emulator, folder: Path, **flags: Any) -> Discovery:
    emulator.clock.sleep(60)  # the search lags behind writes
    connector = connect(emulator, folder)
    settings = connector.settings(**flags)
    with connector.client(settings) as client:
        return discover(client, settings, clock=connector.clock)


def of(found: Discovery, name: str) -> ObjectFound:
    return next(one for one in found.objects if one.object == name)


def standings(found: Discovery) -> dict[str, str]:
    return {one.object: one.standing.value for one in found.objects}


def test_every_object_and_lookup_is_found_with_its_records(tmp_path: Path) -> None:
    emulator = company(contacts=250)
    found = look(emulator, tmp_path)
    assert [one.object for one in found.objects] == [entity.name for entity in ENTITIES]
    assert {name for name, standing in standings(found).items() if standing != "available"} == {"leads"}
    contacts = of(found, "contacts")
    assert (contacts.records, contacts.binned, contacts.is_lookup) == (250, 3, False)
    assert of(found, "owners").records == len(emulator.store.account.selectors["owners"])
    assert of(found, "tasks").records == len(emulator.store.live("tasks"))
    assert (found.problems, found.exit_code, found.calls) == ((), 0, len(emulator.log))


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What was found in an account, and its first sync after that."""

    found: Discovery
    connector: Connector
    calls: int


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    emulator, folder = company(contacts=450, deals=260), tmp_path_factory.mktemp("synced")
    found = look(emulator, folder)
    before = len(emulator.log)
    connector = connect_swiftly(emulator, folder)
    connector.sync()
    return Synced(found=found, connector=connector, calls=len(emulator.log) - before)


def test_the_forecast_is_what_a_first_sync_then_costs(synced: Synced) -> None:
    assert synced.found.first_calls == synced.calls
    # What does not tell its length is forecast at its least.
    assert [one.object for one in synced.found.objects if one.is_lower_bound] == ["products"]


def test_the_time_is_that_of_the_plan(tmp_path: Path) -> None:
    found = look(company(contacts=450, deals=260), tmp_path, rate_limits=[[10, 60]], reserve=0.0)
    assert found.first_seconds == (found.first_calls - 1) // 10 * 60
    assert of(found, "contacts").calls == 8
    assert of(found, "contacts").seconds == 0


def test_no_record_is_asked_for_beyond_the_first_of_a_list(tmp_path: Path) -> None:
    emulator = company()
    look(emulator, tmp_path)
    pages = [call for call in asked(emulator) if "page=" in call]
    assert pages
    assert all("per_page=1" in call.replace("per_page=100", "") for call in pages)


def test_each_list_says_why_it_is_read(tmp_path: Path) -> None:
    emulator = company()
    by_id = of(look(emulator, tmp_path), "contacts").lists[0].id
    views = {"contacts": by_id, "sales_accounts": "my accounts", "deals_bin": "Recycle Bin"}
    found = look(emulator, tmp_path, views=views)
    assert [one.chosen for one in of(found, "contacts").lists] == [Chosen.SETTING_ID, Chosen.DEFAULT_NAME]
    accounts = of(found, "sales_accounts").lists
    assert [(one.name, one.chosen) for one in accounts] == [
        ("My Accounts", Chosen.SETTING_NAME),
        ("Recycle Bin", Chosen.DEFAULT_NAME),
    ]
    deals = of(found, "deals").lists
    assert [one.chosen for one in deals] == [*[Chosen.DEFAULT_NAME] * 3, Chosen.SETTING_NAME]
    assert [one.is_bin for one in deals] == [False, False, False, True]
    assert [(one.name, one.id, one.chosen) for one in of(found, "tasks").lists] == [
        ("open", None, Chosen.FIXED),
        ("completed", None, Chosen.FIXED),
    ]


def test_views_of_the_same_name_are_noticed(tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, several_views_of_one_name=True)
    found = look(company(switches=switches), tmp_path)
    assert [one.namesakes for one in of(found, "contacts").lists] == [1, 1]
    assert [one.namesakes for one in of(found, "tasks").lists] == [0, 0]


def test_a_missing_view_fails_its_object_and_leaves_the_others(tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, missing_views=("Won Deals",))
    found = look(company(switches=switches), tmp_path)
    (problem,) = found.problems
    assert (problem.reason, problem.object, found.exit_code) == ("saved_view_not_found", "deals", 4)
    assert of(found, "contacts").standing is Standing.AVAILABLE
    deals = of(found, "deals")
    assert [one.name for one in deals.lists] == ["Open Deals", "Lost Deals", "Recycle Bin"]


@pytest.mark.parametrize("products", ["forbidden", "not_found"])
def test_an_optional_object_that_is_not_there_is_no_problem(tmp_path: Path, products: Any) -> None:
    switches = replace(ALL_PIPELINES, products_list=products, classic=True, forbidden=("leads",))
    found = look(company(switches=switches), tmp_path)
    assert (standings(found)["products"], standings(found)["leads"]) == ("not_available", "not_available")
    assert (found.problems, found.exit_code, of(found, "products").calls) == ((), 0, 1)


def test_leads_are_counted_where_the_account_has_them(tmp_path: Path) -> None:
    found = look(company(switches=replace(ALL_PIPELINES, classic=True)), tmp_path)
    leads = of(found, "leads")
    assert leads.standing is Standing.AVAILABLE
    assert leads.records


@pytest.mark.parametrize("name", ["contacts", "tasks", "currencies"])
def test_a_core_object_refused_is_a_problem(tmp_path: Path, name: str) -> None:
    found = look(company(switches=replace(ALL_PIPELINES, forbidden=(name,))), tmp_path)
    assert standings(found)[name] == "failed"
    assert [(one.reason, one.object) for one in found.problems] == [("forbidden", name)]
    assert found.exit_code == 4


def test_what_the_setting_leaves_out_is_not_asked_for(tmp_path: Path) -> None:
    emulator = company(switches=replace(ALL_PIPELINES, forbidden=("deals",)))
    found = look(emulator, tmp_path, objects=["contacts"])
    assert (found.problems, found.exit_code) == ((), 0)
    assert standings(found)["deals"] == "left_out"
    # The owners are asked for once to try the key, and once to count their contacts.
    assert found.first_calls == of(found, "contacts").calls
    assert not asked(emulator, "deal")
    assert not asked(emulator, "tasks")


def test_a_misspelled_object_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="`objects` names 'contact', which is no object"):
        look(company(), tmp_path, objects=["contact"])


def test_custom_fields_are_told_with_the_columns_that_a_sync_gives_them(synced: Synced) -> None:
    rows = synced.connector.reader.query(
        "SELECT object, name, column_name FROM fields WHERE is_custom AND field_id > 0"
    )
    found = synced.found
    told = {
        (one.object, field.name, field.column) for one in found.objects for field in one.custom_fields or ()
    }
    assert told == set(rows)
    field = next(field for field in of(found, "deals").custom_fields or () if field.name == "cf_go_live")
    assert (field.label, field.type, field.column_type.value) == ("Go live", "date", "date")


def test_fields_out_of_sight_are_not_known_rather_than_none(tmp_path: Path) -> None:
    found = look(company(switches=replace(ALL_PIPELINES, forbidden=("settings",))), tmp_path)
    assert of(found, "contacts").custom_fields is None
    assert found.problems == ()


# Pipelines


@pytest.mark.parametrize("deals", [60, 260])
def test_pipelines_that_the_views_do_not_show_are_read_through_the_search(tmp_path: Path, deals: int) -> None:
    emulator = company(switches=Switches(), deals=deals)
    found = look(emulator, tmp_path)
    pipelines = found.pipelines.pipelines
    assert [one.is_shown for one in pipelines] == [one.is_default for one in pipelines]
    searched = [one for one in of(found, "deals").lists if one.chosen is Chosen.SEARCH]
    assert [one.records for one in searched] == [one.deals for one in pipelines if not one.is_default]
    assert (of(found, "deals").records, found.problems, found.exit_code) == (deals, (), 0)
    before = len(emulator.log)
    connect_swiftly(emulator, tmp_path).sync()
    assert found.first_calls == len(emulator.log) - before


def test_pipelines_that_a_chosen_view_does_not_show_are_a_problem_each(tmp_path: Path) -> None:
    emulator = company(switches=Switches())
    default = emulator.store.account.default_pipeline
    view = emulator.store.views.add("deals", "Ours", lambda deal: bool(deal["deal_pipeline_id"] == default))
    found = look(emulator, tmp_path, views={"deals": view})
    assert [one.reason for one in found.problems] == ["pipeline_not_shown"] * 2
    assert "set views.deals to its id" in found.problems[0].remedy
    assert found.exit_code == 4


def test_a_search_that_fails_leaves_it_open_what_the_views_show(tmp_path: Path) -> None:
    emulator = company(switches=Switches())
    emulator.faults.add(Fault(kind="status", status=400, path="*/filtered_search/*", times=1000))
    found = look(emulator, tmp_path)
    assert [(one.reason, one.object) for one in found.problems] == [("pipelines_not_told", "deals")]
    assert found.exit_code == 4


def test_pipelines_that_the_views_show_are_told(tmp_path: Path) -> None:
    found = look(company(), tmp_path)
    assert [one.is_shown for one in found.pipelines.pipelines] == [True, True, True]
    deals = [one.deals or 0 for one in found.pipelines.pipelines]
    assert sum(deals) == of(found, "deals").records == 60


def test_sums_that_fit_nothing_prove_nothing(tmp_path: Path) -> None:
    found = look(company(), tmp_path, views={"deals": "Open Deals"})
    assert {one.is_shown for one in found.pipelines.pipelines} == {None}
    assert found.pipelines.doubt.endswith("the search finds 60 over all pipelines")
    assert found.problems == ()


# Owners


def test_records_per_owner_are_those_of_the_account(tmp_path: Path) -> None:
    emulator = company()
    found = look(emulator, tmp_path)
    for name in ("contacts", "sales_accounts", "deals"):
        owned = [record["owner_id"] for record in emulator.store.live(name)]
        assert {owner.id: owner.records[name] for owner in found.owners.owners} == {
            owner.id: owned.count(owner.id) for owner in found.owners.owners
        }
    assert found.owners.calls == len(asked(emulator, "filtered_search")) - (1 + 3)
    assert found.owners.lone_owners == {}


def test_no_more_than_fifty_owners_are_counted_active_ones_first(tmp_path: Path) -> None:
    emulator = company()
    rows = emulator.store.account.selectors["owners"]
    rows[0]["is_active"] = False
    rows += [{**rows[1], "id": rows[-1]["id"] + 1000 + n} for n in range(MOST_OWNERS)]
    found = look(emulator, tmp_path)
    assert (len(found.owners.owners), found.owners.in_account) == (MOST_OWNERS, len(rows))
    assert rows[0]["id"] not in [owner.id for owner in found.owners.owners]
    assert found.owners.calls == 3 * (MOST_OWNERS + 1)


def test_a_key_that_sees_one_persons_records_is_noticed(tmp_path: Path) -> None:
    emulator = company()
    me = emulator.store.account.selectors["owners"][0]["id"]
    for record in emulator.store.live("contacts"):
        emulator.store.update("contacts", record["id"], owner_id=me)
    found = look(emulator, tmp_path)
    assert {name: owner.id for name, owner in found.owners.lone_owners.items()} == {"contacts": me}


def test_one_owner_alone_arouses_no_suspicion() -> None:
    alone = OwnerFound(id=1, name="A", is_active=True, records={"contacts": 5})
    left = OwnerFound(id=2, name="B", is_active=False, records={"contacts": 0})
    assert OwnersFound(owners=(alone, left), in_account=2).lone_owners == {}
    busy = replace(left, is_active=True)
    assert OwnersFound(owners=(alone, busy), in_account=2).lone_owners == {"contacts": alone}
    assert OwnersFound(owners=(alone, busy), in_account=3).lone_owners == {}


def test_a_search_that_refuses_is_a_doubt_and_no_problem(tmp_path: Path) -> None:
    emulator = company()
    emulator.faults.add(Fault(kind="status", status=400, path="*/filtered_search/*", times=1000))
    found = look(emulator, tmp_path)
    assert set(found.owners.doubts) == {"contacts", "sales_accounts", "deals"}
    assert found.pipelines.doubt
    assert (found.problems, found.exit_code) == ((), 0)


def test_a_search_that_overlooks_the_rule_is_not_believed() -> None:
    clock = FakeClock()
    server = CannedServer([lambda request: json_reply({"contacts": [], "meta": {"total": 350}})], clock)
    with client_for(server, clock) as client, ThreadPoolExecutor(2) as threads:
        counts = count_by(client, "contact", "owner_id", [11, 12], threads=threads)
        assert client.usage().calls == 1
    assert counts == Counts(by_id={}, doubt="the search does not tell records apart by owner_id")


def test_a_search_without_totals_tells_nothing() -> None:
    clock = FakeClock()
    server = CannedServer([lambda request: json_reply({"contacts": []})], clock)
    with client_for(server, clock) as client, ThreadPoolExecutor(2) as threads:
        counts = count_by(client, "contact", "owner_id", [11, 12], threads=threads)
    assert counts == Counts(by_id={}, doubt="the search tells no totals")


# Trouble with everything


def test_a_wrong_key_ends_it_after_one_call(tmp_path: Path) -> None:
    emulator = company()
    found = look(emulator, tmp_path, api_key="another-key")
    assert [one.reason for one in found.problems] == ["wrong_key"]
    assert (found.objects, found.exit_code, found.calls) == ((), 3, 1)


def test_a_ceiling_of_calls_keeps_what_was_found(tmp_path: Path) -> None:
    found = look(company(), tmp_path, max_calls=20)
    assert [one.reason for one in found.problems] == ["max_calls"]
    assert [one.object for one in found.objects][:3] == ["contacts", "sales_accounts", "deals"]
    assert (found.calls, found.exit_code) == (20, 75)


# The forecast alone


@pytest.mark.parametrize(
    ("totals", "pages"), [([0], 1), ([None], 1), ([100], 1), ([101], 2), ([1, 1, 250], 5), ([], 0)]
)
def test_every_list_is_asked_at_least_once(totals: list[int | None], pages: int) -> None:
    assert pages_of(totals, 100) == pages


def test_lists_without_a_number_of_pages_are_read_one_page_further() -> None:
    # Views and fields, then the pages; tasks have neither, but two ends to see.
    assert first_calls(entity("contacts"), [250, 0], 100) == 2 + 4
    assert first_calls(entity("tasks"), [250, 0], 100) == 4 + 2


def test_an_address_that_fills_two_lookups_is_asked_once() -> None:
    assert lookup_calls([entity("deal_stages")]) == 2
    assert lookup_calls([entity("deal_pipelines"), entity("deal_stages"), entity("contacts")]) == 2


@pytest.mark.parametrize(("calls", "seconds"), [(0, 0), (1, 0), (360, 0), (361, 60), (900, 120), (901, 3600)])
def test_the_tightest_limit_decides_the_time(tmp_path: Path, calls: int, seconds: float) -> None:
    settings = connect(company(contacts=1), tmp_path).settings(rate_limits=None, plan="growth")
    assert seconds_for(calls, settings) == seconds
