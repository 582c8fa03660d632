"""`freshsales sync` and `status`: what is loaded, what is said on which stream, and how the command ends."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from freshsales_source.api.throttle import Usage
from freshsales_source.cli.progress import TerminalProgress
from freshsales_source.cli.tables import LOOKUP_TABLES
from freshsales_source.emulator import Fault, Switches
from freshsales_source.entities import ENTITIES
from tests.command import ALL_PIPELINES, KEY, Command

VERDICTS = {entity.name: "matched" for entity in ENTITIES} | {
    "leads": "not_available",
    "products": "unchecked",
}
"""What a sync says of a small account that is quiet."""
VIEWED = ["contacts", "sales_accounts", "deals"]
RECORDS = ["contacts", "sales_accounts", "deals", "tasks", "appointments", "sales_activities", "products"]
OF_SYNC_OBJECTS = {
    *("run_id", "object", "verdict", "reason", "calls", "rows_read", "rows_changed", "rows_deleted"),
    *("expected_count", "loaded_count", "watermark_before", "watermark_after", "seconds_waited"),
}
OF_A_RUN = {
    *("run_id", "exit_code", "reason", "retry_at", "started_at", "finished_at", "calls", "seconds_waited"),
    *("destination", "dataset", "objects"),
}


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_a_sync_loads_everything_and_status_says_so_without_a_call(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        before = freshsales("status")
        assert not freshsales.database.exists(), "asking makes no warehouse"
        ran = freshsales("sync")
        calls = len(emulator.log)
        after = freshsales("status")
        assert len(emulator.log) == calls
        live = {name: [int(row["id"]) for row in emulator.store.live(name)] for name in RECORDS}
    place = f"{freshsales.database.resolve()}"
    assert (before.code, before.out) == (
        0,
        f"No sync yet in {place}, schema freshsales. Next: freshsales sync\n",
    )
    assert (ran.code, ran.err) == (0, ""), "no progress where stderr is no terminal"
    assert f"\n{calls} API calls in " in ran.out
    assert ran.out.endswith(f"Schema freshsales in {place}\n")
    for name, ids in live.items():
        assert freshsales.warehouse.ids(name, where="NOT is_deleted") == sorted(ids)
    assert after.code == 0
    assert after.out.startswith("Not checked: products: see below. Up to date as of 20")
    assert "\nproducts: no count to compare with: " in after.out
    shown = [[name, verdict] for name, verdict in sorted(VERDICTS.items()) if name not in LOOKUP_TABLES]
    lines = after.out.splitlines()[4 : 5 + len(shown)]
    assert [line.split()[:2] for line in lines[:-1]] == shown
    assert lines[-1].split()[:3] == [str(len(VERDICTS) - len(shown)), "lookups", "matched"]
    assert max(map(len, lines)) <= 100


def test_lookups_share_one_line_unless_one_did_not_match(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, forbidden=("campaigns",))):
        ran = freshsales("sync", "owners", "deal_stages", "campaigns")
    assert ran.code == 4
    lines = {line.split("  ")[0]: line.split() for line in ran.out.splitlines()}
    assert lines["2 lookups"][2:] == ["matched", "3", "36", "22", "0", "22"]
    assert lines["campaigns"][:2] == ["campaigns", "failed"]
    assert "owners" not in lines


def test_json_is_one_object_and_nothing_else(freshsales: Command) -> None:
    with freshsales.account():
        before = freshsales("status", "--json")
        run = freshsales("sync", "contacts", "owners", "--json")
        after = freshsales("status", "--json")
    assert before.json["last_run"] is None
    assert before.json["objects"] == []
    assert set(run.json) == OF_A_RUN
    assert [row["object"] for row in run.json["objects"]] == ["contacts", "owners"]
    assert all(set(row) == OF_SYNC_OBJECTS for row in run.json["objects"])
    assert (run.json["exit_code"], run.json["reason"], run.json["retry_at"]) == (0, "", None)
    assert datetime.fromisoformat(run.json["started_at"]).tzinfo is not None
    assert after.json["last_run"]["run_id"] == run.json["run_id"]
    assert after.json["last_run"]["started_at"] == run.json["started_at"]
    assert [row["object"] for row in after.json["objects"]] == ["contacts", "owners"]


def test_no_record_is_left_in_the_folders_of_dlt(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        assert freshsales("sync", "contacts").code == 0
        emails = [str(row["email"]).encode() for row in emulator.store.live("contacts")]
    files = [path for path in freshsales.folder.parent.rglob("*") if path.is_file()]
    left = [path.name for path in files if path != freshsales.database]
    assert "state.json" in left, "these are the folders of dlt"
    assert not [name for name in left if name.endswith((".parquet", ".jsonl"))]
    assert not [
        path.name for path in files if path.name in left and any(e in path.read_bytes() for e in emails)
    ]


def test_named_objects_alone_are_loaded(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        assert freshsales("sync", "sales_accounts").code == 0
        assert not any("contacts" in call.path or "deals" in call.path for call in emulator.log)
    assert [name for name in freshsales.warehouse.tables() if "__" not in name] == [
        "_sync_objects",
        "_sync_runs",
        "field_choices",
        "fields",
        "sales_accounts",
        "views",
    ]


def test_status_keeps_what_an_earlier_run_said_of_the_other_objects(freshsales: Command) -> None:
    with freshsales.account():
        first = freshsales("sync", "owners", "deal_stages", "--json").json
        second = freshsales("sync", "owners", "--json").json
    rows = {row["object"]: row["run_id"] for row in freshsales("status", "--json").json["objects"]}
    assert rows == {"deal_stages": first["run_id"], "owners": second["run_id"]}


def test_a_file_and_a_schema_of_ones_own_choice(freshsales: Command) -> None:
    (freshsales.folder / "data").mkdir()
    with freshsales.account():
        ran = freshsales("sync", "owners", "--duckdb", "data/crm.duckdb", "--dataset", "raw_crm")
    assert ran.code == 0
    assert ran.out.endswith(f"Schema raw_crm in {freshsales.folder.resolve()}/data/crm.duckdb\n")
    assert not freshsales.database.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sync", "--dataset", "Sales"], "'Sales' is not of the form [a-z_][a-z0-9_]{0,47}"),
        (["sync", "--dataset", "a-b"], "is not of the form"),
        (["sync", "--dataset", "x" * 49], "is not of the form"),
        (["sync", "--dataset", ""], "is not of the form"),
        (
            ["sync", "contcats"],
            "'contcats' is no object. Did you mean `contacts`? Objects are: contacts, sales_accounts, deals, ",
        ),
        (["sync", "--max-calls", "0"], "'0' is not a number from 1 up"),
        (["sync", "--duckdb", "no/such/folder/x.duckdb"], "is not a file in a folder that exists"),
        (["sync", "--api-key=x"], "unrecognized arguments: --api-key"),
        (["emulator", "--limit", "400"], "'400' is not of the form 400/60"),
        (["emulator", "--port", "70000"], "is not a port"),
        (["emulator", "--plan", "gold"], "invalid choice"),
        (["emulator", "--switch", "tie_order"], "is not of the form name=value"),
        (["emulator", "--switch", "tie_order=odd"], "tie_order must be one of stable, reshuffled"),
        (["emulator", "--seed-dir", "nowhere"], "nowhere"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        ([], "usage: freshsales"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_2_and_names_the_mistake(
    freshsales: Command, arguments: list[str], says: str
) -> None:
    ran = freshsales(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(kind="redirect", times=99), "not_the_api"),
        (Fault(kind="html", status=200, times=99), "not_the_api"),
        (Fault(kind="status", status=401, times=99), "wrong_key"),
    ],
)
def test_what_only_a_person_can_mend_is_3_and_one_line(
    freshsales: Command, fault: Fault, reason: str
) -> None:
    with freshsales.account() as emulator:
        emulator.faults.add(fault)
        ran = freshsales("sync", *VIEWED, "--json")
    assert ran.code == ran.json["exit_code"] == 3
    assert ran.json["reason"] == reason
    assert ran.err == f"{reason}: {ran.json['message']}\n"


def test_a_file_that_is_no_database_is_3_before_any_call(freshsales: Command) -> None:
    freshsales.database.write_bytes(b"not a database " * 1000)
    with freshsales.account() as emulator:
        refused = [freshsales("sync", "owners"), freshsales("status")]
        assert emulator.log == []
    for ran in refused:
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("configuration_error: the DuckDB file cannot be opened: IO Error: ")
        assert "not a valid DuckDB database file. Name another with --duckdb" in ran.err
    assert freshsales.database.read_bytes().startswith(b"not a database")


def test_no_right_to_anything_is_3(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, forbidden=("deals", "owners"))):
        ran = freshsales("sync", "deals", "owners", "--json")
    assert (ran.code, ran.json["exit_code"], ran.json["reason"]) == (3, 3, "forbidden")


def test_an_object_that_fails_is_4_and_the_others_are_loaded(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, forbidden=("deals",))):
        ran = freshsales("sync", "contacts", "deals")
        assert ran.code == 4
        assert freshsales.warehouse.count("contacts") == 22
        status = freshsales("status")
    reason = (
        "the key's user may not read this (403) (GET /crm/sales/api/deals/filters). Give that user's role"
    )
    assert f"\ndeals: {reason}" in ran.out
    assert "Whole except deals: see above. As of " in ran.out
    assert status.code == 0
    assert f" except deals: {reason}" in status.out.splitlines()[0]


def test_what_has_no_count_is_unchecked_and_with_strict_a_failure(freshsales: Command) -> None:
    with freshsales.account(switches=Switches(products_meta="none")):
        assert freshsales("sync", "owners", "products").code == 0
        ran = freshsales("sync", "owners", "products", "--strict", "--json")
        shown = freshsales("sync", "owners", "products", "--strict").out
    assert (ran.code, "Exit 4, since --strict counts what is not checked" in shown) == (4, True)
    unchecked = {row["object"]: row["reason"] for row in ran.json["objects"] if row["verdict"] == "unchecked"}
    assert list(unchecked) == ["products"]
    assert "no count to compare with" in unchecked["products"]


def test_a_ceiling_of_calls_is_75_and_the_next_run_goes_on(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        ran = freshsales("sync", *VIEWED, "--max-calls", "9", "--json")
        assert len(emulator.log) == 9
        assert (ran.code, ran.json["reason"], ran.json["retry_at"]) == (75, "max_calls", None)
        assert freshsales("status").out.startswith("Not finished: ")
        assert freshsales("sync", *VIEWED).code == 0
    assert freshsales.warehouse.count("deals") == 26


def test_a_quota_that_is_gone_is_75_with_the_time_to_come_back(freshsales: Command) -> None:
    freshsales.set(
        SOURCES__FRESHSALES__RATE_LIMITS="[[9, 3600]]",
        SOURCES__FRESHSALES__RESERVE="0",
        SOURCES__FRESHSALES__ON_QUOTA="stop",
    )
    with freshsales.account() as emulator:
        ran = freshsales("sync", *VIEWED, "--json")
        again = freshsales("sync", *VIEWED)
        assert len(emulator.log) == 9, "the second process keeps the budget of the first"
    assert (ran.code, ran.json["reason"]) == (75, "quota_exhausted")
    assert datetime.fromisoformat(ran.json["retry_at"]) > datetime.now(UTC)
    assert again.code == 75
    assert "\nThe next run can go on from 20" in again.out


def test_a_dry_run_tells_calls_and_loads_nothing(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        ran = freshsales("sync", "--dry-run")
        machine = freshsales("sync", "--dry-run", "--json", "contacts")
        assert {call.method for call in emulator.log if "filtered_search" not in call.path} == {"GET"}
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[:3] for line in ran.out.splitlines()[2:11]] == [
        ["contacts", "2", "4"],
        ["sales_accounts", "2", "4"],
        ["deals", "4", "6"],
        ["leads", "0", "1"],
        ["tasks", "2", "4"],
        ["appointments", "2", "4"],
        ["sales_activities", "2", "3"],
        ["products", "1", "2"],
        ["lookups", "20"],
    ]
    assert ran.out.splitlines()[-1].endswith("Nothing was loaded.")
    assert [row["object"] for row in machine.json["objects"]] == ["contacts"]
    assert (machine.json["calls"], machine.json["refresh_pages"]) == (4, 0)
    assert list(freshsales.folder.glob("*.duckdb*")) == []


def test_a_dry_run_forecasts_the_whole_account_first_and_the_changes_later(freshsales: Command) -> None:
    with freshsales.account(contacts=150):
        first = freshsales("sync", "--dry-run", "--json", "contacts").json["objects"][0]
        assert freshsales("sync", "contacts").code == 0
        later = freshsales("sync", "--dry-run", "--json", "contacts").json["objects"][0]
    assert (first["pages"], first["is_first"]) == (3, True)
    assert (later["pages"], later["is_first"]) == (2, False)


def test_a_dry_run_tells_what_timelines_cost_at_first_and_later(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__TIMELINES="true")
    with freshsales.account(contacts=12):
        ran = freshsales("sync", "--dry-run")
        wanted = ("sync", "--dry-run", "--json", "contacts", "contact_activities")
        first = freshsales(*wanted).json
        assert freshsales("sync", "contacts", "contact_activities").code == 0
        later = freshsales(*wanted).json
    assert re.search(r"contact_activities +12 +at least, one per record", ran.out)
    assert first["feeds"] == [{"feed": "contact_activities", "records": 12, "calls": 12}]
    assert later["feeds"] == [{"feed": "contact_activities", "records": 0, "calls": 0}]
    # Views and fields are known, too, and old pages can be read again.
    assert first["calls"] - (later["calls"] - later["refresh_pages"]) == 12 + 2


def test_a_dry_run_counts_the_pipelines_that_the_views_leave_out(freshsales: Command) -> None:
    with freshsales.account(switches=Switches(search_lag_s=0.0)) as emulator:
        first = freshsales("sync", "--dry-run", "--json", "deals").json["objects"][0]
        before = len(emulator.log)
        assert freshsales("sync", "deals", "deal_pipelines").code == 0
        assert first["calls"] == len(emulator.log) - before - 1  # the list of pipelines
        later = freshsales("sync", "--dry-run", "--json", "deals").json["objects"][0]
        shown = freshsales("sync", "--dry-run", "deals").out
    assert len(first["pipelines"]) == 2
    assert later["pipelines"] == first["pipelines"]
    assert (first["pages"], later["pages"]) == (6, 6)
    assert f"; by search: {first['pipelines'][0]}" in shown


def test_a_dry_run_with_a_wrong_key_forecasts_nothing(freshsales: Command) -> None:
    with freshsales.account():
        freshsales.set(FRESHSALES_API_KEY="another-key")
        ran = freshsales("sync", "--dry-run")
    assert ran.code == 3
    assert ran.out == "No forecast: the account could not be looked at. Nothing was loaded.\n"
    assert ran.err.startswith("wrong_key: ")


def test_verbose_logs_decisions_on_stderr_and_no_record(freshsales: Command) -> None:
    with freshsales.account():
        ran = freshsales("sync", "owners", "-v", "--json")
        names = freshsales.warehouse.query("SELECT display_name, email FROM owners")
    assert ran.json["exit_code"] == 0
    assert f"INFO freshsales_source.sync.syncing run_started run_id={ran.json['run_id']}" in ran.err
    assert not [value for row in names for value in row if str(value) in ran.err]


def test_progress_on_a_terminal_shows_object_pages_rows_and_calls() -> None:
    screen = io.StringIO()
    with TerminalProgress(Console(file=screen, force_terminal=True, width=110)) as progress:
        progress.watch(lambda: Usage(calls=1204))
        progress.page_read("contacts", view="1", page=1, pages=30, rows=100)
        progress.page_read("contacts", view="2", page=1, pages=1, rows=9)
    shown = screen.getvalue()
    for part in ("contacts", "2/31", "109 rows", "1,204 calls", "left"):
        assert part in shown


def test_progress_elsewhere_is_silent() -> None:
    screen = io.StringIO()
    with TerminalProgress(Console(file=screen)) as progress:
        progress.page_read("contacts", view="1", page=1, pages=None, rows=100)
    assert screen.getvalue() == ""


def test_version_and_help_need_no_settings(freshsales: Command) -> None:
    version = freshsales("--version")
    assert (version.code, version.out.startswith("freshsales-source 0.")) == (0, True)
    assert "COMMAND" in freshsales("--help").out
    assert KEY not in freshsales("sync", "--help").out


def test_status_tells_how_long_a_refresh_cycle_takes_and_when_the_last_one_ended(
    freshsales: Command,
) -> None:
    with freshsales.account():
        freshsales("sync", "contacts")
        before = freshsales("status")
        freshsales("sync", "contacts")
        after, as_json = freshsales("status"), freshsales("status", "--json")
        freshsales.set(SOURCES__FRESHSALES__REFRESH_PAGES="0")
        off = freshsales("status")
    assert "Rolling refresh" not in before.out
    assert "Rolling refresh: the last cycle ended 20" in after.out
    assert "; a cycle takes about 1 run (2 pages)" in after.out
    assert as_json.json["rolling_refresh"] in after.out
    assert "Rolling refresh: turned off" in off.out


def test_rows_that_vanish_in_a_crowd_are_flagged_once_that_is_accepted(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__REFRESH_PAGES="0")
    with freshsales.account() as emulator:
        for number in range(30):
            emulator.store.create("contacts", first_name=f"Number {number}")
        freshsales("sync", "contacts")
        ids = [int(row["id"]) for row in emulator.store.live("contacts")]
        gone = emulator.store.forget("contacts", *ids[:21])
        refused = freshsales("sync", "contacts")
        accepted = freshsales("sync", "contacts", "--accept-vanished")
    assert refused.code == 4
    assert "21 rows seem to have no record any more" in refused.out
    assert accepted.code == 0
    assert freshsales.warehouse.ids("contacts", where="_deleted_reason = 'vanished'") == sorted(gone)
