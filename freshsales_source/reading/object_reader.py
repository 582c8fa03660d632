"""Reading one object: its lists side by side, handed over in batches in which every id appears once.

A walk is stepped in the run's threads, one page at a time and never two pages of one walk at once; between steps
it stands in line with the others. When the pages of a load are used up the walks stand still where they are, and
go on with the next load without asking anything twice. After the walks come, in the same manner, the records that
left a list (`following.py`) and what a check of the counts asks for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from freshsales_source.api.throttle import Meter
from freshsales_source.census import Claim
from freshsales_source.decode import Page
from freshsales_source.errors import BadRequest, FreshsalesError, NotFound, RetriableError, SavedViewNotFound
from freshsales_source.reading.batch import Batch, Tally
from freshsales_source.reading.counting import Counting, Difference
from freshsales_source.reading.differences import changed
from freshsales_source.reading.errands import Errands
from freshsales_source.reading.field_settings import FieldSettings
from freshsales_source.reading.following import Following
from freshsales_source.reading.forgetting import Forgetting
from freshsales_source.reading.hidden_pipelines import HiddenPipelines
from freshsales_source.reading.hinted import is_absent, note_absence
from freshsales_source.reading.intake import Intake
from freshsales_source.reading.listing import ListRead, listings, read_each_run
from freshsales_source.reading.lists import Lists, WalkErrand, is_backlog, is_walk
from freshsales_source.reading.met_ids import MetIds
from freshsales_source.reading.preparation import prepare
from freshsales_source.reading.rolling import Rolling
from freshsales_source.reading.rows import Answered
from freshsales_source.reading.second_reading import SecondReading
from freshsales_source.reading.unseen import Unseen
from freshsales_source.reading.unseen_falls import UnseenFalls
from freshsales_source.reading.vanishing import Allowance, too_many
from freshsales_source.reading.walking import Walking
from freshsales_source.reading.watch import Watch, fetch_record, is_deleted, live_ids
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import Page as WalkPage
from freshsales_source.walk import Step
from freshsales_source.warehouse.stored_rows import Part

_LOG = logging.getLogger(__name__)


class ObjectReader:
    """Reads one object out of its lists. Use from one thread; the reading happens in the run's."""

    def __init__(self, run: Run, entity: Entity, read: ListRead, state: ObjectState) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally(watermark_before=state.watermark(read_each_run(read, state)))
        self.meter = Meter()
        self._read = read
        self._run = run
        self._client = run.client.metered(self.meter)
        self.notes: list[str] = []
        """What the report should tell beside the verdict."""
        self._fields = FieldSettings(run, self._client, entity, state, self.notes.append)
        self._shape = self._fields.shape
        self._errands = Errands(
            run.pool,
            run.permits,
            held=lambda e: run.holds_backlog and not state.waited and is_backlog(e),
            may_hasten=is_walk,
        )
        forgetting = Forgetting(entity, run.forgotten(entity.name), state.stubs, run.clock)
        self.intake = Intake(entity, self.tally, run.loaded, forgetting, run.stored)
        self._allowance = Allowance(run, entity)
        self._following = Following(
            self._fetch, self._take_in_alone, self.intake.witness, is_trusting=run.accepts_vanished
        )
        self._counting = Counting(
            run, entity, self.intake, self._following, most=self._most_vanished, answered=self._tell
        )
        self._falls = UnseenFalls(state.long_walks)
        self._rolling = Rolling(run, entity, self._counting, state.rolling)
        pipelines = read.pipelines if isinstance(read, Views) else None
        self.hidden = HiddenPipelines(run, self._client, entity, pipelines, state.pipelines)
        self.lists = Lists()
        self._missing_bin: SavedViewNotFound | None = None
        self._watch = Watch(state.watched)
        self._has_looked_for_leavers = False
        self._is_refreshing = False
        self._unseen = Unseen(run, entity, forgetting)
        self._second = SecondReading(read)
        self._settings: Mapping[str, pa.Table] = {}
        self._met = MetIds(run.catalog, state.met)

    # What is known after a run

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run."""
        return self.tally.has_ended or (self.lists.are_known and self._errands.is_done)

    @property
    def is_held(self) -> bool:
        """Whether only what earlier runs left open is left to read, and that has to wait."""
        return not self.tally.has_ended and self.lists.are_known and self._errands.are_held

    @property
    def is_ahead(self) -> bool:
        """Whether pages were read, or are being read, that only the next load takes."""
        return self._errands.is_ahead

    @property
    def is_complete(self) -> bool:
        """Whether every list was read to its end at least once, so that the counts must agree."""
        return self.lists.are_known and self.state.is_complete(w.listing.key for w in self.lists)

    @property
    def watermark(self) -> int | None:
        """Everything older than this, in seconds, has been read; None before the first pages were."""
        return self.state.watermark(self.lists.live_keys)

    @property
    def has_moved(self) -> bool:
        """Whether people were working while the lists were read."""
        return self.lists.have_moved or self.hidden.is_settling(self.lists)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walks, and records fetched alone, leave open."""
        return (*self.lists.doubts, *self._following.doubts, *self.hidden.doubts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may explain counts that differ."""
        return (*self.lists.remarks, *self._counting.remarks)

    def traced(self, part: Part) -> int | None:
        """How many records the pages themselves showed, where the search for a difference counted them."""
        return self._counting.traced.get(part)

    # One load after the other

    def is_settled_difference(self, differences: tuple[int, ...]) -> bool:
        """Whether reading the newest again cannot explain these counts: an earlier run tried."""
        return self._second.is_due(self.state, differences)

    def read_again(self, differences: tuple[int, ...] = ()) -> None:
        """Begin anew at the newest record, from the state reached so far; counts go on. `differences` are why."""
        self.lists.begin_anew()
        self.state = replace(self.state, differing=differences)
        self._watch = Watch(self.state.watched)
        self._has_looked_for_leavers = False

    def check(self, part: Part) -> None:
        """Search for what differs between the lists and the rows of that part, if their counts do.

        Begins with the next load, once the lists were read; makes no request where the counts are equal.
        """
        if not isinstance(self._read, Views) or self.tally.has_ended or not self.is_complete:
            return
        is_whole = not (self.hidden.unread or self.hidden.doubts)
        if part is Part.LIVE and not is_whole:
            return
        bins = [w.listing.key for w in self.lists.of(Part.BINNED)]
        if part is Part.BINNED and self._counting.lacks_order(part) and self.state.are_ordered(bins):
            self.state = self.state.without_order(bins)
            self.read_again()
            return
        found = self._counting.compare(self.lists, part, is_whole=is_whole)
        if not isinstance(found, Difference):
            self._errands.replace(*([] if found is None else [found]), self._following)
            return
        self.notes.append(f"{found.missing:,} of {found.total:,} rows were missing, so all was read anew")
        self.state = self.state.refreshed(self._run.clock.now())
        self.read_again()

    def heed(self, differences: tuple[int, ...]) -> bool:
        """Read everything again, once, where no search can trace what differs; whether there is a load to make."""
        if not self.is_complete or self.tally.has_ended or (differences and self.has_moved):
            return False
        now, lacks_order = self._run.clock.now(), self._counting.lacks_order(Part.LIVE)
        heeded = self._second.heeded(self.state, self.lists, differences, now, lacks_order=lacks_order)
        if heeded is None:
            return False
        is_begun, self.state = heeded.refresh is not self.state.refresh, heeded
        if is_begun:
            self.read_again()
        return True

    def claims(self) -> list[Claim]:
        """What of this object could be read again in the rolling refresh; nothing where it was just read whole."""
        was_read_before = self.tally.watermark_before is not None and self.state.refresh is None
        is_readable = self.is_complete and not self.tally.has_ended and not self.hidden.unread
        if not (was_read_before and is_readable):
            return []
        return self._rolling.claims(self.lists, self.state.walks)

    def refresh(self, turns: Mapping[str, int]) -> None:
        """Read old pages again, so many of each claim; begins with the next load."""
        stored = self._run.stored
        if stored is not None and not self.tally.has_ended:
            errands = self._rolling.begin(
                self.lists, turns, lambda page: changed(page, self._shape.layout, stored)
            )
            self._errands.replace(*errands, self._following)
            self._is_refreshing = True

    def read_doubtful_again(self) -> None:
        """Read once more what a walk of the last run may have missed, if something speaks for it."""
        owed = self._falls.owed(self.state.walks)
        if owed is not None and not self.tally.has_ended:
            self.state = replace(self.state, walks=owed)
            self.read_again()

    def settle(self) -> bool:
        """Have the rows asked for that a whole reading did not show; with that a full refresh is over.

        Call it once everything was read. Returns whether there is anything to load.
        """
        if self.tally.has_ended or not self.lists.are_known or self.hidden.unread:
            return False
        unseen = self._unseen.rows(self.state, self.lists.listings)
        if unseen is None:
            return False
        if len(unseen) > self._most_vanished():
            self._stop(too_many(len(unseen), self._most_vanished()))
            return False
        self._errands.replace(self._following)
        self._following.suspect(unseen)
        return bool(unseen) or self.state.refresh is not None

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self.intake.new_load()

    def start(self) -> None:
        """Let the walks read on in the background, as far as the permits reach."""
        self._errands.begin_load()
        if self.is_done:
            return
        if self.lists.are_known:
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
                self._stop(error)
        if self._missing_bin is not None and self.is_done:
            self._stop(self._missing_bin)
        self._leave_pipelines()
        gone = self._vanished()
        settings, self._settings = {**self._settings, **self._fields.take_tables()}, {}
        rows, states = self.intake.rows(gone), self.intake.take_states()
        self.tally.rows_deleted += len(gone)
        self.state = replace(
            self._fields.noted(self.state),
            walks=self.hidden.kept({**self.state.walks, **states}),
            pipelines=self.hidden.state,
            begun={**self.state.begun, **self.lists.begun},
            watched=self._watch.ids,
            met=self._met.with_those_in(rows.tables, self._shape.layout.tables),
            stubs=self.intake.forgetting.stubs,
            waited=self.lists.waited,
            long_walks=self._falls.remembered(self.lists, is_over=self.is_done and not self.tally.has_ended),
            rolling=self._rolling.states(self.lists, self.state, is_settled=self._following.is_done),
        )
        is_settled = self.is_done and not self.tally.has_ended and not self._following.doubts
        self.state = self._unseen.noted(self.state, states.values(), is_settled=is_settled)
        return Batch(
            tables=rows.tables,
            layout=self._shape.layout,
            state=self.state,
            settings=settings,
            gone=tuple(gone),
        )

    def _leave_pipelines(self) -> None:
        """Go on without the pipelines that the views show, or that cannot be read."""
        self.lists.leave()
        for error in self.hidden.unread.values() if self.is_done else ():
            if not isinstance(error, self._run.keeps):
                raise error

    def _vanished(self) -> list[int]:
        try:
            gone = self._following.vanished(self._most_vanished)
        except FreshsalesError as error:
            self._stop(error)
            return []
        for record_id in gone:
            self._watch.settle(record_id)
            self._falls.see_vanished()
        return gone

    def _most_vanished(self) -> int:
        return self._allowance.most(watched=len(self._watch.ids), flagged=self._following.flagged)

    # In the run's threads

    def _prepare(self) -> None:
        prepared = prepare(self._run, self._client, self.entity, self._read, self.state, self._fields)
        self.state, self._missing_bin = prepared.state, prepared.missing_bin
        self._settings = prepared.settings
        walkings = [
            Walking(listing, self._run, self._client, self._shape, self.state.walks.get(listing.key))
            for listing in listings(self.entity, self._read, self.state)
        ]
        self.lists.begin([*walkings, *self.hidden.walkings(walkings, self.state, self._shape)])
        left_over = self._unseen.left_over(self.state, self.lists.listings)
        if len(left_over) <= self._most_vanished():
            self._following.suspect_later(left_over)
        self._errands.replace(
            *(WalkErrand(walking, self._take_in) for walking in self.lists.in_turn), self._following
        )

    def _take_in(self, walking: Walking, step: Step[Page] | None) -> None:
        """Keep a page that was read; at the end of a watched list, see who left it."""
        listing = walking.listing
        if step is None:
            self._look_for_leavers()
            return
        page = step.page
        answered = Answered(page=page, keep=step.keep, source=listing.key, is_bin=listing.is_bin)
        self.intake.add(answered, step.state, is_news=walking.is_news)
        if not walking.is_news:
            return
        if listing.is_bin:
            self._falls.see_binned(page.stamps)
        if listing.is_watched:
            self._watch.see(page.ids)
        else:
            self._watch.expect(live_ids(page.content, self.entity))
        self._tell(walking, page)

    def _tell(self, walking: Walking, page: WalkPage[Page]) -> None:
        self.hidden.see(walking, page)
        key = walking.listing.key
        self._run.observer.page_read(
            self.entity.name, view=key, page=page.number, pages=page.total_pages, rows=len(page.ids)
        )

    def _look_for_leavers(self) -> None:
        """Once all watched lists were read whole, and for certain: fetch what is no longer in them."""
        watched = [walking for walking in self.lists if walking.listing.is_watched]
        if self._has_looked_for_leavers or not all(w.is_done and not w.doubts for w in watched):
            return
        self._has_looked_for_leavers = True
        self._following.suspect(self._watch.missing())

    def _fetch(self, record_id: int) -> Page | None:
        return fetch_record(self._client, self._run.clock, self.entity, self._shape, record_id)

    def _take_in_alone(self, record_id: int, record: Page | None) -> None:
        """Keep a record that was fetched alone; of one out of this key's sight the row stays as it was."""
        if record is None:
            _LOG.warning("record_out_of_sight object=%s", self.entity.name)
        else:
            self.intake.add_record(record, is_bin=is_deleted(record, self.entity))
            self.hidden.meet(record)
        if record is None or not live_ids(record, self.entity):
            self._watch.settle(record_id)

    # Errors

    def _stop(self, error: FreshsalesError) -> None:
        """End the object with what was read so far, if the run keeps such errors to itself."""
        is_cut = self._is_refreshing and isinstance(error, RetriableError)
        is_refused = isinstance(error, BadRequest) and (self._is_refreshing or self._counting.is_searching)
        if is_cut or is_refused or self.hidden.explains(error):
            # What the walks read is whole all the same.
            _LOG.info("comparison_cut object=%s reason=%s", self.entity.name, error.reason)
            self._counting.give_up(is_refused=is_refused)
            self._errands.replace()
            return
        if isinstance(error, NotFound):
            # A view may have been made anew under another id: the next run looks it up.
            self.state = replace(self.state, looked_up_at=None)
        if is_absent(error, self.entity) and not self.state.walks:
            self.tally.absence = error
            note_absence(self._run, self.entity)
            _LOG.info("object_not_available object=%s reason=%s", self.entity.name, error.reason)
            return
        if not isinstance(error, self._run.keeps):
            raise error
        self._counting.release()
        if self.tally.error is None:
            self.tally.error = error
            _LOG.warning("object_stopped object=%s reason=%s", self.entity.name, error.reason)
