"""How many calls may be sent, and when: the rate limits of an account, kept by all its threads and processes.

Exact, not approximate. A call's arrival at the server is only known to lie between being sent and being
answered. So a call occupies every window from its reservation until one span after its *answer*, and a new
call is let through only when, by that reckoning, each window has room. However long calls linger on the
wire, no sliding window of the server can then hold more than the limit. A margin covers a server that
counts a window's both ends.

What the server says comes on top:

- **Remaining.** Where it shows that others used more than their reserve, calls stop early, until the reset.
  Headers do not say which window they mean: one is taken to be described when its limit equals
  `X-RateLimit-Limit`, and only that one's cap may be raised by a later header. Others can only lower.
  When such a cap ends, one call goes first: a window that slides is not free at once.
- **429.** All sharers stop until the reset (Retry-After first, else X-RateLimit-Reset, else a minute). Then
  one of them sends a probe while the others wait for its answer; refused again, there is one probe a minute,
  or later on request. For a minute after the refusal no more is sent than the server took before it: others
  use the rest. So a third that others take costs each worker one 429 a window, and no storm.

Time in the file is wall time that never goes back: set back, it is carried on by the machine's steady clock.
A process that dies leaves its calls counted.
"""

from __future__ import annotations

import logging
import math
import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from freshsales_source.api.budget_file import open_budget_file
from freshsales_source.api.budget_ledger import Ledger, Wait
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.clock import Clock, Stop, heed, pause
from freshsales_source.errors import CallCeilingReached, QuotaExhausted, RetriableError
from freshsales_source.settings.config import OnQuota, RateLimit

PATIENCE_S = 75.0  # `stop` still waits out a full minute's window, not an hour's
_SHORTEST_WAIT_S = 0.001
_WORTH_A_LINE_S = 1.0
LONG_WAIT_S = 30.0
"""A wait that people must be told of, who would think that the run hangs."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to send one call; `waited_s` is what it cost in time."""

    number: int
    waited_s: float


class Budget(Protocol):
    """Grants calls one by one. Every ticket is settled, also when the call failed."""

    def acquire(self) -> Ticket:
        """Block until one call may be sent; raise QuotaExhausted where that is not wanted."""
        ...

    def settle(self, ticket: Ticket, signal: LimitSignal | None = None, *, refused: bool = False) -> None:
        """Tell that the call is over, what its headers said (None: no answer), and whether it was a 429."""
        ...

    def blocked_until(self) -> datetime | None:
        """Return when the wait after a 429 ends, or None where there is none."""
        ...


class CallCeiling:
    """The most calls one run may make (`max_calls`); None is no ceiling. Not shared between processes."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._spent = 0

    def spend(self) -> None:
        """Count one call; raise CallCeilingReached instead where none is left."""
        with self._lock:
            if self._most is not None and self._spent >= self._most:
                raise CallCeilingReached(
                    f"this run has made the {self._most} calls that max_calls allows",
                    remedy="Run again to go on where it ended, or raise max_calls.",
                )
            self._spent += 1

    def refund(self) -> None:
        """Take back a call that was never sent."""
        with self._lock:
            self._spent -= 1


class SqliteBudget:
    """A Budget in a SQLite file, shared by every process that opens it; ":memory:" is private to this object.

    `rng` draws the jitter of waits after a 429. Raises ConfigurationError for a file that cannot be used.
    """

    def __init__(
        self,
        path: Path | str,
        limits: Sequence[RateLimit],
        *,
        clock: Clock,
        reserve: float = 0.0,
        on_quota: OnQuota = "wait",
        rng: random.Random | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._clock = clock
        self._on_quota = on_quota
        self._rng = rng or random.Random()
        self._stop = stop
        self._lock = threading.Lock()
        self._told_until = -math.inf
        self._file = open_budget_file(path)
        self._ledger = Ledger(self._file, limits, reserve=reserve)

    def acquire(self) -> Ticket:
        """Block on the clock until one call may be sent; see Budget. Raises Interrupted once `stop` is set."""
        heed(self._stop)
        waited_s = 0.0
        while True:
            with self._transaction() as now:
                wait = self._ledger.wait(now)
                if wait is None:
                    return Ticket(number=self._ledger.issue(now), waited_s=waited_s)
            self._lose_patience(wait)
            self._tell(wait)
            seconds = max(wait.seconds, _SHORTEST_WAIT_S)
            pause(self._clock, seconds, self._stop)
            waited_s += seconds

    def settle(self, ticket: Ticket, signal: LimitSignal | None = None, *, refused: bool = False) -> None:
        """Free the ticket's place one span from now, and heed what the answer said; see Budget."""
        with self._transaction() as now:
            self._ledger.settle(now, ticket.number, signal)
            if refused:
                self._ledger.refuse(now, ticket.number, signal.hint_s if signal else None, self._rng)
                # None, where the answer is an old one of a quota that is over.
                _LOG.warning("quota_refused wait_s=%.1f", max(0.0, self._ledger.block().until - now))
            else:
                self._ledger.answered(now, ticket.number, arrived=signal is not None)

    def blocked_until(self) -> datetime | None:
        """Return the end of the wait after a 429 as aware UTC, or None; see Budget."""
        with self._transaction() as now:
            until = self._ledger.block().until
        return self._clock.now() + timedelta(seconds=until - now) if until > now else None

    def close(self) -> None:
        """Close the file; other holders of it go on."""
        with self._lock:
            self._file.close()

    def _tell(self, wait: Wait) -> None:
        """A line in the log; a long wait is a warning, once for all threads that wait at the same time."""
        if wait.seconds < _WORTH_A_LINE_S:
            return
        with self._lock:
            now = self._clock.monotonic()
            is_warned_of = wait.seconds >= LONG_WAIT_S and now >= self._told_until
            self._told_until = now + wait.seconds if is_warned_of else self._told_until
        until = self._clock.now() + timedelta(seconds=wait.seconds)
        level = logging.WARNING if is_warned_of else logging.INFO
        _LOG.log(
            level,
            "budget_wait why=%s seconds=%.1f until=%s",
            wait.why,
            wait.seconds,
            f"{until:%Y-%m-%dT%H:%M:%SZ}",
        )

    def _lose_patience(self, wait: Wait) -> None:
        if self._on_quota == "wait" or wait.total_s <= PATIENCE_S:
            return
        retry_at = self._clock.now() + timedelta(seconds=wait.seconds)
        raise QuotaExhausted(
            f"the account's API calls are used up ({wait.why})",
            remedy=f"Run again after {retry_at:%Y-%m-%d %H:%M:%S} UTC, or set on_quota to wait.",
            retry_at=retry_at,
        )

    @contextmanager
    def _transaction(self) -> Iterator[float]:
        """One atomic look at the file, with the time; a failing file ends the run rather than the budget."""
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                with self._file:
                    yield self._ledger.tick(self._clock.now().timestamp(), self._clock.monotonic())
            except sqlite3.Error as error:
                remedy = "Run again; if it stays so, delete that file or set budget_store to another one."
                raise RetriableError(f"the budget file failed: {error}", remedy=remedy) from error
