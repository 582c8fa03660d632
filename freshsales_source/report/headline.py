"""The handful of numbers at the top of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.amounts import Amounts, Currencies
from freshsales_source.report.figures import OfCurrency, Totals
from freshsales_source.report.markup import Element, element
from freshsales_source.report.wording import NOTHING, count, days, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    name: str
    values: tuple[str, ...]
    about: str


def headline(totals: Totals, by_currency: Sequence[OfCurrency], currencies: Currencies) -> Element:
    """What was won and what is open, in each currency; the win rate by count, the cycle, and what is overdue."""
    closed = totals.won_deals + totals.lost_deals
    numbers = [
        _Number(
            name="Won",
            values=currencies.each(_known({line.currency_code: line.won_amount for line in by_currency}))
            or (count(totals.won_deals),),
            about=counted(totals.won_deals, "deal"),
        ),
        _Number(
            name="Open pipeline",
            values=currencies.each(_known({line.currency_code: line.open_amount for line in by_currency}))
            or (count(totals.open_deals),),
            about=counted(totals.open_deals, "deal"),
        ),
        _Number(
            name="Win rate by count",
            values=(percent(totals.win_rate_by_count),),
            about=f"of {counted(closed, 'closed deal')}",
        ),
        _Number(
            name="Mean sales cycle",
            values=(days(totals.mean_won_cycle_days),),
            about=f"median {days(totals.median_won_cycle_days)}" if totals.won_deals else "",
        ),
        _Number(
            name="Overdue",
            values=(count(totals.overdue_deals),),
            about="open deals past their expected close",
        ),
    ]
    return element("dl", *map(_element, numbers), class_="headline")


def _known(amounts: Mapping[str | None, Decimal | None]) -> Amounts:
    return {code: amount for code, amount in amounts.items() if amount is not None}


def _element(number: _Number) -> Element:
    kind = "figure" if len(number.values) == 1 else "figure many"
    return element(
        "div",
        element("dt", number.name),
        *(element("dd", value or NOTHING, class_=kind) for value in number.values),
        element("dd", number.about, class_="about") if number.about else None,
    )
