import json
import pickle
import ssl
import traceback
from datetime import UTC, datetime

import httpx
import pytest

from freshsales_source.api.budget import Ticket
from freshsales_source.api.client import proxy_for
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.api.throttle import Meter, Usage
from freshsales_source.errors import (
    BadRequest,
    CallCeilingReached,
    CutAnswer,
    Forbidden,
    FreshsalesError,
    MalformedAnswer,
    NetworkFault,
    NotFound,
    NotTheApi,
    OversizedAnswer,
    QuotaExhausted,
    ServerFault,
    UntrustedServer,
    WrongHost,
    WrongKey,
)
from freshsales_source.redact import installed_redactor
from freshsales_source.settings.account import parse_domain
from tests.canned_server import CANARY, CannedServer, Reply, client_for, json_reply, settings_for
from tests.fake_clock import FakeClock

HTML = httpx.Response(200, html="<html>Log in</html>")
JSON = {"Content-Type": "application/json"}


def untrusted() -> httpx.ConnectError:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    return error


def too_large(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=JSON, content=(b" " * 2**20 for _ in range(70)))


FAILURES: list[tuple[Reply, type[FreshsalesError], str]] = [
    (json_reply({"login": "failed", "message": None}, 401), WrongKey, "Copy it again"),
    (json_reply({"errors": {"code": 403, "message": ["Geen toegang"]}}, 403), Forbidden, "right"),
    (json_reply({"errors": {"code": 404}}, 404), NotFound, "404"),
    (httpx.Response(404, html="<h1>Not found</h1>"), NotFound, "404"),
    (json_reply(status=400), BadRequest, "400"),
    (json_reply(status=422), BadRequest, "422"),
    (json_reply(status=405), BadRequest, "405"),
    (httpx.Response(502, html="<h1>Bad gateway</h1>"), ServerFault, "502"),
    (json_reply(status=501), ServerFault, "501"),
    (HTML, NotTheApi, "domain"),
    (httpx.Response(200, text="hello"), NotTheApi, "domain"),
    (
        httpx.Response(302, headers={"Location": f"https://evil.com/login?k={CANARY}"}),
        NotTheApi,
        "to evil.com;",
    ),
    (httpx.Response(301, headers={"Location": "/crm/sales/login"}), NotTheApi, "another address"),
    (httpx.Response(304), NotTheApi, "redirects"),
    (httpx.Response(200, headers=JSON, content=b'{"contacts": ['), CutAnswer, "middle"),
    (too_large, OversizedAnswer, "page_size"),
    (httpx.ConnectError(f"[Errno -2] Name or service not known {CANARY}"), NetworkFault, "no connection"),
    (httpx.ConnectTimeout("slow"), NetworkFault, "in time"),
    (httpx.ReadTimeout("slow"), NetworkFault, "timeout_s"),
    (httpx.ReadError(f"reset {CANARY}"), NetworkFault, "broke"),
    (httpx.ProxyError("407"), NetworkFault, "HTTPS_PROXY"),
    (untrusted(), UntrustedServer, "SSL_CERT_FILE"),
]


@pytest.mark.parametrize(("reply", "kind", "says"), FAILURES)
def test_every_failure_is_a_typed_error_with_its_place_that_never_shows_the_key(
    reply: Reply, kind: type[FreshsalesError], says: str
) -> None:
    clock = FakeClock()
    client = client_for(CannedServer([reply], clock), clock)
    with pytest.raises(FreshsalesError) as caught:
        client.get("contacts/view/42", {"page": 3, "include": "owner"})
    error = caught.value
    # As the command does with whatever leaves it.
    installed_redactor().scrub(error)
    assert type(error) is kind
    assert says in str(error)
    assert error.remedy
    assert error.where.startswith("GET /crm/sales/api/contacts/view/42?page=3")
    assert "include" not in error.where
    shown = "".join(traceback.format_exception(error))
    for one in (error, error.__cause__, error.__context__):
        shown += f"{one!s} {one!r} {getattr(one, 'args', ())}"
    if isinstance(error.__cause__, httpx.RequestError):
        shown += repr(error.__cause__.request.headers.raw)
    assert CANARY not in shown
    assert CANARY.encode() not in pickle.dumps(error)


