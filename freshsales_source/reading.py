"""Reading one object: its views side by side, handed over in batches in which every id appears once.

A walk is stepped in the run's threads, one page at a time and never two pages of one walk at once; between steps it
stands in line with the others. When the pages of a load are used up the walks stand still where they are, and go on
with the next load without asking anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.decode import Layout, Page
from freshsales_source.entity_types import Entity, Views
from freshsales_source.errors import Forbidden, FreshsalesError, NotFound, SavedViewNotFound
from freshsales_source.fields import custom_columns, parse_fields
from freshsales_source.object_state import ObjectState
from freshsales_source.paging import Shape, ViewPages, server_time
from freshsales_source.run import Permits, Run
from freshsales_source.throttle import Meter
from freshsales_source.views import View, bin_setting, choose, find_bin, parse_views
from freshsales_source.walk import BEGINNING, Sighting, Step, Walk, WalkState, latest
from freshsales_source.walk import Page as WalkPage

_LOG = logging.getLogger(__name__)

RECYCLE_BIN = "recycle_bin"


class SavedState(Protocol):
    """What is kept of an object between runs."""

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one load takes in of an object: rows by table, parent first, and the state that is true with them.

    `layout` describes the tables.
    """

    tables: Mapping[str, pa.Table]
    layout: Layout
    state: SavedState


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run did with one object, for the report."""

    rows_read: int = 0
    rows_loaded: int = 0
    rows_deleted: int = 0
    misfits: Counter[str] = field(default_factory=Counter)
    watermark_before: int | None = None
    error: FreshsalesError | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Walking:
    """One view being walked."""

    view: View
    is_bin: bool
    walk: Walk[Page] | None = None
    steps: Iterator[Step[Page]] | None = None
    total: int | None = None
    has_moved: bool = False
    is_done: bool = False


class ObjectReader:
    """Reads one object that lives in saved views. Use from one thread; the reading itself happens in the run's."""

    def __init__(self, run: Run, entity: Entity, state: ObjectState) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally(watermark_before=state.watermark)
        self.meter = Meter()
        self._run = run
        self._client = run.client.metered(self.meter)
        self._permits = run.permits or Permits()
        self._owns_permits = run.permits is None
        self._shape = Shape(Layout.of(entity, state.columns))
        self._walkings: list[_Walking] | None = None
        self._steps: list[tuple[_Walking, Step[Page]]] = []
        self._futures: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._loaded: set[int] = set()
        self._missing_bin: SavedViewNotFound | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run."""
        return self.tally.error is not None or (
            self._walkings is not None and all(walking.is_done for walking in self._walkings)
        )

    @property
    def expected(self) -> int | None:
        """How many live records the views said they hold, when last asked; None where one of them has no total."""
        totals = [walking.total for walking in self._walkings or () if not walking.is_bin]
        known = [total for total in totals if total is not None]
        return sum(known) if known and len(known) == len(totals) else None

    @property
    def has_moved(self) -> bool:
        """Whether a live view's total changed while it was read: people are working."""
        return any(walking.has_moved for walking in self._walkings or ())

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walks cannot vouch for."""
        return tuple(
            f'{doubt} (view "{walking.view.name}")'
            for walking in self._walkings or ()
            if walking.walk is not None
            for doubt in walking.walk.doubts
        )

    def start(self) -> None:
        """Let the walks read on in the background, as far as the permits reach."""
        if self._owns_permits:
            self._permits.renew()
        if self.is_done:
            return
        if self._walkings is None:
            self._submit(self._prepare)
            return
        for walking in self._walkings:
            self._advance_later(walking)

    def batch(self) -> Batch:
        """Wait until the walks stand still, and give what they read. Raises what the run does not keep to itself."""
        self._wait()
        if self._missing_bin is not None and self.is_done:
            self._stop(self._missing_bin)
        steps, self._steps = self._steps, []
        tables = self._merge(steps)
        walks = dict(self.state.walks)
        walks.update({str(walking.view.id): step.state for walking, step in steps})
        self.state = replace(self.state, walks=walks, columns=self._shape.layout.extra)
        return Batch(tables=tables, layout=self._shape.layout, state=self.state)

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self._loaded.clear()

    # In the run's threads

    def _prepare(self) -> None:
        """Find the views and the custom fields, unless that was done lately, and begin the walks."""
        settings, state = self._run.settings, self.state
        if state.bin is None or not state.is_fresh(self._run.clock.now(), settings.lookups_every_s):
            state = self._look_up(state)
        ids = {str(view.id) for view in (*state.live, *([state.bin] if state.bin else []))}
        self.state = replace(state, walks={i: walk for i, walk in state.walks.items() if i in ids})
        self._shape = Shape(Layout.of(self.entity, state.columns))
        walkings = [_Walking(view=view, is_bin=False) for view in state.live]
        if state.bin is not None:
            walkings.append(_Walking(view=state.bin, is_bin=True))
        self._walkings = walkings
        for walking in walkings:
            self._advance_later(walking)

    def _look_up(self, state: ObjectState) -> ObjectState:
        views = self.entity.read
        assert isinstance(views, Views)
        answer = self._client.get(f"{self.entity.path}/filters")
        self._run.started_at(server_time(answer, self._run.clock))
        seen = parse_views(answer)
        chosen = self._run.settings.views
        live = choose(self.entity.name, chosen.get(self.entity.name, views.live), seen)
        state = replace(state, live=live, bin=self._find_bin(views, seen))
        return replace(self._with_fields(state), looked_up_at=self._run.clock.now())

    def _find_bin(self, views: Views, seen: Sequence[View]) -> View | None:
        """The recycle bin's view; without it the live rows are still read, and the object fails in the end."""
        name = self.entity.name
        try:
            return find_bin(name, self._run.settings.views.get(bin_setting(name)), views.bin, seen)
        except SavedViewNotFound as error:
            self._missing_bin = error
            return None

    def _with_fields(self, state: ObjectState) -> ObjectState:
        """The state with the account's custom fields, typed; without them where the key may not read the settings."""
        path = f"settings/{self.entity.settings}/fields"
        try:
            answer = self._client.get(path, {"include": "field_group"})
        except (Forbidden, NotFound) as error:
            _LOG.warning("fields_not_readable object=%s reason=%s", self.entity.name, error.reason)
            return state
        reserved = {column.name for column in Layout.of(self.entity).table.columns}
        found = custom_columns(
            parse_fields(answer.body, object=self.entity.name), known=state.names, reserved=reserved
        )
        # A field that is gone keeps its column, and a column its first type: the warehouse has values in it.
        kept = {column.key: column for column in state.columns}
        columns = {**{column.key: column for column in found.columns}, **kept}
        return replace(state, names=found.names, columns=tuple(columns.values()))

    def _advance_later(self, walking: _Walking) -> None:
        if not walking.is_done and self._permits.take():
            self._submit(lambda: self._advance(walking))

    def _advance(self, walking: _Walking) -> None:
        if walking.steps is None:
            walking.steps = self._begin(walking)
        step = next(walking.steps, None)
        if step is None:
            walking.is_done = True
            return
        with self._lock:
            self._steps.append((walking, step))
        self._notice(walking, step.page)
        self._advance_later(walking)

    def _begin(self, walking: _Walking) -> Iterator[Step[Page]]:
        settings = self._run.settings
        pages = ViewPages(
            client=self._client,
            clock=self._run.clock,
            shape=self._shape,
            view_id=walking.view.id,
            page_size=settings.page_size,
            deleted_reason=RECYCLE_BIN if walking.is_bin else None,
        )
        first = pages(1)
        assert first is not None
        walking.total = first.total
        walking.walk = Walk(
            self.state.walks.get(str(walking.view.id), WalkState()),
            _after(first, pages),
            started_at=self._run.started_at(datetime.fromtimestamp(first.served_at).astimezone()),
            lookback_s=settings.lookback_s,
            floor=BEGINNING if settings.start_date is None else int(settings.start_date.timestamp()),
        )
        return walking.walk.steps()

    def _notice(self, walking: _Walking, page: WalkPage[Page]) -> None:
        walking.has_moved = walking.has_moved or page.total != walking.total
        walking.total = page.total
        self._run.observer.page_read(
            self.entity.name,
            view=walking.view.id,
            page=page.number,
            pages=page.total_pages,
            rows=len(page.ids),
        )

    # Threads

    def _submit(self, task: Callable[[], None]) -> None:
        with self._lock:
            self._futures.add(self._run.pool.submit(task))

    def _wait(self) -> None:
        while True:
            with self._lock:
                pending = set(self._futures)
            if not pending:
                return
            done, _ = wait(pending, return_when="FIRST_COMPLETED")
            for future in done:
                self._settle(future)
            with self._lock:
                self._futures -= done

    def _settle(self, future: Future[None]) -> None:
        try:
            future.result()
        except NotFound as error:
            # The view may have been made anew under another id: the next run looks it up.
            self.state = replace(self.state, looked_up_at=None)
            self._stop(error)
        except FreshsalesError as error:
            self._stop(error)

    def _stop(self, error: FreshsalesError) -> None:
        """End the object with what was read so far, if the run keeps such errors to itself."""
        if not isinstance(error, self._run.keeps):
            raise error
        if self.tally.error is None:
            self.tally.error = error
            _LOG.warning("object_stopped object=%s reason=%s", self.entity.name, error.reason)

    # Rows

    def _merge(self, steps: Iterable[tuple[_Walking, Step[Page]]]) -> dict[str, pa.Table]:
        """The rows of a load: the last answer of every id, children and bridges with their parent."""
        steps = [(walking, step) for walking, step in steps if step.keep]
        sightings = [
            Sighting(
                ids=[step.page.ids[i] for i in step.keep],
                stamps=[step.page.stamps[i] for i in step.keep],
                is_bin=walking.is_bin,
            )
            for walking, step in steps
        ]
        parts: dict[str, list[pa.Table]] = {}
        for (walking, step), sighting, rows in zip(
            steps, sightings, latest(sightings, loaded=self._loaded), strict=True
        ):
            kept = [step.keep[row] for row in rows]
            self._count(step, kept, is_bin=walking.is_bin)
            for name, table in _rows_of(step.page, kept, self.entity).items():
                parts.setdefault(name, []).append(table)
            self._loaded.update(sighting.ids)
        return {name: pa.concat_tables(tables, promote_options="default") for name, tables in parts.items()}

    def _count(self, step: Step[Page], kept: list[int], *, is_bin: bool) -> None:
        self.tally.rows_read += len(step.page.ids)
        self.tally.rows_loaded += len(kept)
        self.tally.rows_deleted += len(kept) if is_bin else 0
        self.tally.misfits.update(step.page.content.misfits)


def _after(first: WalkPage[Page], pages: ViewPages) -> Callable[[int], WalkPage[Page] | None]:
    """A fetch that hands out the page that was read to learn the run's start, before it asks for more."""
    waiting = [first]

    def fetch(number: int) -> WalkPage[Page] | None:
        if number == 1 and waiting:
            return waiting.pop()
        return pages(number)

    return fetch


def _rows_of(page: WalkPage[Page], rows: list[int], entity: Entity) -> dict[str, pa.Table]:
    """The rows at these indexes, and of children and bridges those that belong to them."""
    tables = page.content.tables
    if len(rows) == len(page.ids):
        return dict(tables)
    ids = pa.array([page.ids[row] for row in rows], pa.int64())
    taken = {entity.name: tables[entity.name].take(pa.array(rows, pa.int64()))}
    for name, table in tables.items():
        if name != entity.name:
            taken[name] = table.filter(pc.is_in(table[entity.foreign_key], value_set=ids))
    return taken
