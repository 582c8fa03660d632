"""`freshsales sync --dry-run`: the lists, pages, calls and minutes that a sync would take. Loads nothing.

Counted beside them are the feeds of single records, lookups, and the pages that the rolling refresh takes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from freshsales_source.api.client import Client, build_client
from freshsales_source.cli.check import tell
from freshsales_source.cli.feed_costs import feed_costs, wanted_feeds
from freshsales_source.cli.list_costs import ListCosts
from freshsales_source.cli.object_cost import ObjectCost
from freshsales_source.cli.outlook import left_now
from freshsales_source.cli.tables import Output, output, print_rows
from freshsales_source.clock import Clock
from freshsales_source.discovery.check import Diagnosis, ObjectFinding, diagnose
from freshsales_source.discovery.exploration import object_facts
from freshsales_source.discovery.forecast import lookup_calls, pages_of, search_calls
from freshsales_source.discovery.search_counts import look_at_pipelines
from freshsales_source.entities import CUSTOM_MODULES, DEALS, ENTITIES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.exit_codes import ExitCode
from freshsales_source.plural import counted
from freshsales_source.reading.lookups import LookupState
from freshsales_source.schema.entity_types import Entity, Selector
from freshsales_source.settings.config import Settings
from freshsales_source.state.findings import Hints
from freshsales_source.state.object_state import ObjectState
from freshsales_source.warehouse.warehouse import Warehouse


def run_dry(
    settings: Settings,
    warehouse: Warehouse,
    clock: Clock,
    *,
    hints: Hints,
    as_json: bool,
    is_refresh: bool = False,
) -> int:
    """Count what there is (a call for each view or filter), print the forecast, return what `check` would.

    `is_refresh` asks what a full refresh takes.
    """
    states = {} if is_refresh else warehouse.states()
    with build_client(settings, clock=clock) as client:
        wanted = settings.objects or [entity.name for entity in ENTITIES]
        facts = [row for row in object_facts() if row.object in wanted]
        found = diagnose(client, facts, clock=clock, views=settings.views)
        rows = _of_views(client, found, states, settings, hints, clock.now())
        is_known = len(rows) == len(facts) and found.exit_code is not ExitCode.CONFIGURATION
        entities = [entity for entity in ENTITIES if _is_read(entity, wanted)]
        if is_known:
            costs = ListCosts(client, states, settings, hints, clock.now())
            rows += [*costs.of_lists(entities), *costs.of_modules()]
    totals = {row.object: row.records or 0 for row in found.objects}
    forecast = Forecast(
        rows=rows,
        feeds=feed_costs(wanted_feeds(settings), settings, warehouse, totals, states),
        lookup_calls=lookup_calls(_stale_lookups(entities, states, settings, clock.now())),
        refresh_pages=0 if is_refresh else _refresh_pages(rows, settings),
    )
    minutes = left_now(settings, clock.now()).seconds_for(forecast.calls) / 60
    with output() as out:
        if as_json:
            out.print(json.dumps(_as_json(found, forecast, minutes), indent=2))
        elif is_known:
            _print(forecast, minutes, out)
        else:
            out.print("No forecast: the account could not be looked at. Nothing was loaded.")
    tell(found.problems)
    return found.exit_code


def _is_read(entity: Entity, wanted: Sequence[str]) -> bool:
    """Whether a sync reads it: what is wanted, and the directory for a module that is."""
    return entity.name in wanted or (entity is CUSTOM_MODULES and any(map(is_module, wanted)))


def _of_views(
    client: Client,
    found: Diagnosis,
    states: Mapping[str, Any],
    settings: Settings,
    hints: Hints,
    now: datetime,
) -> list[ObjectCost]:
    """The cost of each object that lives in saved views."""
    rows = []
    for row in found.objects:
        saved = ObjectState.from_json(states.get(row.object))
        size = hints.page_size(row.object, settings.page_size)
        has_hidden = row.object == DEALS.name and row.is_readable and DEALS.name not in settings.views
        hidden = _hidden(client, row, saved, settings.page_size) if has_hidden else _NOTHING
        is_fresh = saved.is_fresh(now, settings.lookups_every_s)
        rows.append(_forecast(row, saved, size, hidden, is_fresh=is_fresh))
    return rows


def _refresh_pages(rows: Iterable[ObjectCost], settings: Settings) -> int:
    """The pages of the rolling refresh: of what was read before, unless only a part of it is wanted."""
    if settings.start_date is not None:
        return 0
    return min(settings.refresh_pages, sum(row.refreshable for row in rows))


def _stale_lookups(
    entities: Iterable[Entity], states: Mapping[str, Any], settings: Settings, now: datetime
) -> list[Entity]:
    """The lookups among these that a sync would ask for."""
    every_s = settings.lookups_every_s
    lookups = [entity for entity in entities if isinstance(entity.read, Selector)]
    # That of the custom modules stands beside what their directory was found to list.
    saved = {one.name: states.get(one.name, {}) for one in lookups}
    known = {name: LookupState.from_json(state.get("directory", state)) for name, state in saved.items()}
    return [one for one in lookups if not known[one.name].is_fresh(now, every_s)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a sync takes: `rows` by object, `feeds` with their `calls`, lookups, and the rolling refresh."""

    rows: Sequence[ObjectCost]
    feeds: Sequence[Mapping[str, Any]]
    lookup_calls: int
    refresh_pages: int

    @property
    def calls(self) -> int:
        """All of them."""
        feeds: int = sum(feed["calls"] for feed in self.feeds)
        return sum(row.calls for row in self.rows) + feeds + self.lookup_calls + self.refresh_pages


