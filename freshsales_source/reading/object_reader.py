"""Reading one object: its views side by side, handed over in batches in which every id appears once.

A walk is stepped in the run's threads, one page at a time and never two pages of one walk at once; between steps
it stands in line with the others. When the pages of a load are used up the walks stand still where they are, and
go on with the next load without asking anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from freshsales_source.decode import Layout, Page
from freshsales_source.entity_types import Entity, Views
from freshsales_source.errors import FreshsalesError, NotFound, SavedViewNotFound
from freshsales_source.object_state import ObjectState
from freshsales_source.paging import Shape, ViewPages
from freshsales_source.reading.batch import Batch, Tally
from freshsales_source.reading.preparation import prepare
from freshsales_source.reading.rows import Answered, rows_to_load
from freshsales_source.run import Permits, Run
from freshsales_source.throttle import Meter
from freshsales_source.views import View
from freshsales_source.walk import BEGINNING, Step, Walk, WalkState
from freshsales_source.walk import Page as WalkPage

_LOG = logging.getLogger(__name__)

RECYCLE_BIN = "recycle_bin"


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
    """Reads one object that lives in saved views. Use from one thread; the reading happens in the run's."""

    def __init__(self, run: Run, entity: Entity, views: Views, state: ObjectState) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally(watermark_before=state.watermark)
        self.meter = Meter()
        self._views = views
        self._run = run
        self._client = run.client.metered(self.meter)
        self._permits = run.permits or Permits()
        self._shape = Shape(Layout.of(entity, state.columns))
        self._walkings: list[_Walking] | None = None
        self._missing_bin: SavedViewNotFound | None = None
        self._answered: list[tuple[View, Answered]] = []
        self._loaded: set[int] = set()
        self._futures: set[Future[None]] = set()
        self._lock = threading.Lock()

    # What is known after a run

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
        """Whether a view's total changed while it was read: people are working."""
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

    # One load after the other

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self._loaded.clear()

    def start(self) -> None:
        """Let the walks read on in the background, as far as the permits reach."""
        if self._run.permits is None:
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
        answered, self._answered = self._answered, []
        rows = rows_to_load(
            [one for _, one in answered],
            parent=self.entity.name,
            key=self.entity.foreign_key,
            loaded=self._loaded,
        )
        self._loaded |= rows.ids
        self.tally.rows_loaded += len(rows.ids)
        self.tally.rows_deleted += rows.deleted
        walks = {**self.state.walks, **{str(view.id): one.step.state for view, one in answered}}
        self.state = replace(self.state, walks=walks, columns=self._shape.layout.extra)
        return Batch(tables=rows.tables, layout=self._shape.layout, state=self.state)

    # In the run's threads

    def _prepare(self) -> None:
        prepared = prepare(self._run, self._client, self.entity, self._views, self.state)
        self.state, self._missing_bin = prepared.state, prepared.missing_bin
        self._shape = Shape(Layout.of(self.entity, self.state.columns))
        walkings = [_Walking(view=view, is_bin=False) for view in self.state.live]
        if self.state.bin is not None:
            walkings.append(_Walking(view=self.state.bin, is_bin=True))
        self._walkings = walkings
        for walking in walkings:
            self._advance_later(walking)

    def _advance_later(self, walking: _Walking) -> None:
        if not walking.is_done and self._permits.take():
            self._submit(lambda: self._advance(walking))

    def _advance(self, walking: _Walking) -> None:
        if walking.steps is None:
            walking.walk = self._begin(walking)
            walking.steps = walking.walk.steps()
        step = next(walking.steps, None)
        if step is None:
            walking.is_done = True
            return
        self._take_in(walking, step)
        self._advance_later(walking)

    def _begin(self, walking: _Walking) -> Walk[Page]:
        settings = self._run.settings
        pages = ViewPages(
            client=self._client,
            clock=self._run.clock,
            shape=self._shape,
            view_id=walking.view.id,
            page_size=settings.page_size,
            deleted_reason=RECYCLE_BIN if walking.is_bin else None,
        )
        first = pages.first()
        walking.total = first.total
        return Walk(
            self.state.walks.get(str(walking.view.id), WalkState()),
            _starting_with(first, pages),
            started_at=self._run.started_at(first.served_at),
            lookback_s=settings.lookback_s,
            floor=BEGINNING if settings.start_date is None else int(settings.start_date.timestamp()),
        )

    def _take_in(self, walking: _Walking, step: Step[Page]) -> None:
        page = step.page
        walking.has_moved = walking.has_moved or page.total != walking.total
        walking.total = page.total
        with self._lock:
            self._answered.append((walking.view, Answered(step=step, is_bin=walking.is_bin)))
            self.tally.rows_read += len(page.ids)
            self.tally.misfits.update(page.content.misfits)
        self._run.observer.page_read(
            self.entity.name,
            view=walking.view.id,
            page=page.number,
            pages=page.total_pages,
            rows=len(page.ids),
        )

    # Between the threads

    def _submit(self, task: Callable[[], None]) -> None:
        with self._lock:
            self._futures.add(self._run.pool.submit(task))

    def _wait(self) -> None:
        """Return when no task is left; a task that submits another does so before it ends."""
        while True:
            with self._lock:
                pending = set(self._futures)
            if not pending:
                return
            done, _ = wait(pending, return_when="FIRST_COMPLETED")
            with self._lock:
                self._futures -= done
            for future in done:
                self._settle(future)

    def _settle(self, future: Future[None]) -> None:
        try:
            future.result()
        except FreshsalesError as error:
            if isinstance(error, NotFound):
                # The view may have been made anew under another id: the next run looks it up.
                self.state = replace(self.state, looked_up_at=None)
            self._stop(error)

    def _stop(self, error: FreshsalesError) -> None:
        """End the object with what was read so far, if the run keeps such errors to itself."""
        if not isinstance(error, self._run.keeps):
            raise error
        if self.tally.error is None:
            self.tally.error = error
            _LOG.warning("object_stopped object=%s reason=%s", self.entity.name, error.reason)


def _starting_with(first: WalkPage[Page], pages: ViewPages) -> Callable[[int], WalkPage[Page] | None]:
    """A fetch that hands out the page already read, to learn the run's start from it, before it asks for more."""
    waiting = [first]
    return lambda number: waiting.pop() if number == 1 and waiting else pages(number)
