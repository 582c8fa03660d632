"""Runs the command in processes that are killed on the way, or meet a full disk.

Started once, it forks a process for each line it reads. So a run costs no start of Python, and is a process of its own
all the same: with its own memory, threads, locks and death. A line is a JSON object:

    arguments   of the command
    output      a file for what it prints, on both streams
    events      a file that gets a line for each file operation of dlt's, before it happens: its step, its path
    step, at    the operation of that step, counted from 1, before which the process sends itself a signal; 0: none
    signal      the number of the signal; 0: the disk is full from then on, and nobody dies

It prints a line with the process's id, then one with its exit code (negative: killed by that signal).
"""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freshsales_source.cli import main
from freshsales_source.cli.sync import run_sync  # imported before the first fork

STEPS = {
    "put away": r"os\.rm.*/normalize/extracted/",
    "folders": r"os\.mkdir .*/load(/\w+)?$",
    "schema": r"/schemas/",
    "extract": r"/normalize/",
    "normalize": r"/load/new/",
    "before a commit": r"/started_jobs/",
    "lists on their way": r"/\.pending_transitions/sales_accounts__",
    "after a load": r"/load/loaded/|/package_completed",
    "after a commit": r"/load/normalized/",
    "state": r"/state\.json",
}
"""Where in dlt's work a file operation lies, by what it does to which path; the first that fits."""
ELSEWHERE = "other"


def step_of(operation: str) -> str:
    return next((step for step, pattern in STEPS.items() if re.search(pattern, operation)), ELSEWHERE)


def operation(event: str, arguments: tuple[Any, ...]) -> str | None:
    """What is done to which file, told from what Python tells its auditors; None where no file is changed."""
    if event == "open" and set(str(arguments[1])) & set("wax"):
        return f"open {arguments[0]}"
    if event == "os.rename":
        return f"{event} {arguments[1]}"
    if event == "os.mkdir":
        return f"{event} {arguments[0]}"
    if event in ("os.remove", "os.rmdir"):
        name, folder = arguments
        # A tree is removed by names within an open folder.
        path = Path(f"/proc/self/fd/{folder}").readlink() / name if folder >= 0 else name
        return f"os.rm {path}"
    return None


class Watch:
    """Counts what dlt does to its folders, and sends the signal when its turn has come."""

    def __init__(self, folder: str, events: str, *, step: str, at: int, number: int) -> None:
        self._folder = folder
        self._step = step
        self._at = at
        self._number = number
        self._count = 0
        self._is_full = False
        self._lock = threading.Lock()
        self._events = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        done = operation(event, arguments)
        if done is None or self._folder not in done:
            return
        step = step_of(done)
        with self._lock:
            self._count += step == self._step
            is_due = step == self._step and self._count == self._at
            os.write(self._events, f"{step}: {done}\n".encode())
        if is_due and self._number:
            os.kill(os.getpid(), self._number)
        self._is_full |= is_due and not self._number
        # Room is wanted by new files and folders; a file is renamed and removed without.
        if self._is_full and done.startswith(("open ", "os.mkdir ")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run(order: Mapping[str, Any]) -> int:
    """Run the command as ordered, in this process."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.addaudithook(
        Watch(
            os.environ["DLT_DATA_DIR"],
            order["events"],
            step=order["step"],
            at=order["at"],
            number=order["signal"],
        )
    )
    try:
        return main(order["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve() -> None:
    """Read orders until there are no more."""
    assert callable(run_sync), "the command has been imported"
    # A collector that looks through what is imported would copy all of it, in each of them.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            os._exit(run(json.loads(line)))
        tell({"pid": pid})
        _, status = os.waitpid(pid, 0)
        tell({"code": os.waitstatus_to_exitcode(status)})


def tell(fact: Mapping[str, int]) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
