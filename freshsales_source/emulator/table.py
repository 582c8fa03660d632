"""The records of one object, live and in the bin, with a log of every write.

The log is what lets everything else stay simple: sorted views catch up with it instead of being told of
each change, and a view that lags reads it up to some seconds ago. Records are mappings that nobody changes
in place; a write puts a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from freshsales_source.emulator.links import LINKS, Link

Record: TypeAlias = Mapping[str, Any]


class Change(NamedTuple):
    """One write: when (seconds of Unix time), which record, and what it is now (None: gone for good)."""

    at: float
    id: int
    record: Record | None
    is_binned: bool


class Table:
    """All records of one object; `linked` finds them by the ids they hold."""

    def __init__(self, object_name: str) -> None:
        self.live: dict[int, Record] = {}
        self.binned: dict[int, Record] = {}
        self.deleted_at: dict[int, datetime] = {}
        self.merged_into: dict[int, int] = {}
        self.log: list[Change] = []
        # What others worked out about all holders of a link, by its key and target; gone when one is written.
        self.notes: dict[tuple[str, int], Any] = {}
        self._links: tuple[Link, ...] = tuple(link for link in LINKS if link.object == object_name)
        self._holders: dict[str, dict[int, set[int]]] = {link.key: {} for link in self._links}

    def get(self, record_id: int) -> Record | None:
        """Return the record, live or in the bin; None if there is none."""
        return self.live.get(record_id) or self.binned.get(record_id)

    def put(self, at: float, record: Record, *, deleted_at: datetime | None = None) -> None:
        """Write a record: into the bin when `deleted_at` is given, else among the live ones."""
        record_id: int = record["id"]
        self._forget_links(record_id)
        self._take_out(record_id)
        if deleted_at is None:
            self.live[record_id] = record
        else:
            self.binned[record_id] = record
            self.deleted_at[record_id] = deleted_at
        for link in self._links:
            for target in link.targets(record):
                self._holders[link.key].setdefault(target, set()).add(record_id)
                self.notes.pop((link.key, target), None)
        self.log.append(Change(at, record_id, record, deleted_at is not None))

    def drop(self, at: float, record_id: int) -> None:
        """Take a record away for good."""
        self._forget_links(record_id)
        self._take_out(record_id)
        self.log.append(Change(at, record_id, None, False))

    def linked(self, key: str, target: int) -> list[int]:
        """Return the ids, ascending, of the records (live and binned) that hold `target` in that link."""
        return sorted(self._holders[key].get(target, ()))

    def _take_out(self, record_id: int) -> None:
        self.live.pop(record_id, None)
        self.binned.pop(record_id, None)
        self.deleted_at.pop(record_id, None)

    def _forget_links(self, record_id: int) -> None:
        old = self.get(record_id)
        if old is None:
            return
        for link in self._links:
            for target in link.targets(old):
                self._holders[link.key][target].discard(record_id)
                self.notes.pop((link.key, target), None)
