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

from collections.abc import Generator, Iterator
from dataclasses import replace
from math import inf
from typing import Generic

from freshsales_source.walk.asking import Asking, OrderIgnoredError
from freshsales_source.walk.locate import locate
from freshsales_source.walk.order_evidence import OrderWatch
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
from freshsales_source.walk.step import Step
from freshsales_source.walk.ties import SELF_EVIDENT, Overlap, Ties
from freshsales_source.walk.whole import WholeReading

PASSES = 4
"""Readings of one doubtful stamp before a run leaves it to the next."""
MOST_DOUBTS = 200
"""Doubtful stamps kept in the state; the newest stay, what is older the next run reads again as a span."""


class Walk(Generic[Content]):
    """Reads one view from where its state left off; iterate `steps()` once.

    `started_at` is the run's start (seconds, server's clock), `lookback_s` the overlap read again below the
    watermark, `floor` leaves out records last updated before it. A view not known to honour the order asked for is read
    whole until it has shown that it does (`trusts_order`). After the last step `doubts` tells what the walk
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
        trusts_order: bool = True,
    ) -> None:
        self.state = state
        self._trusts_order = trusts_order
        self._started_at = started_at
        self._lookback_s = lookback_s
        self._floor = floor
        # Older stamps have had time to reach their place in the view.
        self._view = Asking(fetch, settled_before=started_at - lookback_s, unordered=state.unordered)
        self._newest: Span | None = None
        """The stamps from where the newest span ends down to the end of its lookback; None before page 1 was read."""
        self._top: Edge = (TOP, inf)
        """Where the stretch being read began."""
        self._ties = Ties()

    @property
    def is_at_backlog(self) -> bool:
        """Whether the newest was read in order, so that what is left is what earlier runs left open."""
        if self._newest is None or any(span.low == self._newest.high for span in self.state.spans):
            return False
        return bool(self.state.spans) or any(span.low < self._newest.low for span in self.state.owed)

    @property
    def stopped_short(self) -> bool:
        """Whether the view gave less than its own total promises."""
        return self._view.stopped_short

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the walk cannot vouch for what it read; empty when it can."""
        reasons = []
        if self._view.stopped_short:
            reasons.append("the view ended before its own total")
        if self.state.unproven:
            reasons.append(
                "nothing proves that no record slid past while it was read; the next run reads again"
            )
        if self.state.doubts:
            reasons.append(
                f"records sharing one of {len(self.state.doubts)} stamps changed places during the run"
            )
        return tuple(reasons)

    def steps(self) -> Iterator[Step[Content]]:
        """Read until nothing is unread or owed, newest first, yielding each answered page with its state.

        Raises LookupError when page 1 is refused: what that means is for the caller to say.
        """
        if self._is_in_order:
            try:
                yield from self._read_spans()
            except OrderIgnoredError:
                self.state = replace(self.state, unordered=True)
        if not self._is_in_order:
            yield from self._read_whole()

    @property
    def _is_in_order(self) -> bool:
        return not self.state.unordered and (self._trusts_order or self.state.order_shown)

    def _read_spans(self) -> Iterator[Step[Content]]:
        first = self._view.first()
        self._open(first)
        yield from self._read(first, Span(low=BEGINNING, high=TOP))
        while (span := self._next_span()) is not None and not self._view.stopped_short:
            yield from self._read(self._find(span), span)
        for stamp in () if self._view.stopped_short else sorted(self.state.doubts, reverse=True):
            stood_still = yield from self._read_again(stamp)
            if not stood_still:
                return  # People are working: for the other stamps it would be the same.

    def _read_whole(self) -> Iterator[Step[Content]]:
        reading = WholeReading(self.state, self._view, started_at=self._started_at, floor=self._floor)
        self._view.take_no_order()
        self._newest = None
        evidence = OrderWatch(descending=True)
        step: Step[Content] | None = None
        seen: Page[Content] | None = None
        for step in reading.steps():
            self.state = step.state
            # The last page comes again with the proof that it was the last.
            rows = zip(step.page.stamps, step.page.ids, strict=True) if step.page is not seen else ()
            for stamp, record_id in rows:
                evidence.see(stamp, record_id)
            seen = step.page
            yield step
        if step is not None and evidence.is_shown and self.state.is_complete and not self.state.unordered:
            self.state = replace(self.state, order_shown=True)
            yield Step(page=step.page, keep=(), state=self.state)

    # What there is to read

    def _open(self, first: Page[Content]) -> None:
        """Turn the state that the last run left into the spans of this one, and what its floor leaves out."""
        state, floor, low, lookback = self.state, self._floor, BEGINNING, BEGINNING
        owed = [*state.owed, *state.unproven]
        if state.watermark is not None:
            low, lookback = state.watermark, state.watermark - self._lookback_s
            owed.append(Span(low=lookback, high=low))
        left_out = [part for span in state.left_out for part in span.below(low)]
        unread = [Span(low=low, high=TOP), *state.spans, *left_out]
        unread.sort(key=lambda span: span.edge, reverse=True)
        self.state = replace(
            state,
            watermark=min(self._started_at, first.served_at),
            spans=fewer(part for span in unread for part in span.above(floor)),
            owed=merged(part for span in owed for part in span.above(floor)),
            left_out=merged(part for span in (*unread, *owed) for part in span.below(floor)),
            unproven=(),
        )
        self._newest = Span(low=max(lookback, floor), high=max(low, floor))

    def _next_span(self) -> Span | None:
        """The newest unread span; with none left, the newest that is owed."""
        return max(self.state.spans or self.state.owed, key=lambda s: s.edge, default=None)

    def _find(self, span: Span) -> Page[Content]:
        return locate(
            self._view.page,
            span,
            self._view.frontier,
            begin=self._view.begin,
            trust_position=not self.state.reshuffles,
        )

    # Reading on, page after page

    def _read(self, page: Page[Content], span: Span) -> Iterator[Step[Content]]:
        """Read from `page`, a safe start of `span`, without a gap, as long as what comes next is unread."""
        self._resume(page, span)
        while True:
            if self._view.frontier.skips(page.number):
                # Removals pulled unread records onto pages already read. These rows are good, the place is not.
                yield Step(page=page, keep=self._wanted(page), state=self.state)
                answer = self._view.next(self._view.frontier.page_behind, page)
            else:
                yield self._accept(page)
                if not self._reads_on(page, span):
                    return
                answer = self._view.next(page.number + 1, page)
            if answer is None:
                if not self._view.stopped_short:
                    yield self._end(page, keep=())
                return
            page = answer

    def _resume(self, page: Page[Content], span: Span) -> None:
        cut = None if self.state.reshuffles else span.cut
        self._top = edge(span.high, cut)
        self._view.start(page, None if cut is None else cut.below)
        self._ties = Ties() if cut is None else Ties(span.high, cut.tail)

    def _accept(self, page: Page[Content]) -> Step[Content]:
        """Close what `page` completes: all from the stretch's top to its lowest stamp, that stamp itself in part."""
        keep = self._wanted(page)
        if not page.ids:
            self._view.stopped_short = not self._view.frontier.is_at_end
            return self._end(page, keep)
        self._watch_ties(page)
        self._view.accept(page)
        if self._view.ends_with(page):
            return self._end(page, keep)
        self._close(page.lowest, Cut(below=self._view.frontier.below, tail=self._ties.tail))
        if page.number > 1:
            self._note_unproven(page.lowest)
        return Step(page=page, keep=keep, state=self.state)

    def _end(self, page: Page[Content], keep: tuple[int, ...]) -> Step[Content]:
        """The view's end is proven: nothing below the stretch's top is unread."""
        self._settle_by_size()
        if not self._view.stopped_short:
            self._close(BEGINNING - 1, None)
            self._note_unproven(self._floor)
        return Step(page=page, keep=keep, state=self.state)

    def _reads_on(self, page: Page[Content], span: Span) -> bool:
        """Whether the next page is wanted: it is still above `span`, or inside what is unread or owed."""
        if not page.ids or self._view.ends_with(page):
            return False
        if page.lowest > span.high:
            return True
        following = self._next_span()
        return following is not None and following.contains(page.lowest) and not self._is_far(following)

    def _is_far(self, span: Span) -> bool:
        """Whether `span` was left inside the stamp now being read, but pages further down: quicker found than read."""
        if self.state.reshuffles or self._view.frontier.below is None:
            return False
        return span.edge[1] < self._view.frontier.below - self._view.frontier.stride

    def _close(self, down_to: int, cut: Cut | None) -> None:
        self.state = replace(
            self.state,
            spans=close(self.state.spans, top=self._top, down_to=down_to, cut=cut),
            owed=close(self.state.owed, top=self._top, down_to=down_to, cut=cut),
        )

    def _note_unproven(self, low: int) -> None:
        """Without a total no fall can be seen: what several answers gave is read once more by the next run."""
        high = self._top[0]
        if self._view.frontier.total is None and low <= high:
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
            # A page on which the stamp begins reads it from its beginning: all of it may come twice.
            begins_here = page.stamps[0] != self._ties.stamp
            overlap = len(ids) if begins_here else self._view.frontier.overlap(page.number)
            self._doubt(self._ties.stamp, self._ties.add(ids, known_overlap=overlap))
        if page.lowest != self._ties.stamp:
            self._settle_by_size()
            self._ties = Ties(page.lowest, page.with_stamp(page.lowest))

    def _doubt(self, stamp: int, overlap: Overlap) -> None:
        # Younger stamps still gain records, which may stand anywhere among them; the lookback reads them again.
        if overlap is Overlap.HARMLESS or self._is_young(stamp):
            return
        doubts = sorted({*self.state.doubts, stamp})
        unproven = [Span(low=d, high=d) for d in doubts[:-MOST_DOUBTS]]
        self.state = replace(
            self.state,
            doubts=tuple(doubts[-MOST_DOUBTS:]),
            unproven=merged([*self.state.unproven, *unproven]),
            reshuffles=self.state.reshuffles or overlap is Overlap.RESHUFFLED,
        )

    def _is_young(self, stamp: int) -> bool:
        """Whether records may still gain this stamp; one that lies far in the future none gains by the clock."""
        return self._view.settled_before <= stamp <= self._started_at + self._lookback_s

    def _settle_by_size(self) -> None:
        if len(self._ties) > SELF_EVIDENT and not self.state.reshuffles:
            self._forget_doubt(self._ties.stamp)

    def _forget_doubt(self, stamp: int | None) -> None:
        self.state = replace(self.state, doubts=tuple(d for d in self.state.doubts if d != stamp))

    def _read_again(self, stamp: int) -> Generator[Step[Content], None, bool]:
        """Read one doubtful stamp until its distinct ids equal its positions, while the view stands still.

        False where it did not stand still even for the last reading.
        """
        seen: set[int] = set()
        stood_still = False
        before = self._view.first()
        for _ in range(PASSES):
            pages = []
            for page in self._pages_of(stamp):
                keep = tuple(i for i, s in enumerate(page.stamps) if s == stamp)
                yield Step(page=page, keep=keep, state=self.state)
                pages.append(page)
            after = self._view.first()
            stood_still = _stood_still(before, *pages, after)
            if stood_still:
                found = [i for page in pages for i in page.with_stamp(stamp)]
                seen.update(found)
                if len(seen) == len(found):
                    self._forget_doubt(stamp)
                    yield Step(page=after, keep=(), state=self.state)
                    break
            else:
                seen.clear()
            before = after
        return stood_still

    def _pages_of(self, stamp: int) -> Iterator[Page[Content]]:
        span = Span(low=stamp, high=stamp)
        page: Page[Content] | None = locate(
            self._view.page, span, self._view.frontier, begin=self._view.begin, trust_position=False
        )
        if page is not None:
            self._view.start(page, None)
            self._ties = Ties(stamp)
        while page is not None and page.ids:
            yield page
            self._view.accept(page)
            self._ties.add(page.with_stamp(stamp), known_overlap=0)
            if page.lowest < stamp or self._view.ends_with(page):
                return
            page = self._view.next(page.number + 1, page)


def _stood_still(before: Page[Content], *rest: Page[Content]) -> bool:
    """Whether nothing moved between the answers: the same total, the same stamps at the top."""
    after = rest[-1]
    return all(page.total == before.total for page in rest) and list(before.stamps) == list(after.stamps)
