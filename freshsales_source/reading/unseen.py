"""Rows that a whole reading of an object's lists did not show: suspects, to be asked for alone.

Every row says when it was read (`_synced_at`), so the rows to ask for are those older than the reading. No list of
ids is kept, however many runs the reading took.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from freshsales_source.reading.forgetting import Forgetting
from freshsales_source.reading.listing import Listing
from freshsales_source.reading.whole_reading import WholeReading, whole_reading
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import SYNCED_AT, Entity
from freshsales_source.state.object_state import ObjectState
from freshsales_source.state.refresh import Refresh
from freshsales_source.walk import WalkState
from freshsales_source.warehouse.deletions import RECYCLE_BIN
from freshsales_source.warehouse.stored_rows import Tables, stamp

_LOG = logging.getLogger(__name__)


class Unseen:
    """Asks the warehouse, once for each whole reading, for the rows that it did not show."""

    def __init__(self, run: Run, entity: Entity, forgetting: Forgetting) -> None:
        self._run = run
        self._entity = entity
        self._forgetting = forgetting
        self._asked: WholeReading | None = None
        self._asked_in: Refresh | None = None

    def left_over(self, state: ObjectState, lists: Iterable[Listing]) -> list[int]:
        """Rows that an earlier run did not come to ask for, after its reading was over."""
        whole = whole_reading(state, lists)
        return [] if whole is None or whole.since == state.settled else self._rows(whole)

    def rows(self, state: ObjectState, lists: Iterable[Listing]) -> list[int] | None:
        """Rows that the newest reading did not show; None where there is none, or it was asked about before."""
        whole = whole_reading(state, lists)
        if whole is None or whole == self._asked:
            return None
        self._asked, self._asked_in = whole, state.refresh
        found = self._rows(whole)
        if found:
            _LOG.info("rows_not_shown object=%s rows=%d", self._entity.name, len(found))
        return found

    def noted(self, state: ObjectState, walks: Iterable[WalkState], *, is_settled: bool) -> ObjectState:
        """The state after a load: a full refresh begins with the first of these walks, and ends settled."""
        refresh = state.refresh
        if refresh is not None:
            is_over = is_settled and refresh == self._asked_in
            refresh = None if is_over else refresh.begun(walks)
        settled = self._asked.since if is_settled and self._asked is not None else state.settled
        return replace(state, refresh=refresh, settled=settled)

    def _rows(self, whole: WholeReading) -> list[int]:
        stored = self._run.stored
        if stored is None:
            return []
        rows = unseen(stored, self._entity, whole, floor=self._run.settings.start_date)
        return rows + self._forgetting.not_shown(live=whole.live, binned=whole.binned)


def unseen(
    tables: Tables, entity: Entity, whole: WholeReading, *, floor: datetime | None = None
) -> list[int]:
    """The ids of the rows that this reading must have shown and did not, in order.

    Rows that the connector has flagged are left out, but for those of the bin where it was read whole; rows that the
    API itself lists as deleted are not flagged. So are rows last updated before `floor`, as the reading left them out.
    """
    parts = {"_deleted_reason IS NULL": whole.live, f"_deleted_reason = '{RECYCLE_BIN}'": whole.binned}
    older = [
        f"({part} AND {SYNCED_AT.name} < {stamp(datetime.fromtimestamp(since, UTC))})"
        for part, since in parts.items()
        if since is not None
    ]
    where = f"({' OR '.join(older)})"
    if floor is not None and entity.cursor is not None:
        where += f" AND {entity.cursor} >= {stamp(floor)}"
    rows = tables.query(f"SELECT id FROM {tables.name(entity.name)} WHERE {where} ORDER BY id")
    return [int(row[0]) for row in rows or ()]
