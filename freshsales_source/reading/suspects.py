"""The records of one object that are missing where they should stand, and how many of them may be gone.

Two things make a record suspect beside the search for unequal counts: it left a list that is watched (`watch.py`), or
a whole reading did not show its row (`unseen.py`). Each is fetched alone (`following.py`). No more are flagged in one
run than is believed (`vanishing.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from freshsales_source.api.client import Client
from freshsales_source.decode import Page
from freshsales_source.pages.paging import Shape
from freshsales_source.reading.following import Following
from freshsales_source.reading.intake import Intake
from freshsales_source.reading.progress import Progress
from freshsales_source.reading.unseen import Unseen
from freshsales_source.reading.vanishing import Allowance
from freshsales_source.reading.walking import Walking
from freshsales_source.reading.watch import Watch, fetch_record, is_deleted, live_ids
from freshsales_source.run import Run
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import Page as WalkPage
from freshsales_source.walk import WalkState

_LOG = logging.getLogger(__name__)


class Suspects:
    """Finds them, and takes in what became of them; `following` is the errand that asks."""

    def __init__(self, run: Run, client: Client, shape: Shape, intake: Intake, progress: Progress) -> None:
        self._run = run
        self._client = client
        self._shape = shape
        self._intake = intake
        self._progress = progress
        self._entity = progress.entity
        self._allowance = Allowance(run, progress.entity)
        self._unseen = Unseen(run, progress.entity, intake.forgetting)
        self._watch = Watch(progress.state.watched)
        self._has_looked_for_leavers = False
        self.following = Following(
            self._fetch, self._take_in_alone, intake.witness, is_trusting=run.accepts_vanished
        )

    @property
    def watched(self) -> frozenset[int]:
        """What to remember of the watched lists."""
        return self._watch.ids

    def most(self) -> int:
        """How many rows of the object may be found gone in this run."""
        return self._allowance.most(watched=len(self._watch.ids), flagged=self.following.flagged)

    # Before the walks, and during them

    def begin(self) -> None:
        """Watch the lists that are walked now, and have asked for what earlier runs left over."""
        state = self._progress.state
        self._watch = Watch(state.watched)
        self._has_looked_for_leavers = False
        left_over = self._unseen.left_over(state, self._progress.lists.listings)
        if not left_over or len(left_over) <= self.most():
            self.following.suspect_later(left_over)

    def see(self, walking: Walking, page: WalkPage[Page]) -> None:
        """Take in who stands on a page."""
        if walking.listing.is_watched:
            self._watch.see(page.ids)
        else:
            self._watch.expect(live_ids(page.content, self._entity))

    def look_for_leavers(self) -> None:
        """Once all watched lists were read whole, and for certain: have fetched what is no longer in them."""
        watched = [walking for walking in self._progress.lists if walking.listing.is_watched]
        if self._has_looked_for_leavers or not all(w.is_done and not w.doubts for w in watched):
            return
        self._has_looked_for_leavers = True
        self.following.suspect(self._watch.missing())

    # After the walks

    def not_shown(self) -> list[int] | None:
        """Rows that the newest whole reading did not show; None where there is none, or it was asked about before."""
        return self._unseen.rows(self._progress.state, self._progress.lists.listings)

    def noted(self, state: ObjectState, walks: Iterable[WalkState], *, is_settled: bool) -> ObjectState:
        """The state after a load of these walks, with whole readings noted that are settled with it."""
        return self._unseen.noted(state, walks, is_settled=is_settled)

    def vanished(self) -> list[int]:
        """The records that are gone for certain, each told once. Raises TooManyVanished."""
        gone = self.following.vanished(self.most)
        for record_id in gone:
            self._watch.settle(record_id)
        return gone

    # In the run's threads

    def _fetch(self, record_id: int) -> Page | None:
        return fetch_record(self._client, self._run.clock, self._entity, self._shape, record_id)

    def _take_in_alone(self, record_id: int, record: Page | None) -> None:
        """Keep a record that was fetched alone; of one out of this key's sight the row stays as it was."""
        if record is None:
            _LOG.warning("record_out_of_sight object=%s", self._entity.name)
        else:
            self._intake.add_record(record, is_bin=is_deleted(record, self._entity))
            self._progress.hidden.meet(record)
        if record is None or not live_ids(record, self._entity):
            self._watch.settle(record_id)
