"""Records that stood in a watched list and left it: each is fetched alone, or found gone.

Tasks and appointments have no view of changes: an open task that was completed is simply no longer among the open
ones. Whether it was completed or deleted, only the record itself can tell: 200, or 404 (documented).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from freshsales_source.client import Client
from freshsales_source.clock import Clock
from freshsales_source.decode import Page, Reading, decode_record
from freshsales_source.entity_types import SYNCED_AT, Entity, Filters
from freshsales_source.errors import NotFound
from freshsales_source.paging import Shape, server_time


class Watch:
    """The ids of the watched lists: those known before, those seen in this run, those found gone."""

    def __init__(self, known: Iterable[int]) -> None:
        self.gone: list[int] = []
        self._known = set(known)
        self._seen: set[int] = set()
        self._lock = threading.Lock()

    def see(self, ids: Iterable[int]) -> None:
        """Note ids that a watched list holds now."""
        self._seen.update(ids)

    def expect(self, ids: Iterable[int]) -> None:
        """Note ids that stand elsewhere and belong to a watched list: one that is not in it is asked for alone."""
        self._known.update(ids)

    def missing(self) -> list[int]:
        """Ids that were there before and are not now; ask once every watched list was read to its end."""
        return sorted(self._known - self._seen)

    def settle(self, record_id: int, *, is_gone: bool, is_back: bool = False) -> None:
        """Note what became of a record that left; one that is back by now stays watched."""
        with self._lock:
            if not is_back:
                self._known.discard(record_id)
            if is_gone:
                self.gone.append(record_id)

    @property
    def ids(self) -> frozenset[int]:
        """What to remember: everything seen, and what left but is not settled yet."""
        return frozenset(self._known | self._seen)


def fetch_record(client: Client, clock: Clock, entity: Entity, shape: Shape, record_id: int) -> Page | None:
    """The record as a page of one; None where it is gone. Raises Forbidden where this key may not see it any more."""
    query = {"include": ",".join(entity.include)} if entity.include else {}
    try:
        answer = client.get(f"{entity.path}/{record_id}", query)
    except NotFound:
        return None
    return decode_record(answer.body, shape.layout, read=Reading(synced_at=server_time(answer, clock)))


def live_ids(page: Page, entity: Entity, read: Filters) -> list[int]:
    """The records of a page that belong to the watched lists, wherever it was read."""
    rows = page.tables[entity.name].select(["id", read.live_by, SYNCED_AT.name]).to_pylist()
    return [row["id"] for row in rows if _is_live(row[read.live_by], read, row[SYNCED_AT.name])]


def _is_live(value: Any, read: Filters, now: datetime) -> bool:
    if read.live_value is not None:
        return bool(value == read.live_value)
    return value is not None and bool(value >= now)
