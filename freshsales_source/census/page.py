"""What a census compares: pages of lists in a fixed order, and the warehouse's rows that should stand in them.

The engine knows neither HTTP nor dlt nor SQL. A key is the integer a list is ordered by (`created_at`, `due_date`,
`end_date`, all in whole seconds), turned by the caller so that it ascends; a record without one gets an agreed
extreme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeAlias, TypeVar

Content = TypeVar("Content")

BEGINNING = -(2**62)
"""Before every key."""
NULLS_FIRST = -(2**61)
"""The key of records without one, where the server shows them first."""
NULLS_LAST = 2**61
"""The key of records without one, where the server shows them last."""
END = 2**62
"""Behind every key."""


class Stored(Protocol):
    """The warehouse's rows that should stand in the lists, as they were when the census began.

    Rows loaded meanwhile do not count, so that every rank here is taken at the same moment.
    """

    def count(self, /) -> int:
        """How many rows there are."""
        ...

    def through(self, key: int, /) -> int:
        """How many rows have this key or a smaller one."""
        ...

    def between(self, low: int, high: int, /) -> Mapping[int, int]:
        """The rows with keys from `low` to `high`, both included: id -> key."""
        ...

    def keys(self, ids: Sequence[int], /) -> Mapping[int, int]:
        """Those of these ids, one page of them, that are among the rows: id -> key."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPage(Generic[Content]):
    """One answered page: ids and keys in the order served, and the envelope's counts where it has them.

    Keys ascend where the server honours the order. `content` is the caller's: the engine only hands it on.
    """

    number: int
    ids: Sequence[int]
    keys: Sequence[int]
    total: int | None
    total_pages: int | None
    content: Content


Fetch: TypeAlias = Callable[[int], RankedPage[Content] | None]
"""Fetches a page by its number, from 1; None where the API answers 404 behind page 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Content]):
    """An answered page of one list, and which of its rows must be loaded.

    `keep`: indexes of the rows whose id the warehouse lacks, or holds under another key. They are rows as served,
    so loading them is right whatever the census concludes.
    """

    list_name: str
    page: RankedPage[Content]
    keep: tuple[int, ...]


class Outcome(Enum):
    """What a census can vouch for."""

    SETTLED = auto()
    """Every difference that ranks can show was traced to its records."""
    MOVED = auto()
    """People kept removing records while it searched; it gave up."""
    UNORDERED = auto()
    """The server does not keep to the order asked for, so ranks mean nothing."""
    UNDECIDED = auto()
    """Not finished; or pages of changing sizes, by which nothing can be counted; or a block not seen whole, of equal
    keys that change places from one answer to the next."""


class Disturbed(Exception):
    """An answer contradicts what was measured before; `outcome` tells what to conclude if that goes on."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


def likeness(page: RankedPage[Content]) -> tuple[int, ...]:
    """What a page has in common with the same page asked for again, also where equal keys change places meanwhile.

    No two pages of an ordered list share several keys; with one key alone the ids tell pages apart.
    """
    return tuple(page.keys if page.keys[0] != page.keys[-1] else sorted(page.ids))


def is_ordered(page: RankedPage[Content]) -> bool:
    """Whether the page's keys ascend; equal neighbours do."""
    return all(a <= b for a, b in zip(page.keys, page.keys[1:], strict=False))
