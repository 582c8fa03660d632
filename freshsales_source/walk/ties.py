"""Records that share one stamp: has their order changed while they were read?

Paging is safe while equal stamps keep their order. Where they do not, a record can hop over a page boundary and
never be read. The proof either way lies in the ids. Positions are read without a gap, so inside a stamp that a
page boundary cuts, exactly as many records were missed as came twice, less those that were pushed down.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

TAIL = 200
"""Ids of the current stamp kept at a cut, to recognise the place again; about 2.5 kB of state."""
SELF_EVIDENT = 500
"""A stamp with more records than this crosses so many boundaries that a changing order shows itself."""


class Overlap(Enum):
    """What the ids that came twice inside one stamp say."""

    HARMLESS = auto()
    """None came twice, or no more than the stretch was known to overlap."""
    PUSHED = auto()
    """The page begins with ids that came before, in their order: edits pushed them down, or chance put them there."""
    RESHUFFLED = auto()
    """The ids came back in another order, or behind new ones: equal stamps have no fixed order here."""


class Ties:
    """The records read so far with one stamp, the lowest of the last page, which the next page may continue."""

    def __init__(self, stamp: int | None = None, ids: Sequence[int] = ()) -> None:
        self.stamp = stamp
        self._ids = dict.fromkeys(ids)
        self._is_partial = len(ids) == TAIL

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, record_id: int) -> bool:
        return record_id in self._ids

    @property
    def tail(self) -> tuple[int, ...]:
        """The last ids read with this stamp, in the order served."""
        return tuple(self._ids)[-TAIL:]

    def add(self, ids: Sequence[int], *, known_overlap: int) -> Overlap:
        """Add the next page's ids with this stamp; of them the first `known_overlap` are expected to come twice."""
        common = [i for i in ids if i in self._ids]
        verdict = self._judge(ids, common, known_overlap)
        for record_id in common:
            del self._ids[record_id]
        self._ids.update(dict.fromkeys(ids))
        return verdict

    def _judge(self, ids: Sequence[int], common: list[int], known_overlap: int) -> Overlap:
        if not common:
            return Overlap.HARMLESS
        # A tail cut short does not know the ids before it, which may come again first.
        first = ids.index(common[0]) if self._is_partial else 0
        twice = set(common)
        if list(ids[first : first + len(common)]) != common or [i for i in self._ids if i in twice] != common:
            return Overlap.RESHUFFLED
        return Overlap.HARMLESS if len(common) <= known_overlap else Overlap.PUSHED
