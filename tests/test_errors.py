import inspect
import pickle
from datetime import UTC, datetime

import pytest

from freshsales_source import errors
from freshsales_source.errors import (
    CallCeilingReached,
    FatalError,
    FreshsalesError,
    ObjectError,
    QuotaExhausted,
    RetriableError,
    SavedViewNotFound,
    WrongKey,
)
from freshsales_source.exit_codes import ExitCode, prevailing
from freshsales_source.redact import Secret, installed_redactor

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, FreshsalesError)]


def test_an_error_reads_as_one_line_with_what_where_and_what_to_do() -> None:
    error = SavedViewNotFound(
        'contacts has no saved view "All Contacts"',
        where="GET /crm/sales/api/contacts/filters",
        remedy="Set views.contacts\nin .dlt/config.toml.",
    )
    assert str(error) == (
        'contacts has no saved view "All Contacts" (GET /crm/sales/api/contacts/filters). '
        "Set views.contacts in .dlt/config.toml."
    )


def test_an_error_without_place_or_remedy_is_just_its_fact() -> None:
    assert str(FatalError("it broke.")) == "it broke"


@pytest.mark.parametrize(
    ("kind", "code"), [(FatalError, 3), (RetriableError, 75), (ObjectError, 4), (errors.Interrupted, 130)]
)
def test_the_class_tells_the_exit_code(kind: type[FreshsalesError], code: int) -> None:
    leaves = [leaf for leaf in TREE if issubclass(leaf, kind)]
    assert {leaf.exit_code for leaf in leaves} == {code}


def test_every_error_stands_in_the_tree_of_the_module_docstring() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in TREE if kind.__name__ not in drawn] == []


def test_every_error_passes_its_text_through_the_redactor() -> None:
    installed_redactor().register(Secret("sEcReT-of-test_errors"))
    for kind in TREE:
        error = kind(
            "a sEcReT-of-test_errors", where="b sEcReT-of-test_errors", remedy="c sEcReT-of-test_errors"
        )
        shown = f"{error!s} {error!r} {error.args} {vars(error)} {pickle.dumps(error)!r}"
        assert "sEcReT-of-test_errors" not in shown
        assert str(error) == "a *** (b ***). c ***"


def test_a_retriable_error_keeps_when_to_come_back() -> None:
    later = datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert QuotaExhausted("used up", retry_at=later).retry_at == later
    assert QuotaExhausted("used up").retry_at is None


def test_reasons_are_the_names_that_reports_use() -> None:
    assert [WrongKey("x").reason, CallCeilingReached("x").reason] == ["wrong_key", "max_calls"]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0, 4], 4),
        ([4, 75], 75),
        ([4, 75, 3], 3),
        ([3, 75, 130, 4], 130),
        ([1, 3], 1),
    ],
)
def test_of_several_causes_one_prevails(codes: list[int], code: int) -> None:
    assert prevailing(codes) is ExitCode(code)
