"""The transport that asks the budget before each send, and tells it what the answer said.

It stands inside the retries, so each try is a call of its own: to the budget, to `max_calls` and to the
counters. What is counted lands in two meters: the transport's own, and the one a request carries in its
extensions (per object).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import httpx

from freshsales_source.api.budget import Budget, CallCeiling, Ticket
from freshsales_source.api.limit_headers import LimitSignal, read_limit_headers
from freshsales_source.clock import Clock

METER = "freshsales_meter"  # the name under which a request carries its Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was spent: calls sent (retries too), seconds waited for the budget, answers with status 429."""

    calls: int = 0
    waited_s: float = 0.0
    refused: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            waited_s=self.waited_s + other.waited_s,
            refused=self.refused + other.refused,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls - other.calls,
            waited_s=self.waited_s - other.waited_s,
            refused=self.refused - other.refused,
        )


class Meter:
    """Adds up Usage; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage = Usage()

    def add(self, usage: Usage) -> None:
        """Count more."""
        with self._lock:
            self._usage += usage

    def usage(self) -> Usage:
        """Return what was counted so far."""
        with self._lock:
            return self._usage


class Throttle(httpx.BaseTransport):
    """Reserves a call for each request, then hands it to the inner transport.

    Raises CallCeilingReached and QuotaExhausted before anything is sent.
    """

    def __init__(
        self, inner: httpx.BaseTransport, *, budget: Budget, clock: Clock, ceiling: CallCeiling | None = None
    ) -> None:
        self._inner = inner
        self._budget = budget
        self._clock = clock
        self._ceiling = ceiling or CallCeiling(None)
        self._meter = Meter()

    def usage(self) -> Usage:
        """Return what all requests together have spent."""
        return self._meter.usage()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the budget, send, report; the response is passed on as it is, 429 too."""
        ticket = self._ticket()
        self._count(request, Usage(calls=1, waited_s=ticket.waited_s))
        signal: LimitSignal | None = None
        is_refused = False
        try:
            response = self._inner.handle_request(request)
            signal = read_limit_headers(response.headers, now=self._clock.now())
            is_refused = response.status_code == 429
        finally:
            self._budget.settle(ticket, signal, refused=is_refused)
        if is_refused:
            self._count(request, Usage(refused=1))
        return response

    def close(self) -> None:
        """Close the inner transport; the budget belongs to whoever made it."""
        self._inner.close()

    def _ticket(self) -> Ticket:
        self._ceiling.spend()
        granted = False
        try:
            ticket = self._budget.acquire()
            granted = True
        finally:
            if not granted:
                self._ceiling.refund()
        return ticket

    def _count(self, request: httpx.Request, usage: Usage) -> None:
        self._meter.add(usage)
        meter = request.extensions.get(METER)
        if isinstance(meter, Meter):
            meter.add(usage)
