"""A clock that only moves when somebody sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

FAKE_START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


class FakeClock:
    """Thread-safe; `sleep` advances both readings at once and notes its length in `sleeps`.

    `on_sleep` is called after each sleep, for what happens while somebody waits.
    """

    def __init__(self, start: datetime = FAKE_START) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._monotonic = 1000.0
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], object] | None = None

    def now(self) -> datetime:
        """Return the wall reading, aware UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return the steady reading in seconds; it starts at 1000."""
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Advance instead of waiting, and remember how long the caller wanted to wait."""
        with self._lock:
            self.sleeps.append(seconds)
            self._move(max(0.0, seconds))
        if self.on_sleep is not None:
            self.on_sleep()

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping."""
        with self._lock:
            self._move(seconds)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or a time server does; monotonic stays."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def _move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
