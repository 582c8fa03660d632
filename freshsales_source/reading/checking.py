"""Where the lists of an object and its rows in the warehouse differ: the census as an errand of the reader.

It runs only where counts differ. What the lists show and the warehouse lacks is loaded from the page on which it
stands; what the warehouse has and no list shows is suspect, and then fetched alone. Rows wait here until the end:
the ranks of one census are compared with the warehouse as it was when it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from freshsales_source.census import Bisect, Fetch, Found, Outcome, Stored
from freshsales_source.decode import Page
from freshsales_source.walk import Page as WalkPage

Content: TypeAlias = WalkPage[Page]
TakeIn: TypeAlias = Callable[[Found[Content]], None]

MOST_MISSING = 20_000
"""Rows missing here that are fetched one by one; they wait in memory. A table that lacks more is read anew."""


class Checking:
    """One census over lists that together show the rows of `stored`, one page a step.

    `take_in` gets the pages with rows to load; `conclude` is called at the end, before `is_done`.
    """

    def __init__(
        self,
        lists: Mapping[str, Fetch[Content]],
        stored: Stored,
        take_in: TakeIn,
        conclude: Callable[[Checking], None],
    ) -> None:
        self.is_done = False
        self.is_to_load = False
        """Whether it found rows that the warehouse lacks."""
        self._bisect = Bisect(lists, stored)
        self._steps = self._bisect.steps()
        self._take_in = take_in
        self._conclude = conclude
        self._waiting: list[Found[Content]] = []

    @property
    def outcome(self) -> Outcome:
        """What the census can vouch for."""
        return self._bisect.outcome

    @property
    def difference(self) -> int | None:
        """Records in the lists less rows here, as the pages showed it in the end."""
        return self._bisect.difference

    @property
    def candidates(self) -> frozenset[int]:
        """Rows that no list shows where they should stand."""
        return self._bisect.candidates

    def step(self) -> None:
        """Ask for the next page that narrows the difference down."""
        found = next(self._steps, None)
        if found is not None:
            if found.keep:
                self.is_to_load = True
                self._waiting.append(found)
            return
        self.release()
        self._conclude(self)
        self.is_done = True

    def release(self) -> None:
        """Hand over what was found so far: rows as served, right whatever the census would have concluded."""
        waiting, self._waiting = self._waiting, []
        for found in waiting:
            self._take_in(found)


class EndProof:
    """Asks lists whether they end where their totals say, a list a step; a total may be capped.

    `lists`: by name the pages and the number of the last one that the total promises. `conclude` is told the names of
    the lists that go on behind it.
    """

    def __init__(
        self, lists: Mapping[str, tuple[Fetch[Content], int]], conclude: Callable[[frozenset[str]], None]
    ) -> None:
        self.is_done = False
        self._lists = list(lists.items())
        self._conclude = conclude
        self._going_on: set[str] = set()

    def step(self) -> None:
        """Ask the next list; after the last one conclude."""
        if self._lists:
            name, (pages, last) = self._lists.pop()
            if _goes_on(pages, last):
                self._going_on.add(name)
        if not self._lists:
            self._conclude(frozenset(self._going_on))
            self.is_done = True


def _goes_on(pages: Fetch[Content], last: int) -> bool:
    """Whether records stand behind page `last`; some servers repeat it there."""
    behind = pages(last + 1)
    if behind is None or not behind.ids:
        return False
    promised = pages(last) if last else None
    return promised is None or list(promised.ids) != list(behind.ids)
