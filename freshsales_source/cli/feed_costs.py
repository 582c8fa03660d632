"""What the feeds of single records will cost in a run: calls at least, told before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freshsales_source.discovery.check import Diagnosis
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
    settings: Settings, warehouse: Warehouse, found: Diagnosis, states: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Feed, records to read it for, and calls at least, of each feed; records that changed since come on top."""
    totals = {row.object: row.records or 0 for row in found.objects}
    costs = []
    for feed in wanted_feeds(settings):
        state = FeedState.from_json(states.get(feed.name))
        followed = [name for name in feed.parents if settings.objects is None or name in settings.objects]
        records = sum(_records(name, state, warehouse, totals) for name in followed)
        costs.append({"feed": feed.name, "records": records, "calls": records})
    return costs


def _records(name: str, state: FeedState, warehouse: Warehouse, totals: Mapping[str, int]) -> int:
    if name not in state.begun:
        return totals.get(name, 0)
    waiting = len(state.waiting.get(name, ()))
    if name not in state.sweeps:
        return waiting
    rows = warehouse.query(
        f"SELECT count(*) FROM {warehouse.name(name)} WHERE id > {state.sweeps[name]} AND NOT is_deleted"
    )
    return waiting + (int(rows[0][0]) if rows else 0)
