"""One account's budget among many: never above a limit, nearly all of it used, and no storm of refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

import pytest

from freshsales_source.emulator import (
    Emulator,
    Limits,
    Switches,
    SystemClock,
    Window,
    generate_company,
    serve,
)
from freshsales_source.emulator.clock import Clock
from tests.connector import KEY, connect
from tests.fake_clock import FakeClock
from tests.side_by_side import Sent, SharedClock, fullest, spend

_ROOT = Path(__file__).resolve().parent.parent
RESERVE = 0.1
WORKERS = 4

Kind = Literal["sliding", "fixed"]


def account(
    clock: Clock,
    limits: list[tuple[int, float]],
    *,
    kind: Kind = "sliding",
    others_per_minute: float = 0.0,
    latency_s: float = 0.3,
    **switches: Any,
) -> Emulator:
    """An account with next to nothing in it, and these limits."""
    store = generate_company(clock, accounts=1, contacts=1, deals=0, in_bin=0)
    windows = tuple(Window(requests=requests, seconds=seconds) for requests, seconds in limits)
    enforced = Limits(windows=windows, kind=kind, others_per_minute=others_per_minute)
    return Emulator(
        store,
        clock=clock,
        api_key=KEY,
        switches=Switches(**switches),
        limits=enforced,
        latency_s=latency_s,
    )


def refusals(sent: list[Sent]) -> dict[str, list[float]]:
    """When each worker was refused."""
    found: dict[str, list[float]] = {}
    for call in sent:
        if call.status == 429:
            found.setdefault(call.worker, []).append(call.at)
    return found


@pytest.mark.soak  # Half a minute of waiting; CI runs it with its share of the long searches.
def test_no_window_is_exceeded_by_three_processes_of_four_workers_in_real_time(tmp_path: Path) -> None:
    limits: list[tuple[int, float]] = [(20, 3.0), (120, 30.0)]
    # It refuses nothing: what is sent is what shows in its log.
    emulator = account(SystemClock(), [], latency_s=0.0)
    calls, processes = 11, 3
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_ROOT), "HOME": str(tmp_path)}
    with serve(emulator) as server:
        command = [sys.executable, "-m", "tests.spender", server.url, KEY, str(tmp_path / "budget.sqlite")]
        spenders = [
            subprocess.Popen(
                [*command, json.dumps(limits), str(calls)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env=environment,
            )
            for _ in range(processes)
        ]
        told = [json.loads(spender.communicate(timeout=200)[0]) for spender in spenders]
    times = [call.at.timestamp() for call in emulator.log]
    # More than the long window holds, or nothing would be proved.
    assert len(times) == calls * WORKERS * processes > 120
    assert all(fullest(times, seconds) <= requests * (1 - RESERVE) for requests, seconds in limits)
    assert all(one["calls"] == calls * WORKERS and one["waited_s"] > 0 for one in told)


@pytest.mark.parametrize("limits", [[(100, 60.0)], [(20, 3.0), (120, 30.0)]], ids=["one", "two"])
def test_nearly_all_of_the_allowed_calls_are_made_by_many_workers(
    limits: list[tuple[int, float]], tmp_path: Path
) -> None:
    processes, end = 3, 300.0
    clock = SharedClock(processes * WORKERS)
    emulator = account(clock, limits)
    sent = spend(emulator, tmp_path, limits, processes=processes, workers=WORKERS, end=end)
    allowed = min(requests / seconds for requests, seconds in limits) * (1 - RESERVE) * end
    assert sum(call.at <= end for call in sent) >= 0.95 * allowed
    assert not refusals(sent)
    assert all(fullest([call.at for call in sent], seconds) <= requests for requests, seconds in limits)


def test_nearly_all_of_the_allowed_calls_are_made_by_a_first_sync(tmp_path: Path) -> None:
    requests, span = 40, 60.0
    clock = FakeClock()
    store = generate_company(clock, accounts=1, contacts=330, deals=0, in_bin=1)
    limits = Limits(windows=(Window(requests=requests, seconds=span),))
    emulator = Emulator(store, clock=clock, api_key=KEY, limits=limits, latency_s=0.05)
    # One walk at a time, or on this clock what two wait for together would take twice as long.
    chosen: dict[str, Any] = {"objects": ["contacts"], "concurrency": 1, "page_size": 2}
    connector = connect(emulator, tmp_path, rate_limits=[[requests, span]], reserve=RESERVE, **chosen)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (0, "")
    times = [call.at.timestamp() for call in emulator.log]
    assert len(times) == report.calls > 4 * requests
    assert {call.status for call in emulator.log} == {200}
    assert fullest(times, span) <= requests * (1 - RESERVE)
    assert report.calls >= 0.95 * requests * (1 - RESERVE) * (times[-1] - times[0]) / span


MINUTE: list[tuple[int, float]] = [(60, 60.0)]
HOUR: list[tuple[int, float]] = [(400, 60.0), (300, 3600.0)]


@pytest.mark.parametrize("retry_after", ["absent", "seconds"])
@pytest.mark.parametrize(
    ("limits", "headers"),
    [(MINUTE, "none"), (MINUTE, "minute"), (HOUR, "none"), (HOUR, "minute"), (HOUR, "hour")],
    ids=["minute-none", "minute-minute", "hour-none", "hour-minute", "hour-hour"],
)
def test_others_who_take_a_third_cost_each_worker_one_refusal_a_minute_at_most(
    limits: list[tuple[int, float]], headers: str, retry_after: str, tmp_path: Path
) -> None:
    check_with_others(limits, tmp_path, limit_headers=headers, retry_after=retry_after)


@pytest.mark.soak
def test_others_who_take_a_third_never_cause_a_storm_whatever_the_server_says(tmp_path: Path) -> None:
    kinds: tuple[Kind, ...] = ("sliding", "fixed")
    forms = product(("none", "minute", "hour"), ("epoch", "seconds", "dmyHis"), ("absent", "seconds", "date"))
    for number, (headers, reset, retry_after) in enumerate(forms):
        for kind, limits, is_counted in product(kinds, (MINUTE, HOUR), (True, False)):
            folder = tmp_path / f"{number}-{kind}-{len(limits)}-{is_counted}"
            folder.mkdir()
            check_with_others(
                limits,
                folder,
                kind=kind,
                limit_headers=headers,
                limit_reset=reset,
                retry_after=retry_after,
                refused_calls_count=is_counted,
            )


def check_with_others(
    limits: list[tuple[int, float]], folder: Path, *, kind: Kind = "sliding", **switches: Any
) -> None:
    """Spend beside others who have taken a third all the time."""
    requests, span = limits[-1]
    clock = SharedClock(WORKERS)
    others = requests / span * 60 / 3
    emulator = account(clock, limits, kind=kind, others_per_minute=others, **switches)
    # The others were there before.
    begin, end = span, span + max(300.0, span)
    sent = spend(emulator, folder, limits, workers=WORKERS, begin=begin, end=end)
    refused = refusals(sent)
    if kind == "sliding":
        assert refused, "there was nothing to be seen"
        assert all(later - earlier >= 60 for times in refused.values() for earlier, later in pairwise(times))
    for times in refused.values():
        windows = [time // 60 for time in times]
        assert len(windows) == len(set(windows))
    answered = sum(call.status == 200 and call.at <= end for call in sent)
    assert answered >= 0.85 * (2 / 3) * requests / span * (end - begin)