def test_a_good_answer_is_bytes_with_the_servers_time() -> None:
    headers = {"Date": "Mon, 02 Mar 2026 08:59:58 GMT", "X-RateLimit-Remaining": "12", "X-Request-Id": "ab-1"}
    clock = FakeClock()
    client = client_for(CannedServer([json_reply({"filters": []}, headers=headers)], clock), clock)
    answer = client.get("contacts/filters")
    assert (answer.status, json.loads(answer.body), answer.json()) == (200, {"filters": []}, {"filters": []})
    assert answer.served_at == datetime(2026, 3, 2, 8, 59, 58, tzinfo=UTC)
    assert answer.limits.remaining == 12
    assert answer.where == "GET /crm/sales/api/contacts/filters, request id ab-1"


def test_an_answer_without_a_date_has_no_time_rather_than_a_guessed_one() -> None:
    clock = FakeClock()
    assert client_for(CannedServer([json_reply()], clock), clock).get("contacts/filters").served_at is None


def test_the_key_travels_in_one_header_to_the_configured_host() -> None:
    clock = FakeClock()
    server = CannedServer([json_reply()], clock)
    client_for(server, clock).get("/contacts/filters", {"page": 1})
    (request,) = server.requests
    assert str(request.url) == "https://acme.myfreshworks.com/crm/sales/api/contacts/filters?page=1"
    assert request.headers.get_list("Authorization") == [f"Token token={CANARY}"]
    assert request.headers["Accept-Encoding"] == "gzip"
    assert CANARY not in str(request.url)


def test_a_search_posts_json_and_is_repeated_like_any_read() -> None:
    clock = FakeClock()
    server = CannedServer([json_reply(status=503), json_reply({"deals": []})], clock)
    client_for(server, clock).post("filtered_search/deal", {"filter_rule": []}, {"page": 2})
    assert [request.method for request in server.requests] == ["POST", "POST"]
    assert [request.content for request in server.requests] == [b'{"filter_rule":[]}'] * 2
    assert server.requests[1].headers["Content-Type"] == "application/json"
    assert server.requests[1].url.params["page"] == "2"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.com/x",
        "//evil.com/x",
        "..",
        "../../x",
        "a/../b",
        "a?b=c",
        "a#b",
        "",
        "a//b",
        "a b",
        "@evil.com",
        "a\n",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_never_requested(path: str) -> None:
    clock = FakeClock()
    server = CannedServer([json_reply()], clock)
    with pytest.raises(WrongHost, match="nothing was sent"):
        client_for(server, clock).get(path)
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com/crm/sales/api/contacts/filters",
        "http://acme.myfreshworks.com/crm/sales/api/contacts/filters",
        "https://acme.myfreshworks.com:8443/crm/sales/api/contacts/filters",
        "https://acme.myfreshworks.com.evil.com/",
    ],
)
def test_even_a_request_made_by_mistake_gets_no_key_for_another_host(url: str) -> None:
    clock = FakeClock()
    server = CannedServer([json_reply()], clock)
    with pytest.raises(WrongHost):
        client_for(server, clock)._http.get(url)
    assert server.requests == []


def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    clock = FakeClock()
    away = httpx.Response(302, headers={"Location": "https://acme.myfreshworks.com/crm/sales/api/other"})
    server = CannedServer([json_reply(headers={"Set-Cookie": "a=b"}), json_reply(), away], clock)
    client = client_for(server, clock)
    client.get("contacts/filters")
    client.get("contacts/filters")
    with pytest.raises(NotTheApi):
        client.get("contacts/filters")
    assert len(server.requests) == 3
    assert all("cookie" not in request.headers for request in server.requests)


