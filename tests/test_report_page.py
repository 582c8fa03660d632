"""The report's page as a document: what is on it, and that nothing typed into a CRM can be more than text on it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshsales_source.report import Origin, render
from freshsales_source.report.charts import Column, columns
from freshsales_source.report.figures import AsOf, Figures, OfClosing
from freshsales_source.report.wording import days, exact_money, money, percent, short_money
from tests.page_reader import Page
from tests.report_figures import AT, NAMES, TODAY, empty_figures, figures, health_of, no_figures

ORIGIN = Origin(account="acme.myfreshworks.com", dataset="freshsales", version="0.1.0")
ALL = ("deals", "deal_stages", "tasks", "appointments", "sales_activities")
PLAIN = Page(render(figures(names=tuple("ABCDEF")), ORIGIN))


def page_of(shown: Figures) -> Page:
    return Page(render(shown, ORIGIN))


# What people typed is text, and nothing else


@settings(max_examples=25)
@given(st.lists(st.text(max_size=200) | st.sampled_from(NAMES), min_size=3, max_size=6))
def test_no_name_becomes_markup(names: list[str]) -> None:
    page = page_of(figures(names=tuple(names)))
    assert page.tags <= PLAIN.tags
    used = {(tag, name) for tag, name, _ in page.attributes}
    assert used <= {(tag, name) for tag, name, _ in PLAIN.attributes}


def test_a_hostile_currency_stands_there_as_text_even_in_attributes() -> None:
    code = '"><script>alert(1)</script>'
    page = page_of(figures(codes=(code, "USD")))
    assert "script" not in page.tags
    assert [value for _, name, value in page.attributes if name == "aria-label" and code in value]


def test_hostile_names_stand_there_as_text() -> None:
    page = page_of(figures())
    owners = page.column("Won and lost deals by owner", "Owner")
    assert owners[:3] == [NAMES[0], NAMES[1], NAMES[2]]
    assert "script" not in page.tags
    # A name keeps its direction to itself, and what would turn letters around is seen.
    assert owners[7] == r"moc.live//:sptth\u202egnp.exe\u2066"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f]", page.text)
    assert owners[4] == f"{NAMES[4]} (left)"
    assert len(owners[8]) == 120


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    page = page_of(figures())
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert not re.search(r"@import|url\(", page.style)
    names = {name for _, name, _ in page.attributes}
    assert not names & {"style", "src", "srcset", "action", "data", "background", "ping"}
    assert not [name for name in names if name.startswith("on")]
    assert {value[:1] for _, name, value in page.attributes if name == "href"} <= {"#"}


# Currencies


def test_amounts_of_several_currencies_stand_side_by_side_and_are_never_added() -> None:
    several = figures(codes=("USD", "EUR", None))
    page = page_of(several)
    assert several.currencies is not None
    for line in several.currencies:
        assert money(line.won_amount, line.currency_code) in page.text
    amounts = [line.won_amount or Decimal(0) for line in several.currencies]
    sums = {sum(amounts), *(one + other for one in amounts for other in amounts if one is not other)}
    assert not [found for found in sums if f"{round(found):,}" in page.text]
    # Bars are as long as there are deals, for amounts have no order; the counts of all currencies belong together.
    assert "by number of deals" in page.text
    assert page.column("Won and lost deals by owner", "Won deals")[0] == "300"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([9, *[1] * 20, 5], [9, 5]),
        ([*[1] * 20, 9, 1, 5], [9]),  # too near for two
        ([9, *[5] * 20, 1], [9]),  # the last would stand on the column before
        ([3, 1, 2], [3, 1, 2]),
    ],
)
def test_on_a_phone_no_value_is_written_on_another(values: list[int], written: list[int]) -> None:
    marks = [Column(name="", value=Decimal(v), text=str(v), label="") for v in values]
    drawn = str(columns(marks, title="", description=""))
    assert [int(text) for text in re.findall(r'class="middle value">(\d+)<', drawn)] == written


def test_one_currency_needs_no_heading_and_orders_by_amount() -> None:
    page = page_of(figures())
    assert "by amount." in page.text
    assert page.column("Won and lost deals by owner", "Amount won")[0].startswith("$")


# Empty and missing are different


def test_an_empty_account_says_so() -> None:
    page = page_of(empty_figures(health=health_of(*ALL)))
    assert page.text.count("Empty: the CRM has no ") == 7
    assert "Won 0 0 deals" in page.text
    assert "Missing" not in page.text
    assert "Empty: there are no records to check." in page.text


def test_what_was_never_synced_is_missing() -> None:
    page = page_of(empty_figures(health=health_of("contacts", "tasks")))
    assert page.text.count("Missing: deals and deal_stages were never synced") == 6
    # No zero where nothing is known.
    assert "Win rate by count" not in page.text
    assert (
        "Empty: no finished activities in tasks; appointments and sales_activities never synced." in page.text
    )


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("not_available", "This account has no deals and deal_stages."),
        ("failed", "No open deals were read so far (deals failed and deal_stages failed)."),
        ("partial", "No open deals were read so far (deals partial and deal_stages partial)."),
    ],
)
def test_what_was_not_read_is_not_called_empty(verdict: str, words: str) -> None:
    page = page_of(empty_figures(health=health_of("deals", "deal_stages", verdict=verdict)))
    assert words in page.text
    assert ("Win rate by count" in page.text) == (verdict == "not_available")


def test_deals_in_stages_that_nobody_knows_are_told() -> None:
    usual = empty_figures(health=health_of("deals"))
    assert usual.totals is not None
    page = page_of(replace(usual, totals=[replace(usual.totals[0], deals=7, unknown_deals=7)]))
    assert "7 deals in stages that the CRM does not list: in none of these numbers." in page.text
    assert "Missing: deal_stages was never synced, so nothing is known of open deals." in page.text


def test_without_any_view_the_page_tells_what_makes_them() -> None:
    page = page_of(no_figures())
    assert page.text.count("freshsales marts makes it.") == 9
    assert "Won per month" in page.text


def test_without_any_run_nothing_is_claimed_of_the_copy() -> None:
    page = page_of(replace(figures(), health=[]))
    assert "no run of freshsales sync has left a verdict here" in page.text
    assert "Whole" not in page.text


# How it says when and how much


def test_the_page_tells_as_of_when_in_its_own_time_zone() -> None:
    page = page_of(figures())
    assert "As of 2 Mar 2026, 09:15 IST" in page.text
    assert "Dates in Asia/Kolkata." in page.text
    assert "Whole except deals: see below; tasks: see below." in page.text
    # Today is a Monday, and counts.
    week = ["2 Mar 2026", "1", "1", "1"]
    assert page.rows("Finished activities by week and kind")[0] == week
    assert page.rows("The newest verdict on each object")[1][:4] == ["deals", "✕ mismatch", "8,800", "8,799"]


@pytest.mark.parametrize(
    ("time_zone", "same_day", "day_before", "day_after", "is_told"),
    [
        ("UTC", 80, 20, 0, True),
        ("UTC", 980, 0, 20, True),
        ("UTC", 981, 0, 19, False),
        ("UTC", 0, 4, 4, False),
        ("America/Chicago", 80, 0, 20, False),
    ],
)
def test_dates_that_speak_against_utc_are_told(
    time_zone: str, same_day: int, day_before: int, day_after: int, is_told: bool
) -> None:
    deals = {0: same_day, -1: day_before, 1: day_after}
    closings = [
        OfClosing(closed_date=TODAY, stage_since=TODAY + timedelta(days=days), deals=number)
        for days, number in deals.items()
    ]
    unknown = OfClosing(closed_date=None, stage_since=TODAY, deals=5000)
    as_of = AsOf(as_of_at=AT, as_of_date=TODAY, time_zone=time_zone)
    page = page_of(replace(figures(), as_of=[as_of], closings=[*closings, unknown]))
    assert ("the account may not live in UTC" in page.text) == is_told
    if is_told:
        side = "before" if day_before else "after"
        closed = f"{sum(deals.values()):,} closed deals"
        assert f"20 of {closed} came to their stage on the day {side} their close date" in page.text


def test_numbers_are_rounded_once_half_up() -> None:
    assert percent(Decimal("63.150052153")) == "63.2%"
    assert (percent(Decimal("63.15")), percent(Decimal("0.04")), percent(None)) == ("63.2%", "0.0%", "–")
    assert money(Decimal("10005534.000000000"), "USD") == "$10,005,534"
    assert (money(Decimal("2.5"), "EUR"), money(Decimal("-2.5"), "CAD")) == ("€3", "−CAD 3")
    assert (money(Decimal("-0.4"), "USD"), money(Decimal(7), None)) == ("$0", "7")
    assert exact_money(Decimal("0.005"), "USD") == "$0.01"
    shown = [
        short_money(Decimal(text), "USD") for text in ("999", "999.5", "12345", "999949", "999950", "1.5e9")
    ]
    assert shown == ["$999", "$1.0K", "$12.3K", "$1.0M", "$1.0M", "$1.5B"]
    assert [days(Decimal(text)) for text in ("51.75", "57", "1", "0.96")] == [
        "51.8 days",
        "57 days",
        "1 day",
        "1 day",
    ]
