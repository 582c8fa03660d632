"""Materializes the assets of `pipelines/dagster_assets.py`, in an environment that has Dagster and nothing of ours.

Reads an account per line from stdin, with the tables to select behind it if not all, and writes a JSON object per line
to stdout: `waits_until`, where the run is to go on at a time, or how it ended. After `waits_until` it reads a line
before that time is come: the clock is moved, so that nobody has to wait. Whatever else is printed goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any, TextIO


class WaitingRoom:
    """Stands in for `time.sleep`, which Dagster calls until a step is to be tried again."""

    def __init__(self, answers: TextIO) -> None:
        self.answers = answers
        self.ahead_s = 0.0
        self._time = time.time

    def __call__(self, seconds: float) -> None:
        """Tell until when the step waits, and make it that time once somebody says so."""
        self.tell({"waits_until": datetime.fromtimestamp(self._time() + seconds, UTC).isoformat()})
        sys.stdin.readline()
        self.ahead_s += seconds

    def time(self) -> float:
        """The time as it is after all the waiting."""
        return self._time() + self.ahead_s

    def tell(self, what: dict[str, Any]) -> None:
        """Write a line for whoever started this."""
        print(json.dumps(what), file=self.answers, flush=True)


def main(folder: str) -> None:
    """Materialize account after account until stdin ends."""
    room = WaitingRoom(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    sys.path.insert(0, folder)
    dg: Any = importlib.import_module("dagster")
    example: Any = importlib.import_module("dagster_assets")
    room.tell(_described(dg, example))
    instance = dg.DagsterInstance.ephemeral()
    vars(time).update(sleep=room, time=room.time)
    for line in iter(sys.stdin.readline, ""):
        account, *tables = line.split()
        place = f"freshsales_{account}"
        job = example.defs.get_implicit_global_asset_job_def()
        keys = [
            key
            for key in job.asset_layer.executable_asset_keys
            if key.path[0] == place and (not tables or key.path[1] in tables)
        ]
        result = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=keys)
        room.tell(_told(result, instance))


def _described(dg: Any, example: Any) -> dict[str, Any]:
    specs = example.defs.resolve_all_asset_specs()
    return {
        "descriptions": {"/".join(spec.key.path): spec.description for spec in specs},
        "columns": {
            "/".join(spec.key.path): {
                column.name: column.description for column in spec.metadata["dagster/column_schema"].columns
            }
            for spec in specs
        },
        "schedules": {each.job_name: each.cron_schedule for each in example.defs.schedules},
        "defs_are_loadable": dg.Definitions.validate_loadable(example.defs) is None,
    }


def _told(result: Any, instance: Any) -> dict[str, Any]:
    materialized = result.get_asset_materialization_events()
    checks = result.get_asset_check_evaluations()
    failures = [event.event_specific_data for event in result.get_step_failure_events()]
    return {
        "success": result.success,
        "tags": dict(instance.get_run_by_id(result.run_id).tags),
        "materialized": {
            event.asset_key.path[-1]: {
                name: entry.value for name, entry in event.materialization.metadata.items()
            }
            for event in materialized
        },
        "checks": {
            check.asset_key.path[-1]: [check.passed, check.severity.value, check.description]
            for check in checks
        },
        "retries": sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events),
        "failures": [data.user_failure_data.description for data in failures if data.user_failure_data],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
