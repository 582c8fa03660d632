"""One pipeline that the views leave out, being walked through the search.

What the search of the same API does is known from one client or none, so it is taken either way: rows thin or whole,
in the order asked for or in none, pages short before the end, an index that lags behind writes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from freshsales_source.api.client import Client
from freshsales_source.decode import Page
from freshsales_source.errors import BadRequest, ObjectError, PipelineNotReadable, ServerFault
from freshsales_source.pages.paging import Shape, joined
from freshsales_source.pages.pipelines import Pipeline, PipelinesState
from freshsales_source.pages.search_pages import SearchPages, search_path
from freshsales_source.reading.listing import Listing
from freshsales_source.reading.walking import Walking
from freshsales_source.reading.watch import fetch_record, is_deleted
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Pipelines
from freshsales_source.state.findings import SEARCH_DETAIL
from freshsales_source.walk import BEGINNING, Step, Walk, WalkState
from freshsales_source.walk import Page as WalkPage

THIN_PAGE = 10
"""Records a page where each that changed must be fetched alone: no more calls are repeated after a cut."""

SLACK_S = 2 * 86_400
"""Taken off the moment after which changes are asked for: the search may read it as a day, or in another zone."""

_LOG = logging.getLogger(__name__)


class PipelineWalking(Walking):
    """Steps through the deals of one pipeline; that it cannot be read is kept as its `error`.

    Its rows are those of a view: what the search gives thin is fetched alone. Where the search keeps no order, what
    changed is asked for by `updated_at`; the first page of the whole pipeline then tells how many deals it holds.
    `newest` is the largest stamp ever read in it, `is_thin` whether rows came thin.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        lists: Pipelines,
        entity: Entity,
        run: Run,
        client: Client,
        shape: Shape,
        state: WalkState | None,
        known: PipelinesState,
    ) -> None:
        listing = Listing(
            key=pipeline.key,
            title=pipeline.title,
            path=search_path(entity.singular),
            query={"sort": "updated_at", "sort_type": "desc", "include": ",".join(entity.include)},
            is_ordered=True,
        )
        size, is_thin = run.settings.page_size, known.is_thin or run.hints.holds(SEARCH_DETAIL, "thin")
        pages = SearchPages(
            client=client,
            clock=run.clock,
            shape=shape,
            path=listing.path,
            query=listing.query,
            page_size=min(size, THIN_PAGE) if is_thin else size,
            pipelines=lists,
            pipeline_id=pipeline.id,
            settling_s=run.settings.lookback_s,
        )
        # Equal stamps come in any order, and short pages make positions uncertain.
        super().__init__(listing, run, client, shape, state or WalkState(reshuffles=True), pages=pages)
        self.pipeline = pipeline
        self.error: ObjectError | ServerFault | None = None
        self.is_thin = known.is_thin
        self.newest = self._newest_before = known.newest.get(pipeline.id)
        self._entity = entity
        self._search = pages
        self._changes: int | None = None
        self._fetch: Callable[[int], Page | None] = lambda record_id: fetch_record(
            client, run.clock, entity, shape, record_id
        )

    def look(self) -> WalkPage[Page]:
        """The first page of the whole pipeline. Raises PipelineNotReadable where the search tells no total."""
        if self._first is not None:
            return self._first
        first = super().look()
        if first.ids and not first.content.is_whole and self._search.page_size > THIN_PAGE:
            _LOG.info("search_is_thin list=%s", self.listing.key)
            self._use(replace(self._search, page_size=THIN_PAGE))
            self._first = None
            first = super().look()
        if first.total is None:
            raise PipelineNotReadable("the search tells no total", where=self.listing.path)
        if first.ids:
            self.is_thin = not first.content.is_whole
            if not self.is_thin and self._run.hints.holds(SEARCH_DETAIL, "thin"):
                self._run.hints.drop(SEARCH_DETAIL, seen="full")
            # Of equal stamps, which come in any order, always the same one.
            self.top = max(zip(first.ids, first.stamps, strict=True), key=lambda record: record[::-1])
        return first

    def step(self) -> Step[Page] | None:
        """The next page with its state, its rows whole; None when there is nothing left to read."""
        try:
            return self._step()
        except (ObjectError, ServerFault) as error:
            _LOG.warning("pipeline_not_readable list=%s reason=%s", self.listing.key, error.reason)
            self.error = error
            self.is_left = self.is_done = True
            return None

    def leave(self) -> None:
        """Read no further: the views show this pipeline, too."""
        self.is_left = self.is_extra = self.is_done = True

    def note(self, page: WalkPage[Page]) -> None:
        """Take in what an answer says of the pipeline; one with changes alone does not tell how many deals it holds."""
        if self._changes is None:
            super().note(page)
        else:
            self.has_moved = self.has_moved or page.total != self._changes
            self._changes = page.total

    def _step(self) -> Step[Page] | None:
        step = super().step()
        self.is_capped = False  # Positions tell nothing where pages come short.
        if step is None:
            self._changes = None
            self._see_that_all_came()
            return None
        self.newest = max([*step.page.stamps, *([] if self.newest is None else [self.newest])], default=None)
        return step if step.page.content.is_whole else self._made_whole(step)

    def _see_that_all_came(self) -> None:
        if self._walk is not None and self._walk.stopped_short and not self.has_moved:
            raise PipelineNotReadable("the search ended before its own total", where=self.listing.path)

    def _made_whole(self, step: Step[Page]) -> Step[Page]:
        """The step with the records it wants, each fetched alone; those in the bin are read from there."""
        found = [self._fetch(step.page.ids[row]) for row in step.keep]
        records = [page for page in found if page is not None and not is_deleted(page, self._entity)]
        if not records:
            return replace(step, keep=())
        content = joined(records)
        page = replace(step.page, ids=content.ids, stamps=content.stamps, content=content)
        return replace(step, page=page, keep=tuple(range(len(records))))

    # Where the search keeps no order

    def _begin(self) -> Walk[Page]:
        """The walk: through the whole pipeline, or, once that was read and the order proved wrong, through changes."""
        first, state = self.look(), self._state
        since = max(self._floor, _unread_since(state, self._run.settings.lookback_s, self._floor))
        if since == BEGINNING or (state.order_shown and not state.unordered):
            return super()._begin()
        self._floor = since
        is_at_hand = first.total is not None and len(first.ids) >= first.total
        changes = None if is_at_hand else self._ask_for_changes(since)
        if changes is None:
            return super()._begin()
        self._changes = changes.total
        return self._walk_through(self._search_since(since), changes)

    def _ask_for_changes(self, since: int) -> WalkPage[Page] | None:
        """The first page of what changed; None where the search does not take that question.

        The newest record read so far must be among it: an empty answer shows that the search cannot tell.
        """
        try:
            page = self._search_since(since).first()
        except BadRequest as error:
            _LOG.info("changes_not_searchable list=%s reason=%s", self.listing.key, error.reason)
            return None
        return page if page.ids and page.total is not None else None

    def _search_since(self, since: int) -> SearchPages:
        after = since if self._newest_before is None else min(since, self._newest_before)
        return replace(self._search, since=after - SLACK_S)

    def _use(self, search: SearchPages) -> None:
        self.pages = self._search = search


def _unread_since(state: WalkState, lookback_s: int, floor: int) -> int:
    """The second from which on something may be unread; the beginning for a list that was never read to its end."""
    if state.watermark is None:
        return BEGINNING
    left_out = [part for span in state.left_out for part in span.above(floor)]
    unread = [span.low for span in (*state.spans, *state.owed, *left_out)]
    return min([state.watermark - lookback_s, *unread])
