"""Records that are missing where they stood: each is fetched alone, to learn what became of it.

A list tells only that a record is not in it. The record itself tells whether it changed (200), is gone (404,
documented; or the server points to the record it was merged into, unknown), or is out of this key's sight (403).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from freshsales_source.decode import Page
from freshsales_source.errors import Forbidden
from freshsales_source.plural import counted
from freshsales_source.reading.vanishing import too_many

Fetch: TypeAlias = Callable[[int], Page | None]
"""The record of that id, alone; None where it is gone. Raises Forbidden."""
Found: TypeAlias = Callable[[int, Page | None], None]
"""Takes what became of a record that is not gone: itself, or None where it is out of sight."""


class Witness(Protocol):
    """Names a record that must be there; None where none is known."""

    def __call__(self, *, may_be_binned: bool) -> int | None:
        """The id of a live record, or, if it `may_be_binned`, of one in the bin."""
        ...


class Following:
    """Fetches suspects one a step; an errand of the reader.

    A 404 is believed only once a record that must be there was answered in this run, for a route that is closed to
    this key may look the same: `witness` gives the id of such a record. Where none is known, as in an object that is
    empty now, one in the bin is asked for, which some servers answer. Else a 404 is believed only if the user said so
    (`is_trusting`).
    """

    def __init__(self, fetch: Fetch, found: Found, witness: Witness, *, is_trusting: bool = False) -> None:
        self._is_trusting = is_trusting
        self._fetch = fetch
        self._found = found
        self._witness = witness
        self._suspects: dict[int, None] = {}
        self._later: tuple[int, ...] = ()
        self._asked: set[int] = set()
        self._missing: dict[int, None] = {}
        self._flagged = 0
        self._works: bool | None = None
        self._there = 0
        self._out_of_sight = 0
        self._lock = threading.Lock()

    @property
    def is_done(self) -> bool:
        """Whether every suspect was asked for, and the answers are believed or cannot be."""
        return not self._suspects and not self._is_to_be_proven and not self._has_come_later

    @property
    def doubts(self) -> tuple[str, ...]:
        """What these records leave open."""
        if self._is_believed or not self._missing:
            return ()
        gone = counted(len(self._missing), "row")
        they_are = "it is" if len(self._missing) == 1 else "they are"
        doubt = f"{gone} may have vanished, but no record that is there could be fetched alone"
        return (f"{doubt}; if {they_are} really gone, run once with --accept-vanished",)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may explain counts that differ."""
        answer = "answers" if self._there == 1 else "answer"
        there = f"{counted(self._there, 'record')} that no list shows {answer} when asked for alone"
        out_of_sight = [told_out_of_sight(self._out_of_sight)] if self._out_of_sight else []
        return (*([there] if self._there else []), *out_of_sight)

    @property
    def out_of_sight(self) -> int:
        """How many of the suspects are out of this key's sight."""
        return self._out_of_sight

    @property
    def flagged(self) -> int:
        """How many records this run has told of as gone."""
        return self._flagged

    def would_ask(self, ids: Iterable[int]) -> bool:
        """Whether any of these records was not asked for yet in this run."""
        return any(i not in self._asked for i in ids)

    def suspect(self, ids: Iterable[int]) -> None:
        """Have these records fetched, each once in this run."""
        with self._lock:
            new = dict.fromkeys(i for i in ids if i not in self._asked)
            self._suspects.update(new)
            self._asked.update(new)

    def suspect_later(self, ids: Iterable[int]) -> None:
        """Have these records fetched as soon as a witness is known; never, if none turns up."""
        self._later = tuple(ids)

    @property
    def _has_come_later(self) -> bool:
        return bool(self._later) and self._witness(may_be_binned=False) is not None

    def step(self) -> None:
        """Fetch the next suspect, or the witness once a suspect is missing."""
        if self._has_come_later:
            later, self._later = self._later, ()
            self.suspect(later)
        if self._is_to_be_proven:
            self._prove()
            return
        with self._lock:
            if not self._suspects:
                return
            record_id = next(iter(self._suspects))
            del self._suspects[record_id]
        try:
            page = self._fetch(record_id)
        except Forbidden:
            self._out_of_sight += 1
            self._found(record_id, None)
            return
        if page is None:
            self._missing[record_id] = None
            return
        self._works = True
        self._there += 1
        self._found(record_id, page)

    def vanished(self, most: Callable[[], int]) -> list[int]:
        """The records that are gone for certain, each told once; `most` says how many may vanish in one run.

        Those that would be too many together are kept back until every suspect was asked for. Raises
        TooManyVanished.
        """
        if not self._missing or not self._is_believed:
            return []
        allowed, gone = most(), self._flagged + len(self._missing)
        if gone > allowed:
            raise too_many(gone, allowed)
        if gone + len(self._suspects) > allowed:
            return []
        found, self._missing = list(self._missing), {}
        self._flagged = gone
        return found

    @property
    def _is_believed(self) -> bool:
        return bool(self._works) or (self._works is None and self._is_trusting and not self._suspects)

    @property
    def _is_to_be_proven(self) -> bool:
        return bool(self._missing) and self._works is None and self._witness(may_be_binned=True) is not None

    def _prove(self) -> None:
        record_id = self._witness(may_be_binned=True)
        try:
            self._works = record_id is not None and self._fetch(record_id) is not None
        except Forbidden:
            self._works = False


def told_out_of_sight(records: int) -> str:
    """What the report says of records that this key may not fetch."""
    are = "is" if records == 1 else "are"
    return f"{counted(records, 'record')} {are} out of this key's sight (403)"
