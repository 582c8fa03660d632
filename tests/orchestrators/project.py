"""A project of several accounts, each with a trouble of its own, and a tool in another environment that runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from freshsales_source.emulator import (
    Emulator,
    Fault,
    Limits,
    Switches,
    SystemClock,
    Window,
    generate_company,
    serve,
)
from freshsales_source.emulator.limits import Meter
from tests.command import ALL_PIPELINES

ENVIRONMENTS = Path(os.environ["FRESHSALES_ORCHESTRATORS"])
"""The folder with an environment for each: `airflow`, `dagster`, `manifests`."""

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "pipelines"
COMMAND = Path(sys.executable).with_name("freshsales")

SETTINGS = {
    "emea": "",
    "quota": "",
    "wrong_key": "",
    "mismatch": "objects = ['deals', 'deal_pipelines', 'deal_stages']\n",
    "capped": "max_calls = 5\nobjects = ['contacts', 'sales_accounts', 'owners']\npage_size = 10\n",
    "offline": "retries = 1\n",
}
"""What the accounts have of their own in config.toml, beside their address."""


class Project:
    """The folder with the settings of all accounts, and the emulators behind them by name; `offline` has none yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.home = folder / "home"
        for path in (self.folder / ".dlt", self.home):
            path.mkdir(parents=True)
        self.emulators: dict[str, Emulator] = {}
        self._servers = ExitStack()
        self._offline_port = _free_port()

    @contextmanager
    def served(self) -> Iterator[Project]:
        """Serve all accounts but `offline`, and write the settings."""
        addresses = {"offline": f"http://127.0.0.1:{self._offline_port}"}
        with self._servers:
            for name in SETTINGS:
                if name != "offline":
                    self.emulators[name] = _emulator(name)
                    server = self._servers.enter_context(serve(self.emulators[name]))
                    addresses[name] = server.url
            self._write(addresses)
            yield self

    def bring_online(self) -> None:
        """Serve `offline` at last."""
        self.emulators["offline"] = _emulator("offline")
        self._servers.enter_context(serve(self.emulators["offline"], self._offline_port))

    def lift_quota(self) -> None:
        """Let the hour pass for which the calls of `quota` were used up, here and there."""
        self.emulators["quota"].meter = Meter(None, SystemClock())
        for budget in (self.home / "state" / "freshsales-source").glob("budget-*"):
            budget.unlink()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the DuckDB file of all accounts."""
        with duckdb.connect(str(self.folder / "freshsales.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(sql).fetchall()

    def live_ids(self, account: str, object_name: str) -> list[int]:
        """The ids of live records in the CRM."""
        return sorted(int(row["id"]) for row in self.emulators[account].store.live(object_name))

    def loaded_ids(self, account: str, table: str) -> list[int]:
        """The ids of live rows in the warehouse."""
        sql = f"SELECT id FROM freshsales_{account}.{table} WHERE NOT is_deleted ORDER BY id"
        return [int(row[0]) for row in self.query(sql)]

    def environment(self) -> dict[str, str]:
        """A machine on which the command is installed elsewhere, and nothing of ours can be imported."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "DLT_DATA_DIR": str(self.home / "dlt"),
            "FRESHSALES_COMMAND": str(COMMAND),
            "FRESHSALES_PROJECT": str(self.folder),
        }

    def _write(self, addresses: Mapping[str, str]) -> None:
        config, secrets = ["[sources.freshsales]\nobjects = ['contacts', 'owners']\n"], []
        for name, settings in SETTINGS.items():
            table = f"[sources.freshsales.accounts.{name}]\n"
            config.append(f"{table}domain = '{addresses[name]}'\n{settings}")
            secrets.append(f"{table}api_key = '{'not-' if name == 'wrong_key' else ''}the-key-of-{name}'\n")
        (self.folder / ".dlt" / "config.toml").write_text("".join(config))
        (self.folder / ".dlt" / "secrets.toml").write_text("".join(secrets))


class Tool:
    """A script of this folder in the environment of a tool: a line in, JSON lines out."""

    def __init__(self, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        self._log = Path(environment["HOME"]) / f"{name}.log"
        script = Path(__file__).with_name(f"run_{name}.py")
        python = ENVIRONMENTS / name / "bin" / "python"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(python), str(script), *arguments],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.described = self._answer()

    def __call__(self, line: str) -> Any:
        """Say one line, and return the answer to it."""
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the tool has ended:\n{self._log.read_text()[-5000:]}"
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def _emulator(name: str) -> Emulator:
    clock = SystemClock()
    seed = 1 + list(SETTINGS).index(name)
    emulator = Emulator(
        generate_company(clock, seed=seed, accounts=12, contacts=30, deals=24, in_bin=2),
        clock=clock,
        api_key=f"the-key-of-{name}",
        switches=Switches() if name == "mismatch" else ALL_PIPELINES,
        limits=Limits(windows=(Window(requests=3, seconds=3600),)) if name == "quota" else None,
    )
    if name == "mismatch":  # The views show one pipeline, and the search that shows the others is forbidden.
        emulator.faults.add(Fault(kind="status", status=403, path="*filtered_search*", times=1000))
    return emulator


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
