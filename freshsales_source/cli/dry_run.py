"""`freshsales sync --dry-run`: the views, pages, calls and minutes that a sync would take. Loads nothing.

It counts what lives in views, and the lookups; the other objects, which it names, `freshsales discover` counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freshsales_source.api.client import Client, build_client
from freshsales_source.cli.check import tell
from freshsales_source.cli.feed_costs import feed_costs
from freshsales_source.cli.tables import Output, counted, output, print_rows
from freshsales_source.clock import Clock
from freshsales_source.discovery.check import Diagnosis, ObjectFinding, diagnose
from freshsales_source.discovery.exploration import object_facts
from freshsales_source.discovery.forecast import lookup_calls, pages_of, search_calls, seconds_for
from freshsales_source.discovery.search_counts import look_at_pipelines
from freshsales_source.entities import CUSTOM_MODULES, DEALS, ENTITIES
from freshsales_source.schema.entity_types import Filters, FlatList
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
    """Count what there is (one call per view, as `check` does), print the forecast, return what `check` would.

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
            rows.append(_forecast(row, saved, size, hidden))
    lookups = lookup_calls(entity for entity in ENTITIES if entity.name in wanted)
    feeds = feed_costs(settings, warehouse, found, states)
    calls = sum(row["calls"] for row in (*rows, *feeds)) + lookups
    not_counted = [e.name for e in ENTITIES if e.name in wanted and isinstance(e.read, Filters | FlatList)]
    with output() as out:
        if as_json:
            out.print(
                json.dumps(_as_json(found, rows, feeds, lookups, calls, not_counted, settings), indent=2)
            )
        elif len(rows) == len(facts):
            _print(rows, feeds, lookups, calls, not_counted, settings, out)
        else:
            out.print("No forecast: the account could not be looked at. Nothing was loaded.")
    tell(found.problems)
    return found.exit_code


def _print(
    rows: list[dict[str, Any]],
    feeds: list[dict[str, Any]],
    lookups: int,
    calls: int,
    not_counted: list[str],
    settings: Settings,
    out: Output,
) -> None:
    headers = ("object", "pages", "calls", "views")
    lines: list[tuple[object, ...]] = [
        (row["object"], row["pages"], row["calls"], _lists(row)) for row in rows
    ]
    lines.append(("lookups", None, lookups, ""))
    lines += [(row["feed"], None, row["calls"], "at least, one per record") for row in feeds]
    print_rows(headers, lines, out)
    minutes = math.ceil(seconds_for(calls, settings) / 60)
    time = f"{minutes:,} min or more" if minutes else "under a minute's share"
    if not_counted:
        out.print(f"\nNot counted here, but by `freshsales discover`: {', '.join(not_counted)}.")
    if settings.objects is None or CUSTOM_MODULES.name in settings.objects:
        out.print("\nNot counted: custom modules. Each takes two calls and its pages.")
    out.print(
        f"\nAbout {counted(calls, 'API call')}: {time} within this account's limits. Nothing was loaded."
    )


def _lists(row: Mapping[str, Any]) -> str:
    """The lists of one object in words: ids of views, then pipelines."""
    views = ", ".join(map(str, row["views"])) or "none found"
    return f"{views}; by search: {', '.join(row['pipelines'])}" if row["pipelines"] else views


def _as_json(
    found: Diagnosis,
    rows: list[dict[str, Any]],
    feeds: list[dict[str, Any]],
    lookups: int,
    calls: int,
    not_counted: list[str],
    settings: Settings,
) -> dict[str, object]:
    return {
        "exit_code": int(found.exit_code),
        "objects": rows,
        "feeds": feeds,
        "lookup_calls": lookups,
        "calls": calls,
        "not_counted": not_counted,
        "minutes": round(seconds_for(calls, settings) / 60, 1),
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


def _forecast(found: ObjectFinding, saved: ObjectState, page_size: int, hidden: _Hidden) -> dict[str, Any]:
    """Pages and calls for one object: all pages at first, one call per list when only changes are left."""
    totals = (*found.totals, *([] if found.binned is None else [found.binned]))
    is_complete = _is_complete(found, saved)
    pages = len(totals) if is_complete else pages_of(totals, page_size)
    return {
        "object": found.object,
        "views": [view.id for view in found.views],
        "pipelines": list(hidden.names),
        "pages": pages + hidden.pages,
        "calls": pages + hidden.calls + 2 if found.is_available else 1,
        "is_first": not is_complete,
    }
