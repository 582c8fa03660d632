"""Which records a run has handed over to its loads, for the feeds that follow them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable


class LoadedIds:
    """Ids of loaded records by object and follower; ids of objects that nobody follows are not kept."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, dict[int, None]]] = {}
        self._lock = threading.Lock()

    def follow(self, follower: str, objects: Collection[str]) -> None:
        """Keep the ids of these objects for a follower from now on."""
        with self._lock:
            for name in objects:
                self._ids.setdefault(name, {}).setdefault(follower, {})

    def add(self, object: str, ids: Iterable[int]) -> None:
        """Note records that are part of a load."""
        with self._lock:
            for kept in self._ids.get(object, {}).values():
                kept.update(dict.fromkeys(sorted(ids)))

    def take(self, follower: str, object: str) -> list[int]:
        """The ids noted for a follower since it last asked."""
        with self._lock:
            kept = self._ids.get(object, {}).get(follower, {})
            taken = list(kept)
            kept.clear()
            return taken
