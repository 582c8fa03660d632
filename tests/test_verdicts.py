"""The verdict on an object, the exit code of a run and the first line of `status`, from facts alone."""

from __future__ import annotations

import pytest

from freshsales_source.errors import (
    Forbidden,
    FreshsalesError,
    MalformedPage,
    NotFound,
    QuotaExhausted,
    SavedViewNotFound,
)
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.verdicts import Facts, Verdict, exit_code, judge, summary

AT = "2026-01-02 03:04:05 UTC"
DOUBT = 'the view ended before its own total (view "all")'


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (Facts(doubts=(DOUBT,)), f"no count to compare with: {DOUBT}"),
        (
            Facts(expected=5, loaded=4, doubts=(DOUBT,), remarks=("some remark",)),
            f"5 in the CRM, 4 in the warehouse: {DOUBT}; some remark",
        ),
    ],
)
def test_what_explains_a_count_follows_it_without_brackets_around_brackets(facts: Facts, told: str) -> None:
    _, reason = judge(facts)
    assert reason == told


@pytest.mark.parametrize("error", [Forbidden("no"), NotFound("no"), SavedViewNotFound("no")])
def test_where_settings_or_rights_keep_every_object_away_retrying_is_useless(error: FreshsalesError) -> None:
    nothing_read = [Verdict.FAILED, Verdict.NOT_AVAILABLE]
    assert exit_code(nothing_read, [error]) is ExitCode.CONFIGURATION
    assert exit_code(nothing_read, [error], has_read=True) is ExitCode.INCOMPLETE
    assert exit_code([*nothing_read, Verdict.MATCHED], [error]) is ExitCode.INCOMPLETE
    both = [*nothing_read, Verdict.FAILED]
    assert exit_code(both, [error, SavedViewNotFound("no")]) is ExitCode.CONFIGURATION
    assert exit_code(both, [error, MalformedPage("no")]) is ExitCode.INCOMPLETE
    assert exit_code([*nothing_read, Verdict.PARTIAL], [error, QuotaExhausted("no")]) is ExitCode.UNFINISHED


def test_the_first_line_does_not_call_whole_what_could_not_be_read() -> None:
    rows = [("contacts", Verdict.FAILED, "no such view."), ("leads", Verdict.NOT_AVAILABLE, "")]
    assert summary(rows, AT) == f"Not whole: contacts: no such view. As of {AT}"
    rows.append(("deals", Verdict.MATCHED, ""))
    assert summary(rows, AT) == f"Whole except contacts: no such view. As of {AT}"


def test_the_first_line_names_a_few_objects_and_counts_many() -> None:
    matched = ("owners", Verdict.MATCHED, "")
    few = [(name, Verdict.PARTIAL, "no calls") for name in ("contacts", "deals", "tasks")]
    assert summary([matched, *few], AT) == "Not finished: contacts, deals, tasks (no calls)"
    many = [*few, ("notes", Verdict.PARTIAL, "no calls")]
    assert summary([matched, *many], AT, left="9 pages") == "Not finished: 9 pages: 4 of 5 objects (no calls)"
