"""A job in a process of its own: seconds on the clock, seconds of CPU, peak memory, and what it returned.

A job is a function of this folder, `module:function`, that takes a `Stopwatch` and keyword arguments which JSON can
hold. It warms up first (imports, dlt's first load) and puts only what counts into `with stopwatch:`. Beside the
clock stand the seconds of CPU, because they hardly change when other programs want the machine, too.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run of a job took. `peak_mb` is of the whole process, warm-up included; `value` is the job's own."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    value: dict[str, Any]


class Stopwatch:
    """Adds up what passes inside of `with stopwatch:`, of the clock and of CPU (all threads, user and system)."""

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self._begun = (0.0, 0.0)

    def __enter__(self) -> Stopwatch:
        self._begun = time.perf_counter(), _cpu_s()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s += time.perf_counter() - self._begun[0]
        self.cpu_s += _cpu_s() - self._begun[1]


def measure(job: str, **arguments: Any) -> Measured:
    """Run a job once in a new process. Raises CalledProcessError when it fails, whose words are then on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measured", job],
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment(),
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def in_turn(jobs: Mapping[str, tuple[str, Mapping[str, Any]]], rounds: int) -> dict[str, list[Measured]]:
    """Run several jobs in turn, A B C A B C: what slows the machine down for a while hits all of them."""
    runs: dict[str, list[Measured]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (job, arguments) in jobs.items():
            runs[name].append(measure(job, **arguments))
    return runs


def middle(runs: Sequence[Measured]) -> Measured:
    """The medians of several runs; the value is that of the last."""
    return Measured(
        wall_s=median(run.wall_s for run in runs),
        cpu_s=median(run.cpu_s for run in runs),
        peak_mb=median(run.peak_mb for run in runs),
        value=runs[-1].value,
    )


def seconds_of(runs: Sequence[Measured]) -> dict[str, Any]:
    """Several runs as JSON: every one of them, none left out."""
    return {
        "wall_s": [round(run.wall_s, 3) for run in runs],
        "cpu_s": [round(run.cpu_s, 3) for run in runs],
        "peak_mb": [round(run.peak_mb) for run in runs],
    }


def environment() -> dict[str, str]:
    """The environment of a measured process: the user's, less what configures dlt or the connector."""
    ours = (
        "SOURCES__",
        "FRESHSALES_",
        "DESTINATION__",
        "NORMALIZE__",
        "LOAD__",
        "EXTRACT__",
        "DATA_WRITER__",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        # dlt warns of every column that is always null.
        "RUNTIME__LOG_LEVEL": "ERROR",
    }


def peak_mb() -> float:
    """The most memory that this process ever had, in MB (10^6 bytes).

    On Linux `ru_maxrss` begins with what the parent had when it started this process; the kernel's own mark does not.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        units = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * units / 1e6
    marks = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(marks["VmHWM"].split()[0]) * 1024 / 1e6


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def main(job: str) -> None:
    """Run the job that is named, with the arguments on stdin; its measures are the last line on stdout."""
    module, _, function = job.partition(":")
    stopwatch = Stopwatch()
    value = getattr(importlib.import_module(module), function)(stopwatch, **json.load(sys.stdin))
    taken = Measured(
        wall_s=stopwatch.wall_s, cpu_s=stopwatch.cpu_s, peak_mb=peak_mb(), value=dict(value or {})
    )
    print(json.dumps(asdict(taken)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
