"""`freshsales sync --dry-run`: the views, pages, calls and minutes that a sync would take. Loads nothing.

It counts what lives in views, and the lookups; the other objects, which it names, `freshsales discover` counts.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from freshsales_source.check import Diagnosis, ObjectFinding, diagnose
from freshsales_source.cli.check import tell
from freshsales_source.cli.feed_costs import feed_costs
from freshsales_source.cli.tables import Output, counted, output, print_rows
from freshsales_source.client import build_client
from freshsales_source.clock import Clock
from freshsales_source.config import Settings
from freshsales_source.entities import CUSTOM_MODULES, ENTITIES
from freshsales_source.entity_types import Filters, FlatList
from freshsales_source.exploration import object_facts
from freshsales_source.forecast import lookup_calls, pages_of, seconds_for
from freshsales_source.object_state import ObjectState
from freshsales_source.warehouse import Warehouse


def run_dry(settings: Settings, warehouse: Warehouse, clock: Clock, *, as_json: bool) -> int:
    """Count what there is (one call per view, as `check` does), print the forecast, return what `check` would."""
    wanted = settings.objects or [entity.name for entity in ENTITIES]
    facts = [row for row in object_facts() if row.object in wanted]
    with build_client(settings, clock=clock) as client:
        found = diagnose(client, facts, clock=clock, views=settings.views)
    states = warehouse.states()
    rows = [_forecast(row, states.get(row.object), settings.page_size) for row in found.objects]
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
        (row["object"], row["pages"], row["calls"], ", ".join(map(str, row["views"])) or "none found")
        for row in rows
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


def _forecast(found: ObjectFinding, state: object, page_size: int) -> dict[str, Any]:
    """Pages and calls for one object: all pages at first, one call per view when only changes are left."""
    saved = ObjectState.from_json(state if isinstance(state, dict) else None)
    totals = (*found.totals, *([] if found.binned is None else [found.binned]))
    is_complete = bool(saved.walks) and saved.is_complete(str(view.id) for view in found.views)
    pages = len(totals) if is_complete else pages_of(totals, page_size)
    return {
        "object": found.object,
        "views": [view.id for view in found.views],
        "pages": pages,
        "calls": pages + 2 if found.is_available else 1,
        "is_first": not is_complete,
    }
