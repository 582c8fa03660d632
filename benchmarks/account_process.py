"""A large account behind a socket, in a process of its own: its time and memory are not the connector's.

with AccountProcess({"contacts": 1_000_000}) as account:
    account.url, account.edit("contacts", 1000), account.calls()
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.large_account import LargeAccount
from benchmarks.measured import ROOT, environment
from freshsales_source.emulator import Switches, SystemClock, serve


class Call(NamedTuple):
    """One request that the account answered: seconds since the epoch, path, query, status."""

    at: float
    path: str
    query: str
    status: int


class AccountProcess:
    """Starts the account, and ends it at the end of `with`. No limits: what is sent is what its log shows."""

    def __init__(self, sizes: Mapping[str, int], *, latency_s: float = 0.0, gzip: bool = True) -> None:
        self._told = {"sizes": dict(sizes), "latency_s": latency_s, "gzip": gzip}
        self.url = ""

    def __enter__(self) -> AccountProcess:
        command = [sys.executable, "-m", "benchmarks.account_process", json.dumps(self._told)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
        )
        self.url = str(self._answer()["url"])
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()  # which ends it
        self._process.stdout.close()
        self._process.wait()

    def edit(self, name: str, count: int, *, offset: int = 0) -> None:
        """Edit so many records of a list, evenly spread."""
        self._ask({"edit": [name, count, offset]})

    def calls(self) -> list[Call]:
        """What was asked since the last time."""
        return [Call(*row) for row in self._ask({"calls": True})["calls"]]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildProcessError("the emulated account ended; its words are on stderr")
        return dict(json.loads(line))


def main(told: str) -> None:
    """Serve until stdin ends, answering one question per line."""
    chosen = json.loads(told)
    switches = Switches(deal_views_default_pipeline_only=False, gzip=chosen["gzip"])
    account = LargeAccount(
        chosen["sizes"], clock=SystemClock(), latency_s=chosen["latency_s"], switches=switches
    )
    told_calls = 0
    with serve(account) as server:
        print(json.dumps({"url": server.url}), flush=True)
        for line in sys.stdin:
            answer: dict[str, Any] = {}
            match json.loads(line):
                case {"edit": [str(name), int(count), int(offset)]}:
                    account.edit(name, count, offset=offset)
                case {"calls": _}:
                    new = account.log[told_calls:]
                    told_calls += len(new)
                    answer["calls"] = [(one.at.timestamp(), one.path, one.query, one.status) for one in new]
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
