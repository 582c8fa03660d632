"""The account's call limits as the server enforces them, with what it tells about them in headers.

All callers of an account share one `Meter`, other integrations included. A sliding window of s seconds
holds the calls of the last s seconds, a call exactly s seconds old no longer; a fixed window starts anew at
each multiple of s seconds of Unix time (one client waits for the top of the hour, API notes 6).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import ceil
from typing import Literal

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.switches import Switches

PER_HOUR: Mapping[str, int] = {"free": 1000, "growth": 1000, "pro": 2000, "enterprise": 5000}
PER_MINUTE = 400
# Sums of floats: a call that is 60 s old but for a rounding error is 60 s old.
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most `requests` calls in any `seconds`."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The windows of an account, how they move, and the calls that other integrations make all the time.

    Source of the plans' numbers: API notes 6 (documented). Whether windows slide is unknown.
    """

    windows: tuple[Window, ...] = (
        Window(requests=PER_MINUTE, seconds=60),
        Window(requests=PER_HOUR["growth"], seconds=3600),
    )
    kind: Literal["sliding", "fixed"] = "sliding"
    others_per_minute: float = 0.0

    @classmethod
    def of_plan(cls, plan: str, *, others_per_minute: float = 0.0) -> Limits:
        """Return the limits of "free", "growth", "pro" or "enterprise"."""
        windows = (Window(requests=PER_MINUTE, seconds=60), Window(requests=PER_HOUR[plan], seconds=3600))
        return cls(windows=windows, others_per_minute=others_per_minute)


@dataclass(slots=True)
class _Count:
    window: Window
    calls: deque[float] = field(default_factory=deque)


class Meter:
    """Counts calls in all windows of one account; not thread safe by itself (the emulator's lock serves)."""

    def __init__(self, limits: Limits | None, clock: Clock) -> None:
        self._limits = limits or Limits(windows=())
        self._clock = clock
        self._counts = [_Count(window) for window in self._limits.windows]
        # Wall and steady time are tied together once: a clock that is set must not open a window.
        self._offset = clock.now().timestamp() - clock.monotonic()
        self._others_until = self._now()

    def admit(self, *, count_refused: bool = False) -> bool:
        """Return whether a call may pass now, and count it if so (or in any case with `count_refused`)."""
        self._let_others_call()
        now = self._now()
        is_free = self._is_free(now)
        if is_free or count_refused:
            self._count(now)
        return is_free

    def give_back(self) -> None:
        """Take the last call out again: it was answered in a way that does not count."""
        for count in self._counts:
            count.calls.pop()

    def eat(self, calls: int) -> int:
        """Let other integrations make that many calls now; return how many of them passed."""
        return sum(self.admit() for _ in range(calls))

    def used(self, window: Window) -> int:
        """Return the calls in a window now."""
        self._let_others_call()
        self._expire(self._now())
        return next(len(count.calls) for count in self._counts if count.window == window)

    def headers(self, switches: Switches) -> dict[str, str]:
        """Return the X-RateLimit-* headers, as the switches say; none without limits."""
        if switches.limit_headers == "none" or not self._counts:
            return {}
        self._expire(self._now())
        count = self._counts_by_length()[0 if switches.limit_headers == "minute" else -1]
        return {
            "X-RateLimit-Limit": str(count.window.requests),
            "X-RateLimit-Remaining": str(max(0, count.window.requests - len(count.calls))),
            "X-RateLimit-Reset": self._reset(count, switches),
        }

    def retry_after(self, switches: Switches) -> dict[str, str]:
        """Return the Retry-After header of a refused call, as the switches say."""
        if switches.retry_after == "absent":
            return {}
        full = [count for count in self._counts if len(count.calls) >= count.window.requests]
        seconds = ceil(max((self._until_free(count) for count in full), default=0.0))
        if switches.retry_after == "seconds":
            return {"Retry-After": str(seconds)}
        return {"Retry-After": format_datetime(self._wall(seconds).replace(microsecond=0), usegmt=True)}

    def _reset(self, count: _Count, switches: Switches) -> str:
        seconds = self._until_free(count) if count.calls else 0.0
        at = self._wall(seconds)
        match switches.limit_reset:
            case "epoch":
                return str(ceil(at.timestamp()))
            case "seconds":
                return str(ceil(seconds))
            case "dmyHis":
                return (at + timedelta(microseconds=999_999)).strftime("%d%m%y%H%M%S")

    def _until_free(self, count: _Count) -> float:
        """Seconds until the window's oldest call leaves it, or the fixed window ends."""
        if not count.calls:
            return 0.0
        if self._limits.kind == "fixed":
            return count.window.seconds - self._now() % count.window.seconds
        return max(0.0, count.calls[0] + count.window.seconds - self._now())

    def _is_free(self, now: float) -> bool:
        self._expire(now)
        return all(len(count.calls) < count.window.requests for count in self._counts)

    def _count(self, now: float) -> None:
        for count in self._counts:
            count.calls.append(now)

    def _expire(self, now: float) -> None:
        for count in self._counts:
            seconds = count.window.seconds
            if self._limits.kind == "fixed":
                oldest = (now + _ROUNDING_S) // seconds * seconds - _ROUNDING_S
                while count.calls and count.calls[0] < oldest:
                    count.calls.popleft()
                continue
            while count.calls and count.calls[0] <= now - seconds + _ROUNDING_S:
                count.calls.popleft()

    def _let_others_call(self) -> None:
        if self._limits.others_per_minute <= 0:
            return
        step = 60 / self._limits.others_per_minute
        while self._others_until + step <= self._now():
            self._others_until += step
            if self._is_free(self._others_until):
                self._count(self._others_until)

    def _counts_by_length(self) -> list[_Count]:
        return sorted(self._counts, key=lambda count: count.window.seconds)

    def _now(self) -> float:
        return self._offset + self._clock.monotonic()

    def _wall(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self._now() + seconds, UTC)
