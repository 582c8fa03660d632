"""`freshsales sync` from end to end: slices, cuts, kills, faults, verdicts, and what it reports of itself."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from freshsales_source.emulator import Emulator, Fault, Limits, Switches, Window
from freshsales_source.errors import FatalError, WrongKey
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, LOOKUPS, OBJECTS, Connector, asked, company, connect, of, verdicts

REPORT_KEYS = {
    *("run_id", "exit_code", "reason", "retry_at", "started_at", "finished_at", "calls", "seconds_waited"),
    *("destination", "dataset", "objects"),
}
OBJECT_KEYS = {
    *("run_id", "object", "verdict", "reason", "calls", "rows_read", "rows_changed", "rows_deleted"),
    *("expected_count", "loaded_count", "watermark_before", "watermark_after", "seconds_waited"),
}


class KilledError(Exception):
    """What stands for a kill: nothing in the product knows it."""


@pytest.fixture
def emulator() -> Emulator:
    return company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect(emulator, tmp_path)


def ids(emulator: Emulator, object_name: str) -> list[int]:
    return sorted(int(record["id"]) for record in emulator.store.live(object_name))


def all_ids(emulator: Emulator, object_name: str) -> list[int]:
    return sorted(
        int(r["id"]) for r in [*emulator.store.live(object_name), *emulator.store.binned(object_name)]
    )


# Slices and cuts


def test_a_long_sync_makes_several_loads_and_asks_for_no_page_twice(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=130, deals=0, in_bin=4)
    connector = connect(emulator, tmp_path, objects=["contacts"], page_size=1)
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert len(asked(emulator, "/view/")) == 134 == len(set(asked(emulator, "/view/")))
    # 50 pages a load, and the report's own.
    assert connector.reader.value("SELECT count(*) FROM _dlt_loads") == 3 + 1
    assert connector.reader.ids("contacts") == all_ids(emulator, "contacts")


def test_runs_cut_by_max_calls_say_so_and_the_next_ones_finish(
    emulator: Emulator, connector: Connector, tmp_path: Path
) -> None:
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
    whole = connect(emulator, tmp_path / "whole")
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
    connector = connect(narrow, tmp_path, rate_limits=[[4, 60]], reserve=0, page_size=10)
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


# Kills


def test_a_run_killed_at_any_request_leaves_nothing_that_the_next_run_does_not_mend(tmp_path: Path) -> None:
    emulator = company(accounts=3, contacts=15, deals=0, in_bin=2)
    chosen: dict[str, Any] = {"objects": ["contacts"], "page_size": 10}
    whole = connect(emulator, tmp_path / "whole", **chosen)
    whole.sync()
    requests = len(emulator.log)
    assert requests == 5
    wanted = whole.reader.content(without=())
    for n in range(1, requests + 1):
        connector = connect(emulator, tmp_path / f"killed-{n}", **chosen)
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
    for n, id_ in enumerate(ids(emulator, "contacts")[:2], 1):
        connector.clock.advance(1000)
        emulator.store.update("contacts", id_, city=f"Kill {n}", tags=(), emails=[f"{n}@example.com"])
        emulator.store.delete("contacts", ids(emulator, "contacts")[-1])
        kill_at(emulator, n)
        with pytest.raises(Exception, match="killed"):
            connector.sync()
        emulator.before_request = None
        assert connector.sync().exit_code is ExitCode.DONE
        assert connector.reader.query(f"SELECT city FROM contacts WHERE id = {id_}") == [(f"Kill {n}",)]
        assert connector.reader.ids("contacts", where="NOT is_deleted") == ids(emulator, "contacts")


def test_a_killed_run_repeats_at_most_one_slice(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=130, deals=0, in_bin=0)
    connector = connect(emulator, tmp_path, objects=["contacts"], page_size=1)
    kill_at(emulator, 100)
    with pytest.raises(Exception, match="killed"):
        connector.sync()
    emulator.before_request = None
    assert connector.reader.count("contacts") >= 40
    before = len(emulator.log)
    assert connector.sync().exit_code is ExitCode.DONE
    assert connector.reader.ids("contacts") == ids(emulator, "contacts")
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
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=["contacts", "owners"])
    before = connector.reader.content(without=())
    connector.delete_database()
    report = connector.sync(objects=["contacts", "owners"])
    assert set(verdicts(report).values()) == {"matched"}
    assert connector.reader.content(without=()) == before


def test_a_state_folder_that_is_lost_is_taken_from_the_warehouse(
    emulator: Emulator, connector: Connector
) -> None:
    chosen = ["contacts", "owners"]
    connector.sync(objects=chosen)
    (connector.folder / "dlt").rename(connector.folder / "lost")
    report = connector.sync(objects=chosen)
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
    assert connector.reader.ids("contacts") == ids(emulator, "contacts")


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
    first, second, *_ = ids(emulator, "contacts")
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


# Verdicts


def test_people_working_during_the_run_make_the_verdict_moving(
    emulator: Emulator, connector: Connector
) -> None:
    store, asked_before = emulator.store, len(emulator.log)

    def delete_one_after_it_was_read(_: int) -> None:
        if len(emulator.log) - asked_before == 4:
            newest = max(store.live("contacts"), key=lambda record: record["updated_at"])
            store.delete("contacts", newest["id"])

    emulator.before_request = delete_one_after_it_was_read
    report = connector.sync(objects=["contacts"], page_size=10, concurrency=1)
    emulator.before_request = None
    assert report.exit_code is ExitCode.DONE
    assert verdicts(report) == {"contacts": "moving"}
    assert (of(report, "contacts").expected_count, of(report, "contacts").loaded_count) == (39, 40)
    connector.clock.advance(10)
    assert verdicts(connector.sync(objects=["contacts"], page_size=10)) == {"contacts": "matched"}


def test_a_record_erased_while_nobody_looked_is_a_mismatch(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    emulator.store.forget("contacts", ids(emulator, "contacts")[0])
    report = connector.sync(objects=["contacts"])
    assert (report.exit_code, report.reason) == (ExitCode.INCOMPLETE, "mismatch")
    assert verdicts(report) == {"contacts": "mismatch"}
    assert "39 in the CRM, 40 in the warehouse" in of(report, "contacts").reason


def test_without_totals_the_verdict_is_unchecked_and_strict_counts_that_as_failed(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, meta="none")
    report = connector.sync(objects=["contacts"])
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "unchecked"})
    assert connector.reader.ids("contacts") == all_ids(emulator, "contacts")
    assert connector.sync(objects=["contacts"], is_strict=True).exit_code is ExitCode.INCOMPLETE


def test_with_a_start_date_older_records_stay_out_and_the_count_is_unchecked(
    emulator: Emulator, connector: Connector
) -> None:
    report = connector.sync(objects=["contacts"], start_date="2025-09-01T00:00:00Z")
    assert verdicts(report) == {"contacts": "unchecked"}
    since = datetime.fromisoformat("2025-09-01T00:00:00Z")
    records = [*emulator.store.live("contacts"), *emulator.store.binned("contacts")]
    wanted = sorted(int(record["id"]) for record in records if record["updated_at"] >= since)
    assert 0 < len(wanted) < len(records)
    assert connector.reader.ids("contacts") == wanted


def test_pipelines_that_no_view_shows_are_named(tmp_path: Path) -> None:
    emulator = company(switches=Switches(deal_views_default_pipeline_only=True))
    report = connect(emulator, tmp_path).sync(objects=["deals", "deal_pipelines"])
    default, *others = emulator.store.account.selectors["deal_pipelines"]
    assert verdicts(report)["deals"] == "unchecked"
    assert all(f'"{row["name"]}"' in of(report, "deals").reason for row in others)
    assert f'"{default["name"]}"' not in of(report, "deals").reason
    assert "views.deals" in of(report, "deals").reason


def test_one_saved_view_over_all_pipelines_makes_deals_whole(tmp_path: Path) -> None:
    emulator = company(switches=Switches(deal_views_default_pipeline_only=True))
    connector = connect(emulator, tmp_path, views={"deals": ["Every pipeline"]})
    report = connector.sync(objects=["deals", "deal_pipelines"])
    assert verdicts(report)["deals"] == "matched"
    assert connector.reader.ids("deals") == all_ids(emulator, "deals")


# The report


def test_every_run_is_a_row_and_every_object_another(emulator: Emulator, connector: Connector) -> None:
    first = connector.sync(objects=["contacts", "owners"])
    connector.clock.advance(1000)
    emulator.switches = replace(ALL_PIPELINES, forbidden=("contacts",))
    second = connector.sync(objects=["contacts", "owners"], lookups_every_s=0)
    runs = connector.reader.rows("_sync_runs", order="started_at")
    assert [typed(row) for row in runs] == [typed(report.run_row()) for report in (first, second)]
    rows = connector.reader.rows("_sync_objects", order="ALL")
    wanted = [{**asdict(row), "verdict": row.verdict.value} for r in (first, second) for row in r.objects]
    key = ("run_id", "object")
    assert sorted(map(typed, rows), key=lambda row: [row[k] for k in key]) == sorted(
        map(typed, wanted), key=lambda row: [row[k] for k in key]
    )
    runs_types = connector.reader.columns("_sync_runs")
    assert {runs_types[name] for name in ("started_at", "finished_at", "retry_at")} == {
        "TIMESTAMP WITH TIME ZONE"
    }
    assert {runs_types[name] for name in ("exit_code", "calls")} == {"BIGINT"}
    objects_types = connector.reader.columns("_sync_objects")
    assert {objects_types[name] for name in OBJECT_KEYS if name.startswith("watermark")} == {
        "TIMESTAMP WITH TIME ZONE"
    }
    assert {objects_types[name] for name in ("rows_read", "expected_count", "loaded_count")} == {"BIGINT"}


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its fractions as decimals, whichever way they came."""
    return {k: Decimal(str(v)).normalize() if isinstance(v, (float, Decimal)) else v for k, v in row.items()}


