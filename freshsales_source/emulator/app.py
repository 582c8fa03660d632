"""The emulator itself: a WSGI application over a store, with key, limits, faults, latency and a log.

One lock makes requests and the events of a test's schedule atomic; waiting (latency, slow faults) happens
outside of it. Half of the latency passes before a request is served and half until its answer leaves, the making of
the answer included: `latency_s` is what a client waits.
"""

from __future__ import annotations

import gzip
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from freshsales_source.emulator import answers
from freshsales_source.emulator.answers import HTML, TEXT, Answer, Request
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.faults import ConnectionDropped, Fault, Faults
from freshsales_source.emulator.limits import Limits, Meter
from freshsales_source.emulator.routes import Api
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.switches import Switches

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SUITE_PREFIX = "/crm/sales/api/"
CLASSIC_PREFIX = "/api/"
_WORTH_ZIPPING = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request that was answered (status 0: the connection was dropped), with when it was."""

    at: datetime
    method: str
    path: str
    query: str
    status: int


class Emulator:
    """A Freshsales account behind HTTP.

    `store` may be changed at any time, `switches` replaced. `limits` None means no limits. `before_request`
    is called with the request's number (from 1), under the lock, before it is served.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        api_key: str = "demo-key",
        switches: Switches | None = None,
        limits: Limits | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.store = store
        self.clock: Clock = clock or store.clock
        self.store.clock = self.clock
        self.switches = switches or Switches()
        self.api_key = api_key
        self.latency_s = latency_s
        self.meter = Meter(limits, self.clock)
        self.log: list[LoggedRequest] = []
        self.faults = Faults()
        self.before_request: Callable[[int], None] | None = None
        self._api = Api(store, self.clock)
        self._requests = 0

    @property
    def switches(self) -> Switches:
        """The positions of all switches, from the next request on."""
        return self.store.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self.store.switches = switches

    def served(self, object_name: str, record_id: int, include: str = "") -> dict[str, Any]:
        """Return a record as a view (or the bin) would now send it; computed columns as of now."""
        with self.store.lock:
            return self._api.record(object_name, record_id, include)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; raises ConnectionDropped (or what the fault says) where a fault hangs up."""
        self._wait(self.latency_s / 2)
        began = self.clock.monotonic()
        with self.store.lock:
            answer, fault = self._serve(environ)
            headers = self._headers(answer)
        body = answer.body
        if self._may_zip(environ, body):
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        made_in = self.clock.monotonic() - began
        self._wait(max(0.0, self.latency_s / 2 - made_in) + (fault.seconds if fault else 0.0))
        if fault is not None and fault.kind == "dropped":
            raise fault.raises or ConnectionDropped("the emulator hung up, as scripted")
        headers["Content-Length"] = str(len(body))
        status = HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return _cut(body, fault) if fault is not None and fault.kind == "truncated" else [body]

    def _serve(self, environ: WSGIEnvironment) -> tuple[Answer, Fault | None]:
        self._requests += 1
        if self.before_request is not None:
            self.before_request(self._requests)
        self.store.expire_bin()
        request = self._request(environ)
        query = str(environ.get("QUERY_STRING", ""))
        target = f"{request.path}?{query}" if query else request.path
        fault = self.faults.take(request.number, request.method, target)
        answer = self._answer(environ, request)
        if fault is not None:
            answer = spoiled(answer, fault)
        self.log.append(
            LoggedRequest(
                at=self.clock.now().astimezone(UTC),
                method=request.method,
                path=request.path,
                query=query,
                status=0 if fault is not None and fault.kind == "dropped" else answer.status,
            )
        )
        return answer, fault

    def _request(self, environ: WSGIEnvironment) -> Request:
        path = str(environ.get("PATH_INFO", "/"))
        rest = self._below_prefix(path)
        return Request(
            number=self._requests,
            method=str(environ["REQUEST_METHOD"]),
            path=path,
            segments=tuple(part for part in rest.split("/") if part) if rest else (),
            query=dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)),
            body=_body(environ),
        )

    def _answer(self, environ: WSGIEnvironment, request: Request) -> Answer:
        switches = self.switches
        if not self._is_right_host(environ):
            return Answer(status=404, content_type=TEXT)
        key = _key(str(environ.get("HTTP_AUTHORIZATION", "")))
        if not hmac.compare_digest(key.encode(), self.api_key.encode()):
            return answers.wrong_key(switches, is_blank=not key)
        if not self.meter.admit(count_refused=switches.refused_calls_count):
            return answers.throttled(switches, self.meter.retry_after(switches))
        answer = self._api.answer(request)
        if 400 <= answer.status < 500 and not switches.failed_calls_count:
            self.meter.give_back()
        return answer

    def _below_prefix(self, path: str) -> str | None:
        if path.startswith(SUITE_PREFIX):
            return path.removeprefix(SUITE_PREFIX)
        if self.switches.classic and path.startswith(CLASSIC_PREFIX):
            return path.removeprefix(CLASSIC_PREFIX)
        return None

    def _is_right_host(self, environ: WSGIEnvironment) -> bool:
        alias = self.switches.alias
        return alias is None or str(environ.get("HTTP_HOST", "")).split(".")[0].split(":")[0] == alias

    def _headers(self, answer: Answer) -> dict[str, str]:
        headers = {"Content-Type": answer.content_type, **self.meter.headers(self.switches)}
        if self.switches.date_header != "missing":
            skew = self.switches.date_skew_s if self.switches.date_header == "skewed" else 0.0
            at = self.clock.now().astimezone(UTC) + timedelta(seconds=skew)
            headers["Date"] = format_datetime(at.replace(microsecond=0), usegmt=True)
        return {**headers, **answer.headers}

    def _may_zip(self, environ: WSGIEnvironment, body: bytes) -> bool:
        accepted = "gzip" in str(environ.get("HTTP_ACCEPT_ENCODING", ""))
        return self.switches.gzip and accepted and len(body) >= _WORTH_ZIPPING

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.clock.sleep(seconds)


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """Return the answer as the fault leaves it; dropped, truncated and slow ones are spoiled on their way."""
    answer = _spoiled(answer, fault)
    if fault.body is not None:
        answer = replace(answer, body=fault.body)
    return replace(answer, headers={**answer.headers, **fault.headers})


def _spoiled(answer: Answer, fault: Fault) -> Answer:
    match fault.kind:
        case "status":
            content = {"errors": {"code": fault.status, "message": ["Something went wrong"]}}
            return Answer(status=fault.status, body=orjson.dumps(content))
        case "html":
            return answers.html_page(fault.status, "Something went wrong")
        case "redirect":
            status = fault.status if 300 <= fault.status < 400 else 302
            return Answer(status=status, content_type=HTML, headers={"Location": fault.location})
        case "not_json":
            return replace(answer, body=b"this is not JSON {")
        case "empty_body":
            return replace(answer, body=b"")
        case "no_envelope" | "null_envelope":
            return replace(answer, body=_without(answer, keep_null=fault.kind == "null_envelope"))
        case "dropped" | "truncated" | "slow":
            return answer


def _without(answer: Answer, *, keep_null: bool) -> bytes:
    if answer.envelope is None:
        return answer.body
    content: Mapping[str, Any] = orjson.loads(answer.body)
    rest = {key: value for key, value in content.items() if key != answer.envelope}
    if keep_null:
        rest[answer.envelope] = None
    return orjson.dumps(rest)


def _cut(body: bytes, fault: Fault) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    if fault.raises is not None:
        raise fault.raises


def _key(authorization: str) -> str:
    """Return the key of `Token token=<key>`; empty for anything else."""
    scheme, _, rest = authorization.partition(" ")
    name, _, key = rest.strip().partition("=")
    return key.strip() if scheme == "Token" and name == "token" else ""


def _body(environ: WSGIEnvironment) -> bytes:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    stream = environ.get("wsgi.input")
    return bytes(stream.read(int(length))) if stream is not None and length.isdigit() else b""
