"""How much of an account's budget is left now, read from the shared file without taking anything or making it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from freshsales_source.api.budget_ledger import MARGIN_S, less_reserve
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.config import RateLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLeft:
    """One limit less its reserve: calls `allowed` in `seconds`, and those of them that are `left` now."""

    allowed: int
    seconds: float
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLeft:
    """What an account's budget holds at a moment.

    `ages` are those of the calls that count against it, in seconds, the oldest first. `blocked_until` is when the
    wait after a 429 ends; None where there is none. Others who use the account are seen only in that, and in what
    the server's headers said lately.
    """

    windows: tuple[WindowLeft, ...]
    ages: tuple[float, ...] = ()
    blocked_until: datetime | None = None

    def seconds_for(self, calls: int) -> float:
        """The least time until so many more calls are made; leaves out what the server needs for its answers."""
        return max((_seconds(calls, window, self.ages) for window in self.windows), default=0.0)


def budget_left(path: Path, limits: Sequence[RateLimit], reserve: float, now: datetime) -> BudgetLeft:
    """Read the budget file; a budget that nobody has used yet has no file, and is whole.

    Raises ConfigurationError for a file that is no budget file.
    """
    at = now.timestamp()
    ages, caps, blocked_until = _read(path, at)
    windows = []
    for limit in limits:
        allowed = less_reserve(limit.requests, reserve)
        used = sum(age < limit.seconds + MARGIN_S for age in ages)
        # A cap of no known window, under the span zero, holds for all.
        left = min([allowed - used, *(cap for span, cap in caps if span in (0.0, limit.seconds))])
        windows.append(WindowLeft(allowed=allowed, seconds=limit.seconds, left=max(0, left)))
    until = datetime.fromtimestamp(blocked_until, UTC) if blocked_until > at else None
    return BudgetLeft(windows=tuple(windows), ages=ages, blocked_until=until)


def _read(path: Path, at: float) -> tuple[tuple[float, ...], list[tuple[float, int]], float]:
    if not path.exists():
        return (), [], 0.0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            late = file.execute("SELECT min(late, ?) FROM calls ORDER BY late", (at,)).fetchall()
            caps = file.execute("SELECT span, remaining FROM caps WHERE until > ?", (at,)).fetchall()
            (until,) = file.execute("SELECT until FROM block").fetchone()
    except sqlite3.Error as error:
        remedy = "Set `budget_store` to a file of its own in a folder this user can write to."
        raise ConfigurationError(f"the budget file {path} cannot be read: {error}", remedy=remedy) from error
    return tuple(at - one for (one,) in late), caps, until


def _seconds(calls: int, window: WindowLeft, ages: Sequence[float]) -> float:
    """When the last of these calls may be sent: each `allowed` places after another, a span later than that."""
    used = [age for age in ages if age < window.seconds]
    # A call that stands m rounds after one that was made before, or after one that is made now.
    rounds, place = divmod(len(used) + max(1, calls) - 1, window.allowed)
    age = used[place] if place < len(used) else 0.0
    return max(0.0, rounds * window.seconds - age)
