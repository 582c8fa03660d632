"""Looking at everything an account has to load, and at what loading it would cost: behind `freshsales discover`.

It asks what a check asks, then each further object for its number of records, the field settings and the lookups,
and the search for the records of each pipeline and owner: some fifty calls, and one for every owner and object
(at most 3 x 51). No record is kept. Trouble with one object is a Problem, as in a check.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from freshsales_source.api.client import Answer, Client
from freshsales_source.api.envelopes import rows_of, total_of
from freshsales_source.clock import Clock
from freshsales_source.discovery.check import Diagnosis, ObjectFacts, ObjectFinding, Problem, diagnose
from freshsales_source.discovery.custom_fields import account_fields, custom_fields
from freshsales_source.discovery.forecast import first_calls, lookup_calls, search_calls, seconds_for
from freshsales_source.discovery.inventory import (
    Chosen,
    CustomField,
    Discovery,
    ListFound,
    ObjectFound,
    OwnersFound,
    PipelineFound,
    PipelinesFound,
    Standing,
)
from freshsales_source.discovery.search_counts import find_owners, find_pipelines
from freshsales_source.entities import CONTACTS, DEAL_PIPELINES, DEALS, ENTITIES, OWNERS, SALES_ACCOUNTS
from freshsales_source.errors import (
    ONE_VIEW,
    FatalError,
    Forbidden,
    FreshsalesError,
    NotFound,
    ObjectError,
    RetriableError,
    SavedViewNotFound,
)
from freshsales_source.exit_codes import ExitCode
from freshsales_source.pages.views import View, bin_setting, find, find_bin
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Selector, Views
from freshsales_source.settings.config import Settings
from freshsales_source.state.findings import Hints

OWNED = (CONTACTS, SALES_ACCOUNTS, DEALS)
"""Objects whose records are counted for each owner."""

_LOG = logging.getLogger(__name__)


def discover(client: Client, settings: Settings, *, clock: Clock, hints: Hints | None = None) -> Discovery:
    """Look at the account; a wrong key or no network is a Problem in the result, not an exception.

    `hints` tell the page sizes by which the first sync is priced.
    """
    with ThreadPoolExecutor(settings.concurrency, thread_name_prefix="freshsales") as threads:
        return _Exploration(client, settings, threads, hints or Hints()).run(clock)


def object_facts(entities: Sequence[Entity] = ENTITIES) -> list[ObjectFacts]:
    """What a check must know of each object that lives in views."""
    return [
        ObjectFacts(
            object=entity.name,
            default_views=entity.read.live,
            bin_view=entity.read.bin,
            is_optional=entity.is_optional,
        )
        for entity in entities
        if isinstance(entity.read, Views)
    ]


class _Exploration:
    """One look at the account, collecting as it goes."""

    def __init__(self, client: Client, settings: Settings, threads: Executor, hints: Hints) -> None:
        self._client = client
        self._hints = hints
        self._settings = settings
        self._threads = threads
        self._problems: list[Problem] = []
        self._objects: list[ObjectFound] = []
        self._pipelines = PipelinesFound()
        self._owners = OwnersFound()
        self._answers: dict[str, Answer] = {}

    def run(self, clock: Clock) -> Discovery:
        calls_before = self._client.usage().calls
        checked = diagnose(
            self._client,
            object_facts([entity for entity in ENTITIES if self._is_wanted(entity)]),
            clock=clock,
            views=self._settings.views,
        )
        self._problems += checked.problems
        if all(problem.exit_code is ExitCode.INCOMPLETE for problem in checked.problems):
            try:
                self._explore(checked)
            except (FatalError, RetriableError) as error:
                self._problems.append(Problem.of(error))
        calls = self._first_calls()
        return Discovery(
            account=self._client.account,
            objects=tuple(self._objects),
            problems=tuple(self._problems),
            pipelines=self._pipelines,
            owners=self._owners,
            first_calls=calls,
            first_seconds=seconds_for(calls, self._settings),
            calls=self._client.usage().calls - calls_before,
        )

    def _explore(self, checked: Diagnosis) -> None:
        findings = {finding.object: finding for finding in checked.objects}
        for entity in ENTITIES:
            self._objects.append(self._look_at(entity, findings.get(entity.name)))
        found = {one.object: one for one in self._objects}
        self._look_at_pipelines(found[DEALS.name])
        self._count_owners([entity for entity in OWNED if found[entity.name].records])

    def _first_calls(self) -> int:
        """Calls of a first sync: each object's own, and every address of the lookups once."""
        lookups = {one.object for one in self._objects if one.is_lookup and one.calls}
        own = sum(one.calls for one in self._objects if not one.is_lookup)
        return own + lookup_calls(entity for entity in ENTITIES if entity.name in lookups)

    # One object after the other

    def _look_at(self, entity: Entity, finding: ObjectFinding | None) -> ObjectFound:
        if not self._is_wanted(entity):
            return self._found(entity, Standing.LEFT_OUT)
        try:
            match entity.read:
                case Views() as views:
                    return self._of_views(entity, views, finding)
                case Filters() | FlatList() as lists:
                    return self._of_lists(entity, lists)
                case Selector() as selector:
                    return self._of_selector(entity, selector)
        except ObjectError as error:
            if entity.is_optional and isinstance(error, NotFound | Forbidden):
                return self._found(entity, Standing.NOT_AVAILABLE)
            self._note(error, entity)
            return self._found(entity, Standing.FAILED)

    def _of_views(self, entity: Entity, views: Views, finding: ObjectFinding | None) -> ObjectFound:
        if finding is None or not finding.is_available:
            raise NotFound(
                f"{entity.name} are not in this account (404)",
                where=f"GET {entity.path}/filters",
                remedy="Check `domain`, and the rights of the key's user; or leave them out by `objects`.",
            )
        lists = self._views_of(entity, views, finding)
        if not finding.is_readable:
            return self._found(entity, Standing.FAILED, lists=lists)
        return self._found(entity, Standing.AVAILABLE, lists=lists, fields=self._fields_of(entity))

    def _views_of(self, entity: Entity, views: Views, finding: ObjectFinding) -> tuple[ListFound, ...]:
        chosen = self._settings.views
        totals = {view.id: total for view, total in zip(finding.views, finding.totals, strict=True)}
        wanted = [(choice, entity.name, False) for choice in chosen.get(entity.name, views.live)]
        bin_key = bin_setting(entity.name)
        wanted.append((chosen.get(bin_key, (views.bin,))[0], bin_key, True))
        found = []
        for choice, setting, is_bin in wanted:
            try:
                view = (find_bin if is_bin else find)(entity.name, choice, finding.views_seen)
            except SavedViewNotFound:
                continue  # The check has made a problem of it.
            found.append(
                ListFound(
                    name=view.name,
                    id=view.id,
                    chosen=_why(choice, is_set=setting in chosen),
                    is_bin=is_bin,
                    records=finding.binned if is_bin else totals.get(view.id),
                    namesakes=_namesakes(view, choice, finding.views_seen),
                )
            )
        return tuple(found)

    def _of_lists(self, entity: Entity, read: Filters | FlatList) -> ObjectFound:
        queries: dict[str, Mapping[str, str]] = (
            {name: {"filter": name} for name in (*read.live, *read.settled)}
            if isinstance(read, Filters)
            else {"all": {}}
        )
        lists = []
        for name, query in queries.items():
            answer = self._client.get(entity.path, {"page": 1, "per_page": 1, **query})
            rows_of(answer, entity.envelope)
            lists.append(ListFound(name=name, id=None, chosen=Chosen.FIXED, records=total_of(answer)))
        return self._found(entity, Standing.AVAILABLE, lists=tuple(lists), fields=self._fields_of(entity))

    def _of_selector(self, entity: Entity, selector: Selector) -> ObjectFound:
        ids = {
            row["id"]
            for part in (selector, *selector.also)
            for row in _records(self._get_once(part.path), part.envelope)
        }
        return self._found(entity, Standing.AVAILABLE, records=len(ids))

    def _fields_of(self, entity: Entity) -> tuple[CustomField, ...] | None:
        return custom_fields(account_fields(self._client, entity))

    def _found(
        self,
        entity: Entity,
        standing: Standing,
        *,
        lists: tuple[ListFound, ...] = (),
        records: int | None = None,
        fields: tuple[CustomField, ...] | None = None,
    ) -> ObjectFound:
        calls = self._calls_of(entity, standing, lists)
        return ObjectFound(
            object=entity.name,
            standing=standing,
            is_lookup=isinstance(entity.read, Selector),
            lists=lists,
            records=_sum([one for one in lists if not one.is_bin]) if lists else records,
            binned=_sum([one for one in lists if one.is_bin]),
            custom_fields=fields,
            calls=calls,
            seconds=seconds_for(calls, self._settings) if calls else 0.0,
        )

    def _calls_of(self, entity: Entity, standing: Standing, lists: tuple[ListFound, ...]) -> int:
        if standing is not Standing.AVAILABLE:
            # A sync asks once before it knows that an object is not there.
            return int(standing is Standing.NOT_AVAILABLE)
        if isinstance(entity.read, Selector):
            return lookup_calls([entity])
        page_size = self._hints.page_size(entity.name, self._settings.page_size)
        return first_calls(entity, [one.records for one in lists], page_size)

    # What the search tells

    def _look_at_pipelines(self, deals: ObjectFound) -> None:
        if deals.standing is not Standing.AVAILABLE:
            return
        rows = self._lookup_rows(DEAL_PIPELINES)
        self._pipelines = find_pipelines(self._client, rows, in_views=deals.records, threads=self._threads)
        if DEALS.name in self._settings.views:
            self._problems += [_hidden(one) for one in self._pipelines.pipelines if one.is_shown is False]
        elif self._pipelines.walked:
            self._objects[self._objects.index(deals)] = self._with_search(deals)
        elif self._pipelines.doubt and len(rows) > 1 and not self._is_several_shown(deals):
            self._problems.append(_not_told(self._pipelines.doubt))

    def _with_search(self, deals: ObjectFound) -> ObjectFound:
        """Deals as a sync reads them: the pipelines that the views leave out through the search."""
        lists = (*deals.lists, *map(_searched, self._pipelines.walked))
        totals = [one.deals or 0 for one in self._pipelines.walked]
        counted = len(self._pipelines.pipelines) if deals.records else 0
        calls = deals.calls + search_calls(totals, counted, self._settings.page_size)
        return replace(
            deals,
            lists=lists,
            records=_sum([one for one in lists if not one.is_bin]),
            calls=calls,
            seconds=seconds_for(calls, self._settings),
        )

    def _is_several_shown(self, deals: ObjectFound) -> bool:
        """Whether a view's first page shows deals of two pipelines, as a sync would see it."""
        for listed in deals.lists:
            if listed.is_bin:
                continue
            order = {"sort": "updated_at", "sort_type": "desc"}
            answer = self._client.get(f"{DEALS.path}/view/{listed.id}", {"page": 1, "per_page": 100, **order})
            if len({row.get("deal_pipeline_id") for row in _records(answer, DEALS.envelope)}) > 1:
                return True
        return False

    def _count_owners(self, entities: Sequence[Entity]) -> None:
        rows = self._lookup_rows(OWNERS)
        self._owners = find_owners(self._client, rows, entities, threads=self._threads)

    # Inside

    def _lookup_rows(self, entity: Entity) -> list[dict[str, Any]]:
        """The rows of a lookup; none where it was refused, which is a problem of its own."""
        assert isinstance(entity.read, Selector)
        try:
            return _records(self._get_once(entity.read.path), entity.read.envelope)
        except ObjectError:
            return []

    def _get_once(self, path: str) -> Answer:
        if path not in self._answers:
            self._answers[path] = self._client.get(path)
        return self._answers[path]

    def _is_wanted(self, entity: Entity) -> bool:
        return self._settings.objects is None or entity.name in self._settings.objects

    def _note(self, error: FreshsalesError, entity: Entity) -> None:
        problem = Problem.of(error, entity.name)
        if not any((one.reason, one.where) == (problem.reason, problem.where) for one in self._problems):
            self._problems.append(problem)


