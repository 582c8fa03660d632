"""The lists of one object in a run, taken together: what they hold by their own word, and whether they stood still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from freshsales_source.decode import Page
from freshsales_source.reading.errands import Errand
from freshsales_source.reading.listing import Listing
from freshsales_source.reading.walking import Walking
from freshsales_source.walk import Step
from freshsales_source.warehouse.stored_rows import Part


class Lists:
    """The walks through an object's lists; none are known before the object was prepared."""

    def __init__(self) -> None:
        self._walkings: list[Walking] | None = None
        self._before: dict[str, tuple[int | None, tuple[int, int] | None]] = {}

    def __iter__(self) -> Iterator[Walking]:
        return iter(self._walkings or ())

    @property
    def are_known(self) -> bool:
        """Whether the object was prepared, so that there are walks."""
        return self._walkings is not None

    def begin(self, walkings: Iterable[Walking]) -> None:
        """Take these walks."""
        self._walkings = list(walkings)

    def begin_anew(self) -> None:
        """Forget the walks, but for what their lists held."""
        self._before = {w.listing.key: (w.total, w.top) for w in self}
        self._walkings = None

    @property
    def in_turn(self) -> list[Walking]:
        """All of them, the one that was begun longest ago first, so that runs with few calls come to each."""
        return sorted(self, key=lambda w: w.begun_before)

    @property
    def waited(self) -> bool:
        """Whether what earlier runs left open in one of them was not gone on with."""
        return any(w.is_at_backlog and not w.has_gone_on for w in self)

    def leave(self) -> None:
        """Go on without the walks that are of no use any more."""
        if self._walkings is not None:
            self._walkings = [walking for walking in self._walkings if not walking.is_left]

    def of(self, part: Part) -> list[Walking]:
        """The lists that together show the rows of a part, each row once."""
        if part is Part.SETTLED:
            return [w for w in self if w.listing.is_read_once]
        is_bin = part is Part.BINNED
        return [w for w in self if w.listing.is_bin is is_bin and not w.is_extra]

    @property
    def live_keys(self) -> list[str]:
        """The names of the lists of live records that each run reads; one that is read once counts until then."""
        return [w.listing.key for w in self if not (w.listing.is_bin or w.is_only_counted)]

    @property
    def expected(self) -> int | None:
        """How many live records the lists said they hold, when last asked; None where one of them has no total.

        None, too, where some records, but not all, stand in several of its lists.
        """
        live = self.of(Part.LIVE)
        if not any(w.listing.is_watched for w in live) or _sum_of_totals(live) is None:
            return _sum_of_totals(live)
        shown = {record_id for w in live for record_id in w.shown}
        others = [record_id for w in live if not w.listing.is_watched for record_id in w.first_ids]
        twice = [record_id for record_id in others if record_id in shown]
        if not twice:
            return _sum_of_totals(live)
        # Both filters were seen to show the same records, all of them: then each one's total is that of all.
        show_the_same = twice == others and len({w.total for w in live}) == 1
        return live[0].total if show_the_same else None

    @property
    def listings(self) -> list[Listing]:
        """The lists that together show every record."""
        return [w.listing for w in self if not w.is_extra]

    @property
    def begun(self) -> dict[str, int]:
        """When each list was begun to be read in this run, in seconds by the server's clock; by the list's name."""
        return {w.listing.key: w.begun_at for w in self if w.begun_at is not None}

    @property
    def watched_total(self) -> int | None:
        """How many records the watched lists hold; None where there are none, or records may stand in others, too."""
        watched = [w for w in self.of(Part.LIVE) if w.listing.is_watched]
        total = _sum_of_totals(watched)
        return total if total is not None and self.expected == _sum_of_totals(self.of(Part.LIVE)) else None

    @property
    def were_read_whole(self) -> bool:
        """Whether this run read all live records from the top of each list to its end, whatever had changed."""
        return all(w.begun_at is not None and not w.listing.is_ordered for w in self.of(Part.LIVE))

    def total(self, part: Part) -> int | None:
        """How many records the lists of a part said they hold, when last asked; None where one has no total."""
        return _sum_of_totals(self.of(part))

    @property
    def have_moved(self) -> bool:
        """Whether a list's total changed while it was read, or, read again, its top or total."""
        return any(
            walking.has_moved
            or self._before.get(walking.listing.key, (walking.total, walking.top))
            != (walking.total, walking.top)
            for walking in self
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the walks leave open."""
        return tuple(f'{doubt} (view "{w.listing.title}")' for w in self for doubt in w.doubts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why totals cannot be compared."""
        capped = (w.listing.title for w in self if w.is_capped)
        return tuple(f'the total of view "{title}" stops short of its records' for title in capped)


def _sum_of_totals(walkings: Sequence[Walking]) -> int | None:
    totals = [w.total for w in walkings if w.total is not None and not w.is_capped]
    return sum(totals) if walkings and len(totals) == len(walkings) else None


class WalkErrand:
    """A walk as an errand of its reader: `take_in` gets each step, None at the end."""

    def __init__(self, walking: Walking, take_in: Callable[[Walking, Step[Page] | None], None]) -> None:
        self._walking = walking
        self._take_in = take_in

    @property
    def is_done(self) -> bool:
        """Whether the walk has ended."""
        return self._walking.is_done

    @property
    def is_at_backlog(self) -> bool:
        """Whether the walk has read what is new."""
        return self._walking.is_at_backlog

    def step(self) -> None:
        """Read the next page."""
        self._take_in(self._walking, self._walking.step())


def is_backlog(errand: Errand) -> bool:
    """Whether an errand is a walk, and what it would read next was left open by earlier runs."""
    return isinstance(errand, WalkErrand) and errand.is_at_backlog


def is_walk(errand: Errand) -> bool:
    """Whether an errand is a walk: it asks the CRM only, never for rows of the warehouse that are on their way."""
    return isinstance(errand, WalkErrand)
