"""How far the rolling refresh has come, in one line of `status`: since when every record was read at least once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from freshsales_source.census import RefreshState
from freshsales_source.plural import counted
from freshsales_source.settings.config import Settings
from freshsales_source.state.object_state import ObjectState
from freshsales_source.warehouse.stored_rows import Part


def refresh_line(
    states: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], settings: Settings
) -> str | None:
    """Length and date of the cycle; None where nothing is refreshed. `objects` are newest rows of `_sync_objects`."""
    if not settings.refresh_pages:
        return "Rolling refresh: turned off (refresh_pages is 0)"
    rows = {str(row["object"]): int(row["loaded_count"] or 0) for row in objects}
    rolling = {name: ObjectState.from_json(state).rolling for name, state in states.items() if name in rows}
    refreshed = {name: parts for name, parts in rolling.items() if parts}
    if not refreshed:
        return None
    pages = sum(
        max(1, ceil(rows[name] / settings.page_size)) + len(parts) - 1 for name, parts in refreshed.items()
    )
    runs = ceil(pages / settings.refresh_pages)
    length = f"a cycle takes about {counted(runs, 'run')} ({counted(pages, 'page')})"
    return f"Rolling refresh: {_reach(refreshed, rows)}; {length}"


def _reach(refreshed: Mapping[str, Mapping[str, RefreshState]], rows: Mapping[str, int]) -> str:
    """When the last cycle ended; in the first one, how many live records were read so far.

    What was read through counts whole, also while it is read once more. Bins are left out: nobody counts them here.
    """
    ended = [state.ended for parts in refreshed.values() for state in parts.values()]
    known = [end for end in ended if end is not None]
    if len(known) == len(ended):
        oldest = datetime.fromtimestamp(min(known), UTC)
        return f"the last cycle ended {oldest:%Y-%m-%d %H:%M:%S} UTC"
    read = sum(
        rows[name] if state.ended is not None else min(state.position, rows[name])
        for name, parts in refreshed.items()
        for part, state in parts.items()
        if part != Part.BINNED.name
    )
    return f"the first cycle is under way, {read:,} old records read again so far"
