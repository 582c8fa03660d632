"""What an answer says about the quota, whatever dialect it speaks.

`X-RateLimit-Limit`, `-Remaining`, `-Reset` are read by several clients; one parses the reset as `dmyHis`,
none says which window they describe. `Retry-After` is absent on the application's own 429 (one client) and
present, with minutes, on that of the edge (one client). So each form is read, and a value that makes no
sense counts as absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_HINT_S = 24 * 3600.0  # a reset further away than a day is a misreading, not a quota
_FIRST_EPOCH = 10**9  # smaller numbers are seconds to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSignal:
    """The quota part of one answer; None where the answer is silent.

    Seconds count from the answer's arrival. `reset_form` is how the reset was written: `epoch`, `seconds`, `dmyHis`
    or `date`.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None
    retry_after_s: float | None = None
    reset_form: str | None = field(default=None, compare=False)

    @property
    def hint_s(self) -> float | None:
        """How long the server asks to wait after a 429: Retry-After where present, else the reset.

        A reset beside a positive `remaining` belongs to another window than the one that is full: no hint.
        """
        if self.retry_after_s is not None:
            return self.retry_after_s
        return None if self.remaining else self.reset_s


def read_limit_headers(headers: Mapping[str, str], *, now: datetime) -> LimitSignal:
    """Return what the headers say; `now` is the local clock, used where the answer has no usable `Date`.

    The mapping must look names up without case, as httpx.Headers does.
    """
    server_now = served_at(headers) or now
    return LimitSignal(
        limit=_count(headers.get("x-ratelimit-limit")),
        remaining=_count(headers.get("x-ratelimit-remaining")),
        reset_s=_seconds_until(headers.get("x-ratelimit-reset"), server_now),
        retry_after_s=_seconds_until(headers.get("retry-after"), server_now),
        reset_form=_form(headers.get("x-ratelimit-reset"), server_now),
    )


def served_at(headers: Mapping[str, str]) -> datetime | None:
    """Return the `Date` header as aware UTC, or None where it is missing or no date."""
    return _http_date(headers.get("date", ""))


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _seconds_until(text: str | None, now: datetime) -> float | None:
    """Seconds from `now` to the moment the text names, never negative; None for nonsense."""
    text = (text or "").strip()
    if not text:
        return None
    moment = _dmyhis(text) or _http_date(text)
    seconds = _number_of_seconds(text, now) if moment is None else (moment - now).total_seconds()
    if seconds is None or not -_LONGEST_HINT_S < seconds < _LONGEST_HINT_S:
        return None
    return max(0.0, seconds)


def _form(text: str | None, now: datetime) -> str | None:
    """How a reset that makes sense is written."""
    text = (text or "").strip()
    if _seconds_until(text, now) is None:
        return None
    if _dmyhis(text):
        return "dmyHis"
    if _http_date(text):
        return "date"
    return "epoch" if float(text) >= _FIRST_EPOCH else "seconds"


def _number_of_seconds(text: str, now: datetime) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if number >= _FIRST_EPOCH * 1000:
        number /= 1000  # milliseconds, as some gateways write them
    return number - now.timestamp() if number >= _FIRST_EPOCH else number


def _dmyhis(text: str) -> datetime | None:
    """Twelve digits, day first, as PHP's `dmyHis` writes them (one client; its zone is assumed to be UTC)."""
    if len(text) != 12 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text, "%d%m%y%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