def _print(forecast: Forecast, minutes: float, out: Output) -> None:
    headers = ("object", "pages", "calls", "views")
    lines: list[tuple[object, ...]] = [
        (row.object, row.pages, row.calls, _lists(row)) for row in forecast.rows
    ]
    lines.append(("lookups", None, forecast.lookup_calls, ""))
    lines += [(row["feed"], None, row["calls"], "at least, one per record") for row in forecast.feeds]
    if forecast.refresh_pages:
        lines.append(("refresh", forecast.refresh_pages, forecast.refresh_pages, "old pages, read again"))
    print_rows(headers, lines, out)
    calls = counted(forecast.calls, "API call")
    whole = math.ceil(minutes)
    time = f"{whole:,} min or more" if whole else "less than a minute"
    out.print(f"\nAbout {calls}: {time} within this account's limits. Nothing was loaded.")


def _lists(row: ObjectCost) -> str:
    """The lists of one object in words: ids of views, then pipelines."""
    views = ", ".join(map(str, row.views)) or "none found"
    return f"{views}; by search: {', '.join(row.pipelines)}" if row.pipelines else views


def _as_json(found: Diagnosis, forecast: Forecast, minutes: float) -> dict[str, object]:
    return {
        "exit_code": int(found.exit_code),
        "objects": [row.to_json() for row in forecast.rows],
        "feeds": list(forecast.feeds),
        "lookup_calls": forecast.lookup_calls,
        "calls": forecast.calls,
        "refresh_pages": forecast.refresh_pages,
        "minutes": round(minutes, 1),
        "problems": [asdict(problem) for problem in found.problems],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hidden:
    """Pipelines that are read through the search, by name, their pages, and the calls that this takes."""

    names: tuple[str, ...] = ()
    pages: int = 0
    calls: int = 0


_NOTHING = _Hidden()


def _hidden(client: Client, found: ObjectFinding, saved: ObjectState, page_size: int) -> _Hidden:
    """What a sync reads beside the views: known from the last one, else found out with a call a pipeline."""
    if _is_complete(found, saved):
        names = tuple(saved.pipelines.names.values())
        return _Hidden(names=names, pages=len(names), calls=len(names) + (not saved.pipelines.all_shown))
    pipelines = look_at_pipelines(client, in_views=found.records)
    walked = pipelines.walked
    if not walked:
        return _NOTHING
    counted = len(pipelines.pipelines) if found.records else 0
    calls = search_calls([one.deals or 0 for one in walked], counted, page_size)
    return _Hidden(names=tuple(one.name for one in walked), pages=calls - 1 - counted, calls=calls)


def _is_complete(found: ObjectFinding, saved: ObjectState) -> bool:
    return bool(saved.walks) and saved.is_complete(str(view.id) for view in found.views)


def _forecast(
    found: ObjectFinding, saved: ObjectState, page_size: int, hidden: _Hidden, *, is_fresh: bool
) -> ObjectCost:
    """Pages and calls for one object: all pages at first, one call per list when only changes are left.

    Views and fields take two more, unless they were looked up lately (`is_fresh`).
    """
    totals = (*found.totals, *([] if found.binned is None else [found.binned]))
    is_complete = _is_complete(found, saved)
    all_pages = pages_of(totals, page_size)
    pages = len(totals) if is_complete else all_pages
    return ObjectCost(
        object=found.object,
        views=[view.id for view in found.views],
        pipelines=hidden.names,
        pages=pages + hidden.pages,
        calls=pages + hidden.calls + (0 if is_fresh else 2) if found.is_available else 1,
        is_first=not is_complete,
        refreshable=all_pages if is_complete else 0,
    )
