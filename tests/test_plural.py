"""What is counted is told in plain English, one of it too."""

from __future__ import annotations

from collections import Counter

import pytest

from freshsales_source.decode import Page
from freshsales_source.errors import Forbidden
from freshsales_source.plural import counted
from freshsales_source.reading import Tally
from freshsales_source.reading.following import Following

GONE, HIDDEN, THERE = 0, 1, 2
"""What becomes of a record that is asked for alone: its id, modulo 3."""


@pytest.mark.parametrize(
    ("number", "thing", "text"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (2_089, "deal", "2,089 deals"),
        (1, "activity", "1 activity"),
        (3, "activity", "3 activities"),
    ],
)
def test_a_number_stands_with_its_noun(number: int, thing: str, text: str) -> None:
    assert counted(number, thing) == text


@pytest.mark.parametrize(
    ("ids", "remarks"),
    [
        (
            [THERE, HIDDEN],
            (
                "1 record that no list shows answers when asked for alone",
                "1 record is out of this key's sight (403)",
            ),
        ),
        (
            [THERE, HIDDEN, THERE + 3, HIDDEN + 3],
            (
                "2 records that no list shows answer when asked for alone",
                "2 records are out of this key's sight (403)",
            ),
        ),
    ],
)
def test_records_asked_for_alone_are_told_in_one_and_many(ids: list[int], remarks: tuple[str, ...]) -> None:
    assert asked_for(ids).remarks == remarks


@pytest.mark.parametrize(
    ("ids", "doubt"),
    [
        ([GONE], ("1 row may have vanished, ", "if it is really gone, run once")),
        ([GONE, GONE + 3], ("2 rows may have vanished, ", "if they are really gone, run once")),
    ],
)
def test_rows_that_may_have_vanished_are_told_in_one_and_many(ids: list[int], doubt: tuple[str, str]) -> None:
    (told,) = asked_for(ids).doubts
    assert told.startswith(doubt[0])
    assert doubt[1] in told


def test_what_cannot_be_stored_is_told_in_one_and_many() -> None:
    tally = Tally()
    tally.replace(1, "a page")
    assert tally.notes == ("1 character or deep value that cannot be stored was replaced",)
    tally.replace(1_200, "another page")
    assert tally.notes == ("1,201 characters or deep values that cannot be stored were replaced",)


def asked_for(ids: list[int]) -> Following:
    """These records, each asked for alone, where no record is known that must be there."""
    following = Following(fetch, lambda *_: None, lambda *, may_be_binned: None)
    following.suspect(ids)
    while not following.is_done:
        following.step()
    return following


def fetch(record_id: int) -> Page | None:
    match record_id % 3:
        case 0:
            return None
        case 1:
            raise Forbidden("not for this key")
        case _:
            return Page(
                ids=[record_id],
                stamps=[],
                total=None,
                total_pages=None,
                tables={},
                unknown=(),
                misfits=Counter(),
                ignored=(),
                replaced=0,
                was_fast=True,
            )
