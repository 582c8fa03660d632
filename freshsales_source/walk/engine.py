"""One walk through one view, newest first, that loses no row while people work in the CRM.

Paging by number over a view that moves loses rows unless four things hold, and the engine is those four:

1. Newest first. Edits and creations push records down (seen twice: harmless). Only removals pull records up, and
   then `meta.total` falls: the `Frontier` counts positions, and the walk goes back when a page begins behind it.
2. What is unread is remembered as spans of `updated_at`, never as page numbers. A cut run leaves smaller spans.
3. The watermark is the run's own start on the server's clock, never the newest stamp seen.
4. Ends are proven and orders are checked; where neither can be done, the walk says that it is not sure.

A `Step` carries the rows worth loading and the state that is true once they are loaded. The caller saves both
together or neither. Sources: contacts, accounts and deals came in the order asked for (seen in a recorded run);
tasks and appointments did not (same run); page shifts follow from offset paging and were measured on the rivals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Generic

from freshsales_source.walk.frontier import Frontier
from freshsales_source.walk.locate import FAR, locate
from freshsales_source.walk.page import Content, Fetch, Page
from freshsales_source.walk.state import (
    BEGINNING,
    TOP,
    Cut,
    Edge,
    Span,
    WalkState,
    close,
    edge,
    fewer,
    merged,
)
from freshsales_source.walk.ties import SELF_EVIDENT, Overlap, Ties

PASSES = 4
"""Readings of one doubtful stamp before a run leaves it to the next."""
MOST_DOUBTS = 200
"""Doubtful stamps kept in the state; the newest stay."""
REFUSALS = 3
"""Answers without records where `meta.total` promises some, before the walk stops short of the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[Content]):
    """One answered page: the indexes of its rows to load, and the state that holds once they are loaded."""

    page: Page[Content]
    keep: tuple[int, ...]
    state: WalkState


class OrderIgnoredError(Exception):
    """Raised inside the walk when a page is not sorted as asked; the walk then reads the whole view."""


