"""Records that stood in a watched list and left it: each is fetched alone, or found gone.

Tasks and appointments have no view of changes: an open task that was completed is simply no longer among the open
ones. Whether it was completed or deleted, only the record itself can tell: 200, or 404 (documented).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from freshsales_source.api.client import Client
from freshsales_source.clock import Clock
from freshsales_source.decode import Page, Reading, decode_record
from freshsales_source.errors import NotFound
from freshsales_source.pages.paging import Shape, server_time
from freshsales_source.schema.entity_types import IS_DELETED, SYNCED_AT, Entity, Filters, Views
from freshsales_source.warehouse.deletions import RECYCLE_BIN


class Watch:
    """The ids of the watched lists: those known before, and those seen in this run."""

    def __init__(self, known: Iterable[int]) -> None:
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

    def settle(self, record_id: int) -> None:
        """Note that it is known what became of a record that left: it is watched no more."""
        with self._lock:
            self._known.discard(record_id)

    @property
    def ids(self) -> frozenset[int]:
        """What to remember: everything seen, and what left but is not settled yet."""
        return frozenset(self._known | self._seen)


def fetch_record(client: Client, clock: Clock, entity: Entity, shape: Shape, record_id: int) -> Page | None:
    """The record as a page of one; None where it is gone. Raises Forbidden where this key may not see it any more.

    An answer with another id is the record it was merged into. One that says it is deleted is read as a row of the
    recycle bin, and is gone where the object has no bin that a key can see.
    """
    query = {"include": ",".join(entity.include)} if entity.include else {}
    try:
        answer = client.get(f"{entity.path}/{record_id}", query)
    except NotFound:
        return None
    at = server_time(answer, clock)
    page = decode_record(answer.body, shape.layout, read=Reading(synced_at=at))
    if page.ids != [record_id]:
        return None
    if not is_deleted(page, entity):
        return page
    if isinstance(entity.read, Views):
        return decode_record(
            answer.body, shape.layout, read=Reading(synced_at=at, deleted_reason=RECYCLE_BIN)
        )
    return None


def is_deleted(record: Page, entity: Entity) -> bool:
    """Whether a record that was fetched alone says that it is deleted."""
    return bool(record.tables[entity.name][IS_DELETED.name][0].as_py())


def live_ids(page: Page, entity: Entity) -> list[int]:
    """The records of a page that belong to the watched lists, wherever it was read; none where no list is watched."""
    read = entity.read
    if not isinstance(read, Filters):
        return []
    rows = page.tables[entity.name].select(["id", read.live_by, SYNCED_AT.name]).to_pylist()
    return [row["id"] for row in rows if _is_live(row[read.live_by], read, row[SYNCED_AT.name])]


def _is_live(value: Any, read: Filters, now: datetime) -> bool:
    if read.live_value is not None:
        return bool(value == read.live_value)
    return value is not None and bool(value >= now)
