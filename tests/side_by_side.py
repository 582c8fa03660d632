"""Workers of several processes that spend one account's calls at the same time, on a clock that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import httpx

from freshsales_source.api.client import Client, build_client
from freshsales_source.emulator import Emulator
from freshsales_source.settings.config import read_settings
from tests.connector import DOMAIN, KEY
from tests.fake_clock import FAKE_START

PATH = "contacts/filters"
"""What the workers ask for: an answer that costs the emulator next to nothing."""


class SharedClock:
    """A clock for threads at work side by side: time stands still while one of them works, and jumps when all sleep.

    So what takes a second takes a second for each, and not for all of them in turn. `workers` threads must call
    `leave` when they have done their work.
    """

    def __init__(self, workers: int) -> None:
        self._condition = threading.Condition()
        self._awake = workers
        self._wakes: list[float] = []
        self._time = 0.0

    def now(self) -> datetime:
        """The wall reading, aware UTC."""
        return FAKE_START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds since the start."""
        with self._condition:
            return self._time

    def sleep(self, seconds: float) -> None:
        """Wait until everybody else sleeps and this thread's turn has come."""
        if seconds <= 0:
            return
        with self._condition:
            wakes_at = self._time + seconds
            heappush(self._wakes, wakes_at)
            self._awake -= 1
            self._pass()
            while self._time < wakes_at:
                self._condition.wait()

    def leave(self) -> None:
        """A worker has done its work: nobody waits for it any more."""
        with self._condition:
            self._awake -= 1
            self._pass()

    def _pass(self) -> None:
        if self._awake or not self._wakes:
            return
        self._time = self._wakes[0]
        while self._wakes and self._wakes[0] <= self._time:
            heappop(self._wakes)
            self._awake += 1
        self._condition.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call: who made it, when it was answered (seconds since the start), and how."""

    worker: str
    at: float
    status: int


@dataclass(kw_only=True)
class Recorder(httpx.BaseTransport):
    """Notes each call on its way to the emulator, by the thread that makes it."""

    emulator: Emulator
    sent: list[Sent] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, and note the answer."""
        response = httpx.WSGITransport(app=self.emulator.wsgi).handle_request(request)
        at = self.emulator.clock.monotonic()
        self.sent.append(Sent(worker=threading.current_thread().name, at=at, status=response.status_code))
        return response


def spend(
    emulator: Emulator,
    folder: Path,
    limits: Sequence[Sequence[float]],
    *,
    processes: int = 1,
    workers: int = 4,
    begin: float = 0.0,
    end: float,
    **flags: Any,
) -> list[Sent]:
    """Have workers ask all the time from one moment to another; `processes` share nothing but the budget's file.

    The emulator's clock must be a SharedClock for all of these workers.
    """
    clock, recorder = emulator.clock, Recorder(emulator=emulator)
    assert isinstance(clock, SharedClock)
    settings = read_settings(
        flags={
            "domain": DOMAIN,
            "api_key": KEY,
            "rate_limits": [list(limit) for limit in limits],
            "budget_store": folder / "budget.sqlite",
            **flags,
        }
    )
    clients = [build_client(settings, clock=clock, transport=recorder) for _ in range(processes)]

    def work(client: Client) -> None:
        try:
            clock.sleep(begin)
            while clock.monotonic() < end:
                client.get(PATH)
        finally:
            clock.leave()

    with ThreadPoolExecutor(processes * workers, thread_name_prefix="worker") as threads:
        for done in [threads.submit(work, client) for client in clients for _ in range(workers)]:
            done.result()
    for client in clients:
        client.close()
    return recorder.sent


def fullest(times: Sequence[float], span: float) -> int:
    """The most of these moments in any window of so many seconds, the older end left out."""
    times = sorted(times)
    first, most = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - span:
            first += 1
        most = max(most, last - first + 1)
    return most
