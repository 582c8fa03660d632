"""Reading a lookup: a small table answered whole by a selector, read again once it is old enough.

Lookups are merged, never replaced: a stage that leaves the selector keeps its row, so old deals keep its label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from freshsales_source.client import Answer
from freshsales_source.decode import Layout, Page, Reading, decode_page
from freshsales_source.entity_types import Entity, Selector
from freshsales_source.errors import Forbidden, FreshsalesError, MalformedPage, NotFound
from freshsales_source.paging import server_time
from freshsales_source.reading import Batch, Tally
from freshsales_source.run import Run
from freshsales_source.throttle import Meter

READINGS = 3
"""How often a list in pages is read whose rows do not reach its own total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupState:
    """When a lookup was last asked for, and the ids that are known since: its rows, and ids it did not explain.

    `is_there` tells whether it was ever answered; an account may lack some lookups.
    """

    read_at: datetime | None = None
    ids: frozenset[int] = frozenset()
    is_there: bool = False

    def is_fresh(self, now: datetime, every_s: int) -> bool:
        """Whether it was read less than `every_s` seconds ago."""
        return self.read_at is not None and timedelta() <= now - self.read_at < timedelta(seconds=every_s)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        read_at = self.read_at.isoformat() if self.read_at else None
        return {"read_at": read_at, "ids": sorted(self.ids), "is_there": self.is_there}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> LookupState:
        """Read what `to_json` wrote."""
        if not data or not data["read_at"]:
            return cls()
        read_at = datetime.fromisoformat(data["read_at"])
        return cls(read_at=read_at, ids=frozenset(data["ids"]), is_there=data["is_there"])


class LookupReader:
    """Reads one lookup, in the run's threads."""

    def __init__(self, run: Run, entity: Entity, selector: Selector, state: LookupState) -> None:
        self.entity = entity
        self.state = state
        self.tally = Tally()
        self._selector = selector
        self.meter = Meter()
        self._run = run
        self._layout = Layout.of(entity)
        self._client = run.client.metered(self.meter)
        self._pages: Future[list[Page]] | None = None
        self._has_read = False
        self._is_done = state.is_fresh(run.clock.now(), run.settings.lookups_every_s)
        if self._is_done and not state.is_there:
            self.tally.absence = NotFound("it was not there when it was last asked for", where=entity.path)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run: it is fresh, and explains every id that records point to."""
        return self.tally.error is not None or (self._is_done and not self._unknown())

    def start(self) -> None:
        """Ask in the background, unless the lookup is fresh."""
        if not self.is_done and self._pages is None:
            self._pages = self._run.pool.submit(lambda: list(self._read()))

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
        self._is_done = self._has_read = True
        if self.tally.error is not None:
            # The state stays as it was, so that the next run asks again.
            return Batch(tables={}, layout=self._layout, state=self.state)
        # An id that the answer does not explain is known from now on, too: it is asked for once.
        ids = {record_id for page in pages for record_id in page.ids}
        self.state = LookupState(
            read_at=self._run.clock.now(),
            ids=self._run.catalog.met(self.entity.name) | ids | self.state.ids,
            is_there=bool(pages),
        )
        return Batch(tables=self._tables(pages), layout=self._layout, state=self.state)

    def new_load(self) -> None:
        """Nothing is kept from one load to the next."""

    def _tables(self, pages: list[Page]) -> dict[str, pa.Table]:
        if not pages:
            return {}
        table = _last_of_each_id(pages, self.entity.name)
        self.tally.rows_read += sum(len(page.ids) for page in pages)
        self.tally.rows_loaded += table.num_rows
        self._run.observer.page_read(self.entity.name, view="", page=1, pages=1, rows=table.num_rows)
        return {self.entity.name: table}

    def _unknown(self) -> bool:
        """Whether records point to an id that was never asked for; an answer of this very run has explained all."""
        return not self._has_read and bool(self._run.catalog.unknown(self.entity.name, self.state.ids))

    def _stop(self, error: FreshsalesError) -> None:
        if self.entity.is_optional and isinstance(error, NotFound | Forbidden) and not self.state.is_there:
            self.tally.absence = error
        elif isinstance(error, self._run.keeps):
            self.tally.error = error
        else:
            raise error

    def _read(self) -> Iterator[Page]:
        for part in (self._selector, *self._selector.also):
            if part.is_paged:
                yield from self._read_pages(part)
            else:
                yield self._decoded(part, self._run.get_once(part.path, self._client))

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
