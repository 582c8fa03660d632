"""How many calls a census takes: they grow with the logarithm of the pages, not with the account."""

from math import log2

import pytest

from tests.census_replica import Replica
from tests.census_world import Records, World, imported, without

SIZES = [1_000, 10_000, 100_000]
PAGE = 100


def bound(records: int) -> float:
    """The promise of 2 * log2(pages) + 5 calls, less the two that confirm a record."""
    return 2 * log2(records / PAGE) + 3


def some_ids(records: Records) -> list[int]:
    """Records at both ends, beside page boundaries and in between."""
    ids = sorted(records)
    places = [0, 1, PAGE - 1, PAGE, len(ids) // 3, len(ids) // 2, len(ids) - PAGE - 1, len(ids) - 1]
    return [ids[place] for place in places]


@pytest.mark.parametrize("size", SIZES)
def test_one_vanished_record_is_found_in_logarithmic_time(size: int) -> None:
    records = imported(size)
    for i in some_ids(records):
        report = Replica(rows=records).bisect(World(lists={"contacts": without(records, [i])}))
        assert report.settles(vanished=[i])
        assert report.calls <= bound(size)


@pytest.mark.parametrize("size", SIZES)
def test_one_record_that_is_missing_here_is_found_in_logarithmic_time(size: int) -> None:
    records = imported(size)
    for i in some_ids(records):
        report = Replica(rows=without(records, [i])).bisect(World(lists={"contacts": records}))
        assert report.settles(missing={i: records[i]})
        assert report.calls <= bound(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [0, 3])
def test_ten_scattered_records_cost_at_most_ten_times_as_much(size: int, first: int) -> None:
    records = imported(size)
    gone = set(sorted(records)[first :: size // 10][:10])
    report = Replica(rows=records).bisect(World(lists={"contacts": without(records, gone)}))
    assert report.settles(vanished=gone)
    assert report.calls <= 10 * bound(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("after", [0, 0.5, 1], ids=["in front", "in the middle", "behind"])
def test_an_import_of_one_second_elsewhere_adds_a_logarithm(size: int, after: float) -> None:
    others = imported(size)
    block = imported(50_000, first_id=10_000_000, key=1_000_000 + int(size * after) * 7 - 1, step=0)
    records = {**others, **block}
    for i in some_ids(others)[::2]:
        report = Replica(rows=records).bisect(World(lists={"contacts": without(records, [i])}))
        assert report.settles(vanished=[i])
        assert report.calls <= bound(size) + 2 * log2((size + 50_000) / PAGE)


@pytest.mark.parametrize("size", SIZES)
def test_a_difference_inside_an_import_of_one_second_costs_its_pages(size: int) -> None:
    block = imported(20_000, first_id=10_000_000, key=1_000_000 + size * 3 + 1, step=0)
    records = {**imported(size), **block}
    report = Replica(rows=records).bisect(World(lists={"contacts": without(records, [10_000_777])}))
    assert report.settles(vanished=[10_000_777])
    assert report.calls <= bound(size + 20_000) + 20_000 / PAGE


@pytest.mark.parametrize("size", SIZES)
def test_three_lists_that_count_as_one_cost_at_most_three_times_as_much(size: int) -> None:
    records = imported(size)
    for i in some_ids(records):
        left = without(records, [i])
        lists = {
            name: {i: key for i, key in left.items() if i * 7919 % 10 in digits}
            for name, digits in {"open": {0, 1}, "won": {2, 3, 4}, "lost": {5, 6, 7, 8, 9}}.items()
        }
        report = Replica(rows=records).bisect(World(lists=lists))
        assert report.settles(vanished=[i])
        assert report.calls <= 3 * bound(size)


def test_lists_of_different_ages_are_searched_as_fast() -> None:
    records = imported(30_000)
    lists = {
        "lost": {i: key for i, key in records.items() if i <= 20_000 and i % 3},
        "won": {i: key for i, key in records.items() if i <= 20_000 and not i % 3},
        "open": {i: key for i, key in records.items() if i > 20_000},
    }
    for i in some_ids(records):
        world = World(lists={name: without(one, [i]) for name, one in lists.items()})
        report = Replica(rows=records).bisect(world)
        assert report.settles(vanished=[i])
        assert report.calls <= 3 * bound(30_000)


@pytest.mark.parametrize("size", SIZES)
def test_equal_counts_cost_one_call_a_list(size: int) -> None:
    records = imported(size)
    report = Replica(rows=records).bisect(World(lists={"contacts": records}))
    assert report.settles()
    assert report.calls == 1