class Walk(Generic[Content]):
    """Reads one view from where its state left off; iterate `steps()` once.

    `started_at` is the run's start (seconds, server's clock), `lookback_s` the overlap read again below the
    watermark, `floor` leaves out records last updated before it. After the last step `doubts` tells what the walk
    cannot vouch for.
    """

    def __init__(
        self,
        state: WalkState,
        fetch: Fetch[Content],
        *,
        started_at: int,
        lookback_s: int = 300,
        floor: int = BEGINNING,
    ) -> None:
        self.state = state
        self._fetch = fetch
        self._started_at = started_at
        self._lookback_s = lookback_s
        self._floor = floor
        self._frontier = Frontier()
        self._top: Edge = (TOP, inf)
        """Where the stretch being read began."""
        self._ties = Ties()
        self._seen: set[int] = set()
        """Ids of the stretch being read; kept only without a total, where nothing else tells that the end repeats."""
        self._stopped_short = False

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the walk cannot vouch for what it read; empty when it can."""
        reasons = []
        if self._stopped_short:
            reasons.append("the view ended before its own total")
        if self.state.unproven:
            reasons.append("the view has no total, so nothing proves that its pages were read without a gap")
        if self.state.doubts:
            reasons.append(
                f"records sharing one of {len(self.state.doubts)} stamps changed places during the run"
            )
        return tuple(reasons)

    def steps(self) -> Iterator[Step[Content]]:
        """Read until nothing is unread or owed, newest first, yielding each answered page with its state.

        Raises LookupError when page 1 is refused: what that means is for the caller to say.
        """
        try:
            yield from self._read_spans()
        except OrderIgnoredError:
            yield from self._read_whole()

    def _read_spans(self) -> Iterator[Step[Content]]:
        first = self._ask_first()
        self._open(first)
        yield from self._read(first, Span(low=BEGINNING, high=TOP))
        while (span := self._next_span()) is not None and not self._stopped_short:
            yield from self._read(self._find(span), span)
        for stamp in () if self._stopped_short else sorted(self.state.doubts, reverse=True):
            yield from self._read_again(stamp)

    def _read_whole(self) -> Iterator[Step[Content]]:
        """The way to read a view that ignores the order asked for: every page to the proven end, every run."""
        whole = Span(low=BEGINNING, high=TOP)
        self.state = replace(self.state, unordered=True, spans=(whole,), owed=(), unproven=(), doubts=())
        first = self._ask_first()
        self.state = replace(self.state, watermark=min(self._started_at, first.served_at))
        yield from self._read(first, whole)

    # What there is to read

    def _open(self, first: Page[Content]) -> None:
        """Turn the state that the last run left into the spans of this one."""
        state, low = self.state, self._floor
        owed = [*state.owed, *state.unproven]
        if state.watermark is not None:
            low = max(low, state.watermark)
            owed.append(Span(low=max(self._floor, state.watermark - self._lookback_s), high=state.watermark))
        self.state = replace(
            state,
            watermark=min(self._started_at, first.served_at),
            spans=fewer([Span(low=low, high=TOP), *state.spans]),
            owed=merged(owed),
            unproven=(),
        )

    def _next_span(self) -> Span | None:
        """The newest unread span; with none left, the newest that is owed."""
        return max(self.state.spans or self.state.owed, key=lambda s: s.edge, default=None)

    def _find(self, span: Span) -> Page[Content]:
        return locate(
            self._ask, span, self._frontier, begin=self._begin, trust_position=not self.state.reshuffles
        )

    # Reading on, page after page

    def _read(self, page: Page[Content], span: Span) -> Iterator[Step[Content]]:
        """Read from `page`, a safe start of `span`, without a gap, as long as what comes next is unread."""
        self._resume(page, span)
        while True:
            if self._frontier.skips(page.number):
                # Removals pulled unread records onto pages already read. These rows are good, the place is not.
                yield Step(page=page, keep=self._wanted(page), state=self.state)
                answer = self._answer(self._frontier.page_behind, page)
            else:
                yield self._accept(page)
                if not self._reads_on(page, span):
                    return
                answer = self._answer(page.number + 1, page)
            if answer is None:
                if not self._stopped_short:
                    yield self._end(page, keep=())
                return
            page = answer

    def _answer(self, number: int, page: Page[Content]) -> Page[Content] | None:
        """The next page with records, read again from further up where the total promises more than was answered.

        None at the view's proven end: an empty page, a 404 or a repeated page with no record left unread. None
        with `_stopped_short` where the server keeps refusing what its own total promises.
        """
        for _ in range(REFUSALS):
            answer = self._ask(number)
            if answer is not None and answer.ids and not self._is_repeat(answer, page):
                return answer
            if not self._frontier.is_at_end and self._frontier.page_behind >= number:
                self._ask_first()  # Measures anew: a total that fell meanwhile, a page that holds more.
            if self._frontier.is_at_end:
                return None
            number = self._frontier.page_behind
        self._stopped_short = True
        return None

    def _is_repeat(self, answer: Page[Content], page: Page[Content]) -> bool:
        """Whether the server answered behind the end with the last page once more.

        A page of edits between two answers, or a stamp that fills pages, can look the same. What tells is a page so
        far behind that none can be there.
        """
        if answer.number <= page.number or answer.total_pages is not None or not self._frontier.is_at_end:
            return False
        if not self._is_known(answer, page):
            return False
        far = self._ask(FAR)
        return far is not None and bool(far.ids) and self._is_known(far, page)

    def _is_known(self, answer: Page[Content], page: Page[Content]) -> bool:
        """Whether `answer` adds nothing: no new id, or, behind the total's end, the stamps of `page` once more."""
        if answer.total is None:
            return self._seen.issuperset(answer.ids)
        is_behind = self._frontier.first_of(answer.number) >= answer.total
        return is_behind and list(answer.stamps) == list(page.stamps)

    def _resume(self, page: Page[Content], span: Span) -> None:
        cut = None if self.state.reshuffles else span.cut
        self._top = edge(span.high, cut)
        self._frontier.start(page, None if cut is None else cut.below)
        self._seen.clear()
        self._ties = Ties() if cut is None else Ties(span.high, cut.tail)

    def _accept(self, page: Page[Content]) -> Step[Content]:
        """Close what `page` completes: all from the stretch's top to its lowest stamp, that stamp itself in part."""
        keep = self._wanted(page)
        if not page.ids:
            self._stopped_short = not self._frontier.is_at_end
            return self._end(page, keep)
        self._watch_ties(page)
        self._pass(page)
        if self._is_last(page):
            return self._end(page, keep)
        if not self.state.unordered:
            self._close(page.lowest, Cut(below=self._frontier.below, tail=self._ties.tail))
        if page.number > 1:
            self._note_unproven(page.lowest)
        return Step(page=page, keep=keep, state=self.state)

    def _end(self, page: Page[Content], keep: tuple[int, ...]) -> Step[Content]:
        """The view's end is proven: nothing below the stretch's top is unread."""
        if not self._stopped_short:
            self._close(BEGINNING - 1, None)
            self._note_unproven(self._floor)
        return Step(page=page, keep=keep, state=self.state)

    def _is_last(self, page: Page[Content]) -> bool:
        """Whether the page just read ends the view: `total_pages` says so, and the total promises no more."""
        return self._frontier.is_last(page) and self._frontier.is_at_end

    def _reads_on(self, page: Page[Content], span: Span) -> bool:
        """Whether the next page is wanted: it is still above `span`, or inside what is unread or owed."""
        if not page.ids or self._is_last(page):
            return False
        if self.state.unordered or page.lowest > span.high:
            return True
        following = self._next_span()
        return following is not None and following.contains(page.lowest) and not self._is_far(following)

    def _is_far(self, span: Span) -> bool:
        """Whether `span` was left inside the stamp now being read, but pages further down: quicker found than read."""
        if self.state.reshuffles or self._frontier.below is None:
            return False
        return span.edge[1] < self._frontier.below - self._frontier.stride

    def _close(self, down_to: int, cut: Cut | None) -> None:
        self.state = replace(
            self.state,
            spans=close(self.state.spans, top=self._top, down_to=down_to, cut=cut),
            owed=close(self.state.owed, top=self._top, down_to=down_to, cut=cut),
        )

    def _note_unproven(self, low: int) -> None:
        """Without a total no fall can be seen: what several answers gave is read once more by the next run."""
        high = self._top[0]
        if self._frontier.total is None and low <= high:
            self.state = replace(
                self.state, unproven=merged([*self.state.unproven, Span(low=low, high=high)])
            )

    def _wanted(self, page: Page[Content]) -> tuple[int, ...]:
        """The indexes of the rows that some span still waits for; of the rest the warehouse has the same version."""
        spans = (*self.state.spans, *self.state.owed)
        return tuple(
            i
            for i, s in enumerate(page.stamps)
            if s >= self._floor and any(span.contains(s) for span in spans)
        )

    # Equal stamps

    def _watch_ties(self, page: Page[Content]) -> None:
        """Compare the ids of the stamp that the page boundary cut, and remember the one it cuts next."""
        if self._ties.stamp is not None:
            ids = page.with_stamp(self._ties.stamp)
            leading = page.stamps.index(self._ties.stamp) if ids else 0
            overlap = self._frontier.overlap(page.number) - leading
            self._doubt(self._ties.stamp, self._ties.add(ids, known_overlap=overlap))
        if page.lowest != self._ties.stamp:
            self._settle_by_size()
            self._ties = Ties(page.lowest, page.with_stamp(page.lowest))

    def _doubt(self, stamp: int, overlap: Overlap) -> None:
        # Younger stamps still gain records, which may stand anywhere among them; the lookback reads them again.
        if overlap is Overlap.HARMLESS or stamp >= self._settled_before:
            return
        doubts = sorted({*self.state.doubts, stamp})[-MOST_DOUBTS:]
        reshuffles = self.state.reshuffles or overlap is Overlap.RESHUFFLED
        self.state = replace(self.state, doubts=tuple(doubts), reshuffles=reshuffles)

    def _settle_by_size(self) -> None:
        if len(self._ties) > SELF_EVIDENT and not self.state.reshuffles:
            self._forget_doubt(self._ties.stamp)

    def _forget_doubt(self, stamp: int | None) -> None:
        self.state = replace(self.state, doubts=tuple(d for d in self.state.doubts if d != stamp))

    def _read_again(self, stamp: int) -> Iterator[Step[Content]]:
        """Read one doubtful stamp until its distinct ids equal its positions, while the view stands still."""
        seen: set[int] = set()
        before = self._ask_first()
        for _ in range(PASSES):
            pages = []
            for page in self._pages_of(stamp):
                keep = tuple(i for i, s in enumerate(page.stamps) if s == stamp)
                yield Step(page=page, keep=keep, state=self.state)
                pages.append(page)
            after = self._ask_first()
            if _stood_still(before, *pages, after):
                found = [i for page in pages for i in page.with_stamp(stamp)]
                seen.update(found)
                if len(seen) == len(found):
                    self._forget_doubt(stamp)
                    yield Step(page=after, keep=(), state=self.state)
                    return
            else:
                seen.clear()
            before = after

    def _pages_of(self, stamp: int) -> Iterator[Page[Content]]:
        span = Span(low=stamp, high=stamp)
        page: Page[Content] | None = locate(
            self._ask, span, self._frontier, begin=self._begin, trust_position=False
        )
        if page is not None:
            self._frontier.start(page, None)
            self._seen.clear()
            self._ties = Ties(stamp)
        while page is not None and page.ids:
            yield page
            self._pass(page)
            self._ties.add(page.with_stamp(stamp), known_overlap=0)
            if page.lowest < stamp or self._is_last(page):
                return
            page = self._answer(page.number + 1, page)

    # Asking

    def _pass(self, page: Page[Content]) -> None:
        self._frontier.accept(page)
        if self._frontier.total is None:
            self._seen.update(page.ids)

    def _ask_first(self) -> Page[Content]:
        page = self._ask(1)
        if page is None:
            raise LookupError("page 1 of a view was answered with 404")
        return page

    def _ask(self, number: int) -> Page[Content] | None:
        page = self._fetch(number)
        if page is None:
            return None
        self._frontier.observe(page)
        settled = [s for s in page.stamps if s < self._settled_before]
        if not self.state.unordered and settled != sorted(settled, reverse=True):
            raise OrderIgnoredError
        return page

    @property
    def _settled_before(self) -> int:
        """Older stamps have had time to reach their place in the view; younger ones may lag behind it."""
        return self._started_at - self._lookback_s

    def _begin(self, page: Page[Content]) -> int:
        """The stamp with which a page certainly begins: a row that lags in the view shows one too high."""
        return next((s for s in page.stamps if s < self._settled_before), page.lowest)


def _stood_still(before: Page[Content], *rest: Page[Content]) -> bool:
    """Whether nothing moved between the answers: the same total, the same stamps at the top."""
    after = rest[-1]
    return all(page.total == before.total for page in rest) and list(before.stamps) == list(after.stamps)
