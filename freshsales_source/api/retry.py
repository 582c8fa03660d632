"""The transport that tries again what may succeed the next time, with exponential back-off and full jitter.

Retried: 429, 500, 502, 503, 504, connections refused or lost, time-outs, bodies cut short. All requests the
connector makes are reads (`POST filtered_search` too), so all may be repeated. It stands around the
throttle, so each try spends budget. The body is read here, because a cut shows only at its end.

A 429 is not a failed try: the budget makes the next send wait until the reset, at worst with one probe a
minute, and decides when to give up (`on_quota`). Only refusals that follow each other faster than that count
as tries.
"""

from __future__ import annotations

import logging
import random
import ssl

import httpx

from freshsales_source.api.answer_body import place_of, read_whole
from freshsales_source.api.limit_headers import read_limit_headers
from freshsales_source.clock import Clock, Stop, pause
from freshsales_source.errors import CutAnswer

_RETRIED = frozenset({429, 500, 502, 503, 504})
_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
_LONGEST_HINT_S = 300.0  # Retry-After of a 503; a longer one ends the run sooner than it helps
_SWIFT_S = 0.5  # refusals closer together than this were not waited for
_DROPPED_HEADERS = ("content-encoding", "content-length", "transfer-encoding", "set-cookie")

_LOG = logging.getLogger(__name__)


class Retry(httpx.BaseTransport):
    """Sends a request up to `tries` times and returns a response whose body is read.

    After the last try the response (5xx), the httpx error or CutAnswer comes through as it is.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        *,
        tries: int,
        clock: Clock,
        rng: random.Random | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._inner = inner
        self._tries = tries
        self._clock = clock
        self._rng = rng or random.Random()
        self._stop = stop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send until it succeeds, fails for good, or the tries are spent."""
        failures = 0
        refused_at = float("-inf")
        while True:
            outcome = self._try(request)
            if isinstance(outcome, httpx.Response) and outcome.status_code not in _RETRIED:
                return outcome
            if isinstance(outcome, httpx.Response) and outcome.status_code == 429:
                last, refused_at = refused_at, self._clock.monotonic()
                if refused_at - last > _SWIFT_S:
                    continue
            failures += 1
            if failures >= self._tries:
                return _last(outcome)
            self._back_off(request, outcome, failures)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def _try(self, request: httpx.Request) -> httpx.Response | Exception:
        """One send: the response with its body read, or the error if another try may help."""
        try:
            response = self._inner.handle_request(request)
            where = place_of(request, response)
            body = read_whole(response, where=where, monotonic=self._clock.monotonic)
        except (httpx.TransportError, httpx.DecodingError, CutAnswer) as error:
            if is_untrusted(error) or isinstance(error, httpx.UnsupportedProtocol):
                raise
            return error
        headers = [(name, value) for name, value in response.headers.items() if name not in _DROPPED_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    def _back_off(self, request: httpx.Request, outcome: httpx.Response | Exception, failures: int) -> None:
        seconds = self._rng.uniform(0.0, min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (failures - 1)))
        cause = type(outcome).__name__
        if isinstance(outcome, httpx.Response):
            cause = str(outcome.status_code)
            hint_s = read_limit_headers(outcome.headers, now=self._clock.now()).retry_after_s
            seconds = max(seconds, min(hint_s or 0.0, _LONGEST_HINT_S))
        _LOG.warning(
            "retry cause=%s failures=%d of=%d wait_s=%.1f at=%s",
            *(cause, failures, self._tries, seconds, place_of(request)),
        )
        pause(self._clock, seconds, self._stop)


def is_untrusted(error: BaseException) -> bool:
    """Whether a connection failed because the server's certificate could not be verified."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _last(outcome: httpx.Response | Exception) -> httpx.Response:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
