"""Reading everything again where counts differ that no search can trace.

Tasks that are completed, and past appointments, are read once and then counted; a list that keeps its order is read
as far as it changed. A deletion there shows in the counts alone. So it does in saved views, and in a search for the
deals of a pipeline, that do not keep the order of creation; those may be long, so it is done once a day at most.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from freshsales_source.reading.listing import ListRead
from freshsales_source.reading.lists import Lists
from freshsales_source.schema.entity_types import Views
from freshsales_source.state.object_state import ObjectState

SHORT = 1_000
"""Records that are read again as often as their number differs: ten calls."""
APART_S = 86_400
"""Time from one whole reading of more records to the next."""


class SecondReading:
    """Decides for one object whether it is read again in this run, which happens once at most."""

    def __init__(self, read: ListRead) -> None:
        self._is_traced = isinstance(read, Views)
        self._is_spent = False

    def is_due(self, state: ObjectState, differences: tuple[int, ...]) -> bool:
        """Whether an earlier run met these very differences: then they are not of people who work meanwhile."""
        return not self._is_traced and differences == state.differing

    def heeded(
        self,
        state: ObjectState,
        lists: Lists,
        differences: tuple[int, ...],
        at: datetime,
        *,
        lacks_order: bool,
    ) -> ObjectState | None:
        """The state that begins everything anew, or forgets what was futile once counts agree; None for no change.

        What changed nothing is not tried again until the counts differ otherwise. `lacks_order` says that a search
        was tried and found that the lists do not keep the order of creation.
        """
        if lists.expected is None or differences == state.futile:
            return None
        if not differences:
            return replace(state, futile=(), differing=())
        if self._is_traced and not (lacks_order and _is_affordable(state, lists.expected, at)):
            return None
        if self._is_spent or lists.were_read_whole:
            return None
        self._is_spent = True
        return replace(state.refreshed(at), futile=differences)


def _is_affordable(state: ObjectState, records: int, at: datetime) -> bool:
    return records <= SHORT or state.settled is None or at.timestamp() - state.settled >= APART_S
