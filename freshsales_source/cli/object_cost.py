"""What reading one object in the next sync will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCost:
    """Pages and calls of one object in a run.

    `views`: its lists, by id or name; `pipelines`: those read through the search. `is_first`: whether it was never
    read to its end. `refreshable`: pages that the rolling refresh could read again, on top.
    """

    object: str
    views: Sequence[int | str]
    pages: int
    calls: int
    is_first: bool
    pipelines: Sequence[str] = ()
    refreshable: int = 0

    def to_json(self) -> dict[str, Any]:
        """For `sync --dry-run --json`."""
        return {
            "object": self.object,
            "views": list(self.views),
            "pipelines": list(self.pipelines),
            "pages": self.pages,
            "calls": self.calls,
            "is_first": self.is_first,
        }
