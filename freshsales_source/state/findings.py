"""What `freshsales probe` found out about an account, as hints that a sync makes use of.

A hint spares calls and never a check: what a run sees for itself counts. A hint that turns out wrong is dropped
with a line in the log, and no hint is believed for longer than `KEPT`, for an account can change.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

KEPT = timedelta(days=30)
"""How long findings are used."""

OVER_PAGE_CAP = "over_page_cap"
HIDDEN_PIPELINES = "deals.pipelines"
SEARCH_DETAIL = "search.detail"
"""Names of points that a sync makes use of, beside those that are named after objects."""

VERSION = 1
"""Of the JSON form; another one is not read."""

_ABSENT = ("not_found", "forbidden")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The position of one point, and when it was last seen (aware UTC)."""

    position: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The points that are settled, by name; empty for an account that was never probed."""

    made_at: datetime | None = None
    points: Mapping[str, Found] = field(default_factory=dict)

    def position(self, point: str) -> str | None:
        """What was found for a point; None where it is open."""
        found = self.points.get(point)
        return found.position if found is not None else None

    def is_usable(self, now: datetime) -> bool:
        """Whether they are young enough to be used; none are where the clock went back before them."""
        return self.made_at is not None and timedelta() <= now - self.made_at < KEPT

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; holds nothing of any record and no address."""
        return {
            "version": VERSION,
            "made_at": self.made_at.isoformat() if self.made_at else None,
            "points": {
                name: {"position": found.position, "seen_at": found.seen_at.isoformat()}
                for name, found in self.points.items()
            },
        }

    @classmethod
    def from_json(cls, data: object) -> Findings:
        """Read what `to_json` wrote; raises ValueError for anything else, another version too."""
        try:
            if not isinstance(data, dict) or data["version"] != VERSION:
                raise ValueError("no findings of this version")
            return cls(
                made_at=_moment(data["made_at"]),
                points={
                    str(name): Found(position=str(found["position"]), seen_at=_moment(found["seen_at"]))
                    for name, found in data["points"].items()
                },
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not the form of findings") from error


class Hints:
    """Findings in the hands of one run; safe to share between threads.

    `findings` are those that still hold; a caller that keeps them writes them down again if `has_changed`.
    """

    def __init__(self, findings: Findings | None = None) -> None:
        self.findings = findings or Findings()
        self.has_changed = False
        self._lock = threading.Lock()

    @classmethod
    def of(cls, findings: Findings, now: datetime) -> Hints:
        """The hints of findings, if they are young enough; says in the log which are used."""
        if findings.made_at is None:
            return cls()
        is_usable = findings.is_usable(now)
        _LOG.info(
            "findings_used made_at=%s points=%d" if is_usable else "findings_too_old made_at=%s points=%d",
            findings.made_at.isoformat(),
            len(findings.points),
        )
        return cls(findings) if is_usable else cls()

    def page_size(self, object: str, wanted: int) -> int:
        """The records to ask for at once: no more than the account was seen to serve with `include`.

        Where it refuses larger sizes, or falls back to its smallest, what holds for contacts holds for all.
        """
        cap = self._page_cap(object)
        if cap is None and self.findings.position(OVER_PAGE_CAP) in ("refused", "ignored"):
            cap = self._page_cap("contacts")
        return wanted if cap is None else min(wanted, cap)

    def holds(self, point: str, position: str) -> bool:
        """Whether a point was found in that position."""
        return self.findings.position(point) == position

    def is_absent(self, point: str, now: datetime, every_s: int) -> bool:
        """Whether an object was not there when last asked for, less than `every_s` seconds ago.

        No longer: it may come with another plan or another right. An absent lookup is asked for as often.
        """
        found = self.findings.points.get(point)
        if found is None or found.position not in _ABSENT:
            return False
        return timedelta() <= now - found.seen_at < timedelta(seconds=every_s)

    def confirm(self, point: str, now: datetime) -> None:
        """Note that a point was seen to be so once more; does nothing for a point that is open."""
        with self._lock:
            found = self.findings.points.get(point)
            if found is not None:
                self._set({**self.findings.points, point: replace(found, seen_at=now)})

    def drop(self, point: str, *, seen: str) -> None:
        """Note what this run has seen of a point; a finding that says otherwise is forgotten."""
        with self._lock:
            if self.findings.position(point) in (None, seen):
                return
            self._set({name: found for name, found in self.findings.points.items() if name != point})
        _LOG.warning("finding_dropped point=%s seen=%s", point, seen)

    def _page_cap(self, object: str) -> int | None:
        cap = self.findings.position(page_cap_point(object)) or ""
        return int(cap) if cap.isdecimal() and int(cap) else None

    def _set(self, points: Mapping[str, Found]) -> None:
        self.findings = replace(self.findings, points=points)
        self.has_changed = True


def order_point(object: str, column: str, direction: str, *, is_bin: bool = False) -> str:
    """The name of the point that tells whether an order is honoured."""
    return f"{object}.{'bin.' if is_bin else ''}order.{column}.{direction}"


def page_cap_point(object: str) -> str:
    """The name of the point that tells the largest page served with `include`."""
    return f"{object}.page_cap_with_include"


def presence_point(object: str) -> str:
    """The name of the point that tells whether the account has the object."""
    return f"{object}.list"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment
