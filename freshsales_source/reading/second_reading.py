"""Reading everything again where counts differ that no search can trace: lists without saved views.

Tasks that are completed, and past appointments, are read once and then counted; a list that keeps its order is read
as far as it changed. A deletion there shows in the counts alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from freshsales_source.reading.listing import ListRead
from freshsales_source.reading.lists import Lists
from freshsales_source.schema.entity_types import Views
from freshsales_source.state.object_state import ObjectState


class SecondReading:
    """Decides for one object whether it is read again in this run, which happens once at most."""

    def __init__(self, read: ListRead) -> None:
        self._is_traced = isinstance(read, Views)
        self._is_spent = False

    def is_due(self, state: ObjectState, differences: tuple[int, ...]) -> bool:
        """Whether an earlier run met these very differences: then they are not of people who work meanwhile."""
        return not self._is_traced and differences == state.differing

    def heeded(
        self, state: ObjectState, lists: Lists, differences: tuple[int, ...], at: datetime
    ) -> ObjectState | None:
        """The state that begins everything anew, or forgets what was futile once counts agree; None for no change.

        What changed nothing is not tried again until the counts differ otherwise.
        """
        if self._is_traced or lists.expected is None or differences == state.futile:
            return None
        if not differences:
            return replace(state, futile=(), differing=())
        if self._is_spent or lists.were_read_whole:
            return None
        self._is_spent = True
        return replace(state.refreshed(at), futile=differences)
