"""Reading a feed: one chain of requests for each record that was loaded, after all records were read.

A chain is handed over whole or not at all; until then its record waits in the state, so a run that is cut forgets
none. Several chains are read side by side, each of them page after page.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from freshsales_source.api.client import Client
from freshsales_source.api.throttle import Meter
from freshsales_source.clock import Clock
from freshsales_source.entities import entity
from freshsales_source.entities.feeds import Feed
from freshsales_source.errors import Forbidden, FreshsalesError, MalformedPage, NotFound
from freshsales_source.feeds.rows import RecordFeed, feed_table, identity, read_feed_page
from freshsales_source.pages.paging import server_time
from freshsales_source.reading import Tally
from freshsales_source.reading.background import Background
from freshsales_source.run import Permits, Run
from freshsales_source.state.feed_state import MOST_WAITING, FeedState

MISSES = 5
"""Refused chains, with none answered in this run, that show that the feed itself is not there."""
MOST_PAGES = 1_000
"""Pages of one record's feed; more is a server that repeats itself without saying so."""
_SWEEP = 500
"""Records that a sweep takes along at once."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedBatch:
    """Rows of whole feeds, and the state that is true once they are loaded; None where no feed came to its end."""

    table: pa.Table | None
    state: FeedState


class FeedReader:
    """Reads one feed for the records of `objects` that this run loads. Use from one thread."""

    def __init__(
        self,
        run: Run,
        feed: Feed,
        objects: Collection[str],
        state: FeedState,
        *,
        is_waiting: Callable[[], bool],
    ) -> None:
        self.entity = feed
        self.state = state
        self.tally = Tally()
        self.meter = Meter()
        self._run = run
        self._objects = [name for name in feed.parents if name in objects]
        self._is_waiting = is_waiting
        self._client = run.client.metered(self.meter)
        self._permits = run.permits or Permits()
        self._tasks = Background(run.pool)
        self._lock = threading.Lock()
        self._queue: deque[_Chain] = deque()
        self._queued: set[tuple[str, int]] = set()
        self._open: list[_Chain] = []
        self._ended: list[_Chain] = []
        self._missed: list[_Chain] = []
        self._answered = 0
        self._at_work = 0
        self._has_told = False
        self._has_news = False
        run.loaded.follow(feed.name, self._objects)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read in this run: no record waits but those whose feed was refused."""
        if self.tally.error is not None or self.tally.absence is not None:
            return True
        return not self._sweeps() and self._number <= len(self._missed)

    def new_load(self) -> None:
        """Nothing is kept from one load to the next."""

    def take_in(self) -> None:
        """Let the records wait that were loaded since; call it once per load, after they were handed over."""
        can_sweep = self._run.stored is not None
        self._has_news = False
        for name in self._objects:
            ids = self._run.loaded.take(self.entity.name, name)
            self._has_news = self._has_news or bool(ids)
            if can_sweep:
                self.state = self.state.beginning(name)
            state = self.state.with_more(name, ids, can_sweep=can_sweep, most=MOST_WAITING)
            self.state = state.without(name, self._run.forgotten(name))

    def start(self) -> None:
        """Read on in the background, as far as the permits reach; not while records are still being read."""
        if self._run.permits is None:
            self._permits.renew()
        if self.is_done or self._is_waiting():
            return
        self._fill()
        if self._queue:
            self._tell()
        for _ in range(self._run.settings.concurrency - self._at_work):
            self._go_on()

    def batch(self) -> FeedBatch:
        """Wait until the chains stand still, and give those that ended. Raises what the run does not keep to itself."""
        for task in self._tasks.finished():
            try:
                task.result()
            except FreshsalesError as error:
                self._stop(error)
        ended, self._ended = self._ended, []
        self._settle(ended)
        if self._answered:
            self.state = replace(self.state, is_there=True)
            self._settle_missed()
        self._judge_misses()
        self.tally.rows_loaded += sum(len(chain.rows) for chain in ended)
        if not ended:
            return FeedBatch(table=None, state=self.state)
        table, replaced = feed_table(self.entity, [chain.whole() for chain in ended])
        replaced += sum(chain.replaced for chain in ended)
        self.tally.replace(replaced, (ended[0].object, ended[0].record_id))
        return FeedBatch(table=table, state=self.state)

    # What waits

    def _fill(self) -> None:
        """Queue the records that wait; where there are none left, take more along from a sweep."""
        # What this very load hands over is not in the warehouse yet, and a sweep would miss it.
        if self._number <= len(self._missed) and not self._has_news:
            for name, passed in self._sweeps().items():
                self.state = self.state.swept(name, self._stored_ids(name, passed))
        for name in self._objects:
            for record_id in self.state.waiting.get(name, ()):
                if (name, record_id) not in self._queued:
                    self._queued.add((name, record_id))
                    self._queue.append(_Chain(self.entity, name, record_id))

    @property
    def _number(self) -> int:
        """How many records of the objects followed now wait by id."""
        return sum(len(self.state.waiting.get(name, ())) for name in self._objects)

    def _sweeps(self) -> dict[str, int]:
        if self._run.stored is None:
            return {}
        return {name: passed for name, passed in self.state.sweeps.items() if name in self._objects}

    def _stored_ids(self, name: str, passed: int) -> list[int]:
        stored = self._run.stored
        assert stored is not None
        rows = stored.query(
            f"SELECT id FROM {stored.name(name)} WHERE id > {passed} AND NOT is_deleted ORDER BY id LIMIT {_SWEEP}"
        )
        return [int(row[0]) for row in rows or ()]

    def _tell(self) -> None:
        """Say once a run what the feed will cost, before it does."""
        if self._has_told:
            return
        self._has_told = True
        records = self._number + sum(self._left(name, at) for name, at in self._sweeps().items())
        _LOG.info("feed_begins feed=%s records=%d calls_at_least=%d", self.entity.name, records, records)

    def _left(self, name: str, passed: int) -> int:
        stored = self._run.stored
        assert stored is not None
        rows = stored.query(
            f"SELECT count(*) FROM {stored.name(name)} WHERE id > {passed} AND NOT is_deleted"
        )
        return int(rows[0][0]) if rows else 0

    # In the run's threads

    def _go_on(self) -> None:
        with self._lock:
            chain = self._open.pop() if self._open else self._queue.popleft() if self._queue else None
            if chain is None or self.tally.has_ended:
                return
            if not self._permits.take(self._permits.load):
                self._open.append(chain)
                return
            self._at_work += 1
        self._tasks.submit(lambda: self._step(chain))

    def _step(self, chain: _Chain) -> None:
        try:
            rows = chain.step(self._client, self._run.clock)
        except (NotFound, Forbidden) as error:
            chain.refusal = error
            with self._lock:
                self._missed.append(chain)
        except FreshsalesError:
            with self._lock:
                self._open.append(chain)
            raise
        else:
            with self._lock:
                self._answered += 1
                self.tally.rows_read += rows
                (self._ended if chain.is_done else self._open).append(chain)
            self._run.observer.page_read(
                self.entity.name, view=chain.object, page=chain.pages, pages=None, rows=rows
            )
        finally:
            with self._lock:
                self._at_work -= 1
        self._go_on()

    # Refusals and errors

    def _settle_missed(self) -> None:
        """The feed is there: a record without one is gone, or out of sight; its rows stay as they are."""
        missed, self._missed = self._missed, []
        self._settle(missed)

    def _settle(self, chains: Sequence[_Chain]) -> None:
        """These records wait no longer; loaded once more, they do again."""
        for name in self._objects:
            done = {chain.record_id for chain in chains if chain.object == name}
            self.state = self.state.without(name, done)
            self._queued.difference_update((name, record_id) for record_id in done)

    def _judge_misses(self) -> None:
        """Refused and never answered: this account has no such feed, or not for this key any more."""
        if len(self._missed) < MISSES and not (self._missed and self.is_done):
            return
        error = self._missed[0].refusal
        if error is not None and (len(self._missed) >= MISSES or not self.state.is_there):
            self._stop(error)

    def _stop(self, error: FreshsalesError) -> None:
        if isinstance(error, NotFound | Forbidden) and not self.state.is_there:
            self.tally.absence = error
            _LOG.info("object_not_available object=%s reason=%s", self.entity.name, error.reason)
        elif not isinstance(error, self._run.keeps):
            raise error
        else:
            self.tally.stop(error, self.entity.name)


