"""A CRM in which everything happens that can happen to a record, over the views of walk_world.

The world knows which of its records carry a change that no stamp tells (`silent`): a walk may miss those, and only
those. Written from the API notes, not from the engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from freshsales_source.census import RankedPage
from tests.walk_world import BIN, OrderKey, Row, Rows, Server, World

T = TypeVar("T")

FAR = 5_000
"""Seconds by which a stamp that is wrong lies in the future or in the past: beyond every lookback here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An object as lists show it: the views that together hold its live records, and whether there is a bin.

    `watched` is the list whose records are followed when they leave it; such lists have no order.
    """

    live: tuple[str, ...]
    has_bin: bool = True
    watched: str | None = None
    can_merge: bool = True

    @property
    def views(self) -> tuple[str, ...]:
        """Every list that is read."""
        return (*self.live, BIN) if self.has_bin else self.live


KINDS: Mapping[str, Kind] = {
    "contacts": Kind(live=("all",)),
    "deals": Kind(live=("open", "won", "lost"), can_merge=False),
    "activities": Kind(live=("all",), has_bin=False, can_merge=False),
    "tasks": Kind(live=("open", "completed"), has_bin=False, can_merge=False, watched="open"),
}
"""Accounts and leads stand in lists as contacts do, products as activities without an order, appointments as tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmServer(Server):
    """The API's switches, and what this CRM does to stamps and totals."""

    kind: str = "deals"
    delete_moves_stamp: bool = True
    restore_moves_stamp: bool = True
    drift_s: int = 0  # every stamp is off by up to so much, either way
    wrong_stamps: tuple[str, ...] = ()  # "future", "past": some writes carry a stamp far from now
    silent_edits: bool = False
    total_cached_s: int = 0

    @property
    def needed_lookback_s(self) -> int:
        """The smallest `lookback_s` with which a walk alone can lose nothing."""
        return self.lag_s + max(0, self.clock_ahead_s) + self.drift_s


EVENTS: Mapping[str, int] = {
    "create": 3,
    "edit": 4,
    "bulk edit": 1,
    "move": 2,
    "delete": 3,
    "restore": 2,
    "merge": 1,
    "erase": 1,
    "expire": 1,
    "silent edit": 1,
}
"""Every event with its weight."""


