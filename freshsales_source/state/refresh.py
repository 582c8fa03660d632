"""A full refresh under way: asked for once, gone on with by every run until all lists were read from the top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from freshsales_source.walk import WalkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """`asked_at`: when it was asked for, by the local clock. `since`: when its first page was read, in seconds by the
    server's clock, which is that of `_synced_at`; None before.
    """

    asked_at: datetime
    since: int | None = None

    def begun(self, walks: Iterable[WalkState]) -> Refresh:
        """The refresh once the walks have these states: it began when the first of them did."""
        marks = [walk.watermark for walk in walks if walk.watermark is not None]
        return replace(self, since=min(marks)) if self.since is None and marks else self

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON."""
        return {"asked_at": self.asked_at.isoformat(), "since": self.since}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Refresh | None:
        """Read what `to_json` wrote."""
        if not data:
            return None
        return cls(asked_at=datetime.fromisoformat(data["asked_at"]), since=data["since"])


def begun_anew(walk: WalkState) -> WalkState:
    """The state in which a walk reads everything again.

    What it learned about its list stays, but that it ignored an order: read whole, it may show that it does not.
    """
    return WalkState(reshuffles=walk.reshuffles, order_shown=walk.order_shown)
