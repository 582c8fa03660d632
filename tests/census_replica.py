"""A warehouse and its caller reduced to what a census needs: rows are loaded, candidates are asked for one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from freshsales_source.census import Bisect, Found, Outcome, Refresh, RefreshState
from tests.census_world import Records, Snapshot, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run of an engine found: rows loaded because they were missing, and candidates, before any GET."""

    outcome: Outcome
    calls: int
    loaded: Records
    candidates: frozenset[int]
    shown: Records = field(default_factory=dict)

    def settles(self, *, vanished: Iterable[int] = (), missing: Records | None = None) -> bool:
        """Whether it named exactly these records as gone from there, and these as missing here."""
        named = (self.candidates, self.loaded) == (frozenset(vanished), missing or {})
        return self.outcome is Outcome.SETTLED and named


@dataclass
class Replica:
    """The warehouse's rows of these lists, and the refresh's state between runs."""

    rows: Records
    state: RefreshState = field(default_factory=RefreshState)
    runs: int = 0

    def bisect(self, world: World) -> Report:
        """One census; loads what is missing and confirms the candidates."""
        engine = Bisect(world.fetches, Snapshot(self.rows))
        loaded, shown = self._read(engine.steps())
        self._confirm(engine.candidates, world)
        return Report(
            outcome=engine.outcome,
            calls=engine.calls,
            loaded=loaded,
            candidates=engine.candidates,
            shown=shown,
        )

    def refresh(self, world: World, pages: int) -> Report:
        """One turn of the refresh, its state passed through JSON."""
        self.runs += 1
        state = RefreshState.from_json(self.state.to_json())
        engine = Refresh(world.fetches, Snapshot(self.rows), state, pages=pages, now=self.runs)
        loaded, shown = self._read(engine.steps())
        self.state = engine.state
        self._confirm(engine.candidates, world)
        return Report(
            outcome=engine.outcome,
            calls=engine.calls,
            loaded=loaded,
            candidates=engine.candidates,
            shown=shown,
        )

    def refresh_cycle(self, world: World, pages: int, *, most_runs: int = 1000) -> list[Report]:
        """Turns until a cycle that began now has ended."""
        self.state = RefreshState(ended=self.state.ended)
        reports: list[Report] = []
        while not reports or self.state.is_in_progress:
            reports.append(self.refresh(world, pages))
            assert len(reports) <= most_runs, self.state
        return reports

    def _read(self, steps: Iterator[Found[str]]) -> tuple[Records, Records]:
        loaded: Records = {}
        shown: Records = {}
        for found in steps:
            rows = list(zip(found.page.ids, found.page.keys, strict=True))
            assert found.page.content.startswith(found.list_name)
            shown.update(rows)
            loaded.update(rows[index] for index in found.keep)
        self.rows = {**self.rows, **loaded}
        return loaded, shown

    def _confirm(self, candidates: frozenset[int], world: World) -> None:
        live: Mapping[int, int] = world.records
        for i in candidates:
            if i in live:
                self.rows[i] = live[i]
            else:
                del self.rows[i]
