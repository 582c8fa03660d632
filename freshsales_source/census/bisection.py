"""Finding the records that stand in the lists and not in the warehouse, or here and not there, in few calls.

Where the rank of a key is certain in every list, the sum of the ranks there less the rank here tells how many
records are missing up to that key, on balance. Between two such places with equal difference nothing is read; where
they differ, a page between them is, until no unread page is left; there the ids are compared one by one. About
log2(pages) calls for each difference and list, plus the pages that share its key.

While it searches people work. Creations stand at the end of an ascending order and disturb no rank. A total that
falls tells of a removal, behind which every rank is stale: the search starts over, a bounded number of times.

Equal keys may change places from one answer to the next. Ranks do not mind, but one reading of such a block does not
show all of its records: it is read over again, until as many ids were seen as there are places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from itertools import pairwise
from math import exp
from typing import Generic

from freshsales_source.census.page import (
    BEGINNING,
    END,
    Content,
    Disturbed,
    Fetch,
    Found,
    Outcome,
    RankedPage,
    Stored,
)
from freshsales_source.census.ranks import Ranks

FAR = 2**30
"""A page number behind every list's end."""
FEW = 20
"""Rows that may be suspected because no page happened to show them; each costs a call."""
MOST_PASSES = 4
"""How often a block of equal keys that change places is read at most."""
CHEAP = 200
"""Calls for such a block that are spent in any case: a few pages may be read more often than that."""


