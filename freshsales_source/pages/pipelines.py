"""The pipelines of deals that the views leave out, and what is remembered of them between runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from freshsales_source.api.client import Answer
from freshsales_source.api.envelopes import rows_of

COUNTS_KEPT_S = 86_400
"""How long counts may be compared with later totals. What has changed meanwhile makes them differ; then pipelines are
walked that need not be, which costs calls and nothing else."""

_PREFIX = "pipeline:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline of the account; `is_listed` is False for one that left its list before its deals did."""

    id: int
    name: str
    is_default: bool = False
    is_listed: bool = True

    @property
    def key(self) -> str:
        """The name under which its walk is remembered."""
        return f"{_PREFIX}{self.id}"

    @property
    def title(self) -> str:
        """Its name for people."""
        return f'pipeline "{self.name}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenPipelines:
    """Pipelines of which no live deal was read, by name: those that hold some, told with their number, and those
    that the search cannot count.
    """

    counted: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


def pipelines_in(answer: Answer, envelope: str) -> list[Pipeline]:
    """The pipelines in the answer of their selector; raises MalformedPage where the list is missing."""
    rows = [
        row for row in rows_of(answer, envelope) if isinstance(row, dict) and isinstance(row.get("id"), int)
    ]
    return [
        Pipeline(
            id=row["id"],
            name=str(row.get("name", "")),
            # The flag has two names (one client each).
            is_default=bool(row.get("is_default") or row.get("default")),
        )
        for row in rows
    ]


def is_of_pipeline(key: str) -> bool:
    """Whether a walk of that name is one through a pipeline, and not through a view."""
    return key.startswith(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many deals the search found in a pipeline, and when, in seconds."""

    deals: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinesState:
    """What is known of an account's pipelines.

    all_shown     whether the views were seen to show deals of all pipelines, so that nothing is walked beside them
    shown         pipelines whose deals were seen in a view at some time
    names         of the pipelines that are walked, by id: one may leave the account's list before its deals do
    newest        the newest stamp read in each pipeline's walk, in seconds
    is_thin       whether the search gave thin rows when last asked
    counts        deals that the search found lately, by pipeline, each with when: a run too short to compare them all
                  leaves the rest to the next
    """

    all_shown: bool = False
    shown: frozenset[int] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)
    newest: Mapping[int, int] = field(default_factory=dict)
    is_thin: bool = False
    counts: Mapping[int, Counted] = field(default_factory=dict)

    def counted(self, now: int) -> dict[int, int]:
        """The counts that are not too old to be compared."""
        return {i: one.deals for i, one in self.counts.items() if 0 <= now - one.at <= COUNTS_KEPT_S}

    def with_counts(self, deals: Mapping[int, int], now: int) -> PipelinesState:
        """The state with these counts and no others; those that were known keep their age."""
        before = self.counted(now)
        new = {
            i: self.counts[i] if before.get(i) == n else Counted(deals=n, at=now) for i, n in deals.items()
        }
        return replace(self, counts=new)

    def unsure(self) -> PipelinesState:
        """The state once other views are read: what they show is not known."""
        return replace(self, all_shown=False, shown=frozenset(), counts={})

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "all_shown": self.all_shown,
            "shown": sorted(self.shown),
            "names": {str(i): name for i, name in self.names.items()},
            "newest": {str(i): stamp for i, stamp in self.newest.items()},
            "is_thin": self.is_thin,
            "counts": {str(i): [one.deals, one.at] for i, one in self.counts.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> PipelinesState:
        """Read what `to_json` wrote; nothing, for a state that an earlier version wrote."""
        if not data:
            return cls()
        return cls(
            all_shown=data["all_shown"],
            shown=frozenset(data["shown"]),
            names={int(i): name for i, name in data["names"].items()},
            newest={int(i): stamp for i, stamp in data["newest"].items()},
            is_thin=data["is_thin"],
            counts={int(i): Counted(deals=one[0], at=one[1]) for i, one in data.get("counts", {}).items()},
        )
