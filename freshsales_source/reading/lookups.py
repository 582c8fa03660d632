"""Reading a lookup: a small table answered whole by a selector, read again once it is old enough.

Lookups are merged, never replaced: a row that leaves its selector keeps its label, flagged as vanished, so that old
records can still be read. An answer that is suddenly empty, or has lost a large share of its rows, flags nothing: a
right that was lost looks the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.api.client import Answer
from freshsales_source.api.throttle import Meter
from freshsales_source.decode import Layout, Page, Reading, decode_page
from freshsales_source.errors import Forbidden, FreshsalesError, MalformedPage, NotFound
from freshsales_source.pages.paging import server_time
from freshsales_source.reading import Batch, Tally
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import IS_DELETED, Entity, Selector

READINGS = 3
"""How often a list in pages is read whose rows do not reach its own total."""
FEW = 20
"""Rows of a lookup that may vanish at once whatever their share."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupState:
    """When a lookup was last asked for, and the ids that are known since: its rows, and ids it did not explain.

    `listed` are the rows that are not deleted, as last answered. `is_there` tells whether it was ever answered; an
    account may lack some lookups.
    """

    read_at: datetime | None = None
    ids: frozenset[int] = frozenset()
    listed: frozenset[int] = frozenset()
    is_there: bool = False

    def is_fresh(self, now: datetime, every_s: int) -> bool:
        """Whether it was read less than `every_s` seconds ago."""
        return self.read_at is not None and timedelta() <= now - self.read_at < timedelta(seconds=every_s)

    def outdated(self) -> LookupState:
        """The same memory, to be read again at once."""
        return replace(self, read_at=None)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "read_at": self.read_at.isoformat() if self.read_at else None,
            "ids": sorted(self.ids),
            "listed": sorted(self.listed),
            "is_there": self.is_there,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> LookupState:
        """Read what `to_json` wrote; nothing, for a lookup that was never asked for."""
        if not data:
            return cls()
        return cls(
            read_at=datetime.fromisoformat(data["read_at"]) if data["read_at"] else None,
            ids=frozenset(data["ids"]),
            listed=frozenset(data.get("listed", ())),
            is_there=data["is_there"],
        )


