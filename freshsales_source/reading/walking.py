"""One list of an object, being walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from freshsales_source.api.client import Client
from freshsales_source.decode import Page
from freshsales_source.pages.paging import ListPages, Shape
from freshsales_source.pages.record_search import RecordSearch
from freshsales_source.reading.hinted import ListHint
from freshsales_source.reading.listing import Listing
from freshsales_source.run import Run
from freshsales_source.walk import BEGINNING, Step, Walk, WalkState
from freshsales_source.walk import Page as WalkPage
from freshsales_source.warehouse.deletions import RECYCLE_BIN


class Walking:
    """Steps through one list, one page a step, from where `state` left off; makes no request before the first step.

    `pages` fetches what it asks for. `total` is what the list last said it holds, None where it says nothing;
    `has_moved` whether that changed; `is_capped` whether its own number of pages, or a page behind it, says more.
    `top` is the newest record, with its stamp, when the walk began; `begun_at` that time by the server's clock, None
    where the walk goes on with what an earlier run began. `is_news` is False when the last step brought no page, only
    the proof that the one before was the end. `is_extra`: its records stand in other lists, too;
    `is_left`: it is of no use any more. `is_only_counted`: it was read once, and now only the page is asked for that
    tells its total, where there is a warehouse to compare with. `first_ids` stood on its first page, `shown` on any, of
    a watched list. `pages_read`, `ended_at` and `lowest` tell how many pages were read, when the last one was, and the
    lowest stamp; `has_fallen` whether the total did meanwhile, `was_pushed` whether a page went back over the one
    before it; `has_gone_on` whether some of what earlier runs left open was read.
    """

    def __init__(
        self,
        listing: Listing,
        run: Run,
        client: Client,
        shape: Shape,
        state: WalkState | None,
        *,
        pages: ListPages | None = None,
    ) -> None:
        self.listing = listing
        self.total: int | None = None
        self.top: tuple[int, int] | None = None
        self.begun_at: int | None = None
        self.has_moved = self.has_fallen = self.was_pushed = self.has_gone_on = False
        self.pages_read = 0
        self.ended_at: int | None = None
        self.lowest: int | None = None
        self.is_capped = False
        self.is_news = True
        self.is_extra = False
        self.is_left = False
        self.first_ids: tuple[int, ...] = ()
        self.shown: set[int] = set()
        start_date = run.settings.start_date
        self._floor = BEGINNING if start_date is None else int(start_date.timestamp())
        was_read = state is not None and state.is_complete and not state.leaves_out(self._floor)
        self.is_only_counted = listing.is_read_once and was_read
        self.is_done = self.is_only_counted and run.stored is None
        self._run = run
        # A list that takes no order is read whole.
        self._hint = ListHint(run.hints, shape.layout.entity.name, listing)
        known = state or WalkState()
        is_unordered = known.unordered or not listing.is_ordered
        self._state = self._hint.begun(replace(known, unordered=is_unordered))
        fetch = RecordSearch if listing.is_search else ListPages
        self.pages = pages or fetch(
            client=client,
            clock=run.clock,
            shape=shape,
            path=listing.path,
            query=listing.query,
            page_size=run.hints.page_size(shape.layout.entity.name, run.settings.page_size),
            deleted_reason=RECYCLE_BIN if listing.is_bin else None,
        )
        self._first: WalkPage[Page] | None = None
        self._stride = 1
        self._page: WalkPage[Page] | None = None
        self._walk: Walk[Page] | None = None
        self._steps: Iterator[Step[Page]] | None = None

    @property
    def last_page(self) -> int:
        """The number of the last page that the total promises; 0 where it promises none."""
        return -(-(self.total or 0) // self._stride)

    @property
    def is_at_backlog(self) -> bool:
        """Whether it has read what is new, and would go on with what earlier runs left open."""
        if self._walk is None or self.is_done:
            return False
        # What is read once has nothing new but its number, which its first page tells.
        return self._walk.is_at_backlog or (self.listing.is_read_once and self._state.place is not None)

    @property
    def begun_before(self) -> int:
        """When an earlier run last began to read it; before all time where none did."""
        return BEGINNING if self._state.watermark is None else self._state.watermark

    @property
    def showed_every_place(self) -> bool:
        """Whether it read all pages at one go, with as many records as the total says from first to last, none twice.

        Then nothing slid past: a removal leaves the last page short of the total, however late that falls, and a
        creation that makes up for it pushes a page.
        """
        last = self._page
        if last is None or self.has_moved or self.was_pushed:
            return False
        places = (last.number - 1) * self._stride + len(last.ids)
        return self.pages_read == last.number and places == self.total

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walk cannot vouch for."""
        return self._walk.doubts if self._walk is not None else ()

    @property
    def is_fresh(self) -> bool:
        """Whether its newest record had changed so shortly before that other lists may lag behind."""
        if self._first is None or self.top is None:
            return False
        # Stamps may lie far in the future, for ever.
        return abs(self.top[1] - self._first.served_at) < self._run.settings.lookback_s

    def look(self) -> WalkPage[Page]:
        """The first page, asked for once: the walk begins with it."""
        if self._first is None:
            self._first = self.pages.first()
            self.total = self._first.total
            self.top = (self._first.ids[0], self._first.stamps[0]) if self._first.ids else None
            self.first_ids = tuple(self._first.ids)
            is_begun = self._state.place is None and not self.is_only_counted
            self.begun_at = self._first.served_at if is_begun else None
        return self._first

    def step(self) -> Step[Page] | None:
        """The next page with its state; None when there is nothing left to read."""
        is_at_backlog = self.is_at_backlog
        if self._steps is None:
            self._steps = self._first_page() if self.is_only_counted else self._walk_on()
        step = next(self._steps, None)
        self.has_gone_on = self.has_gone_on or is_at_backlog
        if step is None:
            self.is_done = True
            return None
        step = self._hint.judged(step)
        self.is_news = step.page is not self._page
        self._count(step.page)
        before, self._page = self._page, step.page
        self.note(step.page)
        self.shown.update(step.page.ids if self.listing.is_watched else ())
        self.is_capped = self.is_capped or self._is_behind_total(step.page, before)
        return step

    def _is_behind_total(self, page: WalkPage[Page], before: WalkPage[Page] | None) -> bool:
        """Whether a page that the total does not promise shows more records than the page before it.

        A server may answer any page behind the end with the last one.
        """
        if self.total is None or (page.number - 1) * self._stride < self.total or not page.ids:
            return False
        if before is None or before.number + 1 != page.number:
            return False
        return set(page.ids).isdisjoint(before.ids)

    def _count(self, page: WalkPage[Page]) -> None:
        self.pages_read += self.is_news
        self.was_pushed = self.was_pushed or (self.is_news and self._goes_back(page))
        self.ended_at = page.served_at
        self.lowest = min([*page.stamps, *([] if self.lowest is None else [self.lowest])], default=None)

    def _goes_back(self, page: WalkPage[Page]) -> bool:
        """Whether a page shows records of the page before it again, or newer ones."""
        if self._page is None or not self._page.ids or not page.ids:
            return False
        return page.stamps[0] > self._page.stamps[-1] or not set(page.ids).isdisjoint(self._page.ids)

    def note(self, page: WalkPage[Page]) -> None:
        """Take in what an answer says of the whole list: what it holds now, and on how many pages."""
        self.has_moved = self.has_moved or page.total != self.total
        self.has_fallen = self.has_fallen or (page.total or 0) < (self.total or 0)
        self.total = page.total
        self._stride = max(self._stride, len(page.ids))
        if page.total is None or page.total_pages is None or page.number >= page.total_pages:
            return
        self.is_capped = self.is_capped or page.total_pages > -(-page.total // max(1, len(page.ids)))

    def _walk_on(self) -> Iterator[Step[Page]]:
        self._walk = self._begin()
        return self._walk.steps()

    def _first_page(self) -> Iterator[Step[Page]]:
        """The page that tells the total, and nothing after it; its rows are as good as any."""
        first = self.look()
        keep = tuple(row for row, stamp in enumerate(first.stamps) if stamp >= self._floor)
        return iter([Step(page=first, keep=keep, state=self._state)])

    def _begin(self) -> Walk[Page]:
        return self._walk_through(self.pages, self.look())

    def _walk_through(self, pages: ListPages, first: WalkPage[Page]) -> Walk[Page]:
        return Walk(
            self._state,
            _starting_with(first, pages),
            started_at=self._run.started_at(first.served_at),
            lookback_s=self._run.settings.lookback_s,
            floor=self._floor,
            trusts_order=self.listing.is_order_known and not self._hint.is_doubted,
        )


def _starting_with(first: WalkPage[Page], pages: ListPages) -> Callable[[int], WalkPage[Page] | None]:
    """A fetch that hands out the page already read, to learn the run's start from it, before it asks for more."""
    waiting = [first]
    return lambda number: waiting.pop() if number == 1 and waiting else pages(number)
