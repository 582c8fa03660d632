"""The one way to the API: requests go to the configured host, answers come back as bytes or as a typed error.

`build_client` composes `Retry(Throttle(_Keyed(transport)))`. The key is added in `_Keyed`, the innermost
layer of ours, after the host was compared: requests further out, and so every exception that carries one,
never hold it. Redirects are never followed.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson

from freshsales_source.api.answer_body import place_of
from freshsales_source.api.budget import Budget, CallCeiling, SqliteBudget
from freshsales_source.api.budget_file import budget_path
from freshsales_source.api.failures import failure_of, unreachable
from freshsales_source.api.limit_headers import LimitSignal, read_limit_headers, served_at
from freshsales_source.api.retry import Retry
from freshsales_source.api.throttle import METER, Meter, Throttle, Usage
from freshsales_source.clock import Clock, Stop
from freshsales_source.errors import ConfigurationError, MalformedAnswer, WrongHost
from freshsales_source.redact import Secret, installed_redactor
from freshsales_source.schema.storable import storable_json
from freshsales_source.settings.account import Account
from freshsales_source.settings.config import Settings

CONNECT_S = 10.0
_A_BUG = "This is a bug in freshsales-source: please report it."
_PATH = re.compile(r"/?[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer: whole, decoded, JSON by its own word. `served_at` is the server's clock, aware UTC."""

    status: int
    body: bytes
    where: str
    served_at: datetime | None
    limits: LimitSignal

    def json(self) -> object:
        """Return the parsed body; raise MalformedAnswer where it is not JSON after all."""
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            # It refuses half a surrogate pair, too, and numbers beyond a double.
            return self._parsed_leniently()
        return parsed

    def _parsed_leniently(self) -> object:
        try:
            return storable_json(json.loads(self.body))
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(
                "the answer is not JSON", where=self.where, remedy="Run again later."
            ) from error


class Halt:
    """A Stop that has a will of its own beside the one it was given."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._halted = threading.Event()

    def set(self) -> None:
        """Stop, whatever the other says."""
        self._halted.set()

    def is_set(self) -> bool:
        """Whether either says so."""
        return self._halted.is_set() or self._stop.is_set()


class Client:
    """Reads from one account; safe to share between threads. Made by `build_client`."""

    def __init__(
        self,
        account: Account,
        http: httpx.Client,
        throttle: Throttle,
        clock: Clock,
        *,
        meter: Meter | None = None,
        halt: Halt | None = None,
    ) -> None:
        self.account = account
        self._http = http
        self._throttle = throttle
        self._clock = clock
        self._meter = meter
        self._halt = halt
        self._has_answered = threading.Event()

    def get(self, path: str, params: Params | None = None) -> Answer:
        """GET a path below the API's base, such as `contacts/filters`.

        Raises the errors of errors.py and no others, save for bugs; httpx's are wrapped.
        """
        return self._call("GET", path, params, None)

    def post(self, path: str, body: Mapping[str, object], params: Params | None = None) -> Answer:
        """POST a JSON body to a path whose POST only reads (`filtered_search/*`).

        It may be sent several times.
        """
        return self._call("POST", path, params, orjson.dumps(body))

    def metered(self, meter: Meter) -> Client:
        """Return this client with a meter of its own, to tell what one object costs.

        Everything else is shared.
        """
        twin = Client(self.account, self._http, self._throttle, self._clock, meter=meter)
        twin._has_answered = self._has_answered
        return twin

    def usage(self) -> Usage:
        """Return what all calls of this run have spent so far, retries included."""
        return self._throttle.usage()

    def halt(self) -> None:
        """Let calls that wait, for the budget or before another try, end at once with Interrupted.

        Where the client was built with a `stop`; without one a wait is slept through.
        """
        if self._halt is not None:
            self._halt.set()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, params: Params | None, content: bytes | None) -> Answer:
        if not _PATH.fullmatch(path):
            raise WrongHost(f"{path!r} is not a path below the API's base; nothing was sent", remedy=_A_BUG)
        request = self._http.build_request(
            method,
            f"{self.account.base_url}/{path.lstrip('/')}",
            params={name: str(value) for name, value in (params or {}).items()} or None,
            content=content,
            headers={"Content-Type": "application/json"} if content is not None else None,
            extensions={METER: self._meter} if self._meter is not None else None,
        )
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            raise unreachable(error, self.account, place_of(request)) from error
        return self._answer(request, response)

    def _answer(self, request: httpx.Request, response: httpx.Response) -> Answer:
        where = place_of(request, response)
        failure = failure_of(response, where, has_answered=self._has_answered.is_set())
        if failure is not None:
            raise failure
        self._has_answered.set()
        return Answer(
            status=response.status_code,
            body=response.content,
            where=where,
            served_at=served_at(response.headers),
            limits=read_limit_headers(response.headers, now=self._clock.now()),
        )


def build_client(
    settings: Settings,
    *,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    budget: Budget | None = None,
    environment: Mapping[str, str] | None = None,
    rng: random.Random | None = None,
    stop: Stop | None = None,
) -> Client:
    """Return a client for the settings' account; makes no request.

    `transport` replaces the network (tests, emulator in process); `budget` replaces the shared file of the
    settings. Raises ConfigurationError where the budget file cannot be used.
    """
    account = settings.account
    environment = os.environ if environment is None else environment
    inner = transport or _network(account, settings, environment)
    halt = None if stop is None else Halt(stop)
    throttle = Throttle(
        _Keyed(inner, account, settings.api_key),
        budget=budget or build_budget(settings, clock=clock, environment=environment, rng=rng, stop=halt),
        clock=clock,
        ceiling=CallCeiling(settings.max_calls),
    )
    http = httpx.Client(
        transport=Retry(throttle, tries=settings.retries, clock=clock, rng=rng, stop=halt),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "freshsales-source"},
        timeout=httpx.Timeout(settings.timeout_s, connect=CONNECT_S, pool=None),
        follow_redirects=False,
        trust_env=False,
    )
    return Client(account, http, throttle, clock, halt=halt)


def build_budget(
    settings: Settings,
    *,
    clock: Clock,
    environment: Mapping[str, str] | None = None,
    rng: random.Random | None = None,
    stop: Stop | None = None,
) -> SqliteBudget:
    """Return the account's shared budget: in `budget_store`, else in the user's state folder."""
    return SqliteBudget(
        budget_store(settings, environment),
        settings.limits,
        clock=clock,
        reserve=settings.reserve,
        on_quota=settings.on_quota,
        rng=rng,
        stop=stop,
    )


def budget_store(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Where the account's budget is kept: `budget_store`, else a file in the user's state folder.

    Raises ConfigurationError for a folder that does not exist: it is a slip of the pen, and processes that write the
    path in two ways would not share the budget.
    """
    if settings.budget_store is not None and not settings.budget_store.parent.is_dir():
        raise ConfigurationError(
            f"`budget_store` is {settings.budget_store}, in a folder that does not exist",
            remedy="Correct the path, or make the folder; leave the setting out to use the user's own folder.",
        )
    environment = os.environ if environment is None else environment
    return settings.budget_store or budget_path(settings.account, environment, Path.home())


