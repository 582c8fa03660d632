"""That an API key may not see records of which there are rows: asked for once a day, not in each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ASKED_AGAIN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfSight:
    """What a run found that asked for such records alone and was refused.

    `counts`: by part of the rows, how many records the lists told of and how many rows there were. `records`: those
    refused. `asked_at`: when, by the local clock.
    """

    counts: Mapping[str, tuple[int, int]]
    records: int
    asked_at: datetime

    def explains(self, part: str, counts: tuple[int, int] | None, now: datetime) -> bool:
        """Whether these counts are those, so that to ask again would tell the same."""
        is_recent = timedelta() <= now - self.asked_at < ASKED_AGAIN_AFTER
        return is_recent and counts is not None and counts == self.counts.get(part)

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON."""
        counts = {part: list(pair) for part, pair in self.counts.items()}
        return {"counts": counts, "records": self.records, "asked_at": self.asked_at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> OutOfSight | None:
        """Read what `to_json` wrote."""
        if not data:
            return None
        counts = {part: (int(total), int(rows)) for part, (total, rows) in data["counts"].items()}
        return cls(counts=counts, records=data["records"], asked_at=datetime.fromisoformat(data["asked_at"]))
