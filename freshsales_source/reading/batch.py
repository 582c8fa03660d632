"""What a reader hands over to one load, and what a run counts while it reads."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from freshsales_source.decode import Layout, Page
from freshsales_source.errors import FreshsalesError, ObjectError

_LOG = logging.getLogger(__name__)

_NAMED = 5
"""Names that a line of the report tells."""


class SavedState(Protocol):
    """What is kept of an object between runs."""

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows by table, the parent first, and the state that is true once they are loaded; `layout` describes them.

    `settings` are rows of the metadata tables, `gone` ids of records that no longer exist.
    """

    tables: Mapping[str, pa.Table]
    layout: Layout
    state: SavedState
    settings: Mapping[str, pa.Table] = field(default_factory=dict)
    gone: tuple[int, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run did with one object, for the report.

    `replaced` counts, by page, characters and deep values that no warehouse stores. `error` ended the object early;
    `absence` says that this account has no such object; `held_back` why records that are no longer shown were not
    flagged.
    """

    rows_read: int = 0
    rows_loaded: int = 0
    rows_deleted: int = 0
    replaced: dict[Hashable, int] = field(default_factory=dict)
    watermark_before: int | None = None
    error: FreshsalesError | None = None
    absence: FreshsalesError | None = None
    held_back: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether there is a reason not to read on."""
        return self.error is not None or self.absence is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What became of values that could not be stored as they came, in sentences."""
        found = []
        if self.replaced:
            count = sum(self.replaced.values())
            what = "character or deep value" if count == 1 else "characters or deep values"
            found.append(f"{count:,} {what} that cannot be stored {'was' if count == 1 else 'were'} replaced")
        return tuple(found)

    def stop(self, error: FreshsalesError, object: str) -> None:
        """Note what ended the object, the first such error; what ends every object is told at the end of the run."""
        if self.error is None:
            self.error = error
            level = logging.WARNING if isinstance(error, ObjectError) else logging.INFO
            _LOG.log(level, "object_stopped object=%s reason=%s", object, error.reason)

    def see(self, page: Page, place: Hashable) -> None:
        """Note what was odd about a page; read again, the page at that place counts once."""
        self.replace(page.replaced, place)

    def replace(self, count: int, place: Hashable) -> None:
        """Note how much was replaced in the answer at that place."""
        if count or place in self.replaced:
            self.replaced[place] = count


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
