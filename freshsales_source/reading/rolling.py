"""One object's turns at the rolling refresh: over its live lists, and over its recycle bin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from freshsales_source.census import Claim, RefreshState
from freshsales_source.decode import Page
from freshsales_source.reading.counting import Counting
from freshsales_source.reading.lists import Lists
from freshsales_source.reading.refreshing import Refreshing
from freshsales_source.reading.walking import Walking
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Filters, Views
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import WalkState
from freshsales_source.warehouse.stored_rows import Part


class Rolling:
    """Claims pages, and reads those that were granted; `states` are those remembered, by the name of the part."""

    def __init__(
        self, run: Run, entity: Entity, counting: Counting, states: Mapping[str, RefreshState]
    ) -> None:
        self._run = run
        self._entity = entity
        self._counting = counting
        self._states = dict(states)
        self._at_work: dict[Part, Refreshing] = {}

    def states(self, lists: Lists, state: ObjectState, *, is_settled: bool) -> Mapping[str, RefreshState]:
        """What to remember once the rows handed over are loaded; what was, until all suspects were asked for.

        Nothing of a part that lost its order and is read whole now: a cycle that was under way would never end.
        """
        if not is_settled:
            return state.rolling
        known = self._states | {part.name: one.state for part, one in self._at_work.items()}
        whole = {part.name for part in self._parts if self._is_read_whole(lists.of(part), state.walks)}
        return {name: one for name, one in known.items() if name not in whole}

    def claims(self, lists: Lists, walks: Mapping[str, WalkState]) -> list[Claim]:
        """What there is to read again, about how many pages of it, and since when it was not.

        Nothing of a part that each run reads whole, and nothing where the warehouse cannot be asked.
        """
        is_comparable = self._run.stored is not None and self._run.settings.start_date is None
        if not is_comparable:
            return []
        return [
            Claim(
                name=self._name(part),
                state=self._state(part),
                pages_left=self._state(part).pages_left(
                    self._counting.stored(part).count(),
                    self._run.settings.page_size,
                    lists=len(lists.of(part)),
                ),
            )
            for part in self._parts
            if lists.of(part) and not self._is_read_whole(lists.of(part), walks)
        ]

    def _is_read_whole(self, lists: Sequence[Walking], walks: Mapping[str, WalkState]) -> bool:
        """Whether one of these lists takes no order, so that each run reads all of it."""
        if isinstance(self._entity.read, Filters):
            return False
        return any(walks[w.listing.key].unordered for w in lists if w.listing.key in walks)

    def begin(
        self, lists: Lists, turns: Mapping[str, int], changed: Callable[[Page], list[int]]
    ) -> list[Refreshing]:
        """The errands that read the pages granted; `changed` tells which rows of a page differ."""
        now = self._run.started_at(self._run.clock.now().timestamp())
        granted = {part: turns[self._name(part)] for part in self._parts if self._name(part) in turns}
        self._at_work = {
            part: self._counting.refresh(
                lists.of(part), part, self._state(part), pages=pages, now=now, changed=changed
            )
            for part, pages in granted.items()
        }
        return list(self._at_work.values())

    @property
    def _parts(self) -> tuple[Part, ...]:
        match self._entity.read:
            case Views():
                return Part.LIVE, Part.BINNED
            case Filters():
                # What people still work on is read in every run.
                return (Part.SETTLED,)
            case _:
                return (Part.LISTED,)

    def _name(self, part: Part) -> str:
        return f"{self._entity.name} {part.name.lower()}"

    def _state(self, part: Part) -> RefreshState:
        return self._states.get(part.name, RefreshState())
