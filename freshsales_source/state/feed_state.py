"""What is remembered of a feed: whose records wait for it, in a bounded way.

Records that were loaded and whose feed is not yet read wait by id. At first, and where more wait than a state should
hold, the feed is read along the object's own table instead, by id from the lowest of them on: a sweep. What lies
before a sweep need not wait, it will come to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MOST_WAITING = 5_000
"""Ids of one feed kept in the state: some 70 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The memory of one feed, by object.

    `waiting` are ids in the order in which they are read. `sweeps` holds, where a sweep is under way, the highest
    id that it has passed. `begun` are the objects of which all records were once to be read. `is_there` tells whether
    any record's feed was ever answered.
    """

    waiting: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sweeps: Mapping[str, int] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    is_there: bool = False

    def beginning(self, object: str) -> FeedState:
        """The state once all records of an object are to be read, if they never were."""
        if object in self.begun:
            return self
        return replace(self, begun=self.begun | {object}, sweeps={**self.sweeps, object: 0})

    def with_more(
        self, object: str, ids: Iterable[int], *, can_sweep: bool, most: int = MOST_WAITING
    ) -> FeedState:
        """The state once these records wait, too; each once. Without a way to sweep, all ids are kept."""
        passed = self.sweeps.get(object) if can_sweep else None
        more = ids if passed is None else [i for i in ids if i <= passed]
        waiting = tuple(dict.fromkeys((*self.waiting.get(object, ()), *more)))
        if len(waiting) <= most or not can_sweep:
            return replace(self, waiting={**self.waiting, object: waiting})
        passed = min(waiting) - 1  # All that wait lie behind a sweep that is under way.
        return replace(self, waiting={**self.waiting, object: ()}, sweeps={**self.sweeps, object: passed})

    def without(self, object: str, ids: Iterable[int]) -> FeedState:
        """The state once the feeds of these records are loaded, or will never be."""
        done = set(ids)
        left = tuple(i for i in self.waiting.get(object, ()) if i not in done)
        return replace(self, waiting={**self.waiting, object: left})

    def swept(self, object: str, ids: Iterable[int]) -> FeedState:
        """The state once a sweep has come to these records, which wait now; none of them ends it."""
        found = sorted(ids)
        sweeps = {name: passed for name, passed in self.sweeps.items() if name != object}
        if found:
            sweeps[object] = found[-1]
        waiting = tuple(dict.fromkeys((*self.waiting.get(object, ()), *found)))
        return replace(self, waiting={**self.waiting, object: waiting}, sweeps=sweeps)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "waiting": {name: list(ids) for name, ids in self.waiting.items() if ids},
            "sweeps": dict(self.sweeps),
            "begun": sorted(self.begun),
            "is_there": self.is_there,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> FeedState:
        """Read what `to_json` wrote."""
        if not data:
            return cls()
        return cls(
            waiting={name: tuple(ids) for name, ids in data["waiting"].items()},
            sweeps=dict(data["sweeps"]),
            begun=frozenset(data["begun"]),
            is_there=data["is_there"],
        )
