"""Reading one object: its lists side by side, handed over in batches in which every id appears once.

A walk is stepped in the run's threads, one page at a time and never two pages of one walk at once; between steps
it stands in line with the others. When the pages of a load are used up the walks stand still where they are, and
go on with the next load without asking anything twice. After the walks come, in the same manner, the records that
left a list (`suspects.py`) and what a comparison with the warehouse asks for (`reconciliation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from freshsales_source.api.throttle import Meter
from freshsales_source.decode import Page
from freshsales_source.errors import FreshsalesError, SavedViewNotFound
from freshsales_source.reading.batch import Batch
from freshsales_source.reading.counting import Counting
from freshsales_source.reading.errands import Errands
from freshsales_source.reading.field_settings import FieldSettings
from freshsales_source.reading.forgetting import Forgetting
from freshsales_source.reading.hidden_pipelines import HiddenPipelines
from freshsales_source.reading.intake import Intake
from freshsales_source.reading.listing import ListRead, listings
from freshsales_source.reading.lists import WalkErrand, is_backlog, is_walk
from freshsales_source.reading.met_ids import MetIds
from freshsales_source.reading.preparation import prepare
from freshsales_source.reading.progress import Progress
from freshsales_source.reading.reconciliation import Reconciliation
from freshsales_source.reading.rows import Answered, Rows
from freshsales_source.reading.suspects import Suspects
from freshsales_source.reading.unseen_falls import UnseenFalls
from freshsales_source.reading.walking import Walking
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import Page as WalkPage
from freshsales_source.walk import Step, WalkState


class ObjectReader:
    """Reads one object out of its lists, slice by slice. Use from one thread; the reading happens in the run's.

    `progress` tells how far it came, and `reconciliation` has asked what the walks cannot show.
    """

    def __init__(self, run: Run, entity: Entity, read: ListRead, state: ObjectState) -> None:
        self.entity = entity
        self.meter = Meter()
        self._read = read
        self._run = run
        self._client = client = run.client.metered(self.meter)
        pipelines = read.pipelines if isinstance(read, Views) else None
        self._hidden = HiddenPipelines(run, client, entity, pipelines, state.pipelines)
        self.progress = progress = Progress(run, entity, read, state, self._hidden)
        self.tally = progress.tally
        self._fields = FieldSettings(run, client, entity, state, progress.notes.append)
        self._shape = self._fields.shape
        self._errands = Errands(
            run.pool,
            run.permits,
            held=lambda e: run.holds_backlog and not state.waited and is_backlog(e),
            may_hasten=is_walk,
        )
        forgetting = Forgetting(entity, run.forgotten(entity.name), state.stubs, run.clock)
        self.intake = Intake(entity, self.tally, run.loaded, forgetting, run.stored)
        self._suspects = Suspects(run, client, self._shape, self.intake, progress)
        self._falls = UnseenFalls(state.long_walks)
        following, most = self._suspects.following, self._suspects.most
        counting = Counting(run, entity, self.intake, following, most=most, answered=self._tell)
        self.reconciliation = Reconciliation(
            run, read, self._shape, progress, self._errands, self._suspects, counting, self._falls
        )
        self._met = MetIds(run.catalog, state.met)
        self._missing_bin: SavedViewNotFound | None = None
        self._settings: Mapping[str, pa.Table] = {}

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run."""
        return self.tally.has_ended or (self.progress.lists.are_known and self._errands.is_done)

    @property
    def is_held(self) -> bool:
        """Whether only what earlier runs left open is left to read, and that has to wait."""
        return not self.tally.has_ended and self.progress.lists.are_known and self._errands.are_held

    @property
    def is_ahead(self) -> bool:
        """Whether pages were read, or are being read, that only the next load takes."""
        return self._errands.is_ahead

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walks, and records fetched alone, leave open."""
        return (*self.progress.lists.doubts, *self._suspects.following.doubts, *self._hidden.doubts)

    # One load after the other

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self.intake.new_load()

    def start(self) -> None:
        """Let the walks read on in the background, as far as the permits reach."""
        self._errands.begin_load()
        if self.is_done:
            return
        if self.progress.lists.are_known:
            self._errands.go_on()
        else:
            self._errands.begin(self._prepare)

    def read_ahead(self) -> None:
        """Let the walks read on for the next load while this one, to which `batch` gave everything, is loaded."""
        if not self.is_done:
            self._errands.hasten()

    def batch(self) -> Batch:
        """Wait until the walks stand still, and give what they read. Raises what the run does not keep to itself."""
        for task in self._errands.finished():
            try:
                task.result()
            except FreshsalesError as error:
                self.reconciliation.stop(error)
        if self._missing_bin is not None and self.is_done:
            self.reconciliation.stop(self._missing_bin)
        self._leave_pipelines()
        gone = self._vanished()
        settings, self._settings = {**self._settings, **self._fields.take_tables()}, {}
        rows, walks = self.intake.rows(gone), self.intake.take_states()
        self.tally.rows_deleted += len(gone)
        self.progress.state = self._state_with(rows, walks)
        return Batch(
            tables=rows.tables,
            layout=self._shape.layout,
            state=self.progress.state,
            settings=settings,
            gone=tuple(gone),
        )

    def _leave_pipelines(self) -> None:
        """Go on without the pipelines that the views show, or that cannot be read."""
        self.progress.lists.leave()
        for error in self._hidden.unread.values() if self.is_done else ():
            if not isinstance(error, self._run.keeps):
                raise error

    def _vanished(self) -> list[int]:
        try:
            gone = self._suspects.vanished()
        except FreshsalesError as error:
            self.reconciliation.stop(error)
            return []
        if gone:
            self._falls.see_vanished()
        return gone

    def _state_with(self, rows: Rows, walks: Mapping[str, WalkState]) -> ObjectState:
        """What is true once these rows are loaded, with the walks that brought them."""
        before, lists = self.progress.state, self.progress.lists
        has_ended = self.tally.has_ended
        state = replace(
            self._fields.noted(before),
            walks=self._hidden.kept({**before.walks, **walks}),
            pipelines=self._hidden.state,
            begun={**before.begun, **lists.begun},
            watched=self._suspects.watched,
            met=self._met.with_those_in(rows.tables, self._shape.layout.tables),
            stubs=self.intake.forgetting.stubs,
            waited=lists.waited,
            long_walks=self._falls.remembered(lists, is_over=self.is_done and not has_ended),
            rolling=self.reconciliation.rolling,
        )
        is_settled = self.is_done and not has_ended and not self._suspects.following.doubts
        return self._suspects.noted(state, walks.values(), is_settled=is_settled)

    # In the run's threads

    def _prepare(self) -> None:
        """Learn which lists there are, and begin their walks."""
        progress = self.progress
        prepared = prepare(self._run, self._client, self.entity, self._read, progress.state, self._fields)
        progress.state, self._missing_bin = prepared.state, prepared.missing_bin
        self._settings = prepared.settings
        walkings = [
            Walking(listing, self._run, self._client, self._shape, progress.state.walks.get(listing.key))
            for listing in listings(self.entity, self._read, progress.state)
        ]
        progress.lists.begin([*walkings, *self._hidden.walkings(walkings, progress.state, self._shape)])
        self._suspects.begin()
        self._errands.replace(
            *(WalkErrand(walking, self._take_in) for walking in progress.lists.in_turn),
            self._suspects.following,
        )

    def _take_in(self, walking: Walking, step: Step[Page] | None) -> None:
        """Keep a page that was read; at the end of a watched list, see who left it."""
        listing = walking.listing
        if step is None:
            self._suspects.look_for_leavers()
            return
        page = step.page
        answered = Answered(page=page, keep=step.keep, source=listing.key, is_bin=listing.is_bin)
        self.intake.add(answered, step.state, is_news=walking.is_news)
        if not walking.is_news:
            return
        if listing.is_bin:
            self._falls.see_binned(page.stamps)
        self._suspects.see(walking, page)
        self._tell(walking, page)

    def _tell(self, walking: Walking, page: WalkPage[Page]) -> None:
        self._hidden.see(walking, page)
        key = walking.listing.key
        self._run.observer.page_read(
            self.entity.name, view=key, page=page.number, pages=page.total_pages, rows=len(page.ids)
        )
