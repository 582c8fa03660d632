"""The example assets in a real Dagster, materialized from accounts of the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from freshsales_source import catalogue
from tests.orchestrators.project import EXAMPLES, SETTINGS, Project, Tool


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("dagster")).served() as served:
        yield served


@pytest.fixture(scope="module")
def dagster(project: Project) -> Iterator[Tool]:
    tool = Tool("dagster", str(EXAMPLES), environment=project.environment())
    yield tool
    tool.close()


def test_each_account_has_an_asset_per_table_with_its_description_and_a_schedule(dagster: Tool) -> None:
    tables = [table for table in catalogue.tables() if "*" not in table.name]
    assert dagster.described["descriptions"] == {
        f"freshsales_{name}/{table.name}": table.description for name in SETTINGS for table in tables
    }
    for table in tables:
        shown = dagster.described["columns"][f"freshsales_emea/{table.name}"]
        assert shown == {column.name: column.description for column in table.columns}
    assert dagster.described["schedules"] == {f"freshsales_{name}_sync": "0 * * * *" for name in SETTINGS}


def test_assets_are_materialized_and_the_second_time_reads_what_changed(
    dagster: Tool, project: Project
) -> None:
    first = dagster("emea")
    changed, gone, *_ = project.live_ids("emea", "contacts")
    project.emulators["emea"].store.update("contacts", changed, job_title="Chief of everything")
    project.emulators["emea"].store.delete("contacts", gone)
    second = dagster("emea")
    for run in (first, second):
        assert (run["success"], run["failures"], run["retries"]) == (True, [], 0)
        assert run["checks"] == {name: [True, "ERROR", "matched"] for name in ("contacts", "owners")}
        assert {"contacts", "contacts__emails", "owners", "fields", "_sync_runs"} <= set(run["materialized"])
        assert "deals" not in run["materialized"], "the settings leave it out"
        assert run["materialized"]["contacts"]["is_partial"] is False
    assert first["materialized"]["contacts"]["rows_changed"] == 32  # two of them in the bin
    assert second["materialized"]["contacts"]["rows_changed"] == 2
    assert project.loaded_ids("emea", "contacts") == project.live_ids("emea", "contacts")


def test_some_assets_alone_sync_their_objects_alone(dagster: Tool, project: Project) -> None:
    before = len(project.emulators["emea"].log)
    run = dagster("emea contacts__emails contacts__tags")
    assert set(run["materialized"]) == {"contacts__emails", "contacts__tags"}
    asked = project.emulators["emea"].log[before:]
    assert asked
    assert not any("owners" in call.path for call in asked)


def test_a_run_whose_quota_is_gone_goes_on_when_the_command_says(dagster: Tool, project: Project) -> None:
    waiting = datetime.fromisoformat(dagster("quota")["waits_until"])
    assert timedelta(minutes=50) < waiting - datetime.now(UTC) < timedelta(minutes=61)
    project.lift_quota()
    ended = dagster("an hour later")
    assert (ended["success"], ended["retries"]) == (True, 1)
    assert project.loaded_ids("quota", "contacts") == project.live_ids("quota", "contacts")


def test_a_server_that_is_not_there_is_tried_again_after_a_minute(dagster: Tool, project: Project) -> None:
    waiting = datetime.fromisoformat(dagster("offline")["waits_until"])
    assert timedelta(seconds=30) < waiting - datetime.now(UTC) <= timedelta(seconds=60)
    project.bring_online()
    ended = dagster("a minute later")
    assert (ended["success"], ended["retries"]) == (True, 1)


def test_a_wrong_key_fails_at_once(dagster: Tool) -> None:
    ended = dagster("wrong_key")
    assert (ended["success"], ended["retries"], ended["materialized"], ended["checks"]) == (False, 0, {}, {})
    assert [words.partition(":")[0] for words in ended["failures"]] == ["wrong_key"]


def test_a_mismatch_fails_its_check_with_the_data_materialized(dagster: Tool, project: Project) -> None:
    ended = dagster("mismatch")
    assert (ended["success"], ended["retries"]) == (False, 0)
    assert ended["failures"] == ["mismatch: see the checks, or the log"]
    assert {name: (passed, severity) for name, (passed, severity, _) in ended["checks"].items()} == {
        "deals": (False, "ERROR"),
        "deal_pipelines": (True, "ERROR"),
        "deal_stages": (True, "ERROR"),
    }
    assert ended["checks"]["deals"][2].startswith("mismatch: ")
    assert ended["materialized"]["deals"]["verdict"] == "mismatch"
    loaded, live = (set(ids("mismatch", "deals")) for ids in (project.loaded_ids, project.live_ids))
    assert set() < loaded < live


def test_a_run_that_reaches_max_calls_is_green_and_marked(dagster: Tool) -> None:
    ended = dagster("capped")
    assert (ended["success"], ended["tags"]["freshsales/partial"]) == (True, "true")
    assert all(row["is_partial"] for row in ended["materialized"].values())
    unfinished = [check for check in ended["checks"].values() if not check[0]]
    assert unfinished
    assert {severity for _, severity, _ in unfinished} == {"WARN"}
