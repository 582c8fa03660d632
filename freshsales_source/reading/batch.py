"""What a reader hands over to one load, and what a run counts while it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from freshsales_source.decode import Layout
from freshsales_source.errors import FreshsalesError


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
    """What a run did with one object, for the report. `misfits` counts values kept beside their column.

    `error` ended the object early; `absence` says that this account has no such object; `held_back` why records
    that are no longer shown were not flagged.
    """

    rows_read: int = 0
    rows_loaded: int = 0
    rows_deleted: int = 0
    misfits: Counter[str] = field(default_factory=Counter)
    watermark_before: int | None = None
    error: FreshsalesError | None = None
    absence: FreshsalesError | None = None
    held_back: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether there is a reason not to read on."""
        return self.error is not None or self.absence is not None
