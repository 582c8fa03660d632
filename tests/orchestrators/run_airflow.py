"""Runs DAGs of `pipelines/airflow_dags.py` with `dag.test()`, in an environment that has Airflow and nothing of ours.

Reads the name of a DAG per line from stdin, and writes a JSON object per line to stdout: `waits_until`, where the task
is to run again at a time, or how the run ended. After `waits_until` it reads a line before that time is come: the row
in which Airflow keeps it is moved, so that nobody has to wait. Whatever else is printed goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO


class WaitingRoom:
    """Stands in for `time.sleep`, which `dag.test()` calls when there is nothing to run yet."""

    def __init__(self, answers: TextIO) -> None:
        self.answers = answers

    def __call__(self, _seconds: float) -> None:
        """Tell until when the task waits, and make it that time once somebody says so."""
        reschedules: Any = importlib.import_module("airflow.models.taskreschedule").TaskReschedule
        with self._session() as session:
            row = session.query(reschedules).order_by(reschedules.id.desc()).first()
            self.tell({"waits_until": row.reschedule_date.isoformat()})
            sys.stdin.readline()
            row.reschedule_date = datetime.now(UTC) - timedelta(seconds=1)

    def tell(self, what: dict[str, Any]) -> None:
        """Write a line for whoever started this."""
        print(json.dumps(what), file=self.answers, flush=True)

    def _session(self) -> Any:
        return importlib.import_module("airflow.utils.session").create_session()


def main() -> None:
    """Run DAG after DAG until stdin ends."""
    room = WaitingRoom(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    importlib.import_module("airflow.utils.db").initdb()
    bag: Any = importlib.import_module("airflow.dag_processing.dagbag").DagBag(
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    )
    assert bag.import_errors == {}
    vars(time)["sleep"] = room
    room.tell({name: _described(dag) for name, dag in bag.dags.items()})
    for line in iter(sys.stdin.readline, ""):
        room.tell(_run(bag.dags[line.strip()]))


def _described(dag: Any) -> dict[str, Any]:
    task = dag.get_task("sync")
    return {
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "schedule": dag.timetable.expression,
        "poke_interval": task.poke_interval,
    }


def _run(dag: Any) -> dict[str, Any]:
    run = dag.test()
    task = run.get_task_instance("sync")
    return {
        "state": str(task.state),
        "tries": task.try_number,
        "sync": task.xcom_pull(task_ids="sync", key="sync", run_id=run.run_id),
        "data_interval": [str(run.data_interval_start), str(run.data_interval_end)],
    }


if __name__ == "__main__":
    main()
