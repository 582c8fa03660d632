"""What a walk remembers between runs: the spans of `updated_at` that nobody has read yet.

The state is a value: a run replaces it page by page, and each new state is true as soon as the rows of its page
are loaded. So it is saved in the same load as those rows, never before. All bounds are inclusive: stamps are
whole seconds, and thousands of records can share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any, TypeAlias

BEGINNING = -(2**62)
"""Before every stamp."""
TOP = 2**62
"""After every stamp, those in the future too."""
MOST_SPANS = 20
"""Spans kept apart; more are joined, so that the state stays small however often runs are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a span was left: two ways to find the place again in a view that has moved.

    `below` counts the records from the cut to the end of the view; edits and removals only make it smaller. None
    if the view has no total. `tail` holds the last ids read with the span's highest stamp, in the order served.
    """

    below: int | None
    tail: tuple[int, ...] = ()


Edge: TypeAlias = tuple[int, float]
"""A place in the view, greater nearer the top: a stamp, and how many records lie from there to the view's end."""


def edge(stamp: int, cut: Cut | None) -> Edge:
    """The place of `cut` inside `stamp`; without a position, where the stamp begins."""
    return (stamp, inf if cut is None or cut.below is None else cut.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Stamps from `low` to `high`, both included, that are still to be read; `cut` where reading began already."""

    low: int
    high: int
    cut: Cut | None = None

    @property
    def edge(self) -> Edge:
        """Where its unread records begin."""
        return edge(self.high, self.cut)

    def contains(self, stamp: int) -> bool:
        """Whether a record with this stamp belongs to the span."""
        return self.low <= stamp <= self.high

    def above(self, floor: int) -> tuple[Span, ...]:
        """Its part from `floor` on; none where it ends before that."""
        return () if self.high < floor else (replace(self, low=max(self.low, floor)),)

    def below(self, floor: int) -> tuple[Span, ...]:
        """Its part before `floor`; none where it begins there or after."""
        return () if self.low >= floor else (Span(low=self.low, high=min(self.high, floor - 1)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a view without an order was read: the first `position` of its records, of `total` (None: not told)."""

    position: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkState:
    """The memory of one walk.

    `watermark`: start of the last run that read page 1; nothing older is unread, except what follows.
    `spans`: unread, newest first. `owed`: read before, to be read once more, after everything else (the lookback).
    `unproven`: read this run without a `meta.total` to prove that nothing slid past; owed in the next run.
    `doubts`: stamps inside which records may have changed places while they were read.
    `reshuffles`: this view is known to change the order of equal stamps. `unordered`: it ignores the order asked.
    `order_shown`: rows came in that order and by nothing else. `place`: where a cut reading without an order goes on.
    `left_out`: never read, as the floor of the run lay above it; a lower floor brings it back.
    """

    watermark: int | None = None
    spans: tuple[Span, ...] = ()
    owed: tuple[Span, ...] = ()
    unproven: tuple[Span, ...] = ()
    doubts: tuple[int, ...] = ()
    reshuffles: bool = False
    unordered: bool = False
    order_shown: bool = False
    place: Place | None = None
    left_out: tuple[Span, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every span was read; what is owed is read again by the next run and does not count."""
        return not self.spans and self.watermark is not None

    def leaves_out(self, floor: int) -> bool:
        """Whether something from `floor` on was left out, so that a list with this state was not read whole."""
        return any(span.above(floor) for span in self.left_out)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON, times in ISO 8601 UTC, for dlt's own state."""
        return {
            "watermark": _iso(self.watermark),
            "spans": [_span_to_json(s) for s in self.spans],
            "owed": [_span_to_json(s) for s in self.owed],
            "unproven": [_span_to_json(s) for s in self.unproven],
            "doubts": [_iso(d) for d in self.doubts],
            "reshuffles": self.reshuffles,
            "unordered": self.unordered,
            "order_shown": self.order_shown,
            "place": [self.place.position, self.place.total] if self.place else None,
            "left_out": [_span_to_json(s) for s in self.left_out],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> WalkState:
        """Read what `to_json` wrote; a missing state is that of a walk that never ran."""
        if not data:
            return cls()
        return cls(
            watermark=_seconds(data["watermark"]),
            spans=tuple(_span_from_json(s) for s in data["spans"]),
            owed=tuple(_span_from_json(s) for s in data["owed"]),
            unproven=tuple(_span_from_json(s) for s in data["unproven"]),
            doubts=tuple(d for d in map(_seconds, data["doubts"]) if d is not None),
            reshuffles=data["reshuffles"],
            unordered=data["unordered"],
            order_shown=data.get("order_shown", False),
            place=Place(position=place[0], total=place[1]) if (place := data.get("place")) else None,
            left_out=tuple(_span_from_json(s) for s in data.get("left_out", ())),
        )


def close(spans: Iterable[Span], *, top: Edge, down_to: int, cut: Cut | None) -> tuple[Span, ...]:
    """The spans that stay open once everything from `top` down to `cut`, inside the stamp `down_to`, was read.

    A span that begins above `top` is left alone: what was read does not reach its upper end. So is one that begins
    further down: it was left inside the same stamp by a run that came further.
    """
    bottom = edge(down_to, cut)
    return tuple(
        replace(s, high=down_to, cut=cut) if bottom <= s.edge <= top else s
        for s in spans
        if not bottom <= s.edge <= top or s.low <= down_to
    )


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Overlapping spans joined, newest first, and not too many of them."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.edge, s.low), reverse=True):
        if out and span.high >= out[-1].low - 1:
            out[-1] = replace(out[-1], low=min(out[-1].low, span.low))
        else:
            out.append(span)
    return fewer(out)


def fewer(spans: Iterable[Span]) -> tuple[Span, ...]:
    """At most `MOST_SPANS` of these spans, newest first: the closest neighbours are joined, what lies between too."""
    out = list(spans)
    while len(out) > MOST_SPANS:
        nearest = min(range(len(out) - 1), key=lambda i: out[i].low - out[i + 1].high)
        upper, lower = out[nearest : nearest + 2]
        out[nearest : nearest + 2] = [replace(upper, low=min(upper.low, lower.low))]
    return tuple(out)


def _iso(seconds: int | None) -> str | None:
    if seconds is None or seconds in (BEGINNING, TOP):
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def _span_to_json(span: Span) -> dict[str, Any]:
    data: dict[str, Any] = {"low": _iso(span.low), "high": _iso(span.high)}
    if span.cut is not None:
        data |= {"below": span.cut.below, "tail": list(span.cut.tail)}
    return data


def _span_from_json(data: Mapping[str, Any]) -> Span:
    low, high = _seconds(data["low"]), _seconds(data["high"])
    return Span(
        low=BEGINNING if low is None else low,
        high=TOP if high is None else high,
        cut=Cut(below=data["below"], tail=tuple(data["tail"])) if "below" in data else None,
    )
