"""The bookkeeping of a budget: SQL over the shared file, without clock, lock or wait.

Every method runs inside the caller's transaction and is told the time. A call is one row: `sent`, and
`late`, the latest moment it can have arrived at the server: its answer, or `LOST_AFTER_S` after sending
while there is none. `settled` tells how it ended. See budget.py for the rules and their reasons.
"""

from __future__ import annotations

import math
import platform
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.settings.config import RateLimit

MARGIN_S = 0.15  # for a server that counts both ends of a window; also the rounding of clocks
LOST_AFTER_S = 150.0  # a call without an answer this long (connect, write, read time-outs) will not arrive
PROBE_EVERY_S = 60.0
GLANCE_S = 1.0  # how often the others look whether the probe came back
_JITTER_S = 2.0
_ANSWERED, _REFUSED = 1, 2  # what `settled` is once a call is over; 0 before
_UNNAMED = 0.0  # the span under which headers of no known window are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now: why, for how many seconds, and how long the whole trouble will then have lasted."""

    why: str
    seconds: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The wait after a 429: `until` is zero when there is none; `probe` is the ticket sent to try again."""

    since: float
    until: float
    strikes: int
    probe: int | None
    cleared_by: int


class Ledger:
    """Windows, caps and block of one account in one SQLite file."""

    def __init__(self, file: sqlite3.Connection, limits: Sequence[RateLimit], *, reserve: float) -> None:
        self._file = file
        self._limits = tuple(limits)
        self._reserve = reserve

    def tick(self, wall: float, monotonic: float) -> float:
        """Return the time that all sharers agree on, in seconds since 1970; it never goes back.

        The steady clock is the same for all processes of a machine until it restarts, so it carries the time
        on when the wall clock is set back; the wall clock adds the hours asleep or switched off. After a
        restart the steady clock tells too little, which errs on the careful side.
        """
        machine = platform.node()
        row = self._file.execute("SELECT time, monotonic, machine FROM clock").fetchone()
        elapsed = max(0.0, monotonic - row[1]) if row[2] == machine else 0.0
        now: float = max(row[0] + elapsed, wall)
        self._file.execute("UPDATE clock SET time = ?, monotonic = ?, machine = ?", (now, monotonic, machine))
        return now

    def wait(self, now: float) -> Wait | None:
        """Return what stands in the way of one more call, the longest wait; None when nothing does."""
        windows = (
            self._window_wait(limit.seconds, self._allowed(limit.requests), now) for limit in self._limits
        )
        waits = (*self._blocked(now), *windows, self._cap_wait(now), self._learned_wait(now))
        return max((wait for wait in waits if wait is not None), key=lambda wait: wait.seconds, default=None)

    def issue(self, now: float) -> int:
        """Reserve one call, as the probe if a block has just run out, and return its ticket number."""
        horizon = now - MARGIN_S - max((limit.seconds for limit in self._limits), default=0.0)
        self._file.execute("DELETE FROM calls WHERE late <= ?", (horizon,))
        self._file.execute("DELETE FROM learned WHERE until <= ?", (now,))
        over = "DELETE FROM caps WHERE until <= ? AND (remaining > 0 OR span = ? OR ticket < 0)"
        self._file.execute(over, (now, _UNNAMED))
        # A window's cap that has just ended lets one call pass, whose answer tells how far it is free again; once,
        # marked by a negative ticket: answers may have stopped to speak of that window.
        self._file.execute(
            "UPDATE caps SET remaining = 1, ticket = -ticket, until = ? WHERE until <= ?",
            (now + PROBE_EVERY_S, now),
        )
        self._file.execute("UPDATE caps SET remaining = remaining - 1")
        values = (now, now + LOST_AFTER_S)
        number = self._file.execute(
            "INSERT INTO calls (sent, late, settled) VALUES (?, ?, 0)", values
        ).lastrowid
        if number is None:
            raise RuntimeError("SQLite gave no row id")
        if self.block().until:
            self._file.execute("UPDATE block SET probe = ?, until = ?", (number, now + PROBE_EVERY_S))
        return number

    def settle(self, now: float, number: int, signal: LimitSignal | None) -> None:
        """The call is over: it frees its place one span from now; its headers may set a cap."""
        row = self._file.execute("SELECT sent FROM calls WHERE id = ?", (number,)).fetchone()
        if row is None:
            return
        self._file.execute("UPDATE calls SET late = ?, settled = ? WHERE id = ?", (now, _ANSWERED, number))
        if signal is not None and signal.remaining is not None:
            self._heed_remaining(now, number, row[0], signal)

    def block(self) -> Block:
        """Return the state of the wait after a 429."""
        query = "SELECT since, until, strikes, probe, cleared_by FROM block"
        since, until, strikes, probe, cleared_by = self._file.execute(query).fetchone()
        return Block(since=since, until=until, strikes=strikes, probe=probe, cleared_by=cleared_by)

    def refuse(self, now: float, number: int, hint_s: float | None, rng: random.Random) -> None:
        """A 429: everybody stops. Its hint counts once; a second refusal in a row waits a minute at least.

        So does one within a minute of the last. The answer to a call that is older than the last successful probe
        tells of a quota that is over: no block.
        """
        self._file.execute("UPDATE calls SET settled = ? WHERE id = ?", (_REFUSED, number))
        block = self.block()
        if number <= block.cleared_by:
            return
        is_first = block.until == 0
        if is_first:
            self._learn(now)
        is_probe = number == block.probe
        seconds = PROBE_EVERY_S if hint_s is None else hint_s
        strikes = block.strikes + (is_first or is_probe)
        if strikes > 1 or (is_first and now - block.since < PROBE_EVERY_S):
            seconds = max(seconds, PROBE_EVERY_S)
        until = now + seconds + rng.uniform(0.1, _JITTER_S)
        if not is_first and not is_probe:
            # One of several calls that were in flight together: the longest hint counts, a running probe
            # goes on.
            self._file.execute("UPDATE block SET until = max(until, ?)", (until,))
            return
        values = (now if is_first else block.since, until, strikes)
        self._file.execute("UPDATE block SET since = ?, until = ?, strikes = ?, probe = NULL", values)

    def answered(self, now: float, number: int, *, arrived: bool) -> None:
        """Any end of a call but 429.

        A probe that arrived lifts the block, one that did not leaves it to the next.
        """
        if number != self.block().probe:
            return
        if arrived:
            self._file.execute(
                "UPDATE block SET until = 0, strikes = 0, probe = NULL, cleared_by = ?", (number,)
            )
        else:
            self._file.execute("UPDATE block SET probe = NULL, until = ?", (now,))

    def _blocked(self, now: float) -> tuple[Wait, ...]:
        block = self.block()
        if block.until <= now:
            return ()
        if block.probe is not None:
            return (Wait(why="probe_in_flight", seconds=min(GLANCE_S, block.until - now), total_s=0.0),)
        return (Wait(why="refused_429", seconds=block.until - now, total_s=block.until - block.since),)

    def _window_wait(self, span: float, allowed: int, now: float) -> Wait | None:
        """None while the window has room; else the time until enough of its calls are certainly out of it."""
        floor = now - span - MARGIN_S
        used = self._used(span, now)
        if used < allowed:
            return None
        # A call still in flight cannot be answered before now.
        query = """SELECT CASE WHEN settled THEN late ELSE min(late, ?) END AS earliest
                   FROM calls WHERE late > ? ORDER BY earliest LIMIT 1 OFFSET ?"""
        (leaves,) = self._file.execute(query, (now, floor, used - allowed)).fetchone()
        seconds = leaves - floor
        return Wait(why=f"window_{span:g}s", seconds=seconds, total_s=seconds)

    def _used(self, span: float, now: float) -> int:
        """Calls that the server may still count in a window of that span."""
        query = "SELECT count(*) FROM calls WHERE late > ?"
        return int(self._file.execute(query, (now - span - MARGIN_S,)).fetchone()[0])

    def _learn(self, now: float) -> None:
        """Note what others leave: as many calls as the server took of ours, in the window that is likely full.

        No answer tells which one that is. It is taken to be the one of which others would have to use the least. Where
        that is more than half of it, nothing is learned: a quota that is gone, and not shared, comes back whole.
        """
        query = "SELECT count(*) FROM calls WHERE late > ? AND settled = ?"
        taken = {
            limit: int(self._file.execute(query, (now - limit.seconds, _ANSWERED)).fetchone()[0])
            for limit in self._limits
        }
        full = max(self._limits, key=lambda limit: taken[limit] / limit.requests, default=None)
        if full is not None and taken[full] * 2 >= full.requests:
            values = (full.seconds, taken[full], now + min(full.seconds, PROBE_EVERY_S))
            self._file.execute("INSERT OR REPLACE INTO learned VALUES (?, ?, ?)", values)

    def _learned_wait(self, now: float) -> Wait | None:
        """What a refusal has taught, for a minute at most: then it is tried again."""
        waits = []
        for span, requests, until in self._file.execute("SELECT span, requests, until FROM learned"):
            wait = self._window_wait(span, requests, now)
            if wait is not None and until > now:
                seconds = min(wait.seconds, until - now)
                waits.append(Wait(why="refused_lately", seconds=seconds, total_s=seconds))
        return max(waits, key=lambda wait: wait.seconds, default=None)

    def _cap_wait(self, now: float) -> Wait | None:
        query = "SELECT max(until) FROM caps WHERE remaining <= 0 AND until > ?"
        (until,) = self._file.execute(query, (now,)).fetchone()
        return None if until is None else Wait(why="remaining", seconds=until - now, total_s=until - now)

    def _heed_remaining(self, now: float, number: int, sent: float, signal: LimitSignal) -> None:
        remaining = signal.remaining or 0
        for window in self._limits:
            if window.requests == signal.limit:
                self._cap_window(now, number, window, signal, remaining - self._overlapping(number, sent))
                return
        # Which window this is cannot be known, so it may lower the budget but never raise it.
        kept_for_others = 0 if signal.limit is None else signal.limit - self._allowed(signal.limit)
        left = remaining - self._overlapping(number, sent) - kept_for_others
        until = now + (PROBE_EVERY_S if signal.reset_s is None else signal.reset_s)
        self._file.execute(
            """INSERT INTO caps (span, remaining, until, ticket) VALUES (?, ?, ?, ?)
               ON CONFLICT (span) DO UPDATE SET
               remaining = CASE WHEN until <= ? THEN excluded.remaining
                                ELSE min(remaining, excluded.remaining) END,
               until = max(until, excluded.until), ticket = excluded.ticket""",
            (_UNNAMED, left, until, number, now),
        )

    def _cap_window(self, now: float, number: int, window: RateLimit, signal: LimitSignal, left: int) -> None:
        """Cap a window whose limit the header names, as far as others use more of it than we know of."""
        known = self._file.execute("SELECT ticket FROM caps WHERE span = ?", (window.seconds,)).fetchone()
        if known is not None and abs(known[0]) > number:
            return  # an answer overtaken by a newer one
        ours = self._used(window.seconds, now)
        others = window.requests - (signal.remaining or 0) - ours
        if others <= 0:
            self._file.execute("DELETE FROM caps WHERE span = ?", (window.seconds,))
            return
        kept_for_others = max(0, window.requests - self._allowed(window.requests) - others)
        until = now + (min(window.seconds, PROBE_EVERY_S) if signal.reset_s is None else signal.reset_s)
        values = (window.seconds, left - kept_for_others, until, number)
        self._file.execute(
            "INSERT OR REPLACE INTO caps (span, remaining, until, ticket) VALUES (?, ?, ?, ?)", values
        )

    def _overlapping(self, number: int, sent: float) -> int:
        """Calls on the wire together with this one: they may not be in the server's figure yet."""
        query = "SELECT count(*) FROM calls WHERE id != ? AND late > ?"
        return int(self._file.execute(query, (number, sent)).fetchone()[0])

    def _allowed(self, requests: int) -> int:
        return less_reserve(requests, self._reserve)


def less_reserve(requests: int, reserve: float) -> int:
    """The calls of a limit that are not left to other integrations; one at least."""
    # The epsilon undoes binary rounding: 1000 * (1 - 0.7) is 300.00000000000006, 10 * (1 - 0.9) is below 1.
    return max(1, math.floor(requests * (1 - reserve) + 1e-9))
