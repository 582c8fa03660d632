"""Asking a view for its pages, one at a time: positions are counted, orders checked, ends proven.

A view ends where `total_pages` says so, at an empty page, at a 404 behind an answered page, or at a page that repeats
the one before; never at a short page (short pages before the end are known from the search of the same API). Where
`meta.total` promises more than that, the end is not proven and the page is asked for again.
"""

from __future__ import annotations

from typing import Generic

from freshsales_source.walk.frontier import Frontier
from freshsales_source.walk.page import Content, Fetch, Page
from freshsales_source.walk.state import Place

REFUSALS = 3
"""Answers without records where `meta.total` promises some, before the walk stops short of the end."""


class OrderIgnoredError(Exception):
    """Raised when a page is not sorted as asked; the walk then reads the whole view."""


class Asking(Generic[Content]):
    """Asks one view, and keeps what its answers say about positions.

    Stamps below `settled_before` have had time to reach their place in the view; younger ones may lag behind it.
    """

    def __init__(self, fetch: Fetch[Content], *, settled_before: int, unordered: bool) -> None:
        self.frontier = Frontier()
        self.settled_before = settled_before
        self.unordered = unordered
        """Whether the view is known to ignore the order asked for."""
        self.stopped_short = False
        """Whether the server gave less than its own total promises."""
        self._fetch = fetch
        self.begun_at = 0
        """Positions that an earlier run read, in a view without an order."""
        self._seen: set[int] = set()
        """Ids of the stretch being read, kept where nothing else proves its end: without a total or an order."""

    def first(self) -> Page[Content]:
        """Page 1. Raises LookupError where the API answers it with 404."""
        page = self.page(1)
        if page is None:
            raise LookupError("page 1 of a view was answered with 404")
        return page

    def page(self, number: int) -> Page[Content] | None:
        """Any page, None for a 404. Raises OrderIgnoredError."""
        page = self._fetch(number)
        if page is None:
            return None
        self.frontier.observe(page)
        settled = [s for s in page.stamps if s < self.settled_before]
        if not self.unordered and settled != sorted(settled, reverse=True):
            raise OrderIgnoredError
        return page

    def begin(self, page: Page[Content]) -> int:
        """The stamp with which a page certainly begins: a row that lags in the view shows one too high."""
        return next((s for s in page.stamps if s < self.settled_before), page.lowest)

    def take_no_order(self) -> None:
        """Read on without an order: what was seen under another one proves nothing."""
        self.unordered = True
        self._seen.clear()

    def go_on(self, place: Place) -> Page[Content] | None:
        """The page on which a reading without an order goes on that was left at `place`; None where nothing is.

        Page 1 must have been asked for: its total tells what was removed since.
        """
        self.frontier.go_on(place.position, place.total)
        self.begun_at = self.frontier.first_of(self.frontier.page_behind)
        page = self.page(self.frontier.page_behind)
        return page if page is not None and page.ids else None

    def start(self, page: Page[Content], below: int | None) -> None:
        """Begin a stretch with `page`; `below` counts the records behind the place where it was once left."""
        self.frontier.start(page, below)
        if not self.unordered:
            self._seen.clear()

    def accept(self, page: Page[Content]) -> None:
        """Note that everything from the start of the stretch to the end of `page` was read."""
        self.frontier.accept(page)
        if self.frontier.total is None or self.unordered:
            self._seen.update(page.ids)

    def ends_with(self, page: Page[Content]) -> bool:
        """Whether the accepted `page` ends the view: `total_pages` says so, and the total promises no more."""
        return self.frontier.is_last(page) and self.frontier.is_at_end

    def finish(self) -> None:
        """Note that the end of a view without an order was reached: only the number of ids proves that all came."""
        if not self.has_shown_all:
            self.stopped_short = True

    @property
    def has_shown_all(self) -> bool:
        """Whether as many ids were seen as the total tells of, in a view without an order; True without a total."""
        return self.begun_at + len(self._seen) >= (self.frontier.total or 0)

    def next(self, number: int, after: Page[Content]) -> Page[Content] | None:
        """Page `number`, or one further up where the total promises more than was answered; None at the end.

        None, too, and `stopped_short`, where the server keeps refusing what its own total promises.
        """
        for _ in range(REFUSALS):
            answer = self.page(number)
            if answer is not None and answer.ids and not self._is_repeat(answer, after):
                return answer
            if not self.frontier.is_at_end and self.frontier.page_behind >= number:
                self.first()  # Measures anew: a total that fell meanwhile, a page that holds more.
            if self.frontier.is_at_end:
                return None
            number = self.frontier.page_behind
        self.stopped_short = True
        return None

    def _is_repeat(self, answer: Page[Content], page: Page[Content]) -> bool:
        """Whether the server answered behind the end with the last page once more.

        Without a total a page that edits pushed down whole looks the same; it is unproven, and read once more by the
        next run. Where equal stamps change their order, the last page comes again with other ids.
        """
        if answer.number <= page.number or answer.total_pages is not None or not self.frontier.is_at_end:
            return False
        if answer.total is None or self.unordered:
            return self._seen.issuperset(answer.ids)
        is_behind = self.frontier.first_of(answer.number) >= answer.total
        return is_behind and list(answer.stamps) == list(page.stamps)