class Bisect(Generic[Content]):
    """Compares lists that count as one (a record's list is not known here) with the warehouse's rows.

    `steps` may be called once and left at any point. Differences that cancel between two measured places stay unseen
    and are left to the rolling refresh.
    """

    def __init__(self, lists: Mapping[str, Fetch[Content]], stored: Stored, *, restarts: int = 3) -> None:
        self.calls = 0
        """Pages asked for."""
        self.outcome = Outcome.UNDECIDED
        self.candidates: frozenset[int] = frozenset()
        """Rows of the warehouse that no page shows, though they should stand there. Known once `steps` has ended.

        Each is to be confirmed by asking for the record itself. With UNDECIDED they are records of a block of equal
        keys that was not seen whole: a few that no reading of it happened to show, some of which may be alive.
        """
        self._lists = lists
        self._stored = stored
        self._restarts = restarts
        self._through: dict[int, int] = {BEGINNING: 0}
        self._kept: set[int] = set()
        self._ranks: dict[str, Ranks] = {}
        self._aim: int | None = None
        self._tries = 0

    @property
    def difference(self) -> int | None:
        """Records there less rows here, as last measured; None until the size of every list is known."""
        known = bool(self._ranks) and all(ranks.is_measured for ranks in self._ranks.values())
        return self._difference(END) if known else None

    def steps(self) -> Iterator[Found[Content]]:
        """Each answered page that has rows, with those that must be loaded; never more pages than the lists have.

        Only blocks of equal keys that change places are read over again, `MOST_PASSES` times or with `CHEAP` calls.
        Restarts multiply that by at most `restarts` + 1. Raises whatever keeps a page from being answered.
        """
        outcome = Outcome.UNDECIDED
        for _ in range(self._restarts + 1):
            self._begin()
            try:
                yield from self._search()
                is_whole = yield from self._compare_torn()
            except Disturbed as disturbed:
                # A removal explains any contradiction, so it is named even if another one came later.
                outcome = outcome if outcome is Outcome.MOVED else disturbed.outcome
                continue
            self.outcome = Outcome.SETTLED if is_whole else Outcome.UNDECIDED
            self.candidates = self._absent()
            return
        self.outcome = outcome
        if outcome is Outcome.MOVED:
            self.candidates = self._absent()

    def _begin(self) -> None:
        expected = self._stored.count() // max(1, len(self._lists))
        self._through[END] = self._stored.count()
        trusted = {name: ranks.trusts_total for name, ranks in self._ranks.items()}
        self._ranks = {name: Ranks(expected, trusts_total=trusted.get(name, True)) for name in self._lists}
        self._aim, self._tries = None, 0

    def _search(self) -> Iterator[Found[Content]]:
        asked = Counter[tuple[str, int]]()
        while (question := self._question()) is not None:
            asked[question] += 1
            # A last page is read twice where one behind it shows rows. Else only answers that contradict each other
            # lead to the same page again, or behind any end.
            if asked[question] > 2 or question[1] > FAR:
                raise Disturbed(Outcome.UNDECIDED)
            yield from self._ask(*question)

    def _ask(self, name: str, number: int) -> Iterator[Found[Content]]:
        page = self._lists[name](number)
        self.calls += 1
        if page is not None and page.ids:
            yield self._found(name, page)
        self._ranks[name].take(number, page)

    def _compare_torn(self) -> Generator[Found[Content], None, bool]:
        """Read blocks over again that were not seen whole; whether all were whose number of records differs."""
        is_whole = True
        for key in [key for key in self._torn() if self._differs_at(key)]:
            yield from self._read_again(key)
            is_whole &= not self._unseen(key)
        return is_whole

    def _read_again(self, key: int) -> Iterator[Found[Content]]:
        """Read the block's pages until each of its records was seen, or that would take too many calls."""
        pages = [(name, n) for name, ranks in self._ranks.items() for n in ranks.pages_with(key)]
        passes = max(MOST_PASSES, CHEAP // len(pages)) - 1
        # A pass leaves about 1/e of those unseen before: as many as that are alive are not worth a look.
        if self._unseen(key) * exp(-passes) > FEW:
            return
        for done in range(1, passes + 1):
            for name, number in pages:
                if self._ranks[name].unseen(key):
                    yield from self._ask(name, number)
            for ranks in self._ranks.values():
                # A few places may look the same by chance.
                if ranks.unseen(key) and (done == passes or done * ranks.places(key) > 12):
                    ranks.check_block(key)
            if not self._unseen(key):
                return

    def _torn(self) -> list[int]:
        """The keys, in all measured places, of which some list was not seen whole."""
        spans = [(low, high) for low, high in self._places() if low < high]
        torn = (key for ranks in self._ranks.values() for low, high in spans for key in ranks.torn(low, high))
        return list(dict.fromkeys(torn))

    def _unseen(self, key: int) -> int:
        return sum(max(0, ranks.unseen(key)) for ranks in self._ranks.values())

    def _differs_at(self, key: int) -> bool:
        return self._difference(key) != self._difference(key - 1)

    def _found(self, name: str, page: RankedPage[Content]) -> Found[Content]:
        here = self._stored.keys(page.ids)
        keep = tuple(
            index
            for index, (i, key) in enumerate(zip(page.ids, page.keys, strict=True))
            if here.get(i) != key and i not in self._kept
        )
        self._kept.update(page.ids[index] for index in keep)
        return Found(list_name=name, page=page, keep=keep)

    def _question(self) -> tuple[str, int] | None:
        """The list and the page to ask for next; None once no two measured places differ across unread pages."""
        for name, ranks in self._ranks.items():
            if (number := ranks.question()) is not None:
                return name, number
        gap = self._open_gap()
        return None if gap is None else self._inside(*gap)

    def _open_gap(self) -> tuple[int, int] | None:
        """The first two neighbouring places between which pages are unread and the difference changes."""
        places = self._places()
        return next(
            (
                (low, high)
                for (_, low), (high, _) in pairwise(places)
                if self._difference(low) != self._difference(high)
            ),
            None,
        )

    def _places(self) -> list[tuple[int, int]]:
        """The keys whose rank is certain in every list, as intervals."""
        common = [(BEGINNING, END)]
        for ranks in self._ranks.values():
            common = _overlap(common, ranks.certain())
        return common

    def _difference(self, key: int) -> int:
        there = 0
        for ranks in self._ranks.values():
            rank = ranks.rank(key)
            if rank is None:
                raise RuntimeError(f"the rank of {key} is not certain")
            there += rank
        return there - self._here(key)

    def _here(self, key: int) -> int:
        if key not in self._through:
            self._through[key] = self._stored.through(key)
        return self._through[key]

    def _inside(self, low: int, high: int) -> tuple[str, int]:
        """A page between two places: towards a key whose rank is nearly known everywhere, else in the middle."""
        unread = {name: ranks.unread(low, high) for name, ranks in self._ranks.items()}
        longest = max(unread, key=lambda name: len(unread[name]))
        if self._aim is None or not low < self._aim < high:
            self._aim, self._tries = self._next_aim(self._ranks[longest], low, high), 0
        if self._aim is not None:
            for name, ranks in self._ranks.items():
                if ranks.rank(self._aim) is None:
                    return name, self._towards(ranks, self._aim)
        # Inside a block of one key nothing can be halved: its pages are read from its beginning.
        return longest, unread[longest][0 if high == low + 1 else len(unread[longest]) // 2]

    def _next_aim(self, ranks: Ranks, low: int, high: int) -> int | None:
        """A key between the two that this list has measured, or an end of a block of equal keys; None without one.

        What only prolongs a measured place at either side would halve nothing.
        """
        for first, last in ranks.certain():
            if low + 1 < first <= last < high - 1:
                return (first + last) // 2
        ends = (end for key in ranks.blocks(low, high) for end in (key - 1, key))
        return next((end for end in ends if low < end < high), None)

    def _towards(self, ranks: Ranks, key: int) -> int:
        """The page on which the rank of `key` should show, by the warehouse's own ranks; halving where they mislead."""
        first, last = ranks.around(key)
        self._tries += 1
        if self._tries > 2 and self._tries % 2:
            return (first + last) // 2
        low = max(end for _, end in ranks.certain() if end < key)
        high = min(begin for begin, _ in ranks.certain() if begin > key)
        there, here = ranks.rank(low) or 0, self._here(low)
        width = self._here(high) - here
        share = (self._here(key) - here) / width if width > 0 else 0.5
        guess = ranks.page_at(there + round(share * ((ranks.rank(high) or 0) - there)))
        return min(max(guess, first), last)

    def _absent(self) -> frozenset[int]:
        """The stored ids between measured places, every page read, that no page of this search shows."""
        if self.difference is None:
            return frozenset()
        seen = {i for ranks in self._ranks.values() for i in ranks.shown()}
        unclear = {key for key in self._torn() if not self._differs_at(key) or self._unseen(key) > FEW}
        return frozenset(
            i
            for low, high in self._places()
            if low < high
            for i, key in self._stored.between(low + 1, high).items()
            if i not in seen and key not in unclear
        )


def _overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What two lists of ascending intervals have in common."""
    out: list[tuple[int, int]] = []
    one = other = 0
    while one < len(some) and other < len(others):
        low, high = max(some[one][0], others[other][0]), min(some[one][1], others[other][1])
        if low <= high:
            out.append((low, high))
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return out
