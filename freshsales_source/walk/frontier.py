"""Positions in a view that moves: behind which one every unread record lies, and which page to ask next.

A page is the records at positions `(number - 1) * stride + 1` and on, counted from the newest. Between two answers
edits and creations push the unread records down, removals pull them up. Only the pull can hide one, and it cannot
be larger than the fall of `meta.total`: each removal above lowers the total by one, each creation raises it by one
and pushes by one.
"""

from __future__ import annotations

from typing import Any

from freshsales_source.walk.page import Page


class Frontier:
    """Counts positions over one walk; `observe` every answer, in the order in which they arrive."""

    def __init__(self) -> None:
        self.stride = 0
        """Records a full page holds: the most that any held, so a server that caps pages is followed."""
        self.total: int | None = None
        self.position = 0
        """Every unread record of the stretch being read lies behind this position."""
        self._risen = 0

    def observe(self, page: Page[Any]) -> None:
        """Take in an answer: its total moves the frontier up when it fell since the answer before."""
        self.stride = max(self.stride, len(page.ids), 1)
        if page.total is None:
            return
        if self.total is not None:
            self.position = max(0, self.position - max(0, self.total - page.total))
            self._risen += max(0, page.total - self.total)
        self.total = page.total

    def start(self, page: Page[Any], below: int | None) -> None:
        """Begin a stretch with `page`; `below` counts the records behind the place where it was once left."""
        self.position = self.first_of(page.number)
        if below is not None and page.total is not None:
            self.position = max(self.position, page.total - below)
        self._risen = 0

    def go_on(self, position: int, total: int | None) -> None:
        """Take up a stretch left at `position` when the view held `total`: what was removed since pulled it up."""
        fell = 0 if total is None or self.total is None else max(0, total - self.total)
        self.position = max(0, position - fell)
        self._risen = 0

    def accept(self, page: Page[Any]) -> None:
        """Note that everything up to the end of `page` was read."""
        self.position = max(self.position, page.number * self.stride)
        self._risen = 0

    def first_of(self, number: int) -> int:
        """How many positions lie above page `number`."""
        return (number - 1) * self.stride

    def skips(self, number: int) -> bool:
        """Whether page `number` begins behind the frontier, so that unread records slid past it."""
        return self.first_of(number) > self.position

    @property
    def page_behind(self) -> int:
        """The page on which the first unread record must be, or before which it cannot be."""
        return self.position // self.stride + 1

    @property
    def below(self) -> int | None:
        """Records behind the frontier, counted to the view's end; None without a total."""
        return None if self.total is None else max(0, self.total - self.position)

    def overlap(self, number: int) -> int:
        """How many positions of page `number` were certainly read before: gone back to, or pushed by creations."""
        return max(0, self.position + self._risen - self.first_of(number))

    @property
    def is_at_end(self) -> bool:
        """Whether the total leaves no record behind the frontier; True without a total, which promises none."""
        return not self.below

    def is_last(self, page: Page[Any]) -> bool:
        """Whether the envelope says that no page follows. A short page says nothing."""
        return page.total_pages is not None and page.number >= page.total_pages
