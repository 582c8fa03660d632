import random

import httpx
import pytest

from freshsales_source.api.budget import CallCeiling, SqliteBudget
from freshsales_source.api.throttle import METER, Meter, Throttle, Usage
from freshsales_source.errors import CallCeilingReached, QuotaExhausted
from freshsales_source.settings.config import OnQuota, RateLimit
from tests.canned_server import CannedServer, Reply, json_reply
from tests.fake_clock import FakeClock

REQUEST = httpx.Request("GET", "https://acme.myfreshworks.com/crm/sales/api/contacts/filters")
SMALL = (RateLimit(requests=3, seconds=60),)


def throttle(
    clock: FakeClock,
    *replies: Reply,
    limits: tuple[RateLimit, ...] = SMALL,
    max_calls: int | None = None,
    stops: bool = False,
) -> tuple[Throttle, CannedServer]:
    server = CannedServer(replies or [json_reply()], clock)
    on_quota: OnQuota = "stop" if stops else "wait"
    shared = SqliteBudget(":memory:", limits, clock=clock, rng=random.Random(3), on_quota=on_quota)
    return Throttle(server, budget=shared, clock=clock, ceiling=CallCeiling(max_calls)), server


def test_each_send_waits_for_the_budget() -> None:
    clock = FakeClock()
    transport, server = throttle(clock)
    for _ in range(4):
        transport.handle_request(REQUEST)
    assert [round(at - server.at[0]) for at in server.at] == [0, 0, 0, 60]


def test_calls_waits_and_refusals_are_counted() -> None:
    clock = FakeClock()
    transport, _ = throttle(clock, json_reply(), json_reply(status=429), json_reply())
    for _ in range(4):
        transport.handle_request(REQUEST)
    usage = transport.usage()
    assert (usage.calls, usage.refused) == (4, 1)
    assert usage.waited_s == pytest.approx(sum(clock.sleeps))
    assert usage.waited_s > 60


def test_a_request_that_carries_a_meter_is_counted_there_too() -> None:
    transport, _ = throttle(FakeClock())
    mine = Meter()
    transport.handle_request(httpx.Request("GET", REQUEST.url, extensions={METER: mine}))
    transport.handle_request(REQUEST)
    assert mine.usage() == Usage(calls=1)
    assert transport.usage() == Usage(calls=2)


def test_a_call_that_fails_on_the_wire_is_counted_and_gives_its_place_back_in_time() -> None:
    clock = FakeClock()
    transport, _ = throttle(clock, httpx.ConnectError("refused"), json_reply())
    with pytest.raises(httpx.ConnectError):
        transport.handle_request(REQUEST)
    for _ in range(3):
        transport.handle_request(REQUEST)
    assert transport.usage().calls == 4
    assert 59 < transport.usage().waited_s < 61


def test_the_ceiling_stops_before_the_send_and_counts_only_what_was_sent() -> None:
    transport, server = throttle(FakeClock(), max_calls=2)
    transport.handle_request(REQUEST)
    transport.handle_request(REQUEST)
    with pytest.raises(CallCeilingReached):
        transport.handle_request(REQUEST)
    assert len(server.requests) == transport.usage().calls == 2


def test_a_call_the_budget_refuses_is_not_taken_off_the_ceiling() -> None:
    clock = FakeClock()
    hourly = (RateLimit(requests=1, seconds=3600),)
    transport, server = throttle(clock, limits=hourly, max_calls=2, stops=True)
    transport.handle_request(REQUEST)
    for _ in range(3):
        with pytest.raises(QuotaExhausted):
            transport.handle_request(REQUEST)
    clock.advance(3601)
    transport.handle_request(REQUEST)
    assert len(server.requests) == 2


def test_the_headers_of_an_answer_reach_the_budget() -> None:
    clock = FakeClock()
    scarce = {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
    transport, server = throttle(clock, json_reply(headers=scarce), json_reply())
    transport.handle_request(REQUEST)
    transport.handle_request(REQUEST)
    assert server.at[1] - server.at[0] == pytest.approx(30)


def test_a_429_holds_back_the_next_send_until_the_reset() -> None:
    clock = FakeClock()
    transport, server = throttle(clock, json_reply(status=429, headers={"Retry-After": "200"}), json_reply())
    assert transport.handle_request(REQUEST).status_code == 429
    transport.handle_request(REQUEST)
    assert 200 < server.at[1] - server.at[0] < 203


def test_usage_adds_and_subtracts() -> None:
    some = Usage(calls=3, waited_s=1.5, refused=1)
    assert some + some - some == some
