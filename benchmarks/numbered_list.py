"""A list of any number of records that exist only as numbers, in the orders of the API, with edits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass

SPACING_S = 20
"""Seconds between the stamps of two neighbours: a million records span seven months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """One record as it is now: its stamps in epoch seconds, and how often it was edited."""

    number: int
    created_at: int
    updated_at: int
    version: int


class NumberedList:
    """`count` records, the youngest of them created and last updated at `newest` (epoch seconds).

    Memory and time grow with the edits, not with `count`.
    """

    def __init__(self, count: int, newest: int) -> None:
        self.count = count
        self._first = newest - (count - 1) * SPACING_S
        self._versions: dict[int, int] = {}
        # By number, and by (stamp, number).
        self._edited: list[int] = []
        self._edits: list[tuple[int, int]] = []
        self._stamps: dict[int, int] = {}

    def edit(self, count: int, at: int, *, offset: int = 0) -> list[int]:
        """Edit so many records at once, evenly spread over the list, and return their numbers."""
        numbers = [(offset + i * self.count // count) % self.count for i in range(count)]
        for number in numbers:
            self._edit(number, at)
        return numbers

    def window(self, start: int, size: int, *, order: str, descending: bool) -> list[Numbered]:
        """The records at positions `start` to `start + size` of an order: `updated_at`, or any other for their age."""
        places = range(self.count)
        chosen = places[::-1][start : start + size] if descending else places[start : start + size]
        numbers = [self._updated(place) for place in chosen] if order == "updated_at" else list(chosen)
        return [self.record(number) for number in numbers]

    def record(self, number: int) -> Numbered:
        """The record of that number."""
        created = self._first + number * SPACING_S
        return Numbered(
            number=number,
            created_at=created,
            updated_at=self._stamps.get(number, created),
            version=self._versions.get(number, 0),
        )

    def _edit(self, number: int, at: int) -> None:
        if number in self._stamps:
            self._edits.remove((self._stamps[number], number))
        else:
            insort(self._edited, number)
        insort(self._edits, (at, number))
        self._stamps[number] = at
        self._versions[number] = self._versions.get(number, 0) + 1

    def _updated(self, place: int) -> int:
        """The number at a place of the order by `updated_at`, oldest first: edits are younger than all else."""
        untouched = self.count - len(self._edited)
        if place >= untouched:
            return self._edits[place - untouched][1]
        number = place
        while (shifted := place + bisect_right(self._edited, number)) != number:
            number = shifted
        return number

    def position(self, number: int) -> int:
        """The place of a record in the order by `updated_at`, oldest first."""
        if number in self._stamps:
            untouched = self.count - len(self._edited)
            return untouched + bisect_left(self._edits, (self._stamps[number], number))
        return number - bisect_left(self._edited, number)
