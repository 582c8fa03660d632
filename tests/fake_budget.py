"""Budgets on a fake clock, and a way to spend them."""

from __future__ import annotations

import random
from pathlib import Path

from freshsales_source.api.budget import SqliteBudget
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.settings.config import OnQuota, RateLimit
from tests.fake_clock import FakeClock

MINUTE = RateLimit(requests=10, seconds=60)
HOUR = RateLimit(requests=25, seconds=3600)
ANSWERED = LimitSignal()


def budget(
    clock: FakeClock,
    *limits: RateLimit,
    path: Path | str = ":memory:",
    reserve: float = 0.0,
    on_quota: OnQuota = "wait",
) -> SqliteBudget:
    return SqliteBudget(
        path, limits or (MINUTE,), clock=clock, reserve=reserve, on_quota=on_quota, rng=random.Random(7)
    )


def spend(one: SqliteBudget, calls: int = 1, signal: LimitSignal | None = ANSWERED) -> float:
    """Make calls that take no time; return how long they waited together."""
    waited = 0.0
    for _ in range(calls):
        ticket = one.acquire()
        one.settle(ticket, signal)
        waited += ticket.waited_s
    return waited
