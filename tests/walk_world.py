"""A CRM reduced to what paging sees: views of ids and stamps, served page by page while people work.

Written from the API notes, not from the engine. A view lists its records newest first by `updated_at` in whole
seconds; every write moves the stamp of its record to now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from freshsales_source.walk import Page

LIVE_VIEWS = ("open", "won", "lost")
BIN = "bin"
VIEWS = (*LIVE_VIEWS, BIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How the API answers: the positions of the switches that paging depends on."""

    page_size: int = 3
    page_cap: int = 100
    meta: Literal["total_pages", "total", "none"] = "total_pages"
    past_the_end: Literal["empty", "repeat", "404"] = "empty"
    ties: Literal["by id", "by id, newest first", "reshuffled"] = "by id"
    lag_s: int = (
        0  # a view shows each write at the latest so many seconds after it, in the order of the writes
    )
    clock_ahead_s: int = 0  # how far the Date header is off, at most
    ignores_order: bool = False

    @property
    def needed_lookback_s(self) -> int:
        """The smallest `lookback_s` with which nothing can be lost."""
        return self.lag_s + max(0, self.clock_ahead_s)


@dataclass(frozen=True, slots=True)
class Row:
    """A version of a record. Equal rows have the same content."""

    stamp: int
    version: int
    view: str
    created: int = 0


Rows: TypeAlias = Mapping[int, Row]
OrderKey: TypeAlias = Callable[[int], tuple[int, float]]


@dataclass
class World:
    """The CRM: its records by id, and every past state of them, because a view may lag behind writes."""

    random: Random
    server: Server
    now: int = 1_000_000
    rows: Rows = field(default_factory=dict)
    requests: int = 0
    _written_at: list[int] = field(default_factory=list)
    _states: list[Rows] = field(default_factory=lambda: [{}])
    _shown: dict[str, int] = field(default_factory=dict)
    _sorted: dict[str, tuple[Rows, list[int]]] = field(default_factory=dict)

    # What people do

    def create(self, count: int = 1, view: str = "open") -> None:
        """New records of one second, as an import makes them."""
        first = max(self.rows, default=0) + 1
        self._write(range(first, first + count), view)

    def edit(self, ids: Iterable[int]) -> None:
        self._write(ids)

    def move(self, record_id: int, view: str) -> None:
        """A stage move, a deletion (to the bin) or a restore (from it)."""
        self._write([record_id], view)

    @property
    def views(self) -> tuple[str, ...]:
        """The views that there are, the bin last."""
        return VIEWS

    def happen(self) -> None:
        """One random event of any kind that moves the stamp."""
        live = [i for i, r in self.rows.items() if r.view != BIN]
        binned = [i for i, r in self.rows.items() if r.view == BIN]
        kinds = ["create", "edit", "bulk edit", "move", "delete", "restore"]
        kind = self.random.choices(kinds, [3, 4, 1, 2, 3, 1])[0]
        if kind == "create" or not live:
            self.create(view=self.random.choice(LIVE_VIEWS))
        elif kind == "edit":
            self.edit([self.random.choice(live)])
        elif kind == "bulk edit":
            self.edit(self.random.sample(live, self.random.randint(1, len(live))))
        elif kind == "move":
            self.move(self.random.choice(live), self.random.choice(LIVE_VIEWS))
        elif kind == "delete":
            self.move(self.random.choice(live), BIN)
        elif binned:
            self.move(self.random.choice(binned), self.random.choice(LIVE_VIEWS))

    def _write(self, ids: Iterable[int], view: str | None = None) -> None:
        rows = dict(self.rows)
        for record_id in ids:
            old = rows.get(record_id)
            version = old.version + 1 if old else 1
            created = old.created if old else self.now
            rows[record_id] = Row(self.now, version, view or (old.view if old else LIVE_VIEWS[0]), created)
        self._put(rows)

    def _put(self, rows: Rows) -> None:
        """Let the CRM hold these records from now on."""
        self.rows = rows
        self._written_at.append(self.now)
        self._states.append(rows)

    # What the API answers

    def clock(self) -> int:
        """The Date header."""
        return self.now + self.random.choice([0, self.server.clock_ahead_s])

    def page(self, view: str, number: int) -> Page[Rows] | None:
        self.requests += 1
        size = min(self.server.page_size, self.server.page_cap)
        rows, ids = self._visible(view)
        pages = max(1, -(-len(ids) // size))
        shown = ids[(number - 1) * size : number * size]
        if number > pages and self.server.past_the_end == "404":
            return None
        if number > pages and self.server.past_the_end == "repeat":
            shown = ids[(pages - 1) * size :]
        total = self._count(view, len(ids))
        return Page(
            number=number,
            ids=shown,
            stamps=[rows[i].stamp for i in shown],
            total=None if self.server.meta == "none" else total,
            total_pages=max(1, -(-total // size)) if self.server.meta == "total_pages" else None,
            served_at=self.clock(),
            content={i: rows[i] for i in shown},
        )

    def _count(self, view: str, count: int) -> int:
        """What the envelope says there is."""
        return count

    def _visible(self, view: str) -> tuple[Rows, list[int]]:
        """The state that the view shows, and its ids in the order served."""
        rows = self._seen_by(view)
        known, ids = self._sorted.get(view, (None, []))
        if known is not rows or self.server.ties == "reshuffled":
            ids = sorted((i for i, r in rows.items() if r.view == view), key=self._order(rows))
            self._sorted[view] = (rows, ids)
        return rows, ids

    def _seen_by(self, view: str) -> Rows:
        """Some state between the oldest that the lag allows and the newest; time never runs backwards."""
        if not self.server.lag_s:
            return self.rows
        oldest = bisect_right(self._written_at, self.now - self.server.lag_s)
        oldest = max(oldest, self._shown.get(view, 0))
        self._shown[view] = self.random.randint(oldest, len(self._written_at))
        return self._states[self._shown[view]]

    def _order(self, rows: Rows) -> OrderKey:
        if self.server.ties == "reshuffled":
            return lambda i: (0 if self.server.ignores_order else -rows[i].stamp, self.random.random())
        if self.server.ignores_order:
            return lambda i: (0, float(i))
        sign = -1 if self.server.ties == "by id, newest first" else 1
        return lambda i: (-rows[i].stamp, float(sign * i))
