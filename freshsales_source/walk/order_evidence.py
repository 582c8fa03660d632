"""Whether records came in the order that was asked for, told from the records alone.

A server that ignores an order still answers, and few records, or equal ones, stand in any order. So an order counts
as shown only where enough values differ, and where the order of the ids would not look the same; one value out of
place shows that it was ignored.
"""

from __future__ import annotations

ENOUGH = 5
"""Different values in order before that is no accident: one chance in 120."""


class OrderWatch:
    """Sees the values of one column go by, with the ids of their records, in the order served."""

    def __init__(self, *, descending: bool) -> None:
        self.distinct = 0
        """Different values seen, as long as they came in order."""
        self.is_broken = False
        """Whether a value was out of place."""
        self._sign = -1 if descending else 1
        self._last: tuple[int, int] | None = None
        self._id_signs: set[int] = set()

    def see(self, value: int, record_id: int) -> None:
        """Take in the next record."""
        if self._last is None:
            self.distinct = 1
        else:
            value_before, id_before = self._last
            step = (value - value_before) * self._sign
            self.is_broken = self.is_broken or step < 0
            self.distinct += step != 0
            self._id_signs.add((record_id > id_before) - (record_id < id_before))
        self._last = (value, record_id)

    @property
    def is_by_id(self) -> bool:
        """Whether the ids only rose, or only fell: their order would explain what was seen as well."""
        return len(self._id_signs) < 2

    @property
    def is_shown(self) -> bool:
        """Whether the records are in the order asked for, and by nothing else."""
        return not self.is_broken and self.distinct >= ENOUGH and not self.is_by_id
