"""Tasks of one object in the threads that all objects of a run share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait


class Background:
    """Submits tasks and waits for them; a task that submits another does so before it ends."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._futures: set[Future[None]] = set()
        self._lock = threading.Lock()

    def submit(self, task: Callable[[], None]) -> None:
        """Let `task` run as soon as a thread is free."""
        with self._lock:
            self._futures.add(self._pool.submit(task))

    @property
    def is_idle(self) -> bool:
        """Whether the end of every task was told by `finished`."""
        with self._lock:
            return not self._futures

    def finished(self) -> Iterator[Future[None]]:
        """The tasks as they end, those submitted meanwhile too; returns when none is left."""
        while True:
            with self._lock:
                pending = set(self._futures)
            if not pending:
                return
            done, _ = wait(pending, return_when="FIRST_COMPLETED")
            with self._lock:
                self._futures -= done
            yield from done
