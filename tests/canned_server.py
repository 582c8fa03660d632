"""A transport that answers from a script, and the settings and clients that the client-side tests share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import httpx

from freshsales_source.api.budget import Budget, SqliteBudget
from freshsales_source.api.client import Client, build_client
from freshsales_source.redact import Secret
from freshsales_source.settings.config import RateLimit, Settings
from tests.fake_clock import FakeClock

CANARY = "cAnArY-kEy_0123456789xyz"
WIDE = (RateLimit(requests=100_000, seconds=60),)

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class CannedServer(httpx.BaseTransport):
    """Plays the replies in order, the last one for ever; notes each request and the clock at its arrival."""

    def __init__(
        self, replies: Iterable[Reply], clock: FakeClock | None = None, *, latency_s: float = 0.0
    ) -> None:
        self._replies = list(replies)
        self._clock = clock
        self._latency_s = latency_s
        self.requests: list[httpx.Request] = []
        self.at: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if self._clock is not None:
            self.at.append(self._clock.monotonic())
            self._clock.advance(self._latency_s)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, stream=reply.stream)
        return reply(request)


def json_reply(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None
) -> httpx.Response:
    return httpx.Response(status, json={} if body is None else body, headers=headers)


def settings_for(domain: str = "acme", *, retries: int = 5, max_calls: int | None = None) -> Settings:
    return Settings(api_key=Secret(CANARY), domain=domain, retries=retries, max_calls=max_calls)


def client_for(
    server: httpx.BaseTransport,
    clock: FakeClock,
    *,
    settings: Settings | None = None,
    budget: Budget | None = None,
) -> Client:
    return build_client(
        settings or settings_for(),
        clock=clock,
        transport=server,
        budget=budget or SqliteBudget(":memory:", WIDE, clock=clock, rng=random.Random(1)),
        rng=random.Random(1),
    )
