"""The connector of walk_replica with what looks for what walks cannot see: census by ranks, and rolling refresh.

It does in small what `freshsales sync` does: after the walks it compares numbers, has a census where they differ, asks
for each record that seems gone alone, and then reads some pages again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from freshsales_source.census import Bisect, Found, Outcome, RankedPage, Refresh, RefreshState
from freshsales_source.walk import Page
from tests.crm_world import Crm
from tests.walk_replica import Killed, Replica, Run, RunPlan
from tests.walk_world import BIN, Row, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Which of the mechanisms are at work."""

    bisects: bool = True
    finds_unseen: bool = True  # asks for what a list that is read whole does not show any more
    refresh_pages: int = 0  # in each run and part


@dataclass
class CheckedReplica(Replica):
    """The warehouse, and the memory of the refresh beside that of the walks."""

    world: Crm
    checks: Checks = field(default_factory=Checks)
    refreshes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    cycles: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)
    """Parts whose numbers did not agree at the end of the last run that got so far: it says so."""

    def new_run(self, plan: RunPlan) -> Run:
        return CheckedRun(self, plan)

    @property
    def parts(self) -> Mapping[str, Sequence[str]]:
        """The lists that are counted together, by name: the bin's first, which explains some of the others."""
        live = {"live": self.world.kind.live}
        return {"bin": (BIN,), **live} if self.world.kind.has_bin else live

    @property
    def refresh_began(self) -> int | None:
        """When the last whole cycle began, the earliest of the parts; None before each has ended one."""
        return min(self.cycles.values()) if len(self.cycles) == len(self.parts) else None


@dataclass
class CheckedRun(Run):
    """One run: walks, census, refresh."""

    replica: CheckedReplica
    totals: dict[str, int | None] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def fetch(self, view: str, number: int) -> Page[Rows] | None:
        page = super().fetch(view, number)
        if page is not None:
            self.totals[view] = page.total
            self.seen.update(page.ids)
        return page

    def check(self) -> None:
        checks = self.replica.checks
        if self.replica.world.server.ignores_order:
            self._load({}, self.replica.rows.keys() - self.seen if checks.finds_unseen else ())
            return
        for part in self.replica.parts:
            if checks.bisects and self._differs(part):
                self._bisect(part)
        for part in self.replica.parts:
            if checks.refresh_pages:
                self._refresh(part, checks.refresh_pages)
        self.replica.unequal = [part for part in self.replica.parts if self._differs(part)]

    def _differs(self, part: str) -> bool:
        totals = [self.totals[view] for view in self.replica.parts[part]]
        return None not in totals and sum(t for t in totals if t is not None) != len(self._here(part))

    def _bisect(self, part: str) -> None:
        bisect = Bisect(self._lists(part), Snapshot(self._here(part)))
        found = self._taken(bisect.steps())
        self.replica.outcomes.append(bisect.outcome)
        self._load(found, bisect.candidates)

    def _refresh(self, part: str, pages: int) -> None:
        state = RefreshState.from_json(self.replica.refreshes.get(part))
        stored = Snapshot(self._here(part))
        now = self.replica.world.now
        refresh = Refresh(self._lists(part), stored, state, pages=pages, now=now)
        found = self._taken(refresh.steps())
        self._load(found, refresh.candidates)
        self.replica.refreshes[part] = refresh.state.to_json()
        if not refresh.state.is_in_progress:
            self.replica.cycles[part] = state.began or now

    def _taken(self, steps: Iterator[Found[Rows]]) -> dict[int, Row]:
        """Every row of the pages read; what was read before the run is cut is loaded all the same."""
        found: dict[int, Row] = {}
        try:
            for one in steps:
                found |= one.page.content
        except Killed:
            raise
        except Exception:
            self._load(found, ())
            raise
        return found

    def _load(self, found: Mapping[int, Row], candidates: Iterable[int]) -> None:
        """Load the rows, and ask alone for each record that seems gone."""
        gone = []
        rows = dict(found)
        for record_id in sorted(candidates):
            self.request(f"record {record_id}")
            row = self.replica.world.rows.get(record_id)
            if row is None:
                gone.append(record_id)
            else:
                rows[record_id] = row
        self.replica.rows |= rows
        for record_id in gone:
            self.replica.rows.pop(record_id, None)

    def _here(self, part: str) -> dict[int, Row]:
        is_bin = part == "bin"
        return {i: row for i, row in self.replica.rows.items() if (row.view == BIN) == is_bin}

    def _lists(self, part: str) -> Mapping[str, Any]:
        return {view: self._pages(view) for view in self.replica.parts[part]}

    def _pages(self, view: str) -> Any:
        def fetch(number: int) -> RankedPage[Rows] | None:
            self.request(f"{view} by creation: page {number}")
            return self.replica.world.ranked(view, number)

        return fetch


class Snapshot:
    """Rows as they were when a census began."""

    def __init__(self, rows: Mapping[int, Row]) -> None:
        self._keys = {i: row.created for i, row in rows.items()}

    def count(self) -> int:
        return len(self._keys)

    def through(self, key: int, /) -> int:
        return sum(one <= key for one in self._keys.values())

    def between(self, low: int, high: int, /) -> Mapping[int, int]:
        return {i: key for i, key in self._keys.items() if low <= key <= high}

    def keys(self, ids: Sequence[int], /) -> Mapping[int, int]:
        return {i: self._keys[i] for i in ids if i in self._keys}
