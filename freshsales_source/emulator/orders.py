"""Sorted lists of records that follow the store's log of writes, so that a page costs milliseconds at any
size.

A `Replica` is one object's table as it stood some seconds ago. An `Order` is one sorted view of a replica;
both catch up only when they are read. Small changes are sorted in, large ones sort anew.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeAlias

from freshsales_source.emulator.table import Record, Table

# (is null, value, id): nulls sort last, equal values by id.
Entry: TypeAlias = tuple[bool, Any, int]
Member: TypeAlias = Callable[[Record, bool], bool]

_AFTER_ALL_IDS = 1 << 62


class Replica:
    """A table as of `lag_s` seconds ago: `records`, which of them are `binned`, and the ids as they
    `changed`.
    """

    def __init__(self, table: Table, lag_s: float) -> None:
        self.records: dict[int, Record] = {}
        self.binned: set[int] = set()
        self.changed: list[int] = []
        self._table = table
        self._lag_s = lag_s

    def catch_up(self, now: float) -> None:
        """Apply the writes made until `now` (seconds of Unix time) minus the lag."""
        log, position = self._table.log, len(self.changed)
        while position < len(log) and (self._lag_s <= 0 or log[position].at <= now - self._lag_s):
            change = log[position]
            self._apply(change.id, change.record, change.is_binned)
            position += 1

    def _apply(self, record_id: int, record: Record | None, is_binned: bool) -> None:
        self.changed.append(record_id)
        self.binned.discard(record_id)
        if record is None:
            self.records.pop(record_id, None)
            return
        self.records[record_id] = record
        if is_binned:
            self.binned.add(record_id)


class Order:
    """The ids of a replica's records that belong to one view, sorted by one column.

    `backwards` sorts moments newest first and equal ones by id all the same (seen in past appointments),
    whereas a window that is asked for `descending` turns the order of equal values around too.
    """

    def __init__(
        self, replica: Replica, member: Member, column: str, default: object, *, backwards: bool = False
    ) -> None:
        self._replica = replica
        self._member = member
        self._column = column
        self._default = default
        self._sign = -1 if backwards else 1
        self._entries: list[Entry] = []
        self._entry_of: dict[int, Entry] = {}
        self._position = 0

    def __len__(self) -> int:
        return len(self._entries)

    def catch_up(self) -> None:
        """Take over what the replica has applied since the last time."""
        changed = set(self._replica.changed[self._position :])
        self._position = len(self._replica.changed)
        if len(changed) > max(64, len(self._entries) // 20):
            self._sort_anew()
            return
        for record_id in changed:
            self._replace(record_id)

    def span(self, since: datetime | None, until: datetime | None) -> range:
        """Return the positions of the records whose moment is at or after `since` and before `until`.

        None leaves that side open; records without a moment stand at the end.
        """
        low, high = (until, since) if self._sign < 0 else (since, until)
        first = 0 if low is None else bisect_left(self._entries, self._edge(low))
        last = len(self._entries) if high is None else bisect_left(self._entries, self._edge(high))
        return range(first, last)

    def window(
        self,
        start: int,
        size: int,
        *,
        descending: bool,
        ties: random.Random | None,
        within: range | None = None,
    ) -> list[int]:
        """Return the ids at positions `start` to `start + size` (counted inside `within`, if given).

        With `ties`, equal values come in a new order.
        """
        inside = range(len(self._entries)) if within is None else within
        part = inside[::-1][start : start + size][::-1] if descending else inside[start : start + size]
        if not part:
            return []
        first, last = part[0], part[-1] + 1
        rows = self._entries[first:last] if ties is None else self._shuffled(first, last, ties)
        ids = [entry[2] for entry in rows]
        return ids[::-1] if descending else ids

    def _shuffled(self, first: int, last: int, ties: random.Random) -> list[Entry]:
        start = bisect_left(self._entries, self._entries[first][:2])
        end = bisect_left(self._entries, (*self._entries[last - 1][:2], _AFTER_ALL_IDS))
        block = self._entries[start:end]
        ties.shuffle(block)
        block.sort(key=lambda entry: entry[:2])
        return block[first - start : last - start]

    def _sort_anew(self) -> None:
        entries = (self._entry(record_id) for record_id in self._replica.records)
        self._entries = sorted(entry for entry in entries if entry is not None)
        self._entry_of = {entry[2]: entry for entry in self._entries}

    def _replace(self, record_id: int) -> None:
        old, new = self._entry_of.pop(record_id, None), self._entry(record_id)
        if new is not None:
            self._entry_of[record_id] = new
        if old == new:
            return
        if old is not None:
            del self._entries[bisect_left(self._entries, old)]
        if new is not None:
            insort(self._entries, new)

    def _entry(self, record_id: int) -> Entry | None:
        record = self._replica.records.get(record_id)
        if record is None or not self._member(record, record_id in self._replica.binned):
            return None
        value = record.get(self._column, self._default)
        if value is None:
            return (True, 0, record_id)
        key = _sortable(value)
        return (False, -key if self._sign < 0 and isinstance(key, int) else key, record_id)

    def _edge(self, at: datetime) -> Entry:
        # Backwards, the first position after all records of that second.
        seconds = int(at.timestamp()) * self._sign
        return (False, seconds, -1) if self._sign > 0 else (False, seconds + 1, -1)


def _sortable(value: object) -> object:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, str):
        return value.casefold()
    return value
