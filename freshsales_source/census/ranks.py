"""At which keys the rank in one list is certain, from the pages of it that were read.

The rank of a key is the number of records with that key or a smaller one. It is certain where the key changes inside
a page, between two neighbouring pages, before the first record and behind the last. A page of one key, cut out of
a block that goes on at both sides, makes no rank certain.

Where equal keys change places from one answer to the next, ranks stay what they are, but a page tells little of who
stands in a block of one key that goes across pages: `torn` finds such blocks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from freshsales_source.census.extent import Extent
from freshsales_source.census.page import BEGINNING, END, Disturbed, Outcome, RankedPage, is_ordered


class Ranks:
    """The pages of one list as read so far. `take` each answer, in the order in which they arrive."""

    def __init__(self, expected: int, *, trusts_total: bool = True) -> None:
        self.trusts_total = trusts_total
        """Whether `meta.total` agreed with the rows so far."""
        self._extent = Extent(expected, trusts_total=trusts_total)
        self._stride = 1
        self._first_total: int | None = None
        self._total: int | None = None
        self._numbers: list[int] = []
        self._ids: dict[int, tuple[int, ...]] = {}
        self._keys: dict[int, tuple[int, ...]] = {}
        self._again: dict[int, list[tuple[int, ...]]] = {}
        self._behind: RankedPage[Any] | None = None
        self._is_end_proven = False

    @property
    def is_measured(self) -> bool:
        """Whether the list's size is known."""
        return self._extent.size is not None

    @property
    def size(self) -> int:
        """Records in the list when the census began. The list must be measured."""
        if self._extent.size is None:
            raise RuntimeError("the list's end is not known yet")
        return self._extent.size

    def question(self) -> int | None:
        """The page to ask for until size and end of the list are known; None from then on."""
        if self._behind is not None and self._last in self._ids:
            return self._last
        return self._extent.question()

    def take(self, number: int, page: RankedPage[Any] | None) -> None:
        """Take in an answer; raises Disturbed where it contradicts an earlier one or the order asked for."""
        if page is not None:
            if not is_ordered(page):
                raise Disturbed(Outcome.UNORDERED)
            self._watch_total(page)
        if page is not None and number in self._ids:
            self._take_again(number, page)
        elif not self.is_measured:
            self._measure(number, page)
        elif number > self._last:
            self._take_behind(number, page)
            return
        else:
            self._add(number, page)
        self._check_size_of(number, page)
        self._judge_end()

    def rank(self, key: int) -> int | None:
        """How many records have this key or a smaller one; None where that is not certain."""
        if key == BEGINNING:
            return 0
        if key == END:
            return self.size
        number = self.page_of(key)
        if number == 0:
            return 0 if self._numbers[:1] == [1] or not self.size else None
        keys = self._keys[number]
        if key < keys[-1] or number + 1 in self._keys or self._reaches_end(number):
            return (number - 1) * self._stride + bisect_right(keys, key)
        return None

    def certain(self) -> list[tuple[int, int]]:
        """The keys of certain rank, as intervals with both ends included; each is read without a gap inside."""
        if not self.size:
            return [(BEGINNING, END)]
        out: list[tuple[int, int]] = []
        for first, last in self._runs():
            low = BEGINNING if first == 1 else self._keys[first][0]
            high = END if self._reaches_end(last) else self._keys[last][-1] - 1
            if low <= high:
                out.append((low, high))
        return out if out and out[-1][1] == END else [*out, (END, END)]

    def page_of(self, key: int) -> int:
        """The last page read that begins with this key or a smaller one; 0 where there is none."""
        place = bisect_right(self._numbers, key, key=self._first_key)
        return self._numbers[place - 1] if place else 0

    def unread(self, low: int, high: int) -> list[int]:
        """The pages not read yet between two keys of certain rank, in order."""
        if not self.size:
            return []
        start = self.page_of(low) + 1
        stop = self._stop if high == END else self.page_of(high)
        return [number for number in range(start, stop) if number not in self._keys]

    def around(self, key: int) -> tuple[int, int]:
        """The pages, both included, on which the first record behind `key` may stand; the rank is not certain."""
        number = self.page_of(key)
        place = bisect_right(self._numbers, number)
        return number + 1, (self._numbers[place] if place < len(self._numbers) else self._stop) - 1

    def page_at(self, rank: int) -> int:
        """The page that shows the record behind the first `rank` ones."""
        return rank // self._stride + 1

    def blocks(self, low: int, high: int) -> list[int]:
        """The keys, above `low` and up to `high`, that fill a page read alone."""
        start, stop = (bisect_right(self._numbers, key, key=self._first_key) for key in (low, high))
        pages = [self._keys[number] for number in self._numbers[start:stop]]
        return list(dict.fromkeys(keys[0] for keys in pages if keys[0] == keys[-1]))

    def shown(self) -> set[int]:
        """The ids on every page read."""
        return {i for number in self._ids for ids in self._readings(number) for i in ids}

    def torn(self, low: int, high: int) -> list[int]:
        """The keys, above `low` and up to `high`, of which the pages show fewer ids than there are records.

        Equal keys change places from one answer to the next, then, or records were removed meanwhile.
        """
        keys = (self._keys[n][0] for n in self._numbers if self._first_key(n) == self._last_key(n - 1))
        return [key for key in dict.fromkeys(keys) if low < key <= high and self.unseen(key) > 0]

    def unseen(self, key: int) -> int:
        """How many records of that key no page has shown; its rank and that of the key before it are certain."""
        return self.places(key) - len(self._shown_with(key))

    def places(self, key: int) -> int:
        """How many records have this key; its rank and that of the key before it are certain."""
        return (self.rank(key) or 0) - (self.rank(key - 1) or 0)

    def pages_with(self, key: int) -> list[int]:
        """The pages read that show this key."""
        stop = bisect_right(self._numbers, key, key=self._first_key)
        return self._numbers[bisect_left(self._numbers, key, hi=stop, key=self._last_key) : stop]

    def check_block(self, key: int) -> None:
        """Raise Disturbed where no change of places explains what the pages with this key have shown.

        They show the same ids each time they are asked for, or more ids than there are records.
        """
        is_steady = all(len(set(self._readings(number))) == 1 for number in self.pages_with(key))
        if self.unseen(key) < 0 or (is_steady and self._total is not None):
            raise self._contradicted()
        if is_steady:
            raise Disturbed(Outcome.MOVED)

    @property
    def _first_key(self) -> Callable[[int], int]:
        return lambda number: self._keys[number][0]

    @property
    def _last_key(self) -> Callable[[int], int]:
        return lambda number: self._keys[number][-1] if number in self._keys else BEGINNING

    @property
    def _last(self) -> int:
        return -(-self.size // self._stride)

    @property
    def _stop(self) -> int:
        """The first page that need not be read. A full last page proves no end, so the one behind it is."""
        is_known = self._is_end_proven or self._behind is not None
        return self._last + (1 if self.size % self._stride or is_known else 2)

    def _readings(self, number: int) -> list[tuple[int, ...]]:
        """The ids of a page, each time it was read."""
        return [self._ids[number], *self._again.get(number, ())]

    def _shown_with(self, key: int) -> set[int]:
        return {
            i
            for number in self.pages_with(key)
            for ids in self._readings(number)
            for i, its_key in zip(ids, self._keys[number], strict=True)
            if its_key == key
        }

    def _reaches_end(self, number: int) -> bool:
        return number == self._last and bool(self.size % self._stride or self._is_end_proven)

    def _runs(self) -> list[tuple[int, int]]:
        """The pages read, neighbours joined: first and last number of each run."""
        runs: list[tuple[int, int]] = []
        for number in self._numbers:
            if runs and runs[-1][1] == number - 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        return runs

    def _watch_total(self, page: RankedPage[Any]) -> None:
        if not self.trusts_total or page.total is None:
            return
        if self._total is not None and page.total < self._total:
            raise Disturbed(Outcome.MOVED)
        if self._total is None:
            self._first_total = page.total
        self._total = page.total

    def _measure(self, number: int, page: RankedPage[Any] | None) -> None:
        self._extent.observe(number, page)
        if number == 1 and page is not None:
            self._stride = max(1, len(page.ids))
            # A total that contradicts `total_pages` is capped, so its fall and its end mean nothing.
            self.trusts_total &= page.total is None or self.is_measured
        if self.is_measured:
            self._forget_behind_the_end()
            if any(self._keys[a][-1] > self._keys[b][0] for a, b in pairwise(self._numbers)):
                raise self._disordered()
            self._is_end_proven = self._extent.was_seen
        self._add(number, page)

    def _add(self, number: int, page: RankedPage[Any] | None) -> None:
        keys = () if page is None else tuple(page.keys)
        ids = () if page is None else tuple(page.ids)
        if self.is_measured:
            room = max(0, self.size - (number - 1) * self._stride)
            ids, keys = ids[:room], keys[:room]
        if ids:
            self._check_neighbours(number, ids, keys, page)
            insort(self._numbers, number)
            self._ids[number], self._keys[number] = ids, keys

    def _take_again(self, number: int, page: RankedPage[Any]) -> None:
        """Take in another answer with a page that was read: equal keys may have changed places, nothing else."""
        ids, keys = tuple(page.ids), self._keys[number]
        if tuple(page.keys[: len(keys)]) != keys:
            raise Disturbed(Outcome.MOVED)
        self._again.setdefault(number, []).append(ids[: len(keys)])

    def _take_behind(self, number: int, page: RankedPage[Any] | None) -> None:
        """Take in the page behind a full last one."""
        promised = 0 if page is None or page.total is None else page.total - (number - 1) * self._stride
        if page is None or not page.ids:
            self._is_end_proven = True
        elif self.trusts_total and promised > 0:
            # Created since; what stands there was not counted.
            if len(page.ids) != min(self._stride, promised):
                raise self._contradicted()
            self._is_end_proven = True
        else:
            self._behind = page
            self._judge_end()

    def _judge_end(self) -> None:
        """Conclude from a page with rows behind the last one, once both are read: it repeats it, or follows it."""
        if self._behind is None or self._last not in self._ids:
            return
        follows = self._follows_last(self._behind)
        if follows and self.trusts_total and self._behind.total is not None:
            raise self._contradicted()
        if follows is not None:
            self._behind, self._is_end_proven = None, True

    def _follows_last(self, page: RankedPage[Any]) -> bool | None:
        """Whether the page behind the last one shows other records; None while one cannot tell.

        Where equal keys change places, the last page looks different each time.
        """
        keys, readings = self._keys[self._last], self._readings(self._last)
        if tuple(page.keys) != keys:
            return True
        if keys[0] != keys[-1] or not self._shown_with(keys[0]).isdisjoint(page.ids):
            return False
        if len(self.shown()) < sum(map(len, self._ids.values())) or len(set(readings)) > 1:
            return False
        return True if len(readings) > 1 else None

    def _forget_behind_the_end(self) -> None:
        """Drop what a search for the end met behind it: pages that repeat the last one."""
        for number in [n for n in self._numbers if n > self._last]:
            self._numbers.remove(number)
            del self._ids[number], self._keys[number]

    def _check_neighbours(
        self, number: int, ids: tuple[int, ...], keys: tuple[int, ...], page: RankedPage[Any] | None
    ) -> None:
        if not self.is_measured or page is None:
            return
        place = bisect_left(self._numbers, number)
        before = self._numbers[place - 1] if place else None
        behind = self._numbers[place] if place < len(self._numbers) else None
        neighbours = [n for n in (before, behind) if n is not None]
        if any(_repeats(page, self._keys[n]) for n in neighbours):
            # The server answers with its last page behind the end: the total promised too much.
            raise self._contradicted()
        if before is not None and self._keys[before][-1] > keys[0]:
            raise self._disordered()
        if behind is not None and keys[-1] > self._keys[behind][0]:
            raise self._disordered()
        here = dict(zip(ids, keys, strict=True))
        there = [row for n in neighbours for row in zip(self._ids[n], self._keys[n], strict=True)]
        # The same id under the same key may have changed places; that shows where its block is compared.
        if any(here.get(i, key) != key for i, key in there):
            raise Disturbed(Outcome.MOVED)

    @property
    def _has_grown(self) -> bool:
        return self._total != self._first_total

    def _disordered(self) -> Disturbed:
        """What to raise where pages contradict each other: no order, unless records may have moved meanwhile."""
        if self._has_grown:
            return Disturbed(Outcome.MOVED)
        return Disturbed(Outcome.UNORDERED if self.trusts_total else Outcome.UNDECIDED)

    def _contradicted(self) -> Disturbed:
        """What to raise where rows and counts differ: the count is wrong, unless it has been seen to change."""
        if self._has_grown:
            return Disturbed(Outcome.MOVED)
        self.trusts_total = False
        return Disturbed(Outcome.UNDECIDED)

    def _check_size_of(self, number: int, page: RankedPage[Any] | None) -> None:
        """A page must be as long as its own envelope says, and full unless it is the last."""
        length = 0 if page is None else len(page.ids)
        if not self.is_measured:
            return
        if self.trusts_total and page is not None and page.total is not None:
            due = min(self._stride, max(0, page.total - (number - 1) * self._stride))
            if length != due:
                raise self._contradicted()
        elif length < min(self._stride, self.size - (number - 1) * self._stride) or length > self._stride:
            raise self._contradicted()


def _repeats(page: RankedPage[Any], keys: tuple[int, ...]) -> bool:
    """Whether the page is the one with those keys once more: in an ascending order no other has several such keys."""
    return page.keys[0] != page.keys[-1] and tuple(page.keys[: len(keys)]) == keys
