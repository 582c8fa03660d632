"""What follows the walks: the warehouse is compared with the CRM, and read again is what they may have missed.

Walks show what changed. What they cannot show is found in other ways: by counts that differ, which are traced to
their records or answered by reading everything again; by rows that a whole reading did not show; and, with calls to
spare, by reading old pages again in turns. The course of a sync decides when to do which.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from freshsales_source.census import Claim, RefreshState
from freshsales_source.errors import BadRequest, FreshsalesError, RetriableError
from freshsales_source.pages.paging import Shape
from freshsales_source.reading.counting import Counting, Difference
from freshsales_source.reading.differences import changed
from freshsales_source.reading.errands import Errands
from freshsales_source.reading.following import told_out_of_sight
from freshsales_source.reading.listing import ListRead
from freshsales_source.reading.progress import Progress
from freshsales_source.reading.rolling import Rolling
from freshsales_source.reading.second_reading import SecondReading
from freshsales_source.reading.suspects import Suspects
from freshsales_source.reading.unseen_falls import UnseenFalls
from freshsales_source.reading.vanishing import too_many
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Views
from freshsales_source.state.out_of_sight import OutOfSight
from freshsales_source.warehouse.stored_rows import Part

_LOG = logging.getLogger(__name__)


class Reconciliation:
    """Reconciles one object; call it between loads, once its walks stand still.

    What it finds worth asking begins with the next load: as `errands` in place of the walks, or as walks anew.
    """

    def __init__(
        self,
        run: Run,
        read: ListRead,
        shape: Shape,
        progress: Progress,
        errands: Errands,
        suspects: Suspects,
        counting: Counting,
        falls: UnseenFalls,
    ) -> None:
        self._run = run
        self._is_traceable = isinstance(read, Views)
        self._shape = shape
        self._progress = progress
        self._errands = errands
        self._suspects = suspects
        self._counting = counting
        self._falls = falls
        self._second = SecondReading(read)
        self._rolling = Rolling(run, progress.entity, counting, progress.state.rolling)
        self._is_refreshing = False

    # What is known after a run

    def traced(self, part: Part) -> int | None:
        """How many records the pages themselves showed, where the search for a difference counted them."""
        return self._counting.traced.get(part)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may explain counts that differ."""
        known = self._progress.state.out_of_sight
        out_of_sight = [told_out_of_sight(known.records)] if known and not self.out_of_sight else []
        return (*self._progress.lists.remarks, *self._counting.remarks, *out_of_sight)

    @property
    def out_of_sight(self) -> int:
        """How many records turned out to be out of this key's sight."""
        return self._suspects.following.out_of_sight

    # Where counts differ

    def is_settled_difference(self, differences: tuple[int, ...]) -> bool:
        """Whether reading the newest again cannot explain these counts: an earlier run tried."""
        if self._second.is_due(self._progress.state, differences):
            return True
        return bool(differences) and self._is_known_out_of_sight(Part.LIVE)

    def check(self, part: Part) -> None:
        """Search for what differs between the lists and the rows of that part, if their counts do.

        Makes no request where the counts are equal.
        """
        progress = self._progress
        if not self._is_traceable or progress.tally.has_ended or not progress.is_complete:
            return
        is_whole = not (progress.hidden.unread or progress.hidden.doubts)
        if part is Part.LIVE and not is_whole:
            return
        bins = [w.listing.key for w in progress.lists.of(Part.BINNED)]
        if part is Part.BINNED and self._counting.lacks_order(part) and progress.state.are_ordered(bins):
            progress.state = progress.state.without_order(bins)
            progress.read_again()
            return
        is_known = self._is_known_out_of_sight(part)
        found = None if is_known else self._counting.compare(progress.lists, part, is_whole=is_whole)
        if not isinstance(found, Difference):
            self._errands.replace(*([] if found is None else [found]), self._suspects.following)
            return
        progress.notes.append(f"{found.missing:,} of {found.total:,} rows were missing, so all was read anew")
        progress.state = progress.state.refreshed(self._run.clock.now())
        progress.read_again()

    def heed(self, differences: tuple[int, ...]) -> bool:
        """Read everything again, once, where no search can trace what differs; whether there is a load to make."""
        progress = self._progress
        if not progress.is_complete or progress.tally.has_ended or (differences and progress.has_moved):
            return False
        now, lacks_order = self._run.clock.now(), self._counting.lacks_order(Part.LIVE)
        heeded = self._second.heeded(
            progress.state, progress.lists, differences, now, lacks_order=lacks_order
        )
        if heeded is None:
            return False
        is_begun, progress.state = heeded.refresh is not progress.state.refresh, heeded
        if is_begun:
            progress.read_again()
        return True

    # Whatever the counts say

    def settle(self) -> bool:
        """Have the rows asked for that a whole reading did not show; with that a full refresh is over.

        Call it once everything was read. Returns whether there is anything to load.
        """
        progress = self._progress
        if progress.tally.has_ended or not progress.lists.are_known or progress.hidden.unread:
            return False
        unseen = self._suspects.not_shown()
        if unseen is None:
            return False
        allowed = self._suspects.most() if unseen else 0
        if len(unseen) > allowed:
            self.stop(too_many(len(unseen), allowed))
            return False
        if progress.state.refresh is None and self._is_known_out_of_sight(Part.LIVE):
            return False
        self._errands.replace(self._suspects.following)
        self._suspects.following.suspect(unseen)
        return bool(unseen) or progress.state.refresh is not None

    def read_doubtful_again(self) -> None:
        """Read once more what a walk of the last run may have missed, if something speaks for it."""
        progress = self._progress
        owed = self._falls.owed(progress.state.walks)
        if owed is not None and not progress.tally.has_ended:
            progress.state = replace(progress.state, walks=owed)
            progress.read_again()

    def claims(self) -> list[Claim]:
        """What of this object could be read again in the rolling refresh; nothing where it was just read whole."""
        progress = self._progress
        was_read_before = progress.tally.watermark_before is not None and progress.state.refresh is None
        is_readable = progress.is_complete and not progress.tally.has_ended and not progress.hidden.unread
        if not (was_read_before and is_readable):
            return []
        return self._rolling.claims(progress.lists, progress.state.walks)

    def refresh(self, turns: Mapping[str, int]) -> None:
        """Read old pages again, so many of each claim."""
        stored = self._run.stored
        if stored is not None and not self._progress.tally.has_ended:
            errands = self._rolling.begin(
                self._progress.lists, turns, lambda page: changed(page, self._shape.layout, stored)
            )
            self._errands.replace(*errands, self._suspects.following)
            self._is_refreshing = True

    @property
    def rolling(self) -> Mapping[str, RefreshState]:
        """How far the rolling refresh has come, to remember once the rows handed over are loaded."""
        progress = self._progress
        return self._rolling.states(
            progress.lists, progress.state, is_settled=self._suspects.following.is_done
        )

    # Where the lists hide records

    def note_hidden(self) -> bool:
        """Remember since when the lists hide records that rows tell of; whether that is news.

        Whoever edits such a record moves its stamp, and no walk sees it: once it is shown again, the stamp is old.
        """
        progress, state = self._progress, self._progress.state
        if state.hidden_since is None:
            state = replace(state, hidden_since=progress.tally.watermark_before)
        if self.out_of_sight:
            pairs = {
                part.value: self._counting.counts(progress.lists, part) for part in (Part.LIVE, Part.BINNED)
            }
            found = OutOfSight(
                counts={part: pair for part, pair in pairs.items() if pair is not None},
                records=self.out_of_sight,
                asked_at=self._run.clock.now(),
            )
            state = replace(state, out_of_sight=found)
        is_news, progress.state = state != progress.state, state
        return is_news

    def read_hidden(self) -> bool:
        """Now that the lists show all, read again what changed while they did not; whether they ever did not."""
        progress = self._progress
        if progress.state.hidden_since is None:
            return False
        progress.state = progress.state.shown(lookback_s=self._run.settings.lookback_s)
        progress.read_again()
        return True

    def _is_known_out_of_sight(self, part: Part) -> bool:
        """Whether the counts of that part are as they were when records were asked for that this key may not see."""
        known, lists = self._progress.state.out_of_sight, self._progress.lists
        if known is None:
            return False
        return known.explains(part.value, self._counting.counts(lists, part), self._run.clock.now())

    # Errors

    def stop(self, error: FreshsalesError) -> None:
        """End the object, or the comparison where that alone failed. Raises what the run does not keep to itself."""
        is_cut = self._is_refreshing and isinstance(error, RetriableError)
        is_refused = isinstance(error, BadRequest) and (self._is_refreshing or self._counting.is_searching)
        if is_cut or is_refused or self._progress.hidden.explains(error):
            # What the walks read is whole all the same.
            _LOG.info("comparison_cut object=%s reason=%s", self._progress.entity.name, error.reason)
            self._counting.give_up(is_refused=is_refused)
            self._errands.replace()
            return
        self._progress.stop(error)
        self._counting.release()
