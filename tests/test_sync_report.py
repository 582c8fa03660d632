"""What a run says of itself: the verdict on each object, the report, the audit tables, the flags of deleted rows."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Switches
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, CORE, Connector, company, connect, connect_swiftly, of, verdicts
from tests.other_objects import all_ids, live

REPORT_KEYS = {
    *("run_id", "exit_code", "reason", "retry_at", "started_at", "finished_at", "calls", "seconds_waited"),
    *("destination", "dataset", "objects"),
}
OBJECT_KEYS = {
    *("run_id", "object", "verdict", "reason", "calls", "rows_read", "rows_changed", "rows_deleted"),
    *("expected_count", "loaded_count", "watermark_before", "watermark_after", "seconds_waited"),
}


@pytest.fixture
def emulator() -> Emulator:
    return company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect_swiftly(emulator, tmp_path, objects=CORE)


# Verdicts


def test_a_deletion_between_the_live_page_and_the_bin_page_is_read_once_more(
    emulator: Emulator, connector: Connector
) -> None:
    def delete_when_the_live_page_was_read(_: int) -> None:
        if len(emulator.log) == 3:
            emulator.store.delete("contacts", live(emulator, "contacts")[0])

    emulator.before_request = delete_when_the_live_page_was_read
    report = connector.sync(objects=["contacts"], concurrency=1)
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert of(report, "contacts").expected_count == of(report, "contacts").loaded_count == 39


def test_people_working_without_a_pause_make_the_verdict_moving(
    emulator: Emulator, connector: Connector
) -> None:
    def work(_: int) -> None:
        """Delete a contact and restore another, with old stamps: more of either than anybody can follow."""
        emulator.store.restore("contacts", *(int(r["id"]) for r in emulator.store.binned("contacts")))
        emulator.store.delete("contacts", *live(emulator, "contacts")[: len(emulator.log) % 3])

    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    emulator.switches = replace(ALL_PIPELINES, delete_moves_stamp=False, restore_moves_stamp=False)
    emulator.before_request = work
    report = connector.sync(objects=["contacts"])
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "moving"})
    assert of(report, "contacts").calls < 60
    emulator.before_request = None
    assert verdicts(connector.sync(objects=["contacts"])) == {"contacts": "matched"}
    assert connector.reader.ids("contacts", where="NOT is_deleted") == live(emulator, "contacts")


def test_a_record_that_answers_though_no_view_shows_it_is_a_mismatch(
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    # The view is narrowed down by somebody: it leaves out one record that is still there.
    owner = int(emulator.store.record("contacts", live(emulator, "contacts")[0])["owner_id"])
    emulator.store.bulk_update("contacts", live(emulator, "contacts"), owner_id=owner)
    connector.sync(objects=["contacts"])
    number = [int(row["id"]) for row in emulator.store.account.selectors["owners"]].index(owner) + 1
    emulator.store.change_silently("contacts", live(emulator, "contacts")[3], owner_id=None)
    emulator.switches = replace(ALL_PIPELINES, sees_only_owner=number, unseen_record="forbidden")
    connector.clock.advance(1000)
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


def test_pipelines_that_neither_a_view_nor_the_search_shows_are_named(tmp_path: Path) -> None:
    emulator = company(
        switches=Switches(deal_views_default_pipeline_only=True, forbidden=("filtered_search",))
    )
    report = connect_swiftly(emulator, tmp_path).sync(objects=["deals", "deal_pipelines"])
    default, *others = emulator.store.account.selectors["deal_pipelines"]
    assert (verdicts(report)["deals"], report.exit_code) == ("mismatch", ExitCode.INCOMPLETE)
    assert all(f'"{row["name"]}"' in of(report, "deals").reason for row in others)
    assert f'"{default["name"]}"' not in of(report, "deals").reason
    assert "views.deals" in of(report, "deals").reason


def test_one_saved_view_over_all_pipelines_makes_deals_whole(tmp_path: Path) -> None:
    emulator = company(switches=Switches(deal_views_default_pipeline_only=True))
    connector = connect_swiftly(emulator, tmp_path, objects=CORE, views={"deals": ["Every pipeline"]})
    report = connector.sync(objects=["deals", "deal_pipelines"])
    assert verdicts(report)["deals"] == "matched"
    assert connector.reader.ids("deals") == all_ids(emulator, "deals")


# The report


def test_every_run_is_a_row_and_every_object_another(emulator: Emulator, tmp_path: Path) -> None:
    connector = connect(emulator, tmp_path, objects=CORE)
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
    emulator.store.update("contacts", live(emulator, "contacts")[0], city="Oulu")
    emulator.store.delete("contacts", live(emulator, "contacts")[1])
    connector.clock.advance(1000)
    report = connector.sync(objects=["contacts"])
    second = of(report, "contacts")
    assert (second.rows_changed, second.rows_deleted, second.calls) == (2, 1, 2)
    assert (second.expected_count, second.loaded_count) == (39, 39)
    assert (second.watermark_before, second.watermark_after) == (first.watermark_after, connector.clock.now())
    assert report.started_at == report.finished_at == connector.clock.now()


@pytest.mark.parametrize("name", ["tasks", "appointments"])
def test_a_list_that_is_read_once_does_not_hold_the_watermark_back(
    emulator: Emulator, tmp_path: Path, name: str
) -> None:
    connector = connect_swiftly(emulator, tmp_path, objects=[name])
    told = []
    for _ in range(3):
        report = of(connector.sync(), name)
        told.append((report.watermark_before, report.watermark_after))
        connector.clock.advance(5000)
    ends = [after for _, after in told]
    assert [before for before, _ in told] == [None, *ends[:-1]]
    assert all(isinstance(end, datetime) for end in ends)
    assert ends == sorted({*ends}, key=str)


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
    id_ = live(emulator, "contacts")[0]
    emulator.store.delete("contacts", id_)
    deleted_at = connector.clock.now()
    connector.sync(objects=["contacts"])
    flags = f"SELECT is_deleted, _deleted_reason, _deleted_at FROM contacts WHERE id = {id_}"
    assert connector.reader.query(flags) == [(True, "recycle_bin", deleted_at)]
    connector.clock.advance(1000)
    emulator.store.restore("contacts", id_)
    connector.sync(objects=["contacts"])
    assert connector.reader.query(flags) == [(False, None, None)]
