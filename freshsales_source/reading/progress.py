"""How far one object has come: what is remembered of it, what this run counted, and the walks through its lists.

The reader moves it on with each load; what compares it with the warehouse afterwards may have it begin anew.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from freshsales_source.errors import FreshsalesError, NotFound
from freshsales_source.reading.batch import Tally
from freshsales_source.reading.hidden_pipelines import HiddenPipelines
from freshsales_source.reading.hinted import is_absent, note_absence
from freshsales_source.reading.listing import ListRead, read_each_run
from freshsales_source.reading.lists import Lists
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity
from freshsales_source.state.object_state import ObjectState

_LOG = logging.getLogger(__name__)


class Progress:
    """The progress of one object in a run; `hidden` are the pipelines that are walked beside its lists.

    `state` is what is true once everything that was handed over is loaded, `notes` what the report should tell beside
    the verdict.
    """

    def __init__(
        self, run: Run, entity: Entity, read: ListRead, state: ObjectState, hidden: HiddenPipelines
    ) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally(watermark_before=state.watermark(read_each_run(read, state)))
        self.lists = Lists()
        self.hidden = hidden
        self.notes: list[str] = []
        self._run = run

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

    def read_again(self, differences: tuple[int, ...] = ()) -> None:
        """Begin anew at the newest record, from the state reached so far; counts go on. `differences` are why."""
        self.lists.begin_anew()
        self.state = replace(self.state, differing=differences)

    def stop(self, error: FreshsalesError) -> None:
        """End the object with what was read so far. Raises what the run does not keep to itself."""
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
        self.tally.stop(error, self.entity.name)
