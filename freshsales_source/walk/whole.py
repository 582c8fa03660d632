"""Reading a view that ignores the order asked for: every row, to the proven end, in every run.

Not only the rows above the watermark: without an order a removal can hide an old row behind a creation. A reading
that was cut goes on at its place, so that short runs come to the end, too; then it reads what lies above the place,
so that one uncut run has seen every row. What slid past unseen between two runs shows in the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Generic

from freshsales_source.walk.asking import Asking
from freshsales_source.walk.page import Content, Page
from freshsales_source.walk.state import TOP, Place, Span, WalkState
from freshsales_source.walk.step import Step


class WholeReading(Generic[Content]):
    """Reads one view without an order from where `state` left off; iterate `steps()` once.

    Rows last updated before `floor` are not kept.
    """

    def __init__(self, state: WalkState, view: Asking[Content], *, started_at: int, floor: int) -> None:
        self.state = state
        self._view = view
        self._started_at = started_at
        self._all = Span(low=floor, high=TOP)

    def steps(self) -> Iterator[Step[Content]]:
        """Each answered page with the state that holds once its rows are loaded."""
        place = self.state.place
        self.state = replace(self.state, spans=(self._all,), owed=(), unproven=(), doubts=())
        first = self._view.first()
        if place is None:
            self.state = replace(self.state, watermark=min(self._started_at, first.served_at))
            yield from self._read(first)
            return
        # One request a step: what was asked for is handed over before the next can be refused.
        yield Step(page=first, keep=self._wanted(first), state=self.state)
        page = self._view.go_on(place)
        if page is None or page.number == 1:
            self._view.begun_at = 0
            yield from self._read(first)
            return
        yield from self._read(page)
        if not self._view.stopped_short:
            # With what lies above the place every record of the view was asked for in this run.
            above, self._view.begun_at = self._view.begun_at, 0
            yield from self._read(self._view.first(), down_to=above)

    def _read(self, page: Page[Content], down_to: int | None = None) -> Iterator[Step[Content]]:
        """Read from `page` to the view's end, or `down_to` a position, without a gap."""
        self._view.start(page, None)
        frontier = self._view.frontier
        while True:
            is_end, number = False, frontier.page_behind
            if not frontier.skips(page.number):
                is_end = self._accept(page, down_to)
                number = page.number + 1
            yield Step(page=page, keep=self._wanted(page), state=self.state)
            if is_end:
                return
            answer = self._view.next(number, page)
            if answer is None:
                self._view.finish()
                if not self._view.stopped_short:
                    self._end()
                    yield Step(page=page, keep=(), state=self.state)
                return
            page = answer

    def _accept(self, page: Page[Content], down_to: int | None) -> bool:
        """Note that `page` was read; whether that was all there is to read."""
        self._view.accept(page)
        frontier = self._view.frontier
        is_over = down_to is not None and frontier.position >= down_to
        if not page.ids and not frontier.is_at_end:
            self._view.stopped_short = True
        if not is_over and page.ids and not self._view.ends_with(page):
            self.state = replace(self.state, place=Place(position=frontier.position, total=frontier.total))
            return False
        self._view.finish()
        self._end()
        return True

    def _end(self) -> None:
        unproven = () if self._view.frontier.total is not None else (self._all,)
        self.state = replace(self.state, place=None)
        if not self._view.stopped_short:
            self.state = replace(self.state, spans=(), unproven=unproven)

    def _wanted(self, page: Page[Content]) -> tuple[int, ...]:
        return tuple(i for i, stamp in enumerate(page.stamps) if self._all.contains(stamp))
