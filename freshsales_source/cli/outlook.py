"""What `status` tells of the calls to come: how many are left now, and when an unfinished sync can be done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from freshsales_source.api.budget_left import BudgetLeft, budget_left
from freshsales_source.api.client import budget_store
from freshsales_source.cli.feed_costs import feed_costs
from freshsales_source.entities.feeds import FEEDS
from freshsales_source.settings.config import Settings
from freshsales_source.state.object_state import ObjectState
from freshsales_source.state.pages_left import PagesLeft, pages_left
from freshsales_source.sync.verdicts import Verdict
from freshsales_source.warehouse.warehouse import Warehouse

_SPANS = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86_400.0: "a day"}


def left_now(settings: Settings, now: datetime) -> BudgetLeft:
    """What the account's budget holds now, as far as this machine knows."""
    return budget_left(budget_store(settings), settings.limits, settings.reserve, now)


def budget_line(budget: BudgetLeft, settings: Settings) -> str:
    """The budget in one line of `status`."""
    windows = ", ".join(
        f"{one.left:,} of {one.allowed:,} {_SPANS.get(one.seconds, f'in {one.seconds:g} s')}"
        for one in budget.windows
    )
    reserve = f" ({settings.reserve:.0%} of each limit is kept for others)" if settings.reserve else ""
    refused = f"; refused until {budget.blocked_until:%Y-%m-%d %H:%M:%S} UTC" if budget.blocked_until else ""
    return f"API calls left: {windows}{reserve}{refused}"


def budget_json(budget: BudgetLeft) -> dict[str, object]:
    """The budget for `status --json`."""
    windows = [{"seconds": w.seconds, "allowed": w.allowed, "left": w.left} for w in budget.windows]
    return {"windows": windows, "blocked_until": budget.blocked_until}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The pages that an unfinished sync has before it, and when they can be read if it goes on without a pause."""

    left: PagesLeft
    at: datetime
    minutes: int

    def __str__(self) -> str:
        pages = "1 page" if self.left.pages == 1 else f"{self.left.pages:,} pages"
        bound = "at least" if self.left.is_at_least else "about"
        return f"{bound} {pages} and {self.minutes:,} min left, until {self.at:%Y-%m-%d %H:%M} UTC"

    def to_json(self) -> dict[str, object]:
        """For `status --json`."""
        return {"pages_left": self.left.pages, "is_at_least": self.left.is_at_least, "finish_at": self.at}


def finish(
    states: Mapping[str, Any],
    objects: Sequence[Mapping[str, Any]],
    last_run: Mapping[str, Any],
    settings: Settings,
    warehouse: Warehouse,
    budget: BudgetLeft,
    now: datetime,
) -> Finish | None:
    """When what is partial can be whole; None where nothing is. `objects` are the newest rows of `_sync_objects`.

    The limits decide, or the server's answers where those are slower: a call then takes as long as in the last run.
    """
    partial = [str(row["object"]) for row in objects if row["verdict"] == Verdict.PARTIAL]
    if not partial:
        return None
    feed_names = {feed.name for feed in FEEDS}
    walked = [ObjectState.from_json(states.get(name)) for name in partial if name not in feed_names]
    left = pages_left(walked, settings.page_size)
    feeds = [feed for feed in FEEDS if feed.name in partial]
    if feeds:
        costs = feed_costs(feeds, settings, warehouse, _records(objects), states)
        left += PagesLeft(pages=sum(cost["calls"] for cost in costs), is_at_least=True)
    seconds = max(budget.seconds_for(left.pages), left.pages * _seconds_a_call(last_run))
    begin = max(now, budget.blocked_until or now)
    return Finish(left=left, at=begin + timedelta(seconds=seconds), minutes=math.ceil(seconds / 60))


def _records(objects: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many live records there are of each object, as the CRM last told, or else as the warehouse holds."""
    return {
        str(row["object"]): int(
            row["loaded_count"] if row["expected_count"] is None else row["expected_count"]
        )
        for row in objects
        if row["loaded_count"] is not None or row["expected_count"] is not None
    }


def _seconds_a_call(run: Mapping[str, Any]) -> float:
    took: float = (run["finished_at"] - run["started_at"]).total_seconds() - float(run["seconds_waited"])
    return max(0.0, took) / max(1, int(run["calls"]))
