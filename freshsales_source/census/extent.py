"""How long a list is: told by its envelope, or searched for where the envelope is silent or proven wrong.

A short page proves no end. An empty page, a 404 behind an answered page, or a page that repeats another does.
"""

from __future__ import annotations

from typing import Any

from freshsales_source.census.page import RankedPage, likeness


class Extent:
    """The number of records of one list when the census began, and which page to ask for to learn it.

    `expected` is a guess of the number, from the warehouse. With `trusts_total` off the envelope's counts are not
    used: they contradicted the rows.
    """

    def __init__(self, expected: int, *, trusts_total: bool = True) -> None:
        self.size: int | None = None
        """Records in the list; later creations stand behind them and are left out. None until known."""
        self._expected = expected
        self._trusts_total = trusts_total
        self._stride = 1
        self._front: dict[int, tuple[int, ...]] = {}
        self._behind: int | None = None
        self._repeated: tuple[int, ...] | None = None
        self._told: int | None = None
        self._reach, self._goes_on = 1, True

    @property
    def was_seen(self) -> bool:
        """Whether an answer showed that nothing stands behind the last record."""
        return self._behind is not None

    def question(self) -> int | None:
        """The page to ask for next; None once the size is known."""
        if self.size is not None:
            return None
        if not self._front:
            return 1 if self._behind is None else None
        if self._told is not None:
            return self._told
        return self._gallop()

    def observe(self, number: int, page: RankedPage[Any] | None) -> None:
        """Take in the answer to the question."""
        if number == 1 and page is not None:
            self._stride = max(1, len(page.ids))
            self._believe(page)
        if page is None or not page.ids:
            self._told, self._behind, self._repeated = None, number, None
            self._goes_on = False
        elif (looks := likeness(page)) == self._repeated:
            self._behind, self._goes_on = number, False
        elif (twin := self._twin(number, looks)) is not None:
            self._repeated = self._front.pop(twin)
            self._behind, self._goes_on, self._told = twin, False, None
        else:
            self._front[number] = looks
            self._goes_on = True
        self._conclude()

    def _believe(self, page: RankedPage[Any]) -> None:
        """Take the envelope's word where it does not contradict itself."""
        if not self._trusts_total:
            return
        total, pages = page.total, page.total_pages
        if total is not None and (pages is None or not page.ids or pages == -(-total // self._stride)):
            self.size = total
        elif total is None and pages is not None and pages > 1:
            self._told = pages
        elif total is None and pages == 1:
            self.size = len(page.ids)

    def _twin(self, number: int, looks: tuple[int, ...]) -> int | None:
        return next((n for n, seen in self._front.items() if n < number and seen == looks), None)

    def _conclude(self) -> None:
        if self.size is not None:
            return
        last = max(self._front, default=0)
        if self._told is not None and last == self._told:
            self.size = (last - 1) * self._stride + len(self._front[last])
        elif self._behind == last + 1:
            if self._repeated is not None:
                self.size = last * self._stride + len(self._repeated)
            else:
                self.size = (last - 1) * self._stride + len(self._front[last]) if last else 0

    def _gallop(self) -> int:
        """From the page where the end is expected, in steps that double, then halves what is left."""
        last, stop = max(self._front), self._behind
        expected = -(-self._expected // self._stride)
        if stop is None and expected > last:
            return expected
        number = last + self._reach if self._goes_on else (stop or last) - self._reach
        self._reach *= 2
        if stop is None:
            return max(number, last + 1)
        return number if last < number < stop else (last + stop) // 2
