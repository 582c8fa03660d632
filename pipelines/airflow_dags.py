"""One Airflow DAG per Freshsales account; copy it into your `dags` folder. Tried with Airflow 3.3.

The command has an environment of its own, since Airflow's packages and its own do not go together:

    python3 -m venv /opt/freshsales && /opt/freshsales/bin/pip install /path/to/freshsales-source
    export FRESHSALES_COMMAND=/opt/freshsales/bin/freshsales
    export FRESHSALES_PROJECT=/srv/freshsales  # its .dlt/config.toml has a table for each account

The command remembers by itself what it has read. So a DAG catches up nothing, runs once at a time, and its data
interval is recorded, not read by. What becomes of a task, by the exit code of the command:

    0   success
    75  limits used up: again at `retry_at`, and no worker is held until then
        `max_calls` reached: success with `partial` in its XCom; the next run goes on
        a lock, the network, the server: again after a minute, for a day
    3   failed, and not tried again: key, rights or settings must be mended
    4   failed, and not tried again: an object is not whole; everything else has been loaded
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException

COMMAND = os.environ.get("FRESHSALES_COMMAND", "freshsales")
PROJECT = Path(os.environ.get("FRESHSALES_PROJECT", "."))


class FreshsalesSync(BaseSensorOperator):
    """Runs `freshsales sync`, again and again while it says that it is not finished."""

    def __init__(self, *, account: str | None, **more: Any) -> None:
        super().__init__(mode="reschedule", poke_interval=60, timeout=24 * 3600, **more)
        self.account = account
        self.process: subprocess.Popen[str] | None = None

    def poke(self, context: Any) -> PokeReturnValue:
        """Sync once; end, wait or fail as the exit code says. The XCom `sync` tells how it went, whatever it was."""
        code, report = self.sync()
        reason, retry_at = report.get("reason"), report.get("retry_at")
        verdicts = {row["object"]: row["verdict"] for row in report.get("objects", [])}
        summary = {
            "exit_code": code,
            "reason": reason,
            "partial": code == 75,
            "calls": report.get("calls"),
            "verdicts": verdicts,
            "data_interval": [str(context["data_interval_start"]), str(context["data_interval_end"])],
        }
        context["ti"].xcom_push(key="sync", value=summary)
        if code == 0 or (code == 75 and reason == "max_calls"):
            return PokeReturnValue(is_done=True)
        if code == 75 and retry_at:
            raise AirflowRescheduleException(datetime.fromisoformat(retry_at))
        if code == 75:
            return PokeReturnValue(is_done=False)
        if code in (3, 4):
            bad = {name: verdict for name, verdict in verdicts.items() if verdict in ("failed", "mismatch")}
            raise AirflowFailException(f"{reason}: {report.get('message') or bad}")
        raise AirflowException(f"freshsales sync ended with {code}, see the log")

    def sync(self) -> tuple[int, dict[str, Any]]:
        """The exit code and the report; what the command logs is in the task's log."""
        arguments = ["sync", "--json", *(["--account", self.account] if self.account else [])]
        # Where the limits are used up, a task that waits would hold its worker.
        environment = {"SOURCES__FRESHSALES__ON_QUOTA": "stop", **os.environ}
        with subprocess.Popen(
            [COMMAND, *arguments], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
        ) as self.process:
            out, _ = self.process.communicate()
        return self.process.returncode, json.loads(out) if out.strip() else {}

    def on_kill(self) -> None:
        """Let the command end by itself: it keeps what it has read."""
        if self.process is not None:
            self.process.terminate()


def accounts() -> list[str | None]:
    """The names of the accounts in the project's settings; None stands for the only one."""
    config = tomllib.loads((PROJECT / ".dlt" / "config.toml").read_text(encoding="utf-8"))
    return [*config["sources"]["freshsales"].get("accounts", {})] or [None]


for name in accounts():
    with DAG(
        dag_id=f"freshsales_{name}" if name else "freshsales",
        schedule="@hourly",
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
    ):
        FreshsalesSync(task_id="sync", account=name, retries=2, retry_delay=timedelta(minutes=1))
