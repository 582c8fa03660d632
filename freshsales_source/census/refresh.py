"""The rolling refresh: a few pages a run in the census's order, so that in time every record is read again.

It alone notices what moves neither a stamp nor a count: a changed computed value, or a removal that another
record's return hides. Several lists are read side by side, the one that is furthest behind first, since a record's
list is not known in the warehouse: rows are compared up to the key that every list has passed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic
from zlib import crc32

from freshsales_source.census.page import (
    END,
    Content,
    Fetch,
    Found,
    Outcome,
    RankedPage,
    Stored,
    is_ordered,
    likeness,
)
from freshsales_source.census.refresh_state import Place, RefreshState

SPARE_PAGES = 3
"""Pages beyond twice the warehouse's rows that are read before a list counts as one that repeats its last page."""
SMALL = 3
"""Pages of fewer rows than that may be equal by chance, where equal keys change places."""
CROWD = 20
"""Rows of one key that are suspected though its pages show some records twice, and thus perhaps others never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Two stretches of one list, read at different times, with nothing that shows them to join.

    Records with keys from `low` to `high` may have slid past between the two; if so they stand on page `before`.
    """

    name: str
    low: int
    high: int
    before: int


class Refresh(Generic[Content]):
    """Reads at most `pages` pages, going on where `state` stopped; `now` is in seconds since 1970.

    `steps` may be called once. `state` and `candidates` belong together: save the one when the pages are loaded and
    the other is dealt with. `belongs` tells by its key whether a record that the lists show is one of `stored` at
    all (every one, unless given); what does not belong counts as a place in the list and is never kept.
    """

    def __init__(
        self,
        lists: Mapping[str, Fetch[Content]],
        stored: Stored,
        state: RefreshState,
        *,
        pages: int,
        now: int,
        belongs: Callable[[int], bool] | None = None,
    ) -> None:
        self.calls = 0
        """Pages asked for."""
        self.outcome = Outcome.UNDECIDED
        self.state = state if state.is_in_progress else RefreshState(began=now, ended=state.ended)
        self._lists = lists
        self._stored = stored
        self._pages = pages
        self._now = now
        self._belongs = belongs or _every
        self._places = {name: self.state.places.get(name, Place()) for name in lists}
        self._numbers = {name: self._page_of(place) for name, place in self._places.items()}
        self._was_read: dict[str, RankedPage[Content]] = {}
        self._totals: dict[str, int] = {}
        self._seams: list[Seam] = []
        self._seen = dict(self.state.seen)
        self._absent: dict[int, int] = {}
        self._shown: set[int] = set()
        self._kept: dict[int, int] = {}
        self._torn: set[int] = set()

    @property
    def candidates(self) -> frozenset[int]:
        """Rows of the warehouse that no page shows, though one of those read should; each is to be confirmed."""
        if not self.state.is_ordered:
            return frozenset()
        absent = {i: key for i, key in self._absent.items() if i not in self._shown}
        number = Counter(absent.values())
        return frozenset(i for i, key in absent.items() if key not in self._torn or number[key] <= CROWD)

    def steps(self) -> Iterator[Found[Content]]:
        """Each answered page that has rows, with those the warehouse lacks; all rows are there to be compared.

        Raises whatever keeps a page from being answered.
        """
        while self.calls < self._pages and (question := self._question()) is not None:
            name, number = question
            page = self._lists[name](number)
            self.calls += 1
            if page is None or not page.ids:
                self._take(name, number, page)
                continue
            twice = self._seen.keys() & set(page.ids)
            self._torn.update(self._seen[i] for i in twice)
            found = self._found(name, page)
            is_news = bool(found.keep)
            self._take(name, number, page, is_familiar=bool(twice) and not is_news, is_news=is_news)
            self._save()
            yield found
        self._seams.clear()
        self._judge()
        self._save()
        self._settle()
        self.outcome = Outcome.SETTLED if self.state.is_ordered else Outcome.UNORDERED

    def _question(self) -> tuple[str, int] | None:
        """The page to ask for next: one that a seam may hide, else the next of the list that is furthest behind."""
        seam = self._judge()
        if seam is not None:
            return seam.name, seam.before
        unread = [name for name, place in self._places.items() if not place.is_done]
        if not unread:
            return None
        name = min(unread, key=lambda one: self._places[one].key)
        return name, self._numbers[name]

    def _page_of(self, place: Place) -> int:
        """The page that follows what was read: further up where the warehouse has lost rows before it.

        Rows that were added before it are not believed at once: a page too far up only shows some records twice.
        """
        if not place.stride:
            return 1
        # What was loaded may not count here, such as what is past only by the CRM's clock: look up once, then go on.
        position = place.position + (0 if place.is_checked else min(0, self._moved(place)))
        return max(0, position) // place.stride + 1

    def _moved(self, place: Place) -> int:
        """By how many records the place has moved, as far as the warehouse knows; a list takes part by its length."""
        if not self.state.is_ordered:
            return 0
        share = place.position / max(1, self.state.position)
        return round((self._stored.through(place.key) - place.here) * share)

    def _found(self, name: str, page: RankedPage[Content]) -> Found[Content]:
        here = self._stored.keys(page.ids)
        rows = list(zip(page.ids, page.keys, strict=True))
        keep = tuple(
            n
            for n, (i, key) in enumerate(rows)
            if here.get(i) != key and i not in self._kept and self._belongs(key)
        )
        self._kept.update(rows[n] for n in keep)
        self._shown.update(page.ids)
        self._seen.update((i, key) for i, key in rows if key > self.state.through)
        return Found(list_name=name, page=page, keep=keep)

    def _take(
        self,
        name: str,
        number: int,
        page: RankedPage[Content] | None,
        *,
        is_familiar: bool = False,
        is_news: bool = False,
    ) -> None:
        """Take in an answer; `is_news`: it shows rows the warehouse lacks; `is_familiar`: none, and ids seen before."""
        seam = next((seam for seam in self._seams if (seam.name, seam.before) == (name, number)), None)
        if page is not None and not is_ordered(page):
            self.state = replace(self.state, is_ordered=False)
            self._seams.clear()
        if seam is not None and self.state.is_ordered:
            self._narrow(seam, page)
        elif page is None or not page.ids:
            self._end(name, number, page)
        elif self._comes_again(self._places[name], page, is_familiar=is_familiar):
            self._pass_over(name, page)
        else:
            self._advance(name, number, page)
            if not is_news and self._is_beyond(self._places[name]):
                self._places[name] = replace(self._places[name], is_done=True)

    def _narrow(self, seam: Seam, page: RankedPage[Content] | None) -> None:
        """Take in the page before a seam: the two sides join, or what may hide stands one page further up."""
        self._seams.remove(seam)
        high = page.keys[0] if page is not None and page.ids else seam.high
        if high > seam.low and seam.before > 1:
            self._seams.append(replace(seam, high=high, before=seam.before - 1))

    def _end(self, name: str, number: int, page: RankedPage[Content] | None) -> None:
        """Take in an answer without rows: the list ends before it."""
        place = self._places[name]
        joins = number == 1 or not self._has_gap(name, number, page)
        self._places[name] = replace(place, is_done=True)
        if not joins:
            self._seams.append(Seam(name=name, low=place.key, high=END, before=number - 1))

    def _comes_again(self, place: Place, page: RankedPage[Content], *, is_familiar: bool) -> bool:
        """Whether the page is the one read last once more, as far as one can tell.

        Where equal keys change places a last page cut out of their block shows other records each time.
        """
        is_same_key = page.keys[0] == page.keys[-1] == place.key
        is_once_more = is_familiar and is_same_key and _is_behind(page, place.stride) is True
        return (is_once_more and self._expects_no_more(place)) or self._print(page) == place.print

    def _expects_no_more(self, place: Place) -> bool:
        """Whether as much was read as the warehouse has up to this key: else the count of the list may be capped."""
        through = self._stored.through(place.key)
        is_last = len(self._places) > 1 or through == self._stored.count()
        return is_last and sum(one.position for one in self._places.values()) >= through

    def _print(self, page: RankedPage[Content]) -> int:
        looks = likeness(page) if self.state.is_ordered else page.ids
        return crc32(",".join(map(str, looks)).encode())

    def _pass_over(self, name: str, page: RankedPage[Content]) -> None:
        """Take in the last page once more.

        It stands behind the end, or has moved down by a whole page: the next ones decide. Or was asked for too far up.
        """
        place = self._places[name]
        is_further = page.number * place.stride > place.position
        is_behind = _is_behind(page, place.stride)
        enough = SMALL if place.stride < SMALL else 1
        is_repeated = is_further and is_behind is not False and place.repeats >= enough
        is_done = is_repeated or self._is_beyond(place)
        self._go_to(name, page.number + 1, is_done=is_done)
        self._places[name] = replace(
            self._places[name], repeats=place.repeats + is_further, is_checked=not is_further
        )

    def _is_beyond(self, place: Place) -> bool:
        """Whether more was read of a list than all lists may hold, if the warehouse is nearly right."""
        rows = self._stored.count() + len(self._kept)
        return place.position > 2 * rows + SPARE_PAGES * place.stride

    def _advance(self, name: str, number: int, page: RankedPage[Content]) -> None:
        """Take in the next page of a list, with new records or fewer than the one before."""
        place = self._places[name]
        joins = number == 1 or not self._has_gap(name, number, page)
        self._was_read[name] = page
        stride = max(place.stride, len(page.ids))
        is_done = _ends(page, stride) and not self._expects_more(page)
        if self.state.is_ordered and page.keys[-1] < place.key:
            # The server puts fewer records on a page than before, or many have come in front of the place.
            self._places[name] = replace(
                place, stride=len(page.ids), print=self._print(page), repeats=0, is_checked=True
            )
            position = place.position + self._moved(place)
            self._go_to(name, max(number, position // len(page.ids)) + 1, is_done=is_done)
            return
        if not joins and page.keys[0] > place.key:
            self._seams.append(Seam(name=name, low=place.key, high=page.keys[0], before=number - 1))
        self._places[name] = Place(key=page.keys[-1], stride=stride, print=self._print(page))
        self._go_to(name, number + 1, is_done=is_done)

    def _go_to(self, name: str, number: int, *, is_done: bool) -> None:
        """Make that page the next one of the list, in this run or the one after."""
        place = self._places[name]
        self._numbers[name] = number
        self._places[name] = replace(
            place,
            position=(number - 1) * place.stride,
            here=self._stored.through(place.key),
            is_done=is_done,
        )

    def _expects_more(self, page: RankedPage[Content]) -> bool:
        # A single page may be a full one under a total that lags; the warehouse's rows behind it make one ask.
        return page.number == 1 and self._stored.count() > self._stored.through(page.keys[-1])

    def _has_gap(self, name: str, number: int, page: RankedPage[Content] | None) -> bool:
        """Whether records may have slid past between this page and what was read before it."""
        previous, before = self._was_read.get(name), self._totals.get(name)
        total = None if page is None else page.total
        if total is not None:
            self._totals[name] = total
        if previous is None or previous.number != number - 1:
            return True
        return page is not None and (total is None or before is None or total < before)

    def _judge(self) -> Seam | None:
        """Compare ids up to the key that every list has passed; the first seam that may hide a missing one, instead."""
        if not self.state.is_ordered:
            return None
        limit = min((END if place.is_done else place.key - 1 for place in self._places.values()), default=END)
        if limit <= self.state.through:
            return None
        here = self._stored.between(self.state.through + 1, limit)
        absent = {i: key for i, key in here.items() if i not in self._seen}
        for seam in self._seams:
            if any(seam.low <= key <= seam.high for key in absent.values()):
                return seam
        self._absent |= absent
        self._seams = [seam for seam in self._seams if seam.high > limit]
        self._seen = {i: key for i, key in self._seen.items() if key > limit}
        self.state = replace(self.state, through=limit)
        return None

    def _save(self) -> None:
        is_done = all(place.is_done for place in self._places.values())
        if is_done and (self.state.through == END or not self.state.is_ordered):
            self.state = RefreshState(ended=self._now, is_ordered=self.state.is_ordered)
        else:
            self.state = replace(self.state, seen=dict(self._seen), places=dict(self._places))

    def _settle(self) -> None:
        """Make the state fit for the next run: small, and aware of what the caller does with this run's finds."""
        if not self.state.is_small:
            self.state = replace(self.state, through=max(self._seen.values()), seen={})
        gone = sorted(self._absent[i] for i in self.candidates)
        came = sorted(self._kept.values())
        places = {
            name: replace(
                place, here=place.here + bisect_right(came, place.key) - bisect_right(gone, place.key)
            )
            for name, place in self.state.places.items()
        }
        self.state = replace(self.state, places=places)


def _is_behind(page: RankedPage[Any], stride: int) -> bool | None:
    """Whether the page stands behind the end that its envelope tells; None where it tells none."""
    if page.total is not None:
        return page.total <= (page.number - 1) * stride
    return None if page.total_pages is None else page.number > page.total_pages


def _ends(page: RankedPage[Any], stride: int) -> bool:
    """Whether the envelope says that no page follows, and the page agrees by not being full."""
    read = (page.number - 1) * stride + len(page.ids)
    if page.number == 1:
        return (page.total, page.total_pages) in ((read, 1), (read, None), (None, 1))
    if len(page.ids) >= stride or (page.total_pages or 0) > page.number:
        return False
    return page.total_pages is not None if page.total is None else read >= page.total


def _every(_: int) -> bool:
    return True
