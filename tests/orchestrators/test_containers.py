"""The container, the CronJob and the crontab of `pipelines/`, as far as a machine without a container engine can tell.

`build_container.py` has followed the Dockerfile's steps; here the image's own command runs, as that of a container that
knows nothing of the one before.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.cli.arguments import parse
from freshsales_source.emulator import Emulator, SystemClock, generate_company, serve
from freshsales_source.exit_codes import ExitCode
from tests.command import ALL_PIPELINES
from tests.orchestrators.project import COMMAND, ENVIRONMENTS, EXAMPLES, Project
from tests.postgres_server import CREDENTIALS, PostgresServer

CONTAINER = ENVIRONMENTS / "container"
MANIFEST = EXAMPLES / "cronjob.yaml"
IMAGE: dict[str, Any] = json.loads((CONTAINER / "image.json").read_text())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("cron")).served() as served:
        yield served


def run_container(folder: Path, **environment: str) -> dict[str, Any]:
    """Run the image in a folder that takes the place of its file system; what it prints."""
    folder.mkdir()
    place = IMAGE["workdir"]
    variables = {name: value.replace(place, str(folder)) for name, value in IMAGE["env"].items()}
    program, *arguments = map(str, [*IMAGE["entrypoint"], *IMAGE["cmd"]])
    done = subprocess.run(
        [str(CONTAINER / "venv" / "bin" / program), *arguments],
        cwd=folder,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def test_the_image_syncs_and_the_next_container_goes_on_from_the_warehouse(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    assert IMAGE["user"] == "65534:65534"
    store = generate_company(SystemClock(), accounts=6, contacts=20, deals=10, in_bin=1)
    emulator = Emulator(store, switches=ALL_PIPELINES)
    with serve(emulator) as server:
        environment = {
            "FRESHSALES_DOMAIN": server.url,
            "FRESHSALES_API_KEY": emulator.api_key,
            "SOURCES__FRESHSALES__OBJECTS": "contacts, owners",
            CREDENTIALS: postgres.url,
        }
        first = run_container(tmp_path / "first", **environment)
        changed = min(int(row["id"]) for row in store.live("contacts"))
        store.update("contacts", changed, job_title="Chief of everything")
        second = run_container(tmp_path / "second", **environment)
    assert second["reason"] == "state_from_warehouse"
    assert second["calls"] < first["calls"]
    assert {row["object"]: row["rows_changed"] for row in second["objects"]}["contacts"] == 1
    with postgres.connect("freshsales") as database:
        cursor = database.cursor()
        cursor.execute("SELECT id FROM contacts WHERE NOT is_deleted ORDER BY id")
        loaded = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT job_title FROM contacts WHERE id = %s", [changed])
        assert cursor.fetchall() == [("Chief of everything",)]
    assert loaded == sorted(int(row["id"]) for row in store.live("contacts"))


def complaints(manifest: str) -> str:
    script = Path(__file__).with_name("check_manifest.py")
    python = ENVIRONMENTS / "manifests" / "bin" / "python"
    done = subprocess.run(
        [str(python), str(script)], input=manifest, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_manifest_is_what_kubernetes_expects() -> None:
    manifest = MANIFEST.read_text()
    assert complaints(manifest) == ""
    assert "'backofLimit' was unexpected" in complaints(manifest.replace("backoffLimit", "backofLimit"))
    assert "concurrencyPolicy" in complaints(manifest.replace(": Forbid", ": [1]"))


def test_the_manifest_gives_the_command_what_it_takes() -> None:
    manifest = MANIFEST.read_text()
    (arguments,) = re.findall(r"args: (\[.*\])", manifest)
    given = parse(json.loads(arguments))
    assert (given.command, given.destination, given.dataset) == ("sync", "postgres", "freshsales_emea")
    (codes,) = re.findall(r"values: (\[.*\])", manifest)
    hopeless = (ExitCode.USAGE, ExitCode.CONFIGURATION, ExitCode.INCOMPLETE)
    assert json.loads(codes) == [int(code) for code in hopeless]


def crontab_lines() -> list[tuple[str, str]]:
    """Times and command of each line."""
    lines = (EXAMPLES / "crontab").read_text().splitlines()
    fields = [line.split(None, 5) for line in lines if not line.startswith("#")]
    return [(" ".join(field[:5]), field[5]) for field in fields]


def run_from_cron(command: str, project: Project) -> subprocess.CompletedProcess[str]:
    command = command.replace("/opt/freshsales/bin/freshsales", shlex.quote(str(COMMAND)))
    command = command.replace("/srv/freshsales", shlex.quote(str(project.folder)))
    return subprocess.run(
        ["/bin/sh", "-c", command], env=project.environment(), capture_output=True, text=True, check=False
    )


def test_cron_syncs_an_account_and_mails_only_what_is_not_well(project: Project) -> None:
    lines = crontab_lines()
    assert [times for times, _ in lines] == ["17 * * * *", "47 * * * *"]
    assert "%" not in "".join(command for _, command in lines), "cron takes it for the end of the line"
    emea, other = (command for _, command in lines)
    well = run_from_cron(emea, project)
    assert (well.returncode, well.stdout, well.stderr) == (0, "", "")
    assert project.loaded_ids("emea", "contacts") == project.live_ids("emea", "contacts")
    assert "matched" in (project.folder / "emea.txt").read_text()
    refused = run_from_cron(other.replace("apac", "wrong_key"), project)
    assert refused.stderr.startswith("wrong_key: ")
    unwell = run_from_cron(other.replace("apac", "mismatch"), project)
    assert "mismatch" in unwell.stdout
