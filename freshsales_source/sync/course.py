"""The course of a sync: what is read first, what after it, and what only where counts differ.

Calls are spent on what is new before what is old: first on the changes and deletions of all objects since the last
run, deletions that only the counts show among them, then on what cut runs left open. Every part makes loads until no
reader has anything left. Each later part looks at what the earlier ones left open, so an idle run ends after the
first; the rolling refresh comes after them, in a run that was not cut. Last come the feeds of single records: they
take a call for each, and would leave none for all the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from freshsales_source.census import turns
from freshsales_source.errors import Interrupted, RetriableError
from freshsales_source.feeds.reader import FeedReader
from freshsales_source.reading import ObjectReader
from freshsales_source.reading.lookups import LookupReader
from freshsales_source.resources.entity_resource import Reader, SharedRun
from freshsales_source.run import Run
from freshsales_source.sync.judgement import Judge
from freshsales_source.sync.verdicts import Facts
from freshsales_source.warehouse.stored_rows import Part

RE_WALKS = 3
"""Short walks after unequal counts, before a busy CRM is called moving."""
CENSUSES = 3
"""Searches for what makes counts differ, as long as each of them finds something."""


class Course:
    """Takes the readers of one run to their end.

    `load` makes one load: of what the readers have, and its state. `held` keeps the warehouse open for many questions.
    """

    def __init__(
        self,
        run: Run,
        shared: SharedRun,
        judge: Judge,
        *,
        load: Callable[[], None],
        held: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._run = run
        self._shared = shared
        self._judge = judge
        self._load = load
        self._held = held
        self._compared: frozenset[str] = frozenset()
        self._refresh_pages = run.settings.refresh_pages
        run.holds_backlog = shared.holds_feeds = True

    def take(self) -> None:
        """Read, load, and compare, until nothing more can be done in this run."""
        self._read_and_compare()
        self._run.holds_backlog = False
        if not self._are_all_done:
            self._compared = frozenset(reader.entity.name for reader in self._readers if reader.is_done)
            self._read_and_compare()
            self._compared = frozenset()
        self._read_doubtful()
        self._look_twice()
        self._heed_hidden()
        self._refresh()
        self._read_feeds()

    def _read_and_compare(self) -> None:
        """Read what may be read now, and see to it that counts agree."""
        self._read()
        self._read_again()
        self._read_everything()
        self._trace()
        self._read_everything()

    def _read(self) -> None:
        """Load slice after slice until no reader has anything left, rows included that were not shown any more."""
        while True:
            self._load()
            if self._shared.is_ahead:
                continue
            if not self._are_all_done:
                continue
            settled = [reader.reconciliation.settle() for reader in self._readers]
            if not any(settled):
                return

    def _read_again(self) -> None:
        """Read the newest of what does not match once more: a record may have moved between two lists meanwhile.

        At most three times, and only as long as something moves: what stands still and differs is searched for.
        """
        for attempt in range(RE_WALKS):
            found = self._differences()
            differing = [(r, by) for r, by in found if by and not r.reconciliation.is_settled_difference(by)]
            if attempt:
                differing = [(reader, by) for reader, by in differing if reader.progress.has_moved]
            if not differing:
                return
            for reader, differences in differing:
                reader.progress.read_again(differences)
            self._read()

    def _read_everything(self) -> None:
        """Read lists again that are otherwise only counted, or read as far as they changed, where counts differ."""
        while any(heeds for heeds in [r.reconciliation.heed(by) for r, by in self._differences()]):
            self._read()

    def _differences(self) -> list[tuple[ObjectReader, tuple[int, ...]]]:
        """The readers, each with the differences of its counts."""
        readers = self._readers
        facts = self._judge.all_facts(readers)
        return [(reader, one.differences) for reader, one in zip(readers, facts, strict=True)]

    def _trace(self) -> None:
        """Trace counts that differ to their records, those of the bins first: they explain some of the others.

        Once more where that changed something: one of two differences that cancel can hide the other.
        """
        for part in (Part.BINNED, Part.LIVE):
            for _ in range(CENSUSES):
                with self._held():
                    for reader in self._readers:
                        reader.reconciliation.check(part)
                if self._are_all_done:
                    break
                self._read()

    def _read_doubtful(self) -> None:
        """Read once more what a long walk of the last run may have missed; it may have hidden what vanished."""
        for reader in self._readers:
            reader.reconciliation.read_doubtful_again()
        if not self._are_all_done:
            self._read()
            self._trace()

    def _look_twice(self) -> None:
        """Read the newest once more of an object that changed, and whose counts differ or whose reading broke off.

        Totals tell of a record that went only when they are asked for again; the last ones may be those of long ago.
        """
        changed = [
            reader for reader in self._readers if reader.tally.rows_loaded and not reader.tally.has_ended
        ]
        found = zip(changed, self._judge.all_facts(changed), strict=True)
        doubtful = [(reader, facts) for reader, facts in found if _may_have_moved(reader, facts)]
        for reader, facts in doubtful:
            reader.progress.read_again(facts.differences)
        if doubtful:
            self._read()
            self._read_everything()
            self._trace()

    def _heed_hidden(self) -> None:
        """Remember whose lists hide records, and read what changed meanwhile where they show all again."""
        readers = self._readers
        found = zip(readers, self._judge.all_facts(readers), strict=True)
        news = [_note_sight(reader, facts) for reader, facts in found]
        if any(news):
            self._read()
            self._trace()

    def _refresh(self) -> None:
        """Read some old pages again, what was left unread longest first."""
        errors = [reader.tally.error for reader in self._shared.readers.values()]
        if any(isinstance(error, RetriableError | Interrupted) for error in errors):
            return
        readers = self._readers if self._refresh_pages else []
        claims = [claim for reader in readers for claim in reader.reconciliation.claims()]
        granted = turns(claims, self._refresh_pages)
        if not granted:
            return
        for reader in self._readers:
            reader.reconciliation.refresh(granted)
        self._read()

    def _read_feeds(self) -> None:
        """Read the feeds of all records that were loaded."""
        self._shared.holds_feeds = False
        if not self._are_all_done:
            self._read()

    @property
    def _readers(self) -> list[ObjectReader]:
        """The readers of objects with records of their own, but for those that wait or were compared before."""
        return [
            reader
            for reader in self._shared.readers.values()
            if isinstance(reader, ObjectReader)
            and not reader.is_held
            and reader.entity.name not in self._compared
        ]

    @property
    def _are_all_done(self) -> bool:
        """Whether no reader has anything left that it may read now."""
        return all(reader.is_done or self._waits(reader) for reader in self._shared.readers.values())

    def _waits(self, reader: Reader) -> bool:
        """Whether a reader has to wait: with a feed, with what earlier runs left, or, as a lookup, for records."""
        match reader:
            case FeedReader():
                return self._shared.holds_feeds
            case ObjectReader():
                return reader.is_held
            case LookupReader():
                return any(
                    one.is_held for one in self._shared.readers.values() if isinstance(one, ObjectReader)
                )


def _may_have_moved(reader: ObjectReader, facts: Facts) -> bool:
    """Whether people may be at work on an object though no total told so."""
    # A search whose total fell meanwhile ends before it.
    is_broken_off = not facts.is_complete and facts.has_moved
    is_settled = reader.reconciliation.is_settled_difference(facts.differences)
    return is_broken_off or (facts.stood_still and not is_settled)


def _note_sight(reader: ObjectReader, facts: Facts) -> bool:
    """Note that records of an object went out of sight, or came back; whether there is something to load for it."""
    if facts.has_hidden:
        return reader.reconciliation.note_hidden()
    return facts.is_matched and reader.reconciliation.read_hidden()
