"""Time as a collaborator, so that hours of waiting are tested in milliseconds.

Nothing in the package calls `time` or `datetime.now` but `SystemClock`. Long waits go through `pause`, which
a `Stop` (a `threading.Event` set by a signal handler) cuts short.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from freshsales_source.errors import Interrupted

_GLANCE_S = 0.5  # how often a wait looks at its Stop


class Clock(Protocol):
    """What the package knows of time."""

    def now(self) -> datetime:
        """Return the wall clock as an aware UTC datetime; it may jump, also backwards."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds; zero or less returns at once."""
        ...


class Stop(Protocol):
    """Says whether the run has been asked to stop; `threading.Event` fits."""

    def is_set(self) -> bool:
        """Return True once the run should end."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's wall clock in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        if seconds > 0:
            time.sleep(seconds)


def pause(clock: Clock, seconds: float, stop: Stop | None = None) -> None:
    """Sleep on `clock`; raise Interrupted within half a second of `stop` being set.

    The last sleep ends at the deadline, so a clock that only moves by `sleep` stands exactly `seconds` later.
    """
    if stop is None:
        clock.sleep(seconds)
        return
    deadline = clock.monotonic() + seconds
    while not stop.is_set():
        left = deadline - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(left, _GLANCE_S))
    heed(stop)


def heed(stop: Stop | None) -> None:
    """Raise Interrupted if `stop` is set."""
    if stop is not None and stop.is_set():
        remedy = "What was read is saved; run the same command again."
        raise Interrupted("the run was asked to stop", remedy=remedy)


def as_utc(at: datetime) -> datetime:
    """A stored time as aware UTC: some destinations have no time zones, and everything stored is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
