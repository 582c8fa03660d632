"""The example DAGs in a real Airflow: `dag.test()` on accounts of the emulator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.orchestrators.project import EXAMPLES, SETTINGS, Project, Tool


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("airflow")).served() as served:
        yield served


@pytest.fixture(scope="module")
def airflow(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    dags = tmp_path_factory.mktemp("dags")
    shutil.copy(EXAMPLES / "airflow_dags.py", dags)
    environment = project.environment() | {
        "AIRFLOW_HOME": str(project.home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    tool = Tool("airflow", environment=environment)
    yield tool
    tool.close()


def test_each_account_has_a_dag_that_catches_up_nothing_and_runs_once_at_a_time(airflow: Tool) -> None:
    expected = {"catchup": False, "max_active_runs": 1, "schedule": "0 * * * *", "poke_interval": 60}
    assert airflow.described == {f"freshsales_{name}": expected for name in SETTINGS}


def test_a_dag_syncs_an_account_and_the_second_run_reads_what_changed(
    airflow: Tool, project: Project
) -> None:
    first = airflow("freshsales_emea")
    store = project.emulators["emea"].store
    changed, gone, *_ = project.live_ids("emea", "contacts")
    store.update("contacts", changed, job_title="Chief of everything")
    store.delete("contacts", gone)
    second = airflow("freshsales_emea")
    for run in (first, second):
        assert (run["state"], run["sync"]["exit_code"], run["sync"]["partial"]) == ("success", 0, False)
        assert run["sync"]["verdicts"] == {"contacts": "matched", "owners": "matched"}
        assert run["sync"]["data_interval"] == run["data_interval"], "it is recorded, and nothing else"
    assert second["sync"]["calls"] < first["sync"]["calls"]
    assert project.loaded_ids("emea", "contacts") == project.live_ids("emea", "contacts")
    titles = project.query(f"SELECT job_title FROM freshsales_emea.contacts WHERE id = {changed}")
    assert titles == [("Chief of everything",)]


def test_a_run_whose_quota_is_gone_goes_on_when_the_command_says(airflow: Tool, project: Project) -> None:
    waiting = datetime.fromisoformat(airflow("freshsales_quota")["waits_until"])
    assert timedelta(minutes=50) < waiting - datetime.now(UTC) < timedelta(minutes=61)
    project.lift_quota()
    ended = airflow("an hour later")
    assert (ended["state"], ended["tries"], ended["sync"]["exit_code"]) == ("success", 1, 0)
    assert project.loaded_ids("quota", "contacts") == project.live_ids("quota", "contacts")


def test_a_server_that_is_not_there_is_tried_again_after_a_minute(airflow: Tool, project: Project) -> None:
    waiting = datetime.fromisoformat(airflow("freshsales_offline")["waits_until"])
    assert timedelta(seconds=30) < waiting - datetime.now(UTC) <= timedelta(seconds=60)
    project.bring_online()
    ended = airflow("a minute later")
    assert (ended["state"], ended["tries"]) == ("success", 1)
    assert project.loaded_ids("offline", "contacts") == project.live_ids("offline", "contacts")


def test_a_wrong_key_fails_at_once(airflow: Tool, project: Project) -> None:
    ended = airflow("freshsales_wrong_key")
    assert (ended["state"], ended["tries"]) == ("failed", 1)
    assert (ended["sync"]["exit_code"], ended["sync"]["reason"]) == (3, "wrong_key")
    assert {call.status for call in project.emulators["wrong_key"].log} == {401}


def test_a_mismatch_fails_at_once_with_the_data_loaded(airflow: Tool, project: Project) -> None:
    ended = airflow("freshsales_mismatch")
    assert (ended["state"], ended["tries"], ended["sync"]["exit_code"]) == ("failed", 1, 4)
    assert ended["sync"]["verdicts"] == {
        "deals": "mismatch",
        "deal_pipelines": "matched",
        "deal_stages": "matched",
    }
    assert project.emulators["mismatch"].faults.fired()
    loaded, live = (set(ids("mismatch", "deals")) for ids in (project.loaded_ids, project.live_ids))
    assert set() < loaded < live


def test_a_run_that_reaches_max_calls_is_green_and_marked(airflow: Tool) -> None:
    ended = airflow("freshsales_capped")
    assert (ended["state"], ended["sync"]["exit_code"], ended["sync"]["partial"]) == ("success", 75, True)
    assert "partial" in ended["sync"]["verdicts"].values()
