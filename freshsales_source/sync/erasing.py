"""What becomes of rows whose record was erased in the CRM for good, where `on_erase` says something else than `keep`.

A record that vanished was answered with 404 when that was noticed. A day later, at the earliest, it is asked for once
more: an erasure stays, a right that was lost for an hour does not. Nothing is remembered of it beside the rows.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta

from freshsales_source.decode import Layout
from freshsales_source.errors import Interrupted, ObjectError, RetriableError
from freshsales_source.pages.paging import Shape
from freshsales_source.reading import ObjectReader
from freshsales_source.reading.watch import fetch_record
from freshsales_source.run import Run
from freshsales_source.settings.config import OnErase
from freshsales_source.warehouse.erasing import Eraser
from freshsales_source.warehouse.warehouse import Warehouse

APART = timedelta(days=1)
"""Time between the two answers that confirm an erasure."""
MOST_ASKED = 100
"""Records that one run asks for once more; each is a call, and once in its life only."""

_LOG = logging.getLogger(__name__)


class Erasures:
    """Asks for vanished records once more at the end of a run, and erases the rows of those that are gone still."""

    def __init__(self, run: Run, warehouse: Warehouse, on_erase: OnErase) -> None:
        self._run = run
        self._warehouse = warehouse
        self._on_erase = on_erase
        self._left = MOST_ASKED

    def carry_out(self, readers: Iterable[ObjectReader]) -> None:
        """Do that for the objects of these readers, as far as the calls allow; not for one that could not be read."""
        if self._on_erase == "keep":
            return
        eraser = Eraser(self._warehouse)
        for reader in readers:
            if reader.progress.is_complete and not reader.tally.has_ended and self._left > 0:
                self._erase(reader, eraser, self._candidates(reader, eraser))

    def _candidates(self, reader: ObjectReader, eraser: Eraser) -> list[int]:
        """The rows to ask for; a row that is blank already is none."""
        before = self._run.clock.now() - APART
        found = eraser.vanished(reader.entity.name, before, with_content=self._on_erase == "blank")
        # Any of them, so that those whose answer proves nothing do not keep the others from being asked for.
        return random.sample(found, min(self._left, len(found)))

    def _erase(self, reader: ObjectReader, eraser: Eraser, candidates: Sequence[int]) -> None:
        if not candidates:
            return
        self._left -= len(candidates)
        gone, name = self._gone(reader, candidates), reader.entity.name
        if self._on_erase == "blank":
            eraser.blank(name, gone, self._run.clock.now())
        else:
            eraser.delete(name, gone)
        _LOG.info("erased object=%s records=%d how=%s", name, len(gone), self._on_erase)
        if gone:
            how = "emptied" if self._on_erase == "blank" else "deleted"
            reader.progress.notes.append(f"rows {how}, as their records are gone for good: {len(gone):,}")

    def _gone(self, reader: ObjectReader, candidates: Sequence[int]) -> list[int]:
        """Those that are not there; none where a record that is there could not be fetched alone, either."""
        witness = reader.intake.live_id
        gone: list[int] = []
        try:
            if witness is None or self._is_gone(reader, witness):
                return []
            for record_id in candidates:
                gone += [record_id] if self._is_gone(reader, record_id) else []
        except (RetriableError, Interrupted) as error:
            # The next run asks for the rest.
            _LOG.info("erasures_cut object=%s reason=%s", reader.entity.name, error.reason)
            self._left = 0
        return gone

    def _is_gone(self, reader: ObjectReader, record_id: int) -> bool:
        client = self._run.client.metered(reader.meter)
        shape = Shape(Layout.of(reader.entity))
        try:
            return fetch_record(client, self._run.clock, reader.entity, shape, record_id) is None
        except ObjectError:
            return False  # No proof that it is gone.
