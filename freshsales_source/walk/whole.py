"""Reading a view that ignores the order asked for: every row, to the proven end, in every run.

Not only the rows above the watermark: without an order a removal can hide an old row behind a creation. A reading
that was cut goes on at its place, so that short runs come to the end, too; then it reads what lies above the place,
so that one uncut run has seen every row. What slid past unseen between two runs shows in the number of rows.

Records that change places at each request hide some of them behind others that come twice. Where the list stands
still and all its places were read, but fewer records than places, it is read again, and the readings together count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Generic

from freshsales_source.walk.asking import Asking
from freshsales_source.walk.page import Content, Page
from freshsales_source.walk.state import BEGINNING, TOP, Place, Span, WalkState, merged
from freshsales_source.walk.step import Step

READINGS = 4
"""Readings of one list whose records change places, before a run leaves it to the next."""


class WholeReading(Generic[Content]):
    """Reads one view without an order from where `state` left off; iterate `steps()` once.

    Rows last updated before `floor` are not kept.
    """

    def __init__(self, state: WalkState, view: Asking[Content], *, started_at: int, floor: int) -> None:
        self.state = state
        self._view = view
        self._started_at = started_at
        self._all = Span(low=floor, high=TOP)
        self._places = 0
        """Places of the list that the present reading has read."""

    def steps(self) -> Iterator[Step[Content]]:
        """Each answered page with the state that holds once its rows are loaded."""
        state = self.state
        new = Span(low=BEGINNING if state.watermark is None else state.watermark, high=TOP)
        unread = (new, *state.spans, *state.left_out)
        left_out = merged(part for span in unread for part in span.below(self._all.low))
        self.state = replace(state, spans=(self._all,), owed=(), unproven=(), doubts=(), left_out=left_out)
        first = self._view.first()
        yield from self._read_on(first)
        for _ in range(READINGS - 1):
            if self._view.frontier.total != first.total or not self._has_changed_places:
                return
            yield from self._read_again()

    @property
    def _has_changed_places(self) -> bool:
        """Whether every place was read that the total tells of, and yet fewer records than places were shown."""
        return self._view.stopped_short and self._view.begun_at + self._places >= (
            self._view.frontier.total or 0
        )

    def _read_again(self) -> Iterator[Step[Content]]:
        self._view.stopped_short, self._view.begun_at, self._places = False, 0, 0
        yield from self._read(self._view.first(), is_again=True)

    def _read_on(self, first: Page[Content]) -> Iterator[Step[Content]]:
        place = self.state.place
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

    def _read(
        self, page: Page[Content], down_to: int | None = None, *, is_again: bool = False
    ) -> Iterator[Step[Content]]:
        """Read from `page` to the view's end, or `down_to` a position, without a gap.

        If it `is_again`, only until all were shown.
        """
        self._view.start(page, None)
        frontier = self._view.frontier
        while True:
            is_end, number = False, frontier.page_behind
            if not frontier.skips(page.number):
                is_end = self._accept(page, down_to, is_again=is_again)
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

    def _accept(self, page: Page[Content], down_to: int | None, *, is_again: bool) -> bool:
        """Note that `page` was read; whether that was all there is to read."""
        self._view.accept(page)
        self._places += len(page.ids)
        frontier = self._view.frontier
        is_over = down_to is not None and frontier.position >= down_to
        is_over = is_over or (is_again and self._view.has_shown_all)
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
