"""What a walk sees of the API: one page of a view, and the call that fetches it.

The engine knows neither HTTP nor dlt. Times are whole seconds since 1970 in UTC, because the API's stamps are
whole seconds (seen in three recorded accounts; a fraction, should one appear, is cut off, which is safe since
all bounds are inclusive).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Content]):
    """One answered page: its records' ids and `updated_at` stamps in the order served, and the envelope's counts.

    `total` and `total_pages` are None where the envelope does not carry them. `served_at` is the server's clock
    (the `Date` header, or a careful local guess). `content` is the caller's: the engine only hands it on.
    """

    number: int
    ids: Sequence[int]
    stamps: Sequence[int]
    total: int | None
    total_pages: int | None
    served_at: int
    content: Content

    @property
    def lowest(self) -> int:
        """The oldest stamp on the page. The page must not be empty."""
        return min(self.stamps)

    def with_stamp(self, stamp: int) -> list[int]:
        """The ids that carry `stamp`, in the order served."""
        return [i for i, s in zip(self.ids, self.stamps, strict=True) if s == stamp]


class Fetch(Protocol[Content]):
    """Fetches page `number` (from 1), newest `updated_at` first; None when the API answers 404 behind page 1."""

    def __call__(self, number: int, /) -> Page[Content] | None:
        """Page `number`; raises whatever keeps it from being answered."""
        ...
