"""Reading one object: its lists side by side, handed over in batches in which every id appears once.

A walk is stepped in the run's threads, one page at a time and never two pages of one walk at once; between steps
it stands in line with the others. When the pages of a load are used up the walks stand still where they are, and
go on with the next load without asking anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from freshsales_source.decode import Layout, Page
from freshsales_source.entities import LOOKUPS
from freshsales_source.entity_types import Entity, Filters
from freshsales_source.errors import Forbidden, FreshsalesError, NotFound, SavedViewNotFound
from freshsales_source.object_state import ObjectState
from freshsales_source.paging import Shape
from freshsales_source.reading.background import Background
from freshsales_source.reading.batch import Batch, Tally
from freshsales_source.reading.listing import ListRead, listings
from freshsales_source.reading.preparation import prepare
from freshsales_source.reading.rows import Answered, referenced, rows_to_load
from freshsales_source.reading.walking import Walking
from freshsales_source.reading.watch import Watch, fetch_record, live_ids
from freshsales_source.run import Permits, Run
from freshsales_source.throttle import Meter
from freshsales_source.walk import Step, WalkState

_LOG = logging.getLogger(__name__)
_LOOKUP_TABLES = frozenset(entity.name for entity in LOOKUPS)


class ObjectReader:
    """Reads one object out of its lists. Use from one thread; the reading happens in the run's."""

    def __init__(self, run: Run, entity: Entity, read: ListRead, state: ObjectState) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally(watermark_before=state.watermark(state.walks))
        self.meter = Meter()
        self._read = read
        self._run = run
        self._client = run.client.metered(self.meter)
        self._permits = run.permits or Permits()
        self._shape = Shape(Layout.of(entity, state.columns))
        self._walkings: list[Walking] | None = None
        self._before: dict[str, tuple[int | None, tuple[int, int] | None]] = {}
        self._missing_bin: SavedViewNotFound | None = None
        self._watch = Watch(state.watched)
        self._leavers: list[int] | None = None
        self._settings: Mapping[str, pa.Table] = {}
        self._answered: list[Answered] = []
        self._states: dict[str, WalkState] = {}
        self._loaded: set[int] = set()
        self._met_in_run: dict[str, frozenset[int]] = {}
        self._tasks = Background(run.pool)
        self._lock = threading.Lock()
        for table, ids in state.met.items():
            run.catalog.meet(table, ids)

    # What is known after a run

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run."""
        return self.tally.has_ended or (
            self._walkings is not None
            and all(walking.is_done for walking in self._walkings)
            and not self._leavers
        )

    @property
    def is_complete(self) -> bool:
        """Whether every list was read to its end at least once, so that the counts must agree."""
        return self._walkings is not None and self.state.is_complete(w.listing.key for w in self._walkings)

    @property
    def watermark(self) -> int | None:
        """Everything older than this, in seconds, has been read; None before the first pages were."""
        live = [w.listing.key for w in self._walkings or () if not w.listing.is_bin]
        return self.state.watermark(live)

    @property
    def expected(self) -> int | None:
        """How many live records the lists said they hold, when last asked; None where one of them has no total.

        None, too, for an object whose records may stand in several of its lists.
        """
        live = [walking for walking in self._walkings or () if not walking.listing.is_bin]
        totals = [walking.total for walking in live if walking.total is not None]
        is_countable = live and len(totals) == len(live) and not any(w.listing.is_watched for w in live)
        return sum(totals) if is_countable else None

    @property
    def has_moved(self) -> bool:
        """Whether people were working: a list's total changed while it was read, or, read again, its top or total."""
        walkings = self._walkings or ()
        return any(walking.has_moved for walking in walkings) or any(
            self._before.get(w.listing.key, (w.total, w.top)) != (w.total, w.top) for w in walkings
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walks cannot vouch for."""
        return tuple(
            f'{doubt} (view "{walking.listing.title}")'
            for walking in self._walkings or ()
            for doubt in walking.doubts
        )

    # One load after the other

    def read_again(self) -> None:
        """Begin anew at the newest record, from the state reached so far; counts go on."""
        self._before = {w.listing.key: (w.total, w.top) for w in self._walkings or ()}
        self._watch = Watch(self.state.watched)
        self._leavers = None
        self._walkings = None

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
            self._tasks.submit(self._prepare)
            return
        for walking in self._walkings:
            self._advance_later(walking)
        self._follow_later()

    def batch(self) -> Batch:
        """Wait until the walks stand still, and give what they read. Raises what the run does not keep to itself."""
        for task in self._tasks.finished():
            try:
                task.result()
            except FreshsalesError as error:
                self._stop(error)
        if self._missing_bin is not None and self.is_done:
            self._stop(self._missing_bin)
        answered, self._answered = self._answered, []
        gone, self._watch.gone = self._watch.gone, []
        settings, self._settings = self._settings, {}
        # A record found gone may stand on an older page of the same load: its flagged row is the one to keep.
        kept_out = self._loaded | set(gone)
        rows = rows_to_load(answered, parent=self.entity.name, key=self.entity.foreign_key, loaded=kept_out)
        self._loaded |= rows.ids
        self._run.loaded.add(self.entity.name, rows.ids)
        self.tally.rows_loaded += len(rows.ids)
        self.tally.rows_deleted += rows.deleted + len(gone)
        self.state = replace(
            self.state,
            walks={**self.state.walks, **self._states},
            columns=self._shape.layout.extra,
            watched=self._watch.ids,
            met=self._met(rows.tables),
        )
        return Batch(
            tables=rows.tables,
            layout=self._shape.layout,
            state=self.state,
            settings=settings,
            gone=tuple(gone),
        )

    def _met(self, tables: Mapping[str, pa.Table]) -> dict[str, frozenset[int]]:
        """The ids of lookups that this run's rows point to, these now among them, noted in the run's catalog."""
        met = referenced(tables, self._shape.layout.tables, _LOOKUP_TABLES)
        for table, ids in met.items():
            self._run.catalog.meet(table, ids)
            self._met_in_run[table] = self._met_in_run.get(table, frozenset()) | ids
        return dict(self._met_in_run)

    # In the run's threads

    def _prepare(self) -> None:
        prepared = prepare(self._run, self._client, self.entity, self._read, self.state)
        self.state, self._missing_bin = prepared.state, prepared.missing_bin
        self._settings = prepared.settings
        self._shape = Shape(Layout.of(self.entity, self.state.columns))
        self._walkings = [
            Walking(listing, self._run, self._client, self._shape, self.state.walks.get(listing.key))
            for listing in listings(self.entity, self._read, self.state)
        ]
        for walking in self._walkings:
            self._advance_later(walking)

    def _advance_later(self, walking: Walking) -> None:
        if not walking.is_done and self._permits.take():
            self._tasks.submit(lambda: self._advance(walking))

    def _advance(self, walking: Walking) -> None:
        step = walking.step()
        if step is not None:
            self._take_in(walking, step)
            self._advance_later(walking)
        elif walking.listing.is_watched:
            self._look_for_leavers()

    def _take_in(self, walking: Walking, step: Step[Page]) -> None:
        page = step.page
        with self._lock:
            self._answered.append(
                Answered(
                    page=page,
                    keep=step.keep,
                    source=walking.listing.key,
                    is_bin=walking.listing.is_bin,
                )
            )
            self._states[walking.listing.key] = step.state
            if not walking.is_news:
                return
            self.tally.rows_read += len(page.ids)
            self.tally.misfits.update(page.content.misfits)
            if walking.listing.is_watched:
                self._watch.see(page.ids)
            else:
                self._watch.expect(self._live_ids(page.content))
        self._run.observer.page_read(
            self.entity.name,
            view=walking.listing.key,
            page=page.number,
            pages=page.total_pages,
            rows=len(page.ids),
        )

    def _look_for_leavers(self) -> None:
        """Once all watched lists were read whole, and for certain: fetch what is no longer in them."""
        watched = [walking for walking in self._walkings or () if walking.listing.is_watched]
        with self._lock:
            if self._leavers is not None or not all(w.is_done and not w.doubts for w in watched):
                return
            self._leavers = self._watch.missing()
        self._follow_later()

    def _follow_later(self) -> None:
        with self._lock:
            is_due = bool(self._leavers)
        if is_due and self._permits.take():
            self._tasks.submit(self._follow)

    def _follow(self) -> None:
        with self._lock:
            if not self._leavers:
                return
            record_id = self._leavers.pop()
        try:
            page = fetch_record(self._client, self._run.clock, self.entity, self._shape, record_id)
        except Forbidden:
            # Out of this key's sight is not deleted: the row stays as it was.
            _LOG.warning("record_out_of_sight object=%s", self.entity.name)
            self._watch.settle(record_id, is_gone=False)
        else:
            self._take_in_leaver(record_id, page)
        self._follow_later()

    def _take_in_leaver(self, record_id: int, page: Page | None) -> None:
        if page is not None:
            with self._lock:
                self._answered.append(Answered.alone(page))
                self.tally.rows_read += 1
        is_back = page is not None and bool(self._live_ids(page))
        self._watch.settle(record_id, is_gone=page is None, is_back=is_back)

    def _live_ids(self, page: Page) -> list[int]:
        """The records of a page that a watched list must show."""
        return live_ids(page, self.entity, self._read) if isinstance(self._read, Filters) else []

    # Errors

    def _stop(self, error: FreshsalesError) -> None:
        """End the object with what was read so far, if the run keeps such errors to itself."""
        if isinstance(error, NotFound):
            # A view may have been made anew under another id: the next run looks it up.
            self.state = replace(self.state, looked_up_at=None)
        if self._is_absent(error):
            self.tally.absence = error
            _LOG.info("object_not_available object=%s reason=%s", self.entity.name, error.reason)
            return
        if not isinstance(error, self._run.keeps):
            raise error
        if self.tally.error is None:
            self.tally.error = error
            _LOG.warning("object_stopped object=%s reason=%s", self.entity.name, error.reason)

    def _is_absent(self, error: FreshsalesError) -> bool:
        """Whether the account simply has no such object: one that may be missing, and was never loaded."""
        return self.entity.is_optional and isinstance(error, NotFound | Forbidden) and not self.state.walks
