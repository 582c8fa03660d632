"""What the feeds of single records will cost in a run: calls at least, told before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from freshsales_source.entities.feeds import FEEDS, Feed
from freshsales_source.settings.config import Settings
from freshsales_source.state.feed_state import FeedState
from freshsales_source.warehouse.warehouse import Warehouse


def wanted_feeds(settings: Settings) -> list[Feed]:
    """The feeds that the settings ask for, by name or all of them."""
    if settings.objects is None:
        return list(FEEDS) if settings.timelines else []
    return [feed for feed in FEEDS if feed.name in settings.objects]


def feed_costs(
    feeds: Iterable[Feed],
    settings: Settings,
    warehouse: Warehouse,
    totals: Mapping[str, int],
    states: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Feed, records to read it for, and calls at least, of each feed; records that changed since come on top.

    `totals` are the live records in the CRM, by object.
    """
    costs = []
    for feed in feeds:
        state = FeedState.from_json(states.get(feed.name))
        followed = [name for name in feed.parents if settings.objects is None or name in settings.objects]
        records = sum(_records(name, state, warehouse, totals.get(name, 0)) for name in followed)
        costs.append({"feed": feed.name, "records": records, "calls": records})
    return costs


def _records(name: str, state: FeedState, warehouse: Warehouse, total: int) -> int:
    """Those that wait, those that a sweep still comes to, and those that are not even loaded."""
    if name not in state.begun:
        return total
    unloaded = max(0, total - (warehouse.live_rows(name) or 0))
    ahead = 0
    if name in state.sweeps:
        ahead = warehouse.count(name, f"id > {state.sweeps[name]} AND NOT is_deleted") or 0
    return len(state.waiting.get(name, ())) + ahead + unloaded
