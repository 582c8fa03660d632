"""What a probe found out, applied to the lists of an object, and dropped once a run sees otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from freshsales_source.errors import Forbidden, FreshsalesError, NotFound
from freshsales_source.reading.listing import Listing
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity
from freshsales_source.state.findings import Hints, order_point, presence_point
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import Step, WalkState

Content = TypeVar("Content")


class ListHint:
    """What was found of one list.

    If it was that the order asked for is ignored, the list is read whole at once. Saved is then what holds without the
    finding, too: that the order is ignored, until one whole reading has shown it kept.
    """

    def __init__(self, hints: Hints, object: str, listing: Listing) -> None:
        self._hints = hints
        self._point = order_point(object, "updated_at", "desc", is_bin=listing.is_bin)
        self._presence = presence_point(object)
        self._is_whole = True
        self.is_doubted = listing.is_order_known and hints.holds(self._point, "ignored")

    def begun(self, state: WalkState) -> WalkState:
        """The state to walk from, open for what the rows show."""
        self._is_whole = state.place is None
        return replace(state, unordered=False) if self.is_doubted else state

    def judged(self, step: Step[Content]) -> Step[Content]:
        """The step with the state to save; a part of a list shows nothing of the rest."""
        self._hints.drop(self._presence, seen="present")
        if not self.is_doubted:
            return step
        is_shown = step.state.order_shown and self._is_whole
        if is_shown:
            self._hints.drop(self._point, seen="honoured")
        return replace(step, state=replace(step.state, unordered=not is_shown, order_shown=is_shown))


def heed_absence(run: Run, entity: Entity, state: ObjectState) -> None:
    """Raise NotFound for an object that was not there lately; one that was ever loaded is asked for all the same."""
    if entity.is_optional and not state.walks and _is_known_absent(run, entity):
        raise NotFound("it was not there when it was last asked for", where=entity.path)


def is_absent(error: FreshsalesError, entity: Entity) -> bool:
    """Whether an account that was never read from seems to have no such object: one that may be missing."""
    return entity.is_optional and isinstance(error, NotFound | Forbidden)


def note_absence(run: Run, entity: Entity) -> None:
    """Note that the object was asked for and is still not there."""
    if not _is_known_absent(run, entity):
        run.hints.confirm(presence_point(entity.name), run.clock.now())


def _is_known_absent(run: Run, entity: Entity) -> bool:
    point = presence_point(entity.name)
    return run.hints.is_absent(point, run.clock.now(), run.settings.lookups_every_s)
