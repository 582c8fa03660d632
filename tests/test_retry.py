import gzip
import random
import ssl
import threading
from collections.abc import Iterator

import httpx
import pytest

from freshsales_source.api import answer_body
from freshsales_source.api.budget import SqliteBudget
from freshsales_source.api.retry import Retry
from freshsales_source.api.throttle import Throttle
from freshsales_source.errors import CallCeilingReached, CutAnswer, Interrupted, OversizedAnswer
from freshsales_source.settings.config import RateLimit
from tests.canned_server import WIDE, CannedServer, Reply, json_reply
from tests.fake_clock import FakeClock

REQUEST = httpx.Request(
    "GET", "https://acme.myfreshworks.com/crm/sales/api/contacts/view/1?page=2&token=hidden"
)
GOOD = json_reply({"contacts": [], "meta": {"total": 0}})
JSON = {"Content-Type": "application/json; charset=utf-8"}
ZIPPED = {**JSON, "Content-Encoding": "gzip"}


def retry(
    server: CannedServer, clock: FakeClock, *, tries: int = 5, stop: threading.Event | None = None
) -> Retry:
    return Retry(server, tries=tries, clock=clock, rng=random.Random(5), stop=stop)


class Torn(httpx.SyncByteStream):
    """A body whose connection breaks in the middle."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"contacts":'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


@pytest.mark.parametrize(
    "trouble",
    [
        json_reply(status=500),
        json_reply(status=502),
        httpx.Response(503, text="<h1>busy</h1>"),
        json_reply(status=504),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.Response(200, headers=JSON, stream=Torn()),
        httpx.Response(200, headers=JSON, content=b'{"contacts":[{"id":1}'),
        httpx.Response(200, headers=JSON, content=b'{"contacts":[{"id":1,"name":"}]}'),
        httpx.Response(200, headers=JSON, content=b""),
        lambda _: httpx.Response(200, headers=ZIPPED, stream=httpx.ByteStream(b"no gzip")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_may_pass_the_next_time_is_tried_again(trouble: Reply, method: str) -> None:
    clock = FakeClock()
    server = CannedServer([trouble, GOOD], clock)
    response = retry(server, clock).handle_request(httpx.Request(method, REQUEST.url, content=b"{}"))
    assert (response.status_code, response.json()["meta"]) == (200, {"total": 0})
    assert [request.content for request in server.requests] == [b"{}", b"{}"]


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 422, 501])
def test_an_answer_that_will_not_change_is_returned_at_once(status: int) -> None:
    clock = FakeClock()
    server = CannedServer([json_reply(status=status)], clock)
    assert retry(server, clock).handle_request(REQUEST).status_code == status
    assert len(server.requests) == 1
    assert clock.sleeps == []


def test_a_certificate_that_cannot_be_verified_is_not_asked_twice() -> None:
    clock = FakeClock()
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    server = CannedServer([error], clock)
    with pytest.raises(httpx.ConnectError):
        retry(server, clock).handle_request(REQUEST)
    assert len(server.requests) == 1


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_after_the_last_try_the_answer_or_error_comes_through(tries: int) -> None:
    clock = FakeClock()
    server = CannedServer([json_reply(status=503)], clock)
    assert retry(server, clock, tries=tries).handle_request(REQUEST).status_code == 503
    assert len(server.requests) == tries
    server = CannedServer([httpx.ReadTimeout("slow")], clock)
    with pytest.raises(httpx.ReadTimeout):
        retry(server, clock, tries=tries).handle_request(REQUEST)
    assert len(server.requests) == tries


def test_the_waits_grow_twofold_at_most_and_are_drawn_at_random() -> None:
    clock = FakeClock()
    retry(CannedServer([json_reply(status=500)], clock), clock, tries=10).handle_request(REQUEST)
    bounds = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(clock.sleeps) == 9
    assert all(0 <= slept <= most for slept, most in zip(clock.sleeps, bounds, strict=True))
    assert len(set(clock.sleeps)) == 9


def test_a_busy_server_may_ask_for_a_longer_wait() -> None:
    clock = FakeClock()
    busy = json_reply(status=503, headers={"Retry-After": "90"})
    retry(CannedServer([busy, GOOD], clock), clock).handle_request(REQUEST)
    assert clock.sleeps == [90]
    forever = json_reply(status=503, headers={"Retry-After": "80000"})
    retry(CannedServer([forever, GOOD], clock), clock).handle_request(REQUEST)
    assert clock.sleeps == [90, 300]


def throttled(server: CannedServer, clock: FakeClock, *, limits: tuple[RateLimit, ...] = WIDE) -> Throttle:
    budget = SqliteBudget(":memory:", limits, clock=clock, rng=random.Random(2))
    return Throttle(server, budget=budget, clock=clock)


def test_retries_spend_budget_too() -> None:
    clock = FakeClock()
    server = CannedServer([json_reply(status=500)], clock)
    limits = (RateLimit(requests=2, seconds=600),)
    throttle = throttled(server, clock, limits=limits)
    Retry(throttle, tries=4, clock=clock, rng=random.Random(5)).handle_request(REQUEST)
    assert throttle.usage().calls == 4
    assert server.at[3] - server.at[0] > 600


def test_a_quota_gone_for_hours_is_waited_for_with_one_probe_a_minute_and_costs_no_try() -> None:
    clock = FakeClock()
    refused: list[Reply] = [json_reply(status=429)] * 180
    server = CannedServer([*refused, GOOD], clock)
    transport = Retry(throttled(server, clock), tries=1, clock=clock, rng=random.Random(5))
    assert transport.handle_request(REQUEST).status_code == 200
    gaps = [later - earlier for earlier, later in zip(server.at, server.at[1:], strict=False)]
    assert min(gaps) >= 60
    assert max(gaps) <= 62.1


def test_refusals_that_nothing_waits_for_end_with_the_tries() -> None:
    clock = FakeClock()
    server = CannedServer([json_reply(status=429)], clock)
    assert retry(server, clock).handle_request(REQUEST).status_code == 429
    assert len(server.requests) <= 20


def test_errors_of_ours_pass_through_untouched() -> None:
    clock = FakeClock()
    with pytest.raises(CallCeilingReached):
        retry(CannedServer([CallCeilingReached("spent")], clock), clock).handle_request(REQUEST)


def test_a_stop_cuts_the_back_off_short() -> None:
    clock = FakeClock()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        retry(CannedServer([json_reply(status=500)], clock), clock, stop=stop).handle_request(REQUEST)
    assert clock.sleeps == []


def test_a_body_is_decoded_once_and_its_cookies_are_dropped() -> None:
    clock = FakeClock()
    packed = gzip.compress(b'{"contacts": []}')
    headers = {**JSON, "Content-Encoding": "gzip", "Set-Cookie": "session=1", "X-Request-Id": "r1"}
    server = CannedServer(
        [lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed))], clock
    )
    response = retry(server, clock).handle_request(REQUEST)
    assert response.content == b'{"contacts": []}'
    assert "set-cookie" not in response.headers
    assert response.headers["x-request-id"] == "r1"


class Endless(httpx.SyncByteStream):
    """A body without end that notes whether it was closed; `clock` moves with each chunk."""

    def __init__(self, clock: FakeClock, chunk: bytes, seconds: float = 0.0) -> None:
        self.clock = clock
        self.chunk = chunk
        self.seconds = seconds
        self.sent = 0
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.clock.advance(self.seconds)
            self.sent += len(self.chunk)
            yield self.chunk

    def close(self) -> None:
        self.is_closed = True


def test_a_body_above_the_cap_is_given_up_and_not_asked_for_again() -> None:
    clock = FakeClock()
    body = Endless(clock, b"x" * 1024 * 1024)
    server = CannedServer([httpx.Response(200, headers=JSON, stream=body)], clock)
    with pytest.raises(OversizedAnswer, match="page_size"):
        retry(server, clock).handle_request(REQUEST)
    assert body.sent <= answer_body.BODY_CAP + 2 * 1024 * 1024
    assert body.is_closed
    assert len(server.requests) == 1


def test_the_cap_counts_decoded_bytes() -> None:
    clock = FakeClock()
    bomb = gzip.compress(b" " * (answer_body.BODY_CAP + 1))
    headers = {**JSON, "Content-Encoding": "gzip"}
    chunks = [bomb[start : start + 65536] for start in range(0, len(bomb), 65536)]
    server = CannedServer([lambda _: httpx.Response(200, headers=headers, content=iter(chunks))], clock)
    with pytest.raises(OversizedAnswer):
        retry(server, clock).handle_request(REQUEST)


def test_a_server_that_drips_is_not_waited_for_without_end() -> None:
    clock = FakeClock()
    body = Endless(clock, b" ", seconds=50)
    server = CannedServer([httpx.Response(200, headers=JSON, stream=body)], clock)
    with pytest.raises(CutAnswer, match="did not end") as caught:
        retry(server, clock, tries=2).handle_request(REQUEST)
    assert "page=2" in caught.value.where
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("body", [b'{"note": "a } and ] and { text"}', b"[]", b" {} \n", b"true", b'"]"'])
def test_whole_json_passes_whatever_its_texts_contain(body: bytes) -> None:
    clock = FakeClock()
    server = CannedServer([httpx.Response(200, headers=JSON, content=body)], clock)
    assert retry(server, clock, tries=1).handle_request(REQUEST).content == body
