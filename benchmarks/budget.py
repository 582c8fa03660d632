"""Whether a run uses what it is allowed, and no more: real syncs and bare calls, on the wall clock.

The server refuses nothing: its log is what is judged. A window may be filled at once and then waited for. So the share
is taken at a moment when a window's worth of calls begins: after k times the allowed calls at the earliest k windows
have passed, and what passed beyond them was lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.account_process import AccountProcess
from benchmarks.aims import Line
from benchmarks.measured import ROOT, environment, measure
from benchmarks.syncs import KEY
from tests.side_by_side import fullest

RESERVE = 0.1
LATENCY_S = 0.3
PROCESSES, WORKERS = 3, 4
LEAST = 0.95
Limit = tuple[int, float]


def measured(quick: bool) -> Iterator[Line]:
    """Two lines, measured at the same time with an account each: both do little but wait."""
    limit, windows = ((40, 6.0), 3) if quick else ((400, 60.0), 5)
    with ThreadPoolExecutor(2) as side_by_side:
        lines = [side_by_side.submit(one, limit, windows) for one in (of_a_sync, of_processes)]
        for line in lines:
            yield line.result()


def of_a_sync(limit: Limit, windows: int) -> Line:
    """A first sync of four lists, long enough for so many windows; small pages, so that it takes few records."""
    calls = int(limit[0] * (1 - RESERVE) * (windows + 0.5))
    lists = ("contacts", "sales_accounts", "open_deals", "won_deals")
    size = 10
    with (
        AccountProcess(dict.fromkeys(lists, calls // len(lists) * size), latency_s=LATENCY_S) as account,
        tempfile.TemporaryDirectory() as folder,
    ):
        account.calls()
        run = measure(
            "benchmarks.syncs:first_sync",
            folder=folder,
            url=account.url,
            objects=["contacts", "sales_accounts", "deals"],
            warms_up=False,
            page_size=size,
            concurrency=len(lists),
            rate_limits=[list(limit)],
            reserve=RESERVE,
        )
        times = [call.at for call in account.calls()]
    return _line("budget_sync", times, limit, {"cpu_s": round(run.cpu_s, 1), **run.value})


def of_processes(limit: Limit, windows: int) -> Line:
    """Three processes of four workers that do nothing but ask."""
    calls = int(limit[0] * (1 - RESERVE) * (windows + 0.5) / PROCESSES / WORKERS)
    with AccountProcess({}, latency_s=LATENCY_S) as account, tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "budget.sqlite"
        command = [sys.executable, "-m", "tests.spender", account.url, KEY, str(store)]
        command += [json.dumps([limit]), str(calls)]
        spenders = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment())
            for _ in range(PROCESSES)
        ]
        told = [json.loads(spender.communicate()[0]) for spender in spenders]
        times = [call.at for call in account.calls()]
    return _line("budget_processes", times, limit, {"processes": told})


def used(times: Sequence[float], limit: Limit) -> float:
    """The share of the allowed calls that was made until the last moment at which a new window's worth began."""
    requests, seconds = limit
    allowed = round(requests * (1 - RESERVE))
    windows = (len(times) - 1) // allowed
    if not windows:
        raise ValueError(f"{len(times)} calls are less than a window allows ({allowed})")
    inorder = sorted(times)
    return windows * seconds / (inorder[windows * allowed] - inorder[0])


def _line(key: str, times: list[float], limit: Limit, detail: dict[str, Any]) -> Line:
    share, most = used(times, limit), fullest(times, limit[1])
    above = max(0, most - limit[0])
    return Line(
        key=key,
        reached=f"{share:.1%}; {above} above",
        holds=share >= LEAST and not above,
        detail={
            "limit": list(limit),
            "reserve": RESERVE,
            "calls": len(times),
            "seconds": round(max(times) - min(times), 1),
            "share": round(share, 4),
            "most in a window": most,
            **detail,
        },
    )
