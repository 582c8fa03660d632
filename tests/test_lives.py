"""Random lives of a whole account, synced all the while through dlt into DuckDB: in the end the copy is the account.

Between any two requests people and jobs create, edit, edit in bulk, move, complete, delete, restore, merge and erase
records, empty the bin, edit without a stamp and write stamps of their own. Compared are ids and values, lists, bridges,
flags with their reasons and dates. What changed under a moved stamp must be here after quiet and one run; all the rest
after one cycle of the refresh; and no verdict may say `matched` where a record is missing or too many.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from freshsales_source.sync.report import ObjectReport, RunReport
from tests.connector import of, verdicts
from tests.lives import NO_COUNT, Living, begin
from tests.people import ACTS, EVERY_OBJECT, MERGED, PLANNED, VIEWED

CUT_AND_WHOLE = ((None,), (25, None), (None, 15))
CUT_ONCE = ((None,), (25,), (10,))
LIVES = range(20)
"""The lives that are loaded through dlt; each of one object, while people work on all."""
IN_EVERY_RUN = 6
"""How many of them every run of the tests lives; CI, with its share of the long searches, lives all."""
BUSY = 30
"""What people do between two runs of such a life, beside what they do while it is read."""


@pytest.mark.parametrize("life", LIVES[:IN_EVERY_RUN])
def test_in_the_end_the_copy_is_the_account(life: int, tmp_path: Path) -> None:
    live_with_one_object(life, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("life", LIVES[IN_EVERY_RUN:])
def test_so_it_is_in_the_others_of_these_lives(life: int, tmp_path: Path) -> None:
    live_with_one_object(life, tmp_path)


def test_in_these_lives_everything_happens_to_every_object(tmp_path: Path) -> None:
    did: Counter[tuple[str, str]] = Counter()
    for seed in LIVES:
        living = begin(seed, tmp_path / str(seed), one_object(seed), is_swift=True)
        work(living, seed, CUT_ONCE, busy=BUSY)
        did.update({what: times for what, times in living.people.did.items() if what[0] in living.objects})
    assert everything() - did.keys() == set()
    assert {act for _, act in did} == set(ACTS)


@pytest.mark.parametrize("seed", range(20, 29))
def test_so_it_is_with_two_objects_side_by_side(seed: int, tmp_path: Path) -> None:
    live_through(begin(seed, tmp_path, is_swift=True), seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(29, 1060))
def test_so_it_is_in_many_more_lives(seed: int, tmp_path: Path) -> None:
    live_through(begin(seed, tmp_path, concurrency=seed % 4 + 1), seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1060, 11060))
def test_so_it_is_in_thousands_of_swift_ones(seed: int, tmp_path: Path) -> None:
    objects = random.Random(seed).sample(EVERY_OBJECT, seed % len(EVERY_OBJECT) + 1)
    live_through(begin(seed, tmp_path, objects, concurrency=seed % 4 + 1, is_swift=True), seed)


def live_with_one_object(life: int, folder: Path) -> None:
    living = begin(life, folder, one_object(life))
    work(living, life, CUT_ONCE, busy=BUSY)
    come_to_rest(living)


def one_object(seed: int) -> list[str]:
    return [EVERY_OBJECT[seed % len(EVERY_OBJECT)]]


def live_through(living: Living, seed: int) -> None:
    """A whole life."""
    work(living, seed, CUT_AND_WHOLE)
    come_to_rest(living)


def work(living: Living, seed: int, plans: Sequence[Sequence[int | None]], *, busy: int = 0) -> None:
    """Sync while people work, by one of these plans, which give the ceiling of calls of each run."""
    dice = random.Random(-seed)
    pages = dice.choice((0, 0, 3))
    for max_calls in dice.choice(plans):
        report = living.sync_among_people(max_calls=max_calls, refresh_pages=pages)
        assert report.exit_code in (0, 4, 75), report
        for _ in range(busy):
            living.people.act()
        living.connector.clock.advance(dice.choice((1, 60, 1000)))


def come_to_rest(living: Living) -> None:
    """Let people rest and sync once; then refresh everything."""
    living.rest()
    report = living.sync_quietly(refresh_pages=0)
    for name in living.objects:
        check_what_was_told(living, of(report, name))
        check_the_verdict(living, of(report, name))
    report = living.refresh_all()
    for name in living.objects:
        check_all(living, report, name)


def check_what_was_told(living: Living, report: ObjectReport) -> None:
    """What moved its stamp is here as it is there, unless the run admits that it cannot be sure."""
    name = report.object
    wrong = living.copy.wrong(name)
    told = {id_: what for id_, what in wrong.items() if id_ not in living.people.ledger.silent[name]}
    there, here = living.copy.live_ids(name)
    if name in PLANNED:
        told = {id_: what for id_, what in told.items() if id_ in there and living.is_ahead(name, id_)}
    elif name in living.people.ledger.hidden_moves or there - here or report.verdict == "unchecked":
        # Numbers may agree by chance, or there is none: who is gone is left to the refresh.
        told = {id_: what for id_, what in told.items() if id_ in there}
    assert not told or living.is_admitted(report), (report, told)


def check_the_verdict(living: Living, report: ObjectReport) -> None:
    """`matched` is not said where a record is missing, or one too many.

    One that is gone may cancel out with a missing one of which no stamp tells, or which was over when it was made.
    """
    ledger, name = living.people.ledger, report.object
    if report.verdict != "matched" or name in ledger.hidden_moves:
        return
    there, here = living.copy.live_ids(name)
    missing = {id_ for id_ in there - here if name not in PLANNED or living.is_ahead(name, id_)}
    assert there == here or (len(there) == len(here) and missing <= ledger.silent[name]), report


def check_all(living: Living, report: RunReport, name: str) -> None:
    """Everything is here as it is there, and the run says so."""
    wrong = living.copy.wrong(name)
    assert not wrong or living.is_admitted(of(report, name)), (of(report, name), wrong)
    allowed = {"matched", "unchecked"} if name in NO_COUNT else {"matched"}
    assert verdicts(report)[name] in allowed or living.is_admitted(of(report, name)), of(report, name)


def everything() -> set[tuple[str, str]]:
    """Every act with every object that it can be done to."""
    only = {
        "move": ("deals", *PLANNED),
        "restore": (*VIEWED, "products"),
        "merge": MERGED,
        "erase": VIEWED,
    }
    wanted = {(name, act) for act in ACTS for name in only.get(act, EVERY_OBJECT)}
    # What expires has lain in one bin or the other.
    return {(name, act) for name, act in wanted if act != "expire"}


# A busy CRM

MOVED_UNSEEN = (3, 4, 28, 54, 56, 144)
"""Lives in which records come and go without that the totals tell, as long as nobody asks for these once more."""


@pytest.mark.parametrize(("seed", "concurrency"), [(0, 4), (1, 4), *((seed, 1) for seed in MOVED_UNSEEN)])
def test_a_busy_crm_is_matched_or_moving_and_nothing_is_wrong_with_that(
    seed: int, concurrency: int, tmp_path: Path
) -> None:
    living = begin(
        seed,
        tmp_path,
        ["contacts", "sales_accounts", "deals"],
        switches={},
        concurrency=concurrency,
        is_swift=True,
    )
    living.sync_among_people()
    for _ in range(2):
        living.connector.clock.advance(600)
        report = living.sync_among_people()
        assert set(verdicts(report).values()) <= {"matched", "moving"}, report.objects
        assert report.exit_code == 0
    assert sum(living.people.did.values()) > 30
    living.rest()
    assert set(verdicts(living.sync_quietly()).values()) == {"matched"}