def _why(choice: int | str, *, is_set: bool) -> Chosen:
    if not is_set:
        return Chosen.DEFAULT_NAME
    return Chosen.SETTING_ID if isinstance(choice, int) else Chosen.SETTING_NAME


def _namesakes(view: View, choice: int | str, seen: Sequence[View]) -> int:
    """How many other views the choice could have meant; none where it was an id."""
    if isinstance(choice, int):
        return 0
    return sum(one.name.strip().casefold() == view.name.strip().casefold() for one in seen) - 1


def _records(answer: Answer, envelope: str) -> list[dict[str, Any]]:
    """The rows that are records: objects with an id."""
    return [
        row for row in rows_of(answer, envelope) if isinstance(row, dict) and isinstance(row.get("id"), int)
    ]


def _hidden(pipeline: PipelineFound) -> Problem:
    what = f'no view that is read shows pipeline "{pipeline.name}" ({pipeline.deals:,} deals)'
    return _of_views("pipeline_not_shown", what)


def _searched(pipeline: PipelineFound) -> ListFound:
    return ListFound(
        name=f'pipeline "{pipeline.name}"', id=None, chosen=Chosen.SEARCH, records=pipeline.deals
    )


def _not_told(doubt: str) -> Problem:
    what = f"it cannot be told whether the views show the deals of all pipelines: {doubt}"
    return _of_views("pipelines_not_told", what)


def _of_views(reason: str, what: str) -> Problem:
    return Problem(
        reason=reason,
        what=what,
        where="",
        remedy=f"{ONE_VIEW}.",
        exit_code=ExitCode.INCOMPLETE,
        object=DEALS.name,
    )


def _sum(lists: Sequence[ListFound]) -> int | None:
    totals = [one.records for one in lists if one.records is not None]
    return sum(totals) if totals and len(totals) == len(lists) else None