class _Keyed(httpx.BaseTransport):
    """Adds the key, the only place that does, to requests for the configured origin; refuses all others."""

    def __init__(self, inner: httpx.BaseTransport, account: Account, key: Secret) -> None:
        self._inner = inner
        self._origin = account.origin
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if (url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)) != self._origin:
            raise WrongHost(
                f"a request for {url.host} was stopped: the key is for {self._origin[1]} only", remedy=_A_BUG
            )
        keyed = httpx.Request(
            request.method,
            url,
            headers=[*request.headers.raw, (b"Authorization", b"Token token=" + self._key.reveal().encode())],
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._inner.handle_request(keyed)

    def close(self) -> None:
        self._inner.close()


def proxy_for(account: Account, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that HTTPS_PROXY or ALL_PROXY names, unless NO_PROXY or loopback rules it out."""
    if account.scheme != "https" or account.is_loopback:
        return None
    lower = {name.lower(): value.strip() for name, value in environment.items()}
    for entry in lower.get("no_proxy", "").lower().split(","):
        name = entry.strip().removeprefix("*").partition(":")[0].lstrip(".")
        if entry.strip() == "*" or (name and (account.host == name or account.host.endswith("." + name))):
            return None
    proxy = lower.get("https_proxy") or lower.get("all_proxy")
    return (proxy if "://" in proxy else f"http://{proxy}") if proxy else None


def _network(account: Account, settings: Settings, environment: Mapping[str, str]) -> httpx.HTTPTransport:
    proxy = proxy_for(account, environment)
    if proxy is not None:
        installed_redactor().register(urlsplit(proxy).password or "")
    # trust_env lets SSL_CERT_FILE and SSL_CERT_DIR count; httpx reads no proxies where a transport is given.
    return httpx.HTTPTransport(
        proxy=proxy,
        trust_env=not account.is_loopback,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=settings.concurrency + 1),
    )
