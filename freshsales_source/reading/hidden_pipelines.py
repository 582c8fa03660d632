"""Which pipelines the views leave out, and the walks through them.

The default deal views may show the default pipeline only (one client, in production), and nothing says so. What they
show is seen from their rows: settled deals of two pipelines on one page prove that they show all, for good. Deals of
one pipeline alone prove nothing. Then, once, the views' totals are compared with those of the search for each
pipeline; where they do not agree, every pipeline but the one that the views show is walked through the search.

Nothing depends on which pipeline the account calls its default, for that can change: the one whose deals the views
show now is left to them, every other is walked on from where its own walk stopped.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from freshsales_source.api.client import Client
from freshsales_source.decode import Page
from freshsales_source.discovery.search_counts import Counts, count_by
from freshsales_source.errors import (
    FreshsalesError,
    NotFound,
    ObjectError,
    PipelineNotReadable,
    ServerFault,
    TooManyVanished,
)
from freshsales_source.pages.paging import Shape
from freshsales_source.pages.pipelines import (
    Pipeline,
    PipelinesState,
    UnseenPipelines,
    is_of_pipeline,
    pipelines_in,
)
from freshsales_source.reading.pipeline_walking import PipelineWalking
from freshsales_source.reading.walking import Walking
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Pipelines
from freshsales_source.state.findings import HIDDEN_PIPELINES
from freshsales_source.state.object_state import ObjectState
from freshsales_source.walk import Page as WalkPage
from freshsales_source.walk import WalkState

_LOG = logging.getLogger(__name__)


class HiddenPipelines:
    """Decides which pipelines of one object are walked beside its views, and keeps what the views' pages show.

    `state` is what to remember once the pages seen so far are loaded.
    """

    def __init__(
        self, run: Run, client: Client, entity: Entity, lists: Pipelines | None, state: PipelinesState
    ) -> None:
        self._run = run
        self._client = client
        self._entity = entity
        self._lists = lists
        self._state = state
        self._pipelines: list[Pipeline] = []
        self._walkings: list[PipelineWalking] = []
        self._seen: Counter[int] = Counter()
        self._ahead: set[int] = set()
        """Pipelines of deals in the views whose stamps lie in the future: when they changed nothing tells."""
        self._claimed: dict[int, str] = {}
        self._refused: dict[str, ObjectError | ServerFault] = {}
        self._is_unclear = False
        self.has_counted = False
        """Whether this run has found out something about the pipelines that the next need not ask again."""
        self._has_met_fresh = self._has_begun = False
        self._met: int | None = None
        self._searched: dict[int, int | None] = {}
        self._lock = threading.Lock()

    # What is known after a run

    @property
    def unread(self) -> dict[str, ObjectError | ServerFault]:
        """The pipelines that cannot be read though the views may leave them out, by name, and why."""
        if self._state.all_shown:
            return {}
        failed = {one.pipeline.title: one.error for one in self._walkings if one.error is not None}
        return {**self._refused, **failed}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each of these pipelines with the reason."""
        return tuple(f"{title}: {error.what}" for title, error in self.unread.items())

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not certain yet about the views."""
        if self._state.all_shown:
            return ()
        unseen = [title for pipeline_id, title in self._claimed.items() if not self._is_seen(pipeline_id)]
        reasons = [f"by their numbers the views show {title}, but no deal of it was seen" for title in unseen]
        if len(self._seen) > 1 and self._walkings:
            reasons.append("the views show another pipeline than they did when the run began")
        elif self._is_unclear:
            reasons.append("the views show several pipelines, but fewer deals than the search finds")
        return tuple(reasons)

    def is_settling(self, lists: Iterable[Walking]) -> bool:
        """Whether a record changed so lately that the search may not show it yet, or in two places."""
        return bool(self._walkings) and (self._has_met_fresh or any(one.is_fresh for one in lists))

    @property
    def state(self) -> PipelinesState:
        """What to remember between runs."""
        if not self._walkings:
            return self._state
        listed = {one.id for one in self._pipelines if one.is_listed}
        kept = [one for one in self._walkings if one.pipeline.id in listed or one.total]
        newest = {one.pipeline.id: one.newest for one in self._walkings if one.newest is not None}
        return replace(
            self._state,
            names={one.pipeline.id: one.pipeline.name for one in kept},
            newest={**self._state.newest, **newest},
            is_thin=any(one.is_thin for one in self._walkings),
        )

    def unseen(self, names: Mapping[int, str]) -> UnseenPipelines:
        """What the search tells of pipelines of which no deal was read; asks once a run, one call each and one more."""
        new = [i for i in names if i not in self._searched]
        if self._lists is not None and new:
            counts = self._counts(self._lists, new, known={})
            self._searched.update((i, counts.by_id.get(i)) for i in new)
        found = {i: self._searched.get(i) for i in names}
        return UnseenPipelines(
            counted=tuple(f'pipeline "{names[i]}" holds {n:,} deals' for i, n in found.items() if n),
            uncounted=tuple(names[i] for i, n in found.items() if n is None),
        )

    # Before the walks, and during them

    def walkings(self, lists: Sequence[Walking], state: ObjectState, shape: Shape) -> list[PipelineWalking]:
        """The walks beside those of `lists`, asking for the first pages of live views; `state` is what is remembered.

        None where the user chose the views, where they show all pipelines, and where there is one pipeline only.
        """
        self._state, walks = state.pipelines, state.walks
        if self._has_begun:
            # Something did not match: the views may show less than they did.
            self._state = replace(self._state, all_shown=False, counts={})
        self._has_begun = True
        self._walkings, self._claimed, self._refused, self._is_unclear = [], {}, {}, False
        self._seen.clear()
        self._ahead.clear()
        if self._lists is None or self._are_views_chosen or self._state.all_shown:
            return []
        self._pipelines = self._listed(self._lists)
        if len(self._pipelines) > 1:
            views = [one for one in lists if not one.listing.is_bin]
            hidden = self._hidden(self._lists, views, walks)
            self._walkings = [self._walking(one, self._lists, walks, shape) for one in hidden]
        return list(self._walkings)

    def see(self, walking: Walking, page: WalkPage[Page]) -> None:
        """Take in a page of a live view: whose deals it shows."""
        is_view = not walking.listing.is_bin and not is_of_pipeline(walking.listing.key)
        if self._lists is None or not is_view:
            return
        lookback_s = self._run.settings.lookback_s
        settled = self._pipelines_on(page, before=page.served_at - lookback_s)
        ahead = self._pipelines_on(page) - self._pipelines_on(page, before=page.served_at + lookback_s)
        with self._lock:
            self._seen.update(settled)
            self._ahead.update(ahead)
            is_proven = len(settled) > 1
            if is_proven and not self._state.all_shown:
                _LOG.info("views_show_all_pipelines object=%s", self._entity.name)
                if self._run.hints.holds(HIDDEN_PIPELINES, "hidden"):
                    self._run.hints.drop(HIDDEN_PIPELINES, seen="shown")
            self._state = replace(
                self._state,
                shown=self._state.shown | set(settled),
                all_shown=self._state.all_shown or is_proven,
            )
            for one in self._walkings:
                one.is_extra = one.is_extra or self._is_seen(one.pipeline.id)
                if self._state.all_shown:
                    one.leave()

    def meet(self, record: Page) -> None:
        """Take in a record that was fetched alone, for no list showed it where it should stand."""
        settled = self._run.started_at(0) - self._run.settings.lookback_s
        self._has_met_fresh = self._has_met_fresh or any(stamp > settled for stamp in record.stamps)

    def explains(self, error: FreshsalesError) -> bool:
        """Whether rows seem to be gone only because the views show another pipeline by now."""
        return isinstance(error, TooManyVanished) and bool(self.doubts)

    def kept(self, walks: Mapping[str, WalkState]) -> dict[str, WalkState]:
        """The states of walks that are worth keeping: those through pipelines only as long as they are needed."""
        needed = not self._are_views_chosen and not self._state.all_shown
        return {key: walk for key, walk in walks.items() if needed or not is_of_pipeline(key)}

    # Deciding

    def _is_seen(self, pipeline_id: int) -> bool:
        """Whether the views show deals of a pipeline in this run; those with stamps in the future prove no more."""
        return pipeline_id in self._seen or pipeline_id in self._ahead

    @property
    def _are_views_chosen(self) -> bool:
        return self._entity.name in self._run.settings.views

    def _listed(self, lists: Pipelines) -> list[Pipeline]:
        """The pipelines of the account, and those that it lists no more though their walk still found deals."""
        try:
            if self._met is None:
                self._met = self._run.catalog.size
            answer = self._run.get_once(lists.path, self._client, self._met)
            listed = pipelines_in(answer, lists.envelope)
        except NotFound:
            listed = []  # An account without pipelines cannot hide one.
        except (ObjectError, ServerFault) as error:
            self._refused["the list of pipelines"] = error
            listed = []
        known = {one.id for one in listed}
        gone = {i: name for i, name in self._state.names.items() if i not in known}
        return [*listed, *(Pipeline(id=i, name=name, is_listed=False) for i, name in gone.items())]

    def _hidden(
        self, lists: Pipelines, views: Sequence[Walking], walks: Mapping[str, WalkState]
    ) -> list[Pipeline]:
        pages = [view.look() for view in views]
        for view, page in zip(views, pages, strict=True):
            self.see(view, page)
        if self._state.all_shown:
            return []
        shown, is_clear = self._shown(pages)
        walked = [one for one in self._pipelines if one.key in walks]
        counts: Counts | None = None
        is_new = not walked and not self._run.hints.holds(HIDDEN_PIPELINES, "hidden")
        if not is_clear or (is_new and any(page.ids for page in pages)):
            counts = self._remembered_counts(lists, [one.id for one in self._pipelines])
            if self._are_all_shown(counts, views, shown):
                return []
            self._is_unclear = not is_clear
        # One that the views show now is read on until nothing of the time before is left.
        left = [one for one in walked if one.id == shown and not walks[one.key].is_complete]
        hidden = [one for one in self._pipelines if one.id != shown]
        new = [one for one in hidden if one not in walked]
        refused = self._refuse(new, counts or self._remembered_counts(lists, [])) if new else []
        if not new:
            self._state = replace(self._state, counts={})
        _LOG.info("pipelines_hidden object=%s hidden=%d left=%d", self._entity.name, len(hidden), len(left))
        return [one for one in (*hidden, *left) if one not in refused]

    def _shown(self, pages: Sequence[WalkPage[Page]]) -> tuple[int | None, bool]:
        """The pipeline whose deals the views show, and whether that is clear; the default one if they show none."""
        found = self._seen or sum((self._pipelines_on(page) for page in pages), start=Counter[int]())
        if not found:
            return next((one.id for one in self._pipelines if one.is_default), None), True
        return found.most_common(1)[0][0], len(found) == 1

    def _are_all_shown(self, counts: Counts, views: Sequence[Walking], shown: int | None) -> bool:
        """Whether the views hold as many deals as the search finds in all pipelines together.

        That can be chance, while people work or the search lags. It is believed for good once deals of each pipeline
        were seen; until then only for this run, which must come upon one of each.
        """
        totals = [view.total for view in views if view.total is not None]
        holding = {pipeline_id for pipeline_id, deals in counts.by_id.items() if deals}
        if len(totals) < len(views) or holding <= {shown} or sum(counts.by_id.values()) != sum(totals):
            return False
        unseen = holding - self._state.shown
        self._claimed = {one.id: one.title for one in self._pipelines if one.id in unseen}
        self._state = replace(self._state, all_shown=not unseen)
        return True

    def _refuse(self, pipelines: Sequence[Pipeline], counts: Counts) -> list[Pipeline]:
        """Those of these pipelines that must not be walked: all, where the search does not tell them apart."""
        if not counts.doubt:
            return []
        error = PipelineNotReadable(counts.doubt)
        self._refused.update((one.title, error) for one in pipelines)
        return list(pipelines)

    def _remembered_counts(self, lists: Pipelines, ids: Sequence[int]) -> Counts:
        """Counts that go on where a run too short for all of them left off."""
        now = int(self._run.clock.now().timestamp())
        known = self._state.counted(now)
        before = len(known)
        try:
            return self._counts(lists, ids, known)
        finally:
            self.has_counted = self.has_counted or len(known) > before
            self._state = self._state.with_counts(known, now)

    def _counts(self, lists: Pipelines, ids: Sequence[int], known: dict[int, int]) -> Counts:
        try:
            return count_by(self._client, self._entity.singular, lists.column, ids, known=known)
        except ServerFault as error:
            return Counts(by_id={}, doubt=str(error))

    def _pipelines_on(self, page: WalkPage[Page], before: int | None = None) -> Counter[int]:
        """How many rows of a page belong to each pipeline, those changed later than `before` left out."""
        assert self._lists is not None
        column = page.content.tables[self._entity.name][self._lists.column].to_pylist()
        found = zip(column, page.stamps, strict=True)
        return Counter(i for i, stamp in found if i is not None and (before is None or stamp < before))

    def _walking(
        self, pipeline: Pipeline, lists: Pipelines, walks: Mapping[str, WalkState], shape: Shape
    ) -> PipelineWalking:
        state = walks.get(pipeline.key)
        walking = PipelineWalking(
            pipeline, lists, self._entity, self._run, self._client, shape, state, self._state
        )
        walking.is_extra = self._is_seen(pipeline.id)
        return walking
