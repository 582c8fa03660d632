"""One list of an object, being walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from freshsales_source.client import Client
from freshsales_source.decode import Page
from freshsales_source.paging import ListPages, Shape
from freshsales_source.reading.listing import Listing
from freshsales_source.record_search import RecordSearch
from freshsales_source.run import Run
from freshsales_source.walk import BEGINNING, Step, Walk, WalkState
from freshsales_source.walk import Page as WalkPage

RECYCLE_BIN = "recycle_bin"


class Walking:
    """Steps through one list, one page a step, from where `state` left off; makes no request before the first step.

    `total` is what the list last said it holds, None where it says nothing; `has_moved` whether that changed. `top` is
    the newest record, with its stamp, when the walk began. `is_news` is False when the last step brought no page, only
    the proof that the one before was the end.
    """

    def __init__(
        self, listing: Listing, run: Run, client: Client, shape: Shape, state: WalkState | None
    ) -> None:
        self.listing = listing
        self.total: int | None = None
        self.top: tuple[int, int] | None = None
        self.has_moved = False
        self.is_news = True
        self.is_done = listing.is_read_once and state is not None and state.is_complete
        self._run = run
        # A list that takes no order is read whole.
        self._state = state or WalkState(unordered=not listing.is_ordered)
        pages = RecordSearch if listing.is_search else ListPages
        self._pages = pages(
            client=client,
            clock=run.clock,
            shape=shape,
            path=listing.path,
            query=listing.query,
            page_size=run.settings.page_size,
            deleted_reason=RECYCLE_BIN if listing.is_bin else None,
        )
        self._page: WalkPage[Page] | None = None
        self._walk: Walk[Page] | None = None
        self._steps: Iterator[Step[Page]] | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walk cannot vouch for."""
        return self._walk.doubts if self._walk is not None else ()

    def step(self) -> Step[Page] | None:
        """The next page with its state; None when there is nothing left to read."""
        if self._steps is None:
            self._walk = self._begin()
            self._steps = self._walk.steps()
        step = next(self._steps, None)
        if step is None:
            self.is_done = True
            return None
        self.is_news = step.page is not self._page
        self._page = step.page
        self.has_moved = self.has_moved or step.page.total != self.total
        self.total = step.page.total
        return step

    def _begin(self) -> Walk[Page]:
        settings = self._run.settings
        first = self._pages.first()
        self.total = first.total
        self.top = (first.ids[0], first.stamps[0]) if first.ids else None
        return Walk(
            self._state,
            _starting_with(first, self._pages),
            started_at=self._run.started_at(first.served_at),
            lookback_s=settings.lookback_s,
            floor=BEGINNING if settings.start_date is None else int(settings.start_date.timestamp()),
        )


def _starting_with(first: WalkPage[Page], pages: ListPages) -> Callable[[int], WalkPage[Page] | None]:
    """A fetch that hands out the page already read, to learn the run's start from it, before it asks for more."""
    waiting = [first]
    return lambda number: waiting.pop() if number == 1 and waiting else pages(number)
