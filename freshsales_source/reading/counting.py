"""The counts of an object's lists against its rows in the warehouse, and the errands that explain a difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from freshsales_source.census import NULLS_LAST, Found, Outcome, RefreshState
from freshsales_source.decode import Page
from freshsales_source.reading.census_pages import CensusPages
from freshsales_source.reading.checking import MOST_MISSING, Checking, EndProof
from freshsales_source.reading.errands import Errand
from freshsales_source.reading.following import Following
from freshsales_source.reading.intake import Intake
from freshsales_source.reading.lists import Lists
from freshsales_source.reading.refreshing import Refreshing
from freshsales_source.reading.rows import Answered
from freshsales_source.reading.vanishing import too_many
from freshsales_source.reading.walking import Walking
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Filters
from freshsales_source.walk import Page as WalkPage
from freshsales_source.warehouse.stored_rows import Part, StoredKeys, settled_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many records the lists say they hold, and how many rows the warehouse has of them."""

    total: int
    rows: int

    @property
    def missing(self) -> int:
        """How many rows the warehouse lacks, on balance; negative where it has too many."""
        return self.total - self.rows

    @property
    def is_worth_a_search(self) -> bool:
        """Whether missing rows are searched for; a table that lacks a large part is read anew."""
        return self.missing <= min(MOST_MISSING, max(1000, self.total // 10))


class Counting:
    """Makes the errands that compare lists with rows; use it once the lists were read.

    `most` tells how many rows may vanish in one run. `answered` is told of every page, with its list.
    """

    def __init__(
        self,
        run: Run,
        entity: Entity,
        intake: Intake,
        following: Following,
        *,
        most: Callable[[], int],
        answered: Callable[[Walking, WalkPage[Page]], None],
    ) -> None:
        self._run = run
        self._entity = entity
        self._intake = intake
        self._following = following
        self._most = most
        self._answered = answered
        self.traced: dict[Part, int] = {}
        """How many records the pages themselves showed, where a search counted them to its end."""
        self._in_vain: set[Part] = set()
        self._unordered: set[Part] = set()
        self._checking: Checking | None = None
        self._was_unordered = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may explain counts that still differ."""
        remark = "the order of creation is not kept, so the difference cannot be traced"
        return (*([remark] if self._was_unordered else []), *self._following.remarks)

    def compare(self, lists: Lists, part: Part, *, is_whole: bool) -> Errand | Difference | None:
        """The errand that explains a difference of that part; the difference itself, where reading anew is cheaper.

        None where there is none, or nobody can tell. `is_whole` says that the lists show all live records: if too many
        rows seem to be gone then, nothing is searched for.
        """
        difference = self._difference(lists, part)
        crowd = self._crowd(lists) if is_whole else None
        if crowd is not None or difference is None or part in self._in_vain:
            return crowd
        if not difference.is_worth_a_search:
            return difference
        self._checking = Checking(
            {w.listing.key: self._pages(w) for w in lists.of(part)},
            self.stored(part),
            lambda found: self._take_in(found, is_bin=part is Part.BINNED),
            lambda checking: self._conclude(checking, part, difference.rows),
        )
        return self._checking

    def counts(self, lists: Lists, part: Part) -> tuple[int, int] | None:
        """How many records the lists tell of, and how many rows there are; None where these cannot be compared."""
        total = lists.total(part)
        if total is None or self._run.stored is None or self._run.settings.start_date is not None:
            return None
        return total, self.stored(part).count()

    def _difference(self, lists: Lists, part: Part) -> Difference | None:
        """The counts, where they differ; None where they cannot be compared, or the pages showed that they agree."""
        counts = self.counts(lists, part)
        if counts is None or counts[1] in (counts[0], self.traced.get(part)):
            return None
        return Difference(total=counts[0], rows=counts[1])

    def _crowd(self, lists: Lists) -> Errand | None:
        """The errand in place of a search where the counts alone show that too many rows seem to be gone.

        It raises TooManyVanished where the lists end where their totals say. A deletion that the bin shows and the
        warehouse does not know yet is none of these.
        """
        of_live, of_bin = self._difference(lists, Part.LIVE), self._difference(lists, Part.BINNED)
        gone = -of_live.missing if of_live is not None else 0
        gone -= max(0, of_bin.missing) if of_bin is not None else 0
        allowed = self._most() if gone > 0 else 0
        live = lists.of(Part.LIVE)

        def conclude(going_on: frozenset[str]) -> None:
            for walking in live:
                walking.is_capped = walking.is_capped or walking.listing.key in going_on
            if not going_on:
                raise too_many(gone, allowed)

        ends = {w.listing.key: (self._pages(w), w.last_page) for w in live}
        return EndProof(ends, conclude) if gone > allowed else None

    def refresh(
        self,
        lists: Sequence[Walking],
        part: Part,
        state: RefreshState,
        *,
        pages: int,
        now: int,
        changed: Callable[[Page], list[int]],
    ) -> Refreshing:
        """The errand that reads old pages again; `changed` tells which rows of a page differ from the warehouse's."""
        return Refreshing(
            {w.listing.key: self._pages(w) for w in lists},
            self.stored(part),
            state,
            pages=pages,
            now=now,
            belongs=self._belongs,
            changed=changed,
            take_in=lambda found: self._take_in(found, is_bin=part is Part.BINNED),
            suspect=self._suspect,
        )

    def lacks_order(self, part: Part) -> bool:
        """Whether a search of this run found that the lists of that part do not keep the order of creation."""
        return part in self._unordered

    @property
    def is_searching(self) -> bool:
        """Whether a search was begun and has not ended."""
        return self._checking is not None and not self._checking.is_done

    def give_up(self, *, is_refused: bool) -> None:
        """Search no more in this run; `is_refused` says that the API does not take the order asked for."""
        self.release()
        self._was_unordered = self._was_unordered or is_refused
        self._in_vain.update(Part)

    def release(self) -> None:
        """Hand over what a search found that will not be finished."""
        if self._checking is not None:
            self._checking.release()

    def stored(self, part: Part) -> StoredKeys:
        """The warehouse's rows of a part, by the column that its lists are ordered by; forgotten records count."""
        assert self._run.stored is not None
        tables, name, read = self._run.stored, self._entity.name, self._entity.read
        forgotten = self._intake.forgetting.places(part)
        if not isinstance(read, Filters):
            return StoredKeys(tables, name, part.value, nulls=NULLS_LAST, more=forgotten)
        return StoredKeys(
            tables,
            name,
            settled_rows(read, self._run.clock.now()),
            nulls=NULLS_LAST,
            column=read.settled_by,
            descends=read.settled_descends,
            more=forgotten,
        )

    def _belongs(self, key: int) -> bool:
        """Whether a record with this key is one of those that are read once: both filters may show all appointments.

        Recorded twice: `past` and `upcoming` showed the same records.
        """
        read = self._entity.read
        if not isinstance(read, Filters) or read.live_value is not None:
            return True
        return -self._run.clock.now().timestamp() < key < NULLS_LAST

    def _pages(self, walking: Walking) -> CensusPages:
        read = self._entity.read
        if not isinstance(read, Filters):
            return CensusPages(walking.pages, lambda page: self._see(walking, page))
        return CensusPages(
            walking.pages,
            lambda page: self._see(walking, page),
            order={},
            column=read.settled_by,
            descends=read.settled_descends,
        )

    def _see(self, walking: Walking, page: WalkPage[Page]) -> None:
        """Note what a page says of its list, and count its rows."""
        listing = walking.listing
        walking.note(page)
        self._intake.add(Answered(page=page, keep=(), source=listing.key, is_bin=listing.is_bin))
        self._answered(walking, page)

    def _take_in(self, found: Found[WalkPage[Page]], *, is_bin: bool) -> None:
        """Keep the rows of a page that the warehouse lacks; the page itself was counted.

        Rows of which the page gives only a part are asked for alone.
        """
        if not found.page.content.content.is_whole:
            self._following.suspect(found.page.ids[row] for row in found.keep)
            return
        answered = Answered(page=found.page.content, keep=found.keep, source=found.list_name, is_bin=is_bin)
        self._intake.add(answered, is_news=False)

    def _conclude(self, checking: Checking, part: Part, rows: int) -> None:
        """Have the rows that no list shows asked for alone."""
        self._was_unordered = checking.outcome is Outcome.UNORDERED
        if self._was_unordered:
            self._unordered.add(part)
        if not checking.is_to_load and not self._following.would_ask(checking.candidates):
            self._in_vain.add(part)
        if checking.outcome is Outcome.SETTLED and checking.difference is not None:
            self.traced[part] = rows + checking.difference
        self._suspect(checking.candidates)

    def _suspect(self, ids: frozenset[int]) -> None:
        allowed = self._most() if ids else 0
        if len(ids) > allowed:
            raise too_many(len(ids), allowed)
        self._following.suspect(ids)
