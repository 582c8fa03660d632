"""What the account answered to each question of a probe, kept in memory until the points are settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.pages.views import View

Row: TypeAlias = Mapping[str, object]

CANNOT_TELL = "cannot tell"


class Outcome(Enum):
    """How a question ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: its records, what stands around them, and when it came by both clocks.

    `asked` is the page size asked for, None where none was; `meta` is None where there is no such object. `why` tells
    why a question was not asked or answered.
    """

    outcome: Outcome
    why: str = ""
    asked: int | None = None
    rows: tuple[Row, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict)
    served_at: datetime | None = None
    arrived_at: datetime | None = None
    limits: LimitSignal | None = None

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer to look into."""
        return self.outcome is Outcome.ANSWERED

    @property
    def meta(self) -> Mapping[str, object] | None:
        """The envelope's `meta`; None where there is none."""
        meta = self.document.get("meta")
        return meta if isinstance(meta, dict) else None

    @property
    def total(self) -> int | None:
        """`meta.total`, if told."""
        return _whole((self.meta or {}).get("total"))

    @property
    def total_pages(self) -> int | None:
        """`meta.total_pages`, if told."""
        return _whole((self.meta or {}).get("total_pages"))

    @property
    def ids(self) -> list[int]:
        """The ids of the records, in the order served."""
        return [int(str(row["id"])) for row in self.rows]

    def values(self, column: str) -> Iterator[tuple[int, int]]:
        """A column's values as whole numbers (stamps in seconds), each with its record's id; others are left out."""
        for row, record_id in zip(self.rows, self.ids, strict=True):
            value = number_of(row.get(column))
            if value is not None:
                yield value, record_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The answer to one point: its position, and in words what it rests on or why it can't be told."""

    position: str
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """All replies of a probe by the name of their question, and what was found on the way.

    `views` holds the saved views each object shows, `chosen` those that a sync reads, the bin last; `over_cap` is what
    became of a page size above the largest. `ended` tells why no more was asked, `left_out` why some was not.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    views: dict[str, tuple[View, ...]] = field(default_factory=dict)
    chosen: dict[str, tuple[View, ...]] = field(default_factory=dict)
    over_cap: str | None = None
    default_pipelines: frozenset[int] = frozenset()
    other_pipelines: frozenset[int] = frozenset()
    reference: Reference | None = None
    ended: str = ""
    left_out: dict[str, str] = field(default_factory=dict)

    def reply(self, name: str) -> Reply:
        """The answer to a question; one that tells why where it was not asked."""
        if name in self.replies:
            return self.replies[name]
        return Reply(
            outcome=Outcome.NOT_ASKED, why=self.left_out.get(name) or self.ended or "it was not asked"
        )

    def answered(self) -> Iterator[Reply]:
        """All that was answered, in the order asked."""
        return (reply for reply in self.replies.values() if reply.is_answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A record whose stamp the date rules of the search are tried with: its second, and how stamps are written."""

    second: int
    ids: frozenset[int]
    at: datetime


def moment_of(value: object) -> datetime | None:
    """A stamp as the API writes it, aware; None for anything else, a stamp without a zone too."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def number_of(value: object) -> int | None:
    """A whole number, or a stamp in seconds; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    moment = moment_of(value)
    return None if moment is None else int(moment.timestamp())


def cannot_tell(why: str) -> Settled:
    """A point that stays open, and why."""
    return Settled(position=CANNOT_TELL, why=why)


def unanswered(reply: Reply) -> Settled:
    """A point whose question brought no answer."""
    return cannot_tell(reply.why or f"the answer was: {reply.outcome.value}")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
