"""A row of months for charts: which are shown, and how they are labelled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from freshsales_source.report.charts import Column
from freshsales_source.report.wording import month

_MOST = 24
_CROWDED = 8


def months_shown(known: Iterable[date]) -> list[date]:
    """Every month from the first to the last of the known ones, without gaps; the newest two years at most."""
    months = set(known)
    if not months:
        return []
    first, last = min(months), max(months)
    length = (last.year - first.year) * 12 + last.month - first.month + 1
    return [_before(last, back) for back in reversed(range(min(length, _MOST)))]


def month_column(shown: Sequence[date], place: int, value: Decimal, text: str) -> Column:
    """The column of one month: its short name, and its year where that begins."""
    at = shown[place]
    return Column(
        name=month(at),
        value=value,
        text=text,
        label=f"{at:%b}",
        group=f"{at.year}" if place == 0 or at.month == 1 else None,
        is_key=len(shown) <= _CROWDED or at.month % 3 == 1,
    )


def _before(last: date, back: int) -> date:
    number = last.year * 12 + last.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)
