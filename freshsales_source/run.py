"""What the objects of one run share: client, clock, threads, the run's start, and the pages of a load."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol

from freshsales_source.api.client import Answer, Client
from freshsales_source.clock import Clock
from freshsales_source.errors import FreshsalesError
from freshsales_source.settings.config import Settings
from freshsales_source.state.catalog import Catalog
from freshsales_source.state.findings import Hints
from freshsales_source.state.loaded_ids import LoadedIds
from freshsales_source.warehouse.deletions import StoredRows

PAGES_AT_RISK = 50
"""Pages that were read and are not on disk yet: a kill repeats no more."""
PAGES_AHEAD = 8
"""Those of them that belong to the next load already: two pages for each of the usual walks, which is about what is
answered while a load is written to disk."""
PAGES_PER_LOAD = PAGES_AT_RISK - PAGES_AHEAD


class Permits:
    """Pages that may still be asked for before what was read is handed over; shared by the walks of a load.

    Loads have numbers: `load` is the one that is being gathered. Who has handed over his pages of it may take permits
    of the next one: a few, and all of them once the first is on disk.
    """

    def __init__(self, pages: int = PAGES_PER_LOAD, ahead: int = PAGES_AHEAD) -> None:
        self.load = 0
        self._pages = pages
        self._ahead = ahead
        self._taken = [0, 0]
        self._is_on_disk = False
        self._lock = threading.Lock()

    def take(self, load: int) -> bool:
        """Take one of that load; False when none is left."""
        with self._lock:
            later = load - self.load
            most = self._ahead if later and not self._is_on_disk else self._pages
            if later not in (0, 1) or self._taken[later] >= most:
                return False
            self._taken[later] += 1
            return True

    def note_on_disk(self) -> None:
        """Note that no kill loses what was gathered."""
        with self._lock:
            self._is_on_disk = True

    def renew(self) -> None:
        """Gather the next load, with what was taken of it already."""
        with self._lock:
            self.load += 1
            self._taken = [self._taken[1], 0]
            self._is_on_disk = False


class Observer(Protocol):
    """Told of every page that was read, for progress; called from several threads."""

    def page_read(self, object: str, *, view: str, page: int, pages: int | None, rows: int) -> None:
        """One page of `object` was answered; `pages` is the number of pages of the view, where known."""
        ...


class Silence:
    """An observer that does nothing."""

    def page_read(self, object: str, *, view: str, page: int, pages: int | None, rows: int) -> None:
        """Do nothing."""


class Run:
    """One run over one account; close it to give back threads and connections.

    `permits` are shared by all objects where a run is loaded in slices (`freshsales sync`); None lets each object
    hand over its pages in turn, as within one load of a plain dlt run. `keeps` decides which errors end an object
    with what was read so far instead of being raised. `stored` reads rows back from the warehouse, where that is
    possible. `hints` are what a probe of the account found. `accepts_vanished` lets any number of rows be flagged as
    vanished; `full_refresh` names the objects that are to be read again from the top. `forgotten` are ids by object
    that are never loaded.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        clock: Clock,
        *,
        permits: Permits | None = None,
        keeps: tuple[type[FreshsalesError], ...] = (),
        observer: Observer | None = None,
        hints: Hints | None = None,
        stored: StoredRows | None = None,
        accepts_vanished: bool = False,
        full_refresh: AbstractSet[str] = frozenset(),
        forgotten: Mapping[str, frozenset[int]] | None = None,
    ) -> None:
        self.settings = settings
        self.client = client
        self.clock = clock
        self.permits = permits
        self.keeps = keeps
        self.observer: Observer = observer or Silence()
        self.hints = hints or Hints()
        self.stored = stored
        self.accepts_vanished = accepts_vanished
        self.full_refresh = full_refresh
        self._forgotten = forgotten or {}
        self.holds_backlog = False
        """Whether what earlier runs left open has to wait, until all that is new was read."""
        self.catalog = Catalog()
        self.loaded = LoadedIds()
        self.pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="freshsales")
        self._started_at: int | None = None
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[int, Answer]] = {}
        self._asking: dict[str, threading.Lock] = {}

    def started_at(self, answered_at: float) -> int:
        """The run's start on the server's clock, in seconds: when its first answer was given, this one or another."""
        with self._lock:
            if self._started_at is None:
                self._started_at = int(answered_at)
            return self._started_at

    def forgotten(self, object: str) -> frozenset[int]:
        """The ids of an object that are never loaded."""
        return self._forgotten.get(object, frozenset())

    def get_once(self, path: str, client: Client, met: int) -> Answer:
        """The answer to a lookup, asked for once however many tables are made from it.

        And once more where ids were noted since: `met` is the catalog's size when the caller wanted to know.
        """
        with self._lock:
            asking = self._asking.setdefault(path, threading.Lock())
        with asking:
            if path not in self._answers or self._answers[path][0] < met:
                self._answers[path] = met, client.get(path)
            return self._answers[path][1]

    def close(self) -> None:
        """Wait for the requests under way, then give back threads and connections.

        Where a load failed, pages were being read for the next one: those that wait for the quota are given up.
        """
        self.client.halt()
        self.pool.shutdown(cancel_futures=True)
        self.client.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
