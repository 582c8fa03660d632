"""`freshsales sync` from end to end: slices, cuts, kills, faults, verdicts, and what it reports of itself."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import httpx
import pytest

from freshsales_source.emulator import Emulator, Fault, Limits, Window
from freshsales_source.errors import FatalError, WrongKey
from freshsales_source.exit_codes import ExitCode
from freshsales_source.run import PAGES_PER_LOAD
from tests.connector import (
    ALL_PIPELINES,
    CORE,
    LOOKUPS,
    OBJECTS,
    Connector,
    asked,
    company,
    connect,
    connect_swiftly,
    of,
    verdicts,
)
from tests.other_objects import all_ids, live


class KilledError(Exception):
    """What stands for a kill: nothing in the product knows it."""


@pytest.fixture
def emulator() -> Emulator:
    return company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect_swiftly(emulator, tmp_path, objects=CORE)


@pytest.fixture
def through_dlt(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect(emulator, tmp_path, objects=CORE)


# Slices and cuts


def test_a_long_sync_makes_several_loads_and_asks_for_no_page_twice(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=130, deals=0, in_bin=4)
    connector = connect(emulator, tmp_path, objects=["contacts"], page_size=1)
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert len(asked(emulator, "/view/")) == 134 == len(set(asked(emulator, "/view/")))
    # The report has a load of its own.
    assert connector.reader.value("SELECT count(*) FROM _dlt_loads") == ceil(134 / PAGES_PER_LOAD) + 1 == 5
    assert connector.reader.ids("contacts") == all_ids(emulator, "contacts")


def test_runs_cut_by_max_calls_say_so_and_the_next_ones_finish(
    emulator: Emulator, connector: Connector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "freshsales_source")
    chosen: dict[str, Any] = {"objects": ["contacts", "owners"], "page_size": 7}
    loaded: list[int] = []
    report = connector.sync(**chosen, max_calls=6)
    while report.exit_code is not ExitCode.DONE:
        assert (report.exit_code, report.reason) == (ExitCode.UNFINISHED, "max_calls")
        assert of(report, "contacts").verdict == "partial"
        assert report.calls == 6
        loaded.append(connector.reader.count("contacts"))
        assert len(loaded) < 6
        report = connector.sync(**chosen, max_calls=6)
    assert len(loaded) > 1
    assert loaded == sorted(set(loaded))
    assert verdicts(report) == {"contacts": "matched", "owners": "matched"}
    assert told_to_stop(caplog) == {("contacts", "max_calls", "INFO")}
    whole = connect_swiftly(emulator, tmp_path / "whole", objects=CORE)
    whole.sync(**chosen)
    assert connector.reader.content() == whole.reader.content()


def test_a_budget_is_waited_for_and_never_overdrawn(tmp_path: Path) -> None:
    emulator = company()
    narrow = Emulator(
        emulator.store,
        clock=emulator.clock,
        switches=ALL_PIPELINES,
        limits=Limits(windows=(Window(requests=4, seconds=60),)),
    )
    connector = connect_swiftly(
        narrow, tmp_path, objects=CORE, rate_limits=[[4, 60]], reserve=0, page_size=10
    )
    report = connector.sync(objects=["contacts"])
    assert report.exit_code is ExitCode.DONE
    assert report.seconds_waited > 60
    assert {call.status for call in narrow.log} == {200}


def test_a_quota_that_is_gone_ends_the_run_with_the_time_to_come_back(
    connector: Connector, emulator: Emulator
) -> None:
    chosen: dict[str, Any] = {"objects": ["contacts"], "page_size": 10, "on_quota": "stop"}
    report = connector.sync(**chosen, rate_limits=[[4, 3600]], reserve=0)
    assert (report.exit_code, report.reason) == (ExitCode.UNFINISHED, "quota_exhausted")
    assert report.retry_at is not None
    assert report.retry_at > connector.clock.now()
    assert len(emulator.log) == 4
    assert connector.reader.count("contacts") > 0


def test_an_object_that_the_next_run_cannot_read_either_is_a_warning(
    connector: Connector, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "freshsales_source")
    emulator.faults.add(Fault(kind="status", status=403, path="*/contacts/*", times=1000))
    report = connector.sync(objects=["contacts", "owners"])
    assert emulator.faults.fired()
    assert verdicts(report) == {"contacts": "failed", "owners": "matched"}
    assert told_to_stop(caplog) == {("contacts", "forbidden", "WARNING")}


def told_to_stop(caplog: pytest.LogCaptureFixture) -> set[tuple[str, str, str]]:
    """The objects that the log says were stopped, each with the reason and the level."""
    texts = [(one.getMessage(), one.levelname) for one in caplog.records]
    found = [
        (re.fullmatch(r"object_stopped object=(\S+) reason=(\S+)", text), level) for text, level in texts
    ]
    return {(match[1], match[2], level) for match, level in found if match is not None}


# Kills


def test_a_run_killed_at_any_request_leaves_nothing_that_the_next_run_does_not_mend(tmp_path: Path) -> None:
    emulator = company(accounts=3, contacts=15, deals=0, in_bin=2)
    chosen: dict[str, Any] = {"objects": ["contacts"], "page_size": 10}
    whole = connect_swiftly(emulator, tmp_path / "whole", **chosen)
    whole.sync()
    requests = len(emulator.log)
    assert requests == 5
    wanted = whole.reader.content(without=())
    for n in range(1, requests + 1):
        connector = connect_swiftly(emulator, tmp_path / f"killed-{n}", **chosen)
        kill_at(emulator, n)
        with pytest.raises(Exception, match="killed"):
            connector.sync()
        emulator.before_request = None
        report = connector.sync()
        assert report.exit_code is ExitCode.DONE, n
        assert connector.reader.content(without=()) == wanted, n


def test_an_incremental_run_killed_at_any_request_loses_no_change(tmp_path: Path) -> None:
    emulator = company(accounts=3, contacts=25, deals=0, in_bin=2)
    connector = connect(emulator, tmp_path, objects=["contacts"], page_size=10)
    connector.sync()
    for n, id_ in enumerate(live(emulator, "contacts")[:2], 1):
        connector.clock.advance(1000)
        emulator.store.update("contacts", id_, city=f"Kill {n}", tags=(), emails=[f"{n}@example.com"])
        emulator.store.delete("contacts", live(emulator, "contacts")[-1])
        kill_at(emulator, n)
        with pytest.raises(Exception, match="killed"):
            connector.sync()
        emulator.before_request = None
        assert connector.sync().exit_code is ExitCode.DONE
        assert connector.reader.query(f"SELECT city FROM contacts WHERE id = {id_}") == [(f"Kill {n}",)]
        assert connector.reader.ids("contacts", where="NOT is_deleted") == live(emulator, "contacts")


def test_a_killed_run_repeats_at_most_one_slice(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=130, deals=0, in_bin=0)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], page_size=1)
    kill_at(emulator, 100)
    with pytest.raises(Exception, match="killed"):
        connector.sync()
    emulator.before_request = None
    assert connector.reader.count("contacts") >= 40
    before = len(emulator.log)
    assert connector.sync().exit_code is ExitCode.DONE
    assert connector.reader.ids("contacts") == live(emulator, "contacts")
    repeated = set(asked(emulator, "/view/", since=before)) & set(asked(emulator, "/view/")[: before - 2])
    assert len(repeated) <= 50 + 3


def kill_at(emulator: Emulator, request: int) -> None:
    """Kill the process that asks for request number `request` from now on."""
    first = len(emulator.log)
    killed = [False]

    def kill(_: int) -> None:
        # Once dead it asks for nothing more.
        killed[0] = killed[0] or len(emulator.log) - first + 1 >= request
        if killed[0]:
            raise KilledError("killed")

    emulator.before_request = kill


def test_a_warehouse_file_deleted_under_its_state_is_read_again_whole(
    emulator: Emulator, through_dlt: Connector
) -> None:
    through_dlt.sync(objects=["contacts", "owners"])
    before = through_dlt.reader.content(without=())
    through_dlt.delete_database()
    report = through_dlt.sync(objects=["contacts", "owners"])
    assert set(verdicts(report).values()) == {"matched"}
    assert through_dlt.reader.content(without=()) == before


def test_a_state_folder_that_is_lost_is_taken_from_the_warehouse(
    emulator: Emulator, through_dlt: Connector
) -> None:
    chosen = ["contacts", "owners"]
    through_dlt.sync(objects=chosen)
    (through_dlt.folder / "dlt").rename(through_dlt.folder / "lost")
    report = through_dlt.sync(objects=chosen)
    assert verdicts(report) == {"contacts": "matched", "owners": "matched"}
    assert of(report, "contacts").rows_changed == 0


# Faults of one object


def with_forbidden(emulator: Emulator) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=("contacts",))


def with_no_view(emulator: Emulator) -> None:
    emulator.switches = replace(ALL_PIPELINES, missing_views=("All Contacts",))


def with_no_envelope(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="no_envelope", path="*/contacts/view/*"))


def with_null_envelope(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="null_envelope", path="*/contacts/view/*"))


def with_a_web_page(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="html", path="*/contacts/view/*", status=200))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (with_forbidden, "403"),
        (with_no_view, "All Contacts"),
        (with_no_envelope, "contacts"),
        (with_null_envelope, "contacts"),
        (with_a_web_page, "web page"),
    ],
)
def test_a_fault_of_one_object_is_reported_and_the_others_are_loaded(
    emulator: Emulator, connector: Connector, spoil: Any, says: str
) -> None:
    spoil(emulator)
    report = connector.sync(objects=["contacts", "sales_accounts"])
    assert report.exit_code is ExitCode.INCOMPLETE
    assert verdicts(report) == {"contacts": "failed", "sales_accounts": "matched"}
    assert says in of(report, "contacts").reason
    assert report.reason not in ("", "mismatch")
    assert connector.reader.ids("sales_accounts") == all_ids(emulator, "sales_accounts")
    assert emulator.faults.unfired() == []


def test_without_a_recycle_bin_live_rows_are_loaded_and_the_object_fails(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, recycle_bin_missing=True)
    report = connector.sync(objects=["contacts"])
    assert report.exit_code is ExitCode.INCOMPLETE
    assert verdicts(report) == {"contacts": "failed"}
    assert "Recycle Bin" in of(report, "contacts").reason
    assert connector.reader.ids("contacts") == live(emulator, "contacts")


def test_where_settings_name_a_view_that_nobody_has_and_nothing_was_read_retrying_is_useless(
    connector: Connector,
) -> None:
    report = connector.sync(objects=["contacts"], views={"contacts": "No such view"})
    assert (report.exit_code, report.reason) == (ExitCode.CONFIGURATION, "saved_view_not_found")
    both = connector.sync(objects=["contacts", "sales_accounts"], views={"contacts": "No such view"})
    assert both.exit_code is ExitCode.INCOMPLETE


def test_a_page_without_its_envelope_empties_nothing(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["contacts"])
    before = connector.reader.content()
    connector.clock.advance(1000)
    emulator.faults.add(Fault(kind="no_envelope", path="*/contacts/view/*"))
    report = connector.sync(objects=["contacts"])
    assert verdicts(report) == {"contacts": "failed"}
    assert connector.reader.content() == before
    assert connector.sync(objects=["contacts"]).exit_code is ExitCode.DONE
    assert connector.reader.content() == before


def test_when_everything_is_refused_the_run_is_a_matter_of_rights(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=(*OBJECTS, *LOOKUPS))
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.CONFIGURATION, "forbidden")
    assert set(verdicts(report).values()) == {"failed"}


def test_a_wrong_key_ends_the_run_at_once(emulator: Emulator, connector: Connector) -> None:
    with pytest.raises(WrongKey) as caught:
        connector.sync(api_key="some-other-key")
    assert isinstance(caught.value, FatalError)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert "some-other-key" not in str(caught.value)
    assert connector.reader.tables() == []


def test_server_faults_are_tried_again(emulator: Emulator, connector: Connector) -> None:
    emulator.faults.add(
        Fault(kind="status", path="*/contacts/view/*", status=503, times=2),
        Fault(kind="dropped", path="*/contacts/filters*", raises=httpx.ReadError("reset")),
    )
    report = connector.sync(objects=["contacts"])
    assert report.exit_code is ExitCode.DONE
    assert report.calls == 4 + 3
    assert connector.clock.sleeps
    assert emulator.faults.unfired() == []


def test_a_server_that_stays_broken_leaves_the_object_for_the_next_run(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.faults.add(Fault(kind="status", path="*/contacts/view/*[?]page=2&*", status=500, times=5))
    report = connector.sync(objects=["contacts", "sales_accounts"], page_size=20)
    assert (report.exit_code, report.reason) == (ExitCode.UNFINISHED, "server_fault")
    assert verdicts(report) == {"contacts": "partial", "sales_accounts": "matched"}
    assert connector.reader.count("contacts") > 0
    assert connector.sync(objects=["contacts"], page_size=20).exit_code is ExitCode.DONE
    assert connector.reader.ids("contacts") == all_ids(emulator, "contacts")


# Columns nobody told of


def test_without_the_right_to_field_settings_custom_values_are_loaded_all_the_same(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=("settings",))
    report = connector.sync(objects=["sales_accounts"])
    assert report.exit_code is ExitCode.DONE
    columns = connector.reader.columns("sales_accounts")
    assert (columns["cf_customer_number"], columns["cf_credit_limit"]) == ("VARCHAR", "DECIMAL(38,9)")
    rows = connector.reader.by_id("sales_accounts")
    for record in emulator.store.live("sales_accounts"):
        credit = record["custom_field"].get("cf_credit_limit")
        assert rows[record["id"]]["cf_customer_number"] == record["custom_field"]["cf_customer_number"]
        assert rows[record["id"]]["cf_credit_limit"] == (None if credit is None else Decimal(str(credit)))


def test_a_custom_field_made_between_two_syncs_becomes_a_typed_column(
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    emulator.store.account.add_custom_field("contacts", "cf_score", "number")
    emulator.store.account.add_custom_field("contacts", "cf_nickname", "text")
    first, second, *_ = live(emulator, "contacts")
    emulator.store.update("contacts", first, cf_score=Decimal("7.5"), cf_nickname="Ada")
    assert connector.sync(objects=["contacts"]).exit_code is ExitCode.DONE
    columns = connector.reader.columns("contacts")
    assert (columns["cf_score"], columns["cf_nickname"]) == ("DECIMAL(38,9)", "VARCHAR")
    found = connector.reader.query(f"SELECT cf_score, cf_nickname FROM contacts WHERE id = {first}")
    assert found == [(Decimal("7.5"), "Ada")]
    # Once the settings are read again the column stays what it is.
    connector.clock.advance(4000)
    emulator.store.update("contacts", second, cf_score=3)
    assert connector.sync(objects=["contacts"]).exit_code is ExitCode.DONE
    assert connector.reader.query("SELECT cf_score FROM contacts WHERE cf_score > 0 ORDER BY 1") == [
        (Decimal(3),),
        (Decimal("7.5"),),
    ]
