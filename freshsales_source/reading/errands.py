"""What a reader has to do: errands, done side by side in the threads that all objects of a run share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from freshsales_source.reading.background import Background
from freshsales_source.run import Permits


class Errand(Protocol):
    """A chain of requests, such as a walk through a list."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask."""
        ...

    def step(self) -> None:
        """Make the next request, and hand in what it brought."""
        ...


class Errands:
    """The errands of one reader. One thread at a time steps an errand; between steps it stands in line with others.

    Each step takes a permit; `permits` None gives a full load of them with each start. When they are used up all
    errands stand still, and go on with the next load. An errand whose step raised is left alone from then on. So are,
    as long as that holds, those that are `held`. Only those for which `may_hasten` holds run ahead of a load.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        permits: Permits | None,
        held: Callable[[Errand], bool],
        may_hasten: Callable[[Errand], bool],
    ) -> None:
        self._tasks = Background(pool)
        self._permits = permits or Permits()
        self._has_own_permits = permits is None
        self._is_held = held
        self._may_hasten = may_hasten
        self._load = 0
        self._errands: list[Errand] = []
        self._not_to_step: set[int] = set()
        self._lock = threading.Lock()

    @property
    def is_done(self) -> bool:
        """Whether no errand has anything left to ask."""
        return all(errand.is_done for errand in self._errands)

    @property
    def are_held(self) -> bool:
        """Whether all that is left to ask has to wait."""
        return not self.is_done and all(errand.is_done or self._is_held(errand) for errand in self._errands)

    @property
    def is_ahead(self) -> bool:
        """Whether steps were made, or are being made, for a load that was not begun yet."""
        return self._load > self._permits.load and not self._tasks.is_idle

    def begin_load(self) -> None:
        """Step for the load that is being gathered now."""
        if self._has_own_permits:
            self._permits.renew()
        self._load = self._permits.load

    def hasten(self) -> None:
        """Step for the load after this one, for which nothing more comes from here; call it when all stand still."""
        self._load = self._permits.load + 1
        self.go_on()

    def replace(self, *errands: Errand) -> None:
        """Have these errands and no others; call it when all stand still, or from the task given to `begin`."""
        with self._lock:
            self._errands = list(errands)
            self._not_to_step.clear()

    def begin(self, task: Callable[[], None]) -> None:
        """Do something that takes no permit, then go on with the errands."""

        def begin() -> None:
            task()
            self.go_on()

        self._tasks.submit(begin)

    def go_on(self) -> None:
        """Step each errand that is not done, as far as the permits reach."""
        for errand in list(self._errands):
            self._later(errand)

    def finished(self) -> Iterator[Future[None]]:
        """The steps as they end; returns when all errands stand still."""
        return self._tasks.finished()

    def _later(self, errand: Errand) -> None:
        with self._lock:
            if id(errand) in self._not_to_step or errand.is_done or self._is_held(errand):
                return
            if self._load > self._permits.load and not self._may_hasten(errand):
                return
            if not self._permits.take(self._load):
                return
            self._not_to_step.add(id(errand))
        self._tasks.submit(lambda: self._step(errand))

    def _step(self, errand: Errand) -> None:
        errand.step()
        with self._lock:
            self._not_to_step.discard(id(errand))
        # One errand's answer may be another's question.
        self.go_on()