class LookupReader:
    """Reads one lookup, in the run's threads.

    `is_waiting` tells whether records are still being read that may point to ids nobody has met yet.
    """

    def __init__(
        self,
        run: Run,
        entity: Entity,
        selector: Selector,
        state: LookupState,
        *,
        is_waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally()
        self._selector = selector
        self.meter = Meter()
        self._run = run
        self._layout = Layout.of(entity)
        self._client = run.client.metered(self.meter)
        self._pages: Future[list[Page]] | None = None
        self._met: frozenset[int] = frozenset()
        self._loaded: set[int] = set()
        self._has_read = False
        self._is_waiting = is_waiting
        self._is_fresh = state.is_fresh(run.clock.now(), run.settings.lookups_every_s)
        if self._is_fresh and not state.is_there:
            self.tally.absence = NotFound("it was not there when it was last asked for", where=entity.path)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run: it explains every id, and no record is still to come."""
        return self.tally.error is not None or (self._explains_all and not self._is_waiting())

    @property
    def _explains_all(self) -> bool:
        """Whether it is fresh, and every id that records point to was asked for."""
        return self._is_fresh and not self._run.catalog.unknown(self.entity.name, self.state.ids)

    def start(self) -> None:
        """Ask in the background, unless the lookup is fresh.

        What is asked a second time in a run waits until all records are read: one answer then serves all new ids.
        """
        is_asking, is_to_wait = self._pages is not None, self._has_read and self._is_waiting()
        if self.tally.error is not None or self._explains_all or is_asking or is_to_wait:
            return
        # Before the question: what is met later may be younger than the answer.
        catalog = self._run.catalog
        self._met, age = catalog.met(self.entity.name), catalog.size
        self._pages = self._run.pool.submit(lambda: list(self._read(age)))

    def batch(self) -> Batch:
        """The rows, each id once; none if the lookup is fresh. Raises what the run does not keep to itself."""
        if self._pages is None:
            return Batch(tables={}, layout=self._layout, state=self.state)
        self.tally.absence = None
        pages: list[Page] = []
        try:
            pages = self._pages.result()
        except FreshsalesError as error:
            self._stop(error)
        self._pages = None
        if self.tally.error is not None:
            # The state stays as it was, so that the next run asks again.
            return Batch(tables={}, layout=self._layout, state=self.state)
        self._is_fresh = self._has_read = True
        if not pages:
            self.state = replace(self.state, read_at=self._run.clock.now(), ids=self._met | self.state.ids)
            return Batch(tables={}, layout=self._layout, state=self.state)
        self.tally.rows_read += sum(len(page.ids) for page in pages)
        for number, page in enumerate(pages):
            self.tally.see(page, number)
        return self._batch_of(_last_of_each_id(pages, self.entity.name))

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self._loaded.clear()

    def _batch_of(self, rows: pa.Table) -> Batch:
        answered = frozenset(rows["id"].to_pylist())
        listed = frozenset(rows["id"].filter(pc.invert(rows[IS_DELETED.name])).to_pylist())
        gone = self._gone(answered)
        self.state = LookupState(
            read_at=self._run.clock.now(),
            # An id that the answer does not explain is known from now on, too: it is asked for once.
            ids=self._met | answered | self.state.ids,
            listed=listed | self.state.listed if self.tally.held_back else listed,
            is_there=True,
        )
        # One load holds each id once: what it has already, the next reading brings anew.
        left_out = pa.array(self._loaded | self._run.forgotten(self.entity.name), pa.int64())
        new = rows.filter(pc.invert(pc.is_in(rows["id"], value_set=left_out)))
        self._loaded |= answered
        self.tally.rows_loaded += new.num_rows
        self.tally.rows_deleted += len(gone)
        self._run.observer.page_read(self.entity.name, view="", page=1, pages=1, rows=new.num_rows)
        return Batch(tables={self.entity.name: new}, layout=self._layout, state=self.state, gone=gone)

    def _gone(self, answered: frozenset[int]) -> tuple[int, ...]:
        """The rows that are live here and no longer answered; none where too many are missing at once."""
        stored = self._run.stored
        known = self.state.listed if stored is None else stored.live_ids(self.entity.name)
        gone = known - answered
        self.tally.held_back = self._doubt(len(gone), len(known), is_empty=not answered)
        if self.tally.held_back:
            _LOG.warning(
                "vanished_held_back object=%s rows=%d of=%d", self.entity.name, len(gone), len(known)
            )
        return () if self.tally.held_back else tuple(sorted(gone))

    def _doubt(self, gone: int, known: int, *, is_empty: bool) -> str:
        """Why so many missing rows are not believed to be deleted; empty where they are."""
        if not gone:
            return ""
        what = "the answer is suddenly empty" if is_empty else f"{gone} of {known} rows are suddenly missing"
        is_large = gone > FEW and gone > self._run.settings.max_vanished_share * known
        is_doubtful = (is_empty or is_large) and not self._run.accepts_vanished
        remedy = "If they are really gone, run once with --accept-vanished"
        return f"{what}; none was flagged. {remedy}" if is_doubtful else ""

    def _stop(self, error: FreshsalesError) -> None:
        if self.entity.is_optional and isinstance(error, NotFound | Forbidden) and not self.state.is_there:
            self.tally.absence = error
        elif isinstance(error, self._run.keeps):
            self.tally.stop(error, self.entity.name)
        else:
            raise error

    def _read(self, age: int) -> Iterator[Page]:
        for part in (self._selector, *self._selector.also):
            if part.is_paged:
                yield from self._read_pages(part)
            else:
                yield self._decoded(part, self._run.get_once(part.path, self._client, age))

    def _read_pages(self, part: Selector) -> list[Page]:
        """All pages, read once more where a removal between two of them has hidden a row."""
        for _ in range(READINGS):
            pages: list[Page] = []
            ids: set[int] = set()
            while not pages or not set(pages[-1].ids) <= ids:
                ids.update(i for page in pages for i in page.ids)
                query = {"page": len(pages) + 1, "per_page": self._run.settings.page_size}
                try:
                    pages.append(self._decoded(part, self._client.get(part.path, query)))
                except NotFound:
                    if not pages:
                        raise
                    break
                if pages[-1].total_pages is not None and pages[-1].total_pages <= len(pages):
                    break
            ids.update(i for page in pages for i in page.ids)
            if len(ids) >= (pages[-1].total or 0):
                return pages
        raise MalformedPage(f"{part.envelope} ends before the total that it tells", where=f"GET {part.path}")

    def _decoded(self, part: Selector, answer: Answer) -> Page:
        at = server_time(answer, self._run.clock)
        self._run.started_at(at.timestamp())
        return decode_page(answer.body, self._layout, envelope=part.envelope, read=Reading(synced_at=at))


def _last_of_each_id(pages: list[Page], name: str) -> pa.Table:
    table = pa.concat_tables([page.tables[name] for page in pages], promote_options="default")
    last = {record_id: row for row, record_id in enumerate(i for page in pages for i in page.ids)}
    return table.take(pa.array(sorted(last.values()), pa.int64()))