class _Chain:
    """The feed of one record, page after page."""

    def __init__(self, feed: Feed, object: str, record_id: int) -> None:
        self.object = object
        self.record_id = record_id
        self.rows: list[dict[str, Any]] = []
        self.pages = 0
        self.replaced = 0
        self.is_done = False
        self.refusal: FreshsalesError | None = None
        self._feed = feed
        self._path = feed.path_of(entity(object), record_id)
        self._read_at: datetime | None = None
        self._seen: set[str] = set()

    def step(self, client: Client, clock: Clock) -> int:
        """Read the next page; return how many rows it brought.

        The end is what `meta.has_next` says; without it, an empty page or one that repeats another.
        """
        answer = client.get(self._path, {"page": self.pages + 1, "per_page": 100})
        page = read_feed_page(answer, self._feed)
        self.pages += 1
        self.replaced += page.replaced
        if self.pages > MOST_PAGES:
            raise MalformedPage(f"the feed does not end after {MOST_PAGES} pages", where=answer.where)
        self._read_at = server_time(answer, clock)
        # What is added meanwhile pushes rows down: those on the border come twice.
        news = [row for row in page.rows if identity(row) not in self._seen]
        self._seen.update(map(identity, news))
        self.rows += news
        self.is_done = not page.has_next if page.has_next is not None else not news
        return len(page.rows)

    def whole(self) -> RecordFeed:
        """The feed, once it came to its end."""
        assert self._read_at is not None
        return RecordFeed(object=self.object, record_id=self.record_id, rows=self.rows, read_at=self._read_at)