def test_the_report_counts_what_the_run_did(emulator: Emulator, connector: Connector) -> None:
    first = of(connector.sync(objects=["contacts"]), "contacts")
    assert (first.rows_read, first.rows_changed, first.rows_deleted) == (43, 43, 3)
    assert (first.expected_count, first.loaded_count, first.calls) == (40, 40, 4)
    assert (first.watermark_before, first.watermark_after) == (None, connector.clock.now())
    connector.clock.advance(1000)
    emulator.store.update("contacts", ids(emulator, "contacts")[0], city="Oulu")
    emulator.store.delete("contacts", ids(emulator, "contacts")[1])
    connector.clock.advance(1000)
    report = connector.sync(objects=["contacts"])
    second = of(report, "contacts")
    assert (second.rows_changed, second.rows_deleted, second.calls) == (2, 1, 2)
    assert (second.expected_count, second.loaded_count) == (39, 39)
    assert (second.watermark_before, second.watermark_after) == (first.watermark_after, connector.clock.now())
    assert report.started_at == report.finished_at == connector.clock.now()


def test_the_json_of_a_run_has_the_keys_of_the_contract(connector: Connector) -> None:
    report = connector.sync(objects=["contacts", "owners"])
    document = json.loads(json.dumps(report.to_json()))
    assert document.keys() == REPORT_KEYS
    assert [row.keys() for row in document["objects"]] == [OBJECT_KEYS, OBJECT_KEYS]
    assert (document["exit_code"], document["reason"], document["retry_at"]) == (0, "", None)
    assert (document["destination"], document["dataset"]) == ("duckdb", "freshsales")
    assert datetime.fromisoformat(document["started_at"]) == report.started_at
    assert [row["object"] for row in document["objects"]] == ["contacts", "owners"]
    assert {row["run_id"] for row in document["objects"]} == {document["run_id"]}


def test_a_row_in_the_bin_is_flagged_with_reason_and_stamp_and_unflagged_on_restore(
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    id_ = ids(emulator, "contacts")[0]
    emulator.store.delete("contacts", id_)
    deleted_at = connector.clock.now()
    connector.sync(objects=["contacts"])
    flags = f"SELECT is_deleted, _deleted_reason, _deleted_at FROM contacts WHERE id = {id_}"
    assert connector.reader.query(flags) == [(True, "recycle_bin", deleted_at)]
    connector.clock.advance(1000)
    emulator.store.restore("contacts", id_)
    connector.sync(objects=["contacts"])
    assert connector.reader.query(flags) == [(False, None, None)]
