"""Random schedules: a CRM that people change between any two requests, a census, a refresh;
then quiet, and a comparison."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from freshsales_source.census import END, NULLS_FIRST, NULLS_LAST, Outcome
from tests.census_replica import Replica, Report
from tests.census_world import ENDS, META, Records, Switches, World

SEEDS = range(400)


class Life:
    """One random account with its warehouse, and what people do to it."""

    def __init__(self, seed: int, *, is_still: bool = False) -> None:
        self.random = Random(seed)
        self.now = 2_000
        self.erased: Records = {}
        self.world = World(switches=self._switches())
        self.replica = Replica(rows={})
        self._found()
        if not is_still:
            self.world.before_request = self._live

    def quiet(self) -> None:
        self.world.before_request = lambda: None

    @property
    def vanished(self) -> set[int]:
        return set(self.replica.rows) - set(self.world.records)

    @property
    def missing(self) -> Records:
        here = self.replica.rows
        return {i: key for i, key in self.world.records.items() if here.get(i) != key}

    @property
    def most_calls(self) -> int:
        """Every page of every list, the search for each end, and that as often as a census may start over."""
        pages = sum(
            -(-len(records) // self.world.switches.page_size) for records in self.world.lists.values()
        )
        return 4 * (pages + 12 * len(self.world.lists) + 20)

    def _switches(self) -> Switches:
        return Switches(
            meta=self.random.choice(META),
            past_the_end=self.random.choice(ENDS),
            page_size=self.random.choice([1, 2, 3, 5, 10]),
            ties=self.random.choice(["by id", "by id, newest first", "by chance"]),
            total_is_cached=self.random.random() < 0.1,
            total_cap=self.random.choice([END, END, END, 7]),
        )

    def _found(self) -> None:
        """Records of which each may be missing on either side, in keys that many share."""
        chance, many = self.random.choice([0, 0.02, 0.1]), self.random.choice([0, 1, 5, 40, 120])
        keys = self.random.choice([3, 20, 1_000])
        block = self.random.randrange(keys)
        self.world.lists = {name: {} for name in "abc"[: self.random.choice([1, 1, 3])]}
        for i in range(1, many + 1):
            key = self.random.choice([self.random.randrange(keys), self.random.randrange(keys), block])
            key = key if self.random.random() > 0.05 else self.random.choice([NULLS_FIRST, NULLS_LAST])
            side = self.random.random()
            if side >= chance:
                self.world.put(self._any_list(), i, key)
            if side >= 2 * chance or side < chance:
                self.replica.rows[i] = (
                    key if self.random.random() > chance / 4 else self.random.randrange(keys)
                )
        if self.world.switches.total_is_cached:
            wrong = self.random.choice([-2, -1, 0, 1, 2])
            sizes = {name: len(records) for name, records in self.world.lists.items()}
            self.world.cached_totals = {name: max(0, size + wrong) for name, size in sizes.items()}

    def _any_list(self) -> str:
        return self.random.choice(list(self.world.lists))

    def _live(self) -> None:
        events: list[Callable[[], None]] = [self._create, self._erase, self._restore, self._merge, self._move]
        if self.random.random() < 0.2:
            self.random.choice(events)()

    def _create(self) -> None:
        self.now += self.random.choice([0, 1, 5])
        for _ in range(self.random.choice([1, 1, 1, 8])):
            i = max([*self.world.records, *self.replica.rows, *self.erased, 0]) + 1
            self.world.put(self._any_list(), i, self.now)

    def _erase(self) -> None:
        for _ in range(self.random.choice([1, 1, 4])):
            if records := self.world.records:
                i = self.random.choice(sorted(records))
                self.erased[i] = records[i]
                self.world.remove(i)

    def _restore(self) -> None:
        if self.erased:
            i = self.random.choice(sorted(self.erased))
            self.world.put(self._any_list(), i, self.erased.pop(i))

    def _merge(self) -> None:
        """One of two records goes; the other takes the older key."""
        if len(records := self.world.records) > 1:
            kept, gone = self.random.sample(sorted(records), 2)
            name = next(name for name, ids in self.world.lists.items() if kept in ids)
            self.world.put(name, kept, min(records[kept], records[gone]))
            self.world.remove(gone)

    def _move(self) -> None:
        if records := self.world.records:
            i = self.random.choice(sorted(records))
            self.world.put(self._any_list(), i, records[i])


def assert_served(life: Life, report: Report, before: Records) -> None:
    """What was loaded was served as such and not known; what is a candidate was stored, and on no page it read."""
    assert all(key in life.world.served[i] for i, key in report.loaded.items())
    assert all(before.get(i) != key for i, key in report.loaded.items())
    assert report.candidates <= before.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_still_world_the_census_names_what_differs_and_nothing_else(seed: int) -> None:
    life = Life(seed, is_still=True)
    vanished, missing = life.vanished, life.missing
    has_other_keys = not missing.keys().isdisjoint(life.replica.rows)
    report = life.replica.bisect(life.world)

    assert report.outcome is Outcome.SETTLED
    assert report.calls <= life.most_calls
    assert report.candidates <= vanished | missing.keys()
    assert report.loaded.items() <= missing.items()
    tells_the_truth = not life.world.switches.total_is_cached and (
        life.world.switches.total_cap == END or life.world.switches.meta != "total"
    )
    if tells_the_truth and not missing:
        assert report.candidates == vanished
    if tells_the_truth and not vanished and not has_other_keys:
        assert report.loaded == missing


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_still_world_the_refresh_finds_every_difference_pairs_included(seed: int) -> None:
    life = Life(seed, is_still=True)
    vanished, missing = life.vanished, life.missing
    reports = life.replica.refresh_cycle(life.world, pages=life.random.choice([1, 2, 3, 50]))

    loaded = {i: key for report in reports for i, key in report.loaded.items()}
    candidates = {i for report in reports for i in report.candidates}
    # A record that slid past in the last call of a run is a candidate of the next, so it is asked for alone.
    assert life.world.records.keys() <= {i for report in reports for i in report.shown} | candidates
    assert loaded.items() <= missing.items()
    assert missing.keys() <= loaded.keys() | candidates
    assert vanished <= candidates <= vanished | missing.keys()
    assert life.replica.rows == life.world.records


@pytest.mark.parametrize("seed", SEEDS)
def test_while_people_work_nothing_is_invented_and_afterwards_all_is_found(seed: int) -> None:
    life = Life(seed)
    for _ in range(2):
        before = dict(life.replica.rows)
        report = life.replica.bisect(life.world)
        assert_served(life, report, before)
        assert report.calls <= life.most_calls
    for _ in range(life.random.choice([1, 5, 20])):
        before = dict(life.replica.rows)
        report = life.replica.refresh(life.world, pages=life.random.choice([1, 2, 3]))
        assert_served(life, report, before)
    life.quiet()
    assert life.replica.bisect(life.world).outcome is Outcome.SETTLED
    life.replica.refresh_cycle(life.world, pages=2)
    assert life.replica.rows == life.world.records
