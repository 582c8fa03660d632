"""The rolling refresh as an errand: old pages are read again, and the rows that differ from the warehouse loaded.

It finds what moves neither a stamp nor a count. It comes last in a run, and costs the pages it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from freshsales_source.census import Fetch, Found, Refresh, RefreshState, Stored
from freshsales_source.decode import Page
from freshsales_source.walk import Page as WalkPage

Content: TypeAlias = WalkPage[Page]


class Refreshing:
    """One object's turn at the refresh, over lists that together show the rows of `stored`.

    `take_in` gets each page with the places of rows to load: those the warehouse lacks, and those that `changed`
    finds different. `suspect` gets the rows that no page shows where they should stand.
    """

    def __init__(
        self,
        lists: Mapping[str, Fetch[Content]],
        stored: Stored,
        state: RefreshState,
        *,
        pages: int,
        now: int,
        belongs: Callable[[int], bool],
        changed: Callable[[Page], list[int]],
        take_in: Callable[[Found[Content]], None],
        suspect: Callable[[frozenset[int]], None],
    ) -> None:
        self.is_done = False
        self._refresh = Refresh(lists, stored, state, pages=pages, now=now, belongs=belongs)
        self._steps = self._refresh.steps()
        self._before = state
        self._changed = changed
        self._take_in = take_in
        self._suspect = suspect

    @property
    def state(self) -> RefreshState:
        """What to remember once the rows handed over are loaded, and the suspects asked for."""
        is_settled = self.is_done or not self._refresh.candidates
        return self._refresh.state if is_settled else self._before

    def step(self) -> None:
        """Read the next page again."""
        found = next(self._steps, None)
        if found is None:
            self._suspect(self._refresh.candidates)
            self.is_done = True
            return
        content = found.page.content.content
        differing = self._changed(content) if content.is_whole else []
        keep = tuple(sorted({*found.keep, *differing}))
        self._take_in(Found(list_name=found.list_name, page=found.page, keep=keep))
