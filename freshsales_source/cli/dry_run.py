"""`freshsales sync --dry-run`: the lists, pages, calls and minutes that a sync would take. Loads nothing.

It counts all but custom modules, which it names. The refresh comes on top: `refresh_pages` a run.
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
from freshsales_source.cli.feed_costs import feed_costs
from freshsales_source.cli.list_costs import list_costs
from freshsales_source.cli.outlook import left_now
from freshsales_source.cli.tables import Output, counted, output, print_rows
from freshsales_source.clock import Clock
from freshsales_source.discovery.check import Diagnosis, ObjectFinding, diagnose
from freshsales_source.discovery.exploration import object_facts
from freshsales_source.discovery.forecast import lookup_calls, pages_of, search_calls
from freshsales_source.discovery.search_counts import look_at_pipelines
from freshsales_source.entities import CUSTOM_MODULES, DEALS, ENTITIES
from freshsales_source.exit_codes import ExitCode
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
    wanted = settings.objects or [entity.name for entity in ENTITIES]
    facts = [row for row in object_facts() if row.object in wanted]
    with build_client(settings, clock=clock) as client:
        found = diagnose(client, facts, clock=clock, views=settings.views)
        states = {} if is_refresh else warehouse.states()
        rows = []
        for row in found.objects:
            saved = ObjectState.from_json(states.get(row.object))
            size = hints.page_size(row.object, settings.page_size)
            has_hidden = row.object == DEALS.name and row.is_readable and DEALS.name not in settings.views
            hidden = _hidden(client, row, saved, size) if has_hidden else _NOTHING
            is_fresh = saved.is_fresh(clock.now(), settings.lookups_every_s)
            rows.append(_forecast(row, saved, size, hidden, is_fresh=is_fresh))
        is_known = len(rows) == len(facts) and found.exit_code is not ExitCode.CONFIGURATION
        entities = [entity for entity in ENTITIES if entity.name in wanted]
        rows += list_costs(client, entities, states, settings, hints, clock.now()) if is_known else []
    forecast = Forecast(
        rows=rows,
        feeds=feed_costs(settings, warehouse, found, states),
        lookup_calls=lookup_calls(_stale_lookups(entities, states, settings, clock.now())),
        not_counted=[CUSTOM_MODULES.name] if CUSTOM_MODULES.name in wanted else [],
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
    """What a sync takes: rows by object and by feed, each with its `calls`; `not_counted` comes on top."""

    rows: Sequence[Mapping[str, Any]]
    feeds: Sequence[Mapping[str, Any]]
    lookup_calls: int
    not_counted: Sequence[str]

    @property
    def calls(self) -> int:
        """All calls that could be counted."""
        counted: int = sum(row["calls"] for row in (*self.rows, *self.feeds))
        return counted + self.lookup_calls


def _print(forecast: Forecast, minutes: float, out: Output) -> None:
    headers = ("object", "pages", "calls", "views")
    lines: list[tuple[object, ...]] = [
        (row["object"], row["pages"], row["calls"], _lists(row)) for row in forecast.rows
    ]
    lines.append(("lookups", None, forecast.lookup_calls, ""))
    lines += [(row["feed"], None, row["calls"], "at least, one per record") for row in forecast.feeds]
    print_rows(headers, lines, out)
    if forecast.not_counted:
        out.print("\nNot counted: custom modules. Each takes two calls and its pages.")
    calls = counted(forecast.calls, "API call")
    whole = math.ceil(minutes)
    time = f"{whole:,} min or more" if whole else "under a minute's share"
    out.print(f"\nAbout {calls}: {time} within this account's limits. Nothing was loaded.")


def _lists(row: Mapping[str, Any]) -> str:
    """The lists of one object in words: ids of views, then pipelines."""
    views = ", ".join(map(str, row["views"])) or "none found"
    return f"{views}; by search: {', '.join(row['pipelines'])}" if row["pipelines"] else views


def _as_json(found: Diagnosis, forecast: Forecast, minutes: float) -> dict[str, object]:
    return {
        "exit_code": int(found.exit_code),
        "objects": list(forecast.rows),
        "feeds": list(forecast.feeds),
        "lookup_calls": forecast.lookup_calls,
        "calls": forecast.calls,
        "not_counted": list(forecast.not_counted),
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
) -> dict[str, Any]:
    """Pages and calls for one object: all pages at first, one call per list when only changes are left.

    Views and fields take two more, unless they were looked up lately (`is_fresh`).
    """
    totals = (*found.totals, *([] if found.binned is None else [found.binned]))
    is_complete = _is_complete(found, saved)
    pages = len(totals) if is_complete else pages_of(totals, page_size)
    return {
        "object": found.object,
        "views": [view.id for view in found.views],
        "pipelines": list(hidden.names),
        "pages": pages + hidden.pages,
        "calls": pages + hidden.calls + (0 if is_fresh else 2) if found.is_available else 1,
        "is_first": not is_complete,
    }