def test_a_web_page_in_the_middle_of_a_run_fails_the_object_not_the_run() -> None:
    clock = FakeClock()
    client = client_for(CannedServer([json_reply(), HTML], clock), clock)
    client.get("contacts/filters")
    with pytest.raises(MalformedAnswer, match="web page"):
        client.get("deals/filters")


def test_the_run_has_answered_whichever_object_asked() -> None:
    clock = FakeClock()
    client = client_for(CannedServer([json_reply(), HTML], clock), clock)
    client.metered(Meter()).get("contacts/filters")
    with pytest.raises(MalformedAnswer):
        client.get("deals/filters")


def test_each_object_can_count_its_own_calls() -> None:
    clock = FakeClock()
    client = client_for(CannedServer([json_reply(status=500), json_reply()], clock), clock)
    contacts, deals = Meter(), Meter()
    client.metered(contacts).get("contacts/filters")
    client.metered(deals).get("deals/filters")
    assert (contacts.usage(), deals.usage()) == (Usage(calls=2), Usage(calls=1))
    assert client.usage() == Usage(calls=3)


def test_max_calls_ends_the_run_with_its_own_reason() -> None:
    clock = FakeClock()
    server = CannedServer([json_reply()], clock)
    client = client_for(server, clock, settings=settings_for(max_calls=2))
    client.get("contacts/filters")
    client.get("contacts/filters")
    with pytest.raises(CallCeilingReached) as caught:
        client.get("contacts/filters")
    assert (caught.value.reason, caught.value.exit_code, len(server.requests)) == ("max_calls", 75, 2)


def test_a_json_answer_that_lies_about_its_type_is_malformed() -> None:
    clock = FakeClock()
    odd = httpx.Response(200, headers={"Content-Type": "application/json"}, content=b"[}{]")
    with pytest.raises((MalformedAnswer, CutAnswer)):
        client_for(CannedServer([odd], clock), clock).get("contacts/filters").json()


def test_half_a_surrogate_pair_and_a_huge_number_do_not_cost_an_answer() -> None:
    clock = FakeClock()
    body = rb'{"filters": [{"id": 1e999, "name": "a\ud800", "k\u0000": "\u0000"}]}'
    odd = httpx.Response(200, headers={"Content-Type": "application/json"}, content=body)
    answer = client_for(CannedServer([odd], clock), clock).get("contacts/filters")
    assert answer.json() == {"filters": [{"id": float("inf"), "name": "a\ufffd", r"k\u0000": "\ufffd"}]}


def test_a_429_that_outlives_the_tries_is_a_quota_error() -> None:
    clock = FakeClock()

    class Indifferent:
        def acquire(self) -> Ticket:
            return Ticket(number=1, waited_s=0.0)

        def settle(self, ticket: Ticket, signal: LimitSignal | None = None, *, refused: bool = False) -> None:
            pass

        def blocked_until(self) -> None:
            return None

    server = CannedServer([json_reply(status=429)], clock)
    with pytest.raises(QuotaExhausted):
        client_for(server, clock, budget=Indifferent()).get("contacts/filters")
    assert len(server.requests) < 20


@pytest.mark.parametrize(
    ("domain", "environment", "proxy"),
    [
        ("acme", {}, None),
        ("acme", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("acme", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("acme", {"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ("acme", {"HTTP_PROXY": "http://plain:1"}, None),
        ("acme", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("acme", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.com, .myfreshworks.com"}, None),
        ("acme", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "acme.myfreshworks.com:443"}, None),
        ("acme", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "freshworks.com,"}, "http://p:1"),
        ("http://127.0.0.1:8900", {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://p:1"}, None),
        ("https://localhost:8900", {"HTTPS_PROXY": "http://p:1"}, None),
    ],
)
def test_the_proxy_of_the_environment_counts_for_https_and_never_for_loopback(
    domain: str, environment: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(parse_domain(domain), environment) == proxy
