"""A CRM reduced to what a census sees: lists of ids and keys in ascending order, served while people work.

Written from the API notes, not from the engine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias
from zlib import crc32

from freshsales_source.census import END, RankedPage

Records: TypeAlias = dict[int, int]
"""id -> key"""
Meta: TypeAlias = Literal["both", "total", "total_pages", "none"]
PastTheEnd: TypeAlias = Literal["empty", "repeat", "404"]
META: tuple[Meta, ...] = ("both", "total", "total_pages", "none")
ENDS: tuple[PastTheEnd, ...] = ("empty", "repeat", "404")


class Snapshot:
    """The warehouse's rows as they were when it was made; counts what it is asked."""

    def __init__(self, rows: Mapping[int, int]) -> None:
        self.rows = dict(rows)
        self._sorted = sorted((key, i) for i, key in self.rows.items())
        self._keys = [key for key, _ in self._sorted]
        self.asked: Counter[str] = Counter()

    def count(self) -> int:
        return len(self.rows)

    def through(self, key: int) -> int:
        self.asked["through"] += 1
        return bisect_right(self._keys, key)

    def between(self, low: int, high: int) -> Mapping[int, int]:
        self.asked["between"] += 1
        span = self._sorted[bisect_left(self._keys, low) : bisect_right(self._keys, high)]
        return {i: key for key, i in span}

    def keys(self, ids: Sequence[int]) -> Mapping[int, int]:
        self.asked["keys"] += 1
        return {i: self.rows[i] for i in ids if i in self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How the API answers: what a census depends on."""

    page_size: int = 100
    meta: Meta = "both"
    past_the_end: PastTheEnd = "empty"
    ties: Literal["by id", "by id, newest first", "by chance", "reshuffled"] = "by id"
    total_is_cached: bool = False
    total_cap: int = END
    ignores_order: bool = False


@dataclass
class World:
    """The CRM: each list's records by id; `before_request` runs before each request."""

    switches: Switches = field(default_factory=Switches)
    lists: dict[str, Records] = field(default_factory=dict)
    before_request: Callable[[], None] = lambda: None
    requests: list[tuple[str, int]] = field(default_factory=list)
    served: dict[int, set[int]] = field(default_factory=dict)
    cached_totals: dict[str, int] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(0))
    _order: dict[str, list[int]] = field(default_factory=dict)

    def fetch(self, name: str) -> Callable[[int], RankedPage[str] | None]:
        """Fetches pages of one list."""
        return lambda number: self._page(name, number)

    def put(self, name: str, i: int, key: int) -> None:
        """Create, restore or change a record: it stands in this list, with this key."""
        self.remove(i)
        self.lists[name][i] = key
        self._order.pop(name, None)

    def remove(self, i: int) -> None:
        """Erase a record; one that is not there stays so."""
        for name, records in self.lists.items():
            if records.pop(i, None) is not None:
                self._order.pop(name, None)

    @property
    def fetches(self) -> dict[str, Callable[[int], RankedPage[str] | None]]:
        return {name: self.fetch(name) for name in self.lists}

    @property
    def records(self) -> Records:
        return {i: key for records in self.lists.values() for i, key in records.items()}

    def _page(self, name: str, number: int) -> RankedPage[str] | None:
        self.before_request()
        self.requests.append((name, number))
        order, size, switches = self._ordered(name), self.switches.page_size, self.switches
        last = max(1, -(-len(order) // size))
        if number > last and switches.past_the_end == "404":
            return None
        if number > last and switches.past_the_end == "repeat":
            return self._envelope(name, number, order[(last - 1) * size :], len(order))
        return self._envelope(name, number, order[(number - 1) * size : number * size], len(order))

    def _envelope(self, name: str, number: int, ids: list[int], total: int) -> RankedPage[str]:
        switches = self.switches
        told = min(total, switches.total_cap)
        if switches.total_is_cached:
            told = self.cached_totals.setdefault(name, told)
        for i in ids:
            self.served.setdefault(i, set()).add(self.lists[name][i])
        return RankedPage(
            number=number,
            ids=ids,
            keys=[self.lists[name][i] for i in ids],
            total=told if switches.meta in ("both", "total") else None,
            total_pages=-(-total // switches.page_size) if switches.meta in ("both", "total_pages") else None,
            content=f"{name} {number}",
        )

    def _ordered(self, name: str) -> list[int]:
        if name not in self._order or self.switches.ties == "reshuffled":
            records = self.lists[name]
            self._order[name] = sorted(records, key=lambda i: self._rank_of(i, records[i]))
        return self._order[name]

    def _rank_of(self, i: int, key: int) -> tuple[int, int]:
        if self.switches.ties == "reshuffled":
            return (key, self.random.getrandbits(32))
        by_chance = crc32(str(i).encode())
        if self.switches.ignores_order:
            return (0, by_chance)
        return (key, {"by id": i, "by id, newest first": -i, "by chance": by_chance}[self.switches.ties])


def imported(count: int, *, first_id: int = 1, key: int = 1_000_000, step: int = 7) -> Records:
    """That many records, each created `step` seconds after the one before; step 0 makes one block."""
    return {first_id + n: key + n * step for n in range(count)}


def without(records: Records, ids: Iterable[int]) -> Records:
    gone = set(ids)
    return {i: key for i, key in records.items() if i not in gone}
