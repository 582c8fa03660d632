"""Which ids of the lookups are known, so that an unknown one makes its lookup be read at once, once per id."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from collections.abc import Set as AbstractSet


class Catalog:
    """The ids that records of this run point to, by lookup table; shared by all readers of a run."""

    def __init__(self) -> None:
        self._met: dict[str, set[int]] = {}
        self._lock = threading.Lock()

    def meet(self, table: str, ids: Iterable[int]) -> None:
        """Note ids that records point to."""
        with self._lock:
            self._met.setdefault(table, set()).update(ids)

    @property
    def size(self) -> int:
        """How many ids were noted so far: what grows with each new one."""
        with self._lock:
            return sum(map(len, self._met.values()))

    def met(self, table: str) -> frozenset[int]:
        """All ids noted for a lookup."""
        with self._lock:
            return frozenset(self._met.get(table, ()))

    def unknown(self, table: str, known: AbstractSet[int]) -> frozenset[int]:
        """The ids noted for a lookup that are not among those known."""
        return self.met(table) - known
