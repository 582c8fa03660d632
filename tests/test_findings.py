"""Findings on disk and in the hands of a run: damage counts as absence, age ends them, a contradiction drops them."""

from __future__ import annotations

import json
import logging
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.api.budget_file import budget_path
from freshsales_source.settings.account import parse_domain
from freshsales_source.state.findings import KEPT, Findings, Found, Hints, order_point
from freshsales_source.state.findings_file import findings_path, read_findings, write_findings
from freshsales_source.walk.order_evidence import ENOUGH, OrderWatch

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def findings(**points: str) -> Findings:
    """Findings of now; `__` in a name stands for a dot."""
    return Findings(
        made_at=NOW,
        points={
            name.replace("__", "."): Found(position=position, seen_at=NOW)
            for name, position in points.items()
        },
    )


# On disk


def test_findings_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "findings.json"
    assert write_findings(path, findings(tie_order="stable"))
    assert read_findings(path) == findings(tie_order="stable")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["findings.json"]


def test_they_lie_beside_the_budget_one_file_per_account(tmp_path: Path) -> None:
    account = parse_domain("acme")
    path = findings_path(account, {}, tmp_path)
    assert path.parent == budget_path(account, {}, tmp_path).parent
    assert path != findings_path(parse_domain("other"), {}, tmp_path)
    assert "acme" not in path.name
    assert path.suffix == ".json"


def test_no_file_is_no_findings(tmp_path: Path) -> None:
    assert read_findings(tmp_path / "none.json") == Findings()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2, "made_at": "2026-03-02T09:00:00+00:00", "points": {}}',
        '{"version": 1, "made_at": "2026-03-02T09:00:00", "points": {}}',
        '{"version": 1, "made_at": "2026-03-02T09:00:00+00:00", "points": []}',
        '{"version": 1, "made_at": "2026-03-02T09:00:00+00:00", "points": {"a": {"position": "b"}}}',
        '{"version": 1, "made_at": "yesterday", "points": {}}',
    ],
)
def test_a_damaged_file_counts_as_none_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert read_findings(path) == Findings()
    assert "findings_unreadable" in caplog.text
    assert write_findings(path, findings(tie_order="stable"))
    assert read_findings(path) == findings(tie_order="stable")


def test_a_file_that_is_no_text_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert read_findings(path) == Findings()


# In the hands of a run


@pytest.mark.parametrize(
    ("age", "used"),
    [
        (timedelta(), True),
        (KEPT - timedelta(seconds=1), True),
        (KEPT, False),
        (timedelta(seconds=-1), False),
    ],
)
def test_findings_are_used_while_they_are_young(age: timedelta, used: bool) -> None:
    hints = Hints.of(findings(contacts__page_cap_with_include="25"), NOW + age)
    assert hints.page_size("contacts", 100) == (25 if used else 100)


def test_the_log_says_when_findings_were_made(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Hints.of(findings(tie_order="stable"), NOW)
        Hints.of(findings(tie_order="stable"), NOW + KEPT)
        Hints.of(Findings(), NOW)
    assert [record.getMessage() for record in caplog.records] == [
        "findings_used made_at=2026-03-02T09:00:00+00:00 points=1",
        "findings_too_old made_at=2026-03-02T09:00:00+00:00 points=1",
    ]


@pytest.mark.parametrize(
    ("cap", "wanted", "asked"),
    [
        ("25", 100, 25),
        ("25", 10, 10),
        ("100", 100, 100),
        ("refused", 100, 100),
        ("0", 100, 100),
        ("", 50, 50),
    ],
)
def test_no_more_records_are_asked_for_than_are_served_nor_than_are_wanted(
    cap: str, wanted: int, asked: int
) -> None:
    assert Hints(findings(contacts__page_cap_with_include=cap)).page_size("contacts", wanted) == asked
    assert Hints(findings(contacts__page_cap_with_include=cap)).page_size("deals", wanted) == wanted


@pytest.mark.parametrize(
    ("over", "asked"), [("refused", 50), ("ignored", 50), ("clamped", 100), ("served", 100)]
)
def test_a_size_that_is_refused_for_contacts_is_asked_of_no_other_object(over: str, asked: int) -> None:
    hints = Hints(findings(contacts__page_cap_with_include="50", over_page_cap=over))
    assert hints.page_size("tasks", 100) == asked


def test_an_absent_object_is_asked_for_again_as_often_as_lookups() -> None:
    hints = Hints(findings(products__list="not_found", leads__list="present"))
    hour = timedelta(hours=1)
    assert hints.is_absent("products.list", NOW + hour - timedelta(seconds=1), 3600)
    assert not hints.is_absent("products.list", NOW + hour, 3600)
    assert not hints.is_absent("products.list", NOW - timedelta(seconds=1), 3600)
    assert not hints.is_absent("products.list", NOW, 0)
    assert not hints.is_absent("leads.list", NOW, 3600)
    hints.confirm("products.list", NOW + hour)
    assert hints.has_changed
    assert hints.is_absent("products.list", NOW + hour, 3600)


def test_an_object_that_comes_ends_its_absence() -> None:
    hints = Hints(findings(products__list="forbidden", leads__list="present"))
    hints.drop("leads.list", seen="present")
    assert not hints.has_changed
    hints.drop("products.list", seen="present")
    assert hints.findings == findings(leads__list="present")


def test_what_was_contradicted_is_dropped_and_told(caplog: pytest.LogCaptureFixture) -> None:
    point = order_point("sales_activities", "updated_at", "desc")
    hints = Hints(findings(sales_activities__order__updated_at__desc="ignored", tie_order="stable"))
    assert hints.holds(point, "ignored")
    with caplog.at_level(logging.WARNING):
        hints.drop(point, seen="honoured")
        hints.drop("nothing_of_that_name", seen="honoured")
    assert not hints.holds(point, "ignored")
    assert hints.findings == findings(tie_order="stable")
    assert hints.has_changed
    assert [r.getMessage() for r in caplog.records] == [
        "finding_dropped point=sales_activities.order.updated_at.desc seen=honoured"
    ]


def test_without_findings_nothing_changes() -> None:
    hints = Hints()
    assert hints.page_size("contacts", 100) == 100
    assert not hints.holds("contacts.order.updated_at.desc", "ignored")
    assert not hints.is_absent("products.list", NOW, 3600)
    hints.confirm("products.list", NOW)
    assert not hints.has_changed


def test_the_form_is_plain_json() -> None:
    made = findings(tie_order="stable")
    assert Findings.from_json(json.loads(json.dumps(made.to_json()))) == made


# What shows an order


@given(st.lists(st.integers(0, 30), max_size=40), st.booleans())
def test_an_order_counts_as_shown_only_where_it_is_there_and_not_by_id(
    values: list[int], descending: bool
) -> None:
    watch = OrderWatch(descending=descending)
    ids = [(7 * number) % 41 for number in range(len(values))]
    for value, record_id in zip(values, ids, strict=True):
        watch.see(value, record_id)
    is_sorted = values == sorted(values, reverse=descending)
    assert watch.is_broken is not is_sorted
    enough = len(set(values)) >= ENOUGH
    assert watch.is_shown is (is_sorted and enough and not watch.is_by_id)


@pytest.mark.parametrize("step", [1, -1])
def test_an_order_that_the_ids_explain_is_not_shown(step: int) -> None:
    watch = OrderWatch(descending=True)
    for number in range(20):
        watch.see(100 - number, 1000 + step * number)
    assert (watch.is_broken, watch.is_by_id, watch.is_shown) == (False, True, False)