@dataclass
class Crm(World):
    """The CRM: what `walk_world.World` does, and merges, erasures, bin expiry and writes that no stamp tells."""

    server: CrmServer = field(default_factory=CrmServer)
    silent: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    happened: list[str] = field(default_factory=list)
    _last_id: int = 0
    _in_bin: deque[int] = field(default_factory=deque)
    _counted: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The object this CRM holds."""
        return KINDS[self.server.kind]

    @property
    def views(self) -> tuple[str, ...]:
        return self.kind.views

    # What people do

    def create(self, count: int = 1, view: str | None = None) -> None:
        ids = range(self._last_id + 1, self._last_id + 1 + count)
        self._last_id += count
        self.write(ids, view=view or self.random.choice(self.kind.live), stamp=self._stamp())

    def happen(self) -> None:
        """One random event; nothing where there is no record for it."""
        kind = self.random.choices(list(EVENTS), list(EVENTS.values()))[0]
        live = [i for i, row in self.rows.items() if row.view != BIN]
        if not live:
            kind = "create"
        if self._does(kind, live):
            self.happened.append(kind)

    def _does(self, kind: str, live: Sequence[int]) -> bool:
        match kind:
            case "create":
                self.create()
            case "edit":
                self.write([self._one(live)], stamp=self._stamp())
            case "bulk edit":
                # A bulk edit of all makes good whatever was missed before, so it is rare.
                most = len(live) if self.random.random() < 0.2 else min(len(live), 4)
                self.write(self.random.sample(live, self.random.randint(1, most)), stamp=self._stamp())
            case "move" if len(self.kind.live) > 1:
                self.write([self._one(live)], view=self._one(self.kind.live), stamp=self._stamp())
            case "silent edit" if self.server.silent_edits:
                self.write([self._one(live)])
            case _:
                return self._removes(kind, live)
        return True

    def _removes(self, kind: str, live: Sequence[int]) -> bool:
        match kind:
            case "delete":
                self.delete(self._one(live))
            case "restore" if self._in_bin:
                self.restore(self._one(self._in_bin))
            case "merge" if self.kind.can_merge and len(live) > 1:
                self.merge(*self.random.sample(live, min(len(live), self.random.randint(2, 4))))
            case "erase" if self.kind.has_bin:
                self.erase([self._one([*live, *self._in_bin])])
            case "expire" if self._in_bin:
                self.erase(list(self._in_bin)[: self.random.randint(1, 3)])
            case _:
                return False
        return True

    def delete(self, record_id: int) -> None:
        """Into the bin, or gone at once where there is none."""
        if not self.kind.has_bin:
            self.erase([record_id])
            return
        self.write([record_id], view=BIN, stamp=self._stamp() if self.server.delete_moves_stamp else None)
        self._in_bin.append(record_id)

    def restore(self, record_id: int) -> None:
        """Out of the bin, into any live view."""
        stamp = self._stamp() if self.server.restore_moves_stamp else None
        self.write([record_id], view=self._one(self.kind.live), stamp=stamp)
        self._in_bin.remove(record_id)

    def merge(self, primary: int, *others: int) -> None:
        """The others are gone for good; the primary takes the oldest `created_at`."""
        created = min(self.rows[i].created for i in (primary, *others))
        self.erase(others)
        self.write([primary], stamp=self._stamp(), created=created)

    def erase(self, ids: Iterable[int]) -> None:
        """Gone for good, without a trace."""
        gone = set(ids)
        self._put({i: row for i, row in self.rows.items() if i not in gone})
        self.erased |= gone
        self._in_bin = deque(i for i in self._in_bin if i not in gone)

    def write(
        self,
        ids: Iterable[int],
        *,
        view: str | None = None,
        stamp: int | None = None,
        created: int | None = None,
    ) -> None:
        """One write to all of them; without a stamp no reader is told."""
        rows = dict(self.rows)
        for record_id in ids:
            old = rows.get(record_id, Row(self.now, 0, self.kind.live[0], self.now))
            rows[record_id] = replace(
                old,
                version=old.version + 1,
                view=view or old.view,
                stamp=old.stamp if stamp is None else stamp,
                created=old.created if created is None else created,
            )
            is_told = stamp is not None and stamp >= self.now - self.server.drift_s
            (self.silent.discard if is_told else self.silent.add)(record_id)
        self._put(rows)

    def _stamp(self) -> int:
        if self.server.wrong_stamps and self.random.random() < 0.1:
            return self.now + (FAR if self._one(self.server.wrong_stamps) == "future" else -FAR)
        return self.now + self.random.randint(-self.server.drift_s, self.server.drift_s)

    def _one(self, among: Sequence[T]) -> T:
        return self.random.choice(among)

    # What the API answers

    def ranked(self, view: str, number: int) -> RankedPage[Rows] | None:
        """A page of the view in the order of creation, the oldest first."""
        rows = self._seen_by(view)
        ids = sorted((i for i, row in rows.items() if row.view == view), key=self._by_creation(rows))
        size = min(self.server.page_size, self.server.page_cap)
        pages, count = max(1, -(-len(ids) // size)), self._count(view, len(ids))
        if number > pages and self.server.past_the_end == "404":
            return None
        at = pages if number > pages and self.server.past_the_end == "repeat" else number
        shown = ids[(at - 1) * size : at * size]
        return RankedPage(
            number=number,
            ids=shown,
            keys=[rows[i].created for i in shown],
            total=None if self.server.meta == "none" else count,
            total_pages=max(1, -(-count // size)) if self.server.meta == "total_pages" else None,
            content={i: rows[i] for i in shown},
        )

    def _by_creation(self, rows: Rows) -> OrderKey:
        if self.server.ties == "reshuffled":
            return lambda i: (rows[i].created, self.random.random())
        sign = 1 if self.server.ties == "by id" else -1
        return lambda i: (rows[i].created, float(sign * i))

    def _count(self, view: str, count: int) -> int:
        at, counted = self._counted.get(view, (self.now - FAR, 0))
        if self.now - at >= self.server.total_cached_s:
            self._counted[view] = (self.now, count)
            return count
        return counted
