"""The share of closed deals that was won: by count over all of them, by amount within each currency."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.amounts import NO_CURRENCY, Currencies
from freshsales_source.report.bars import BarRow, bars
from freshsales_source.report.charts import Line, lines
from freshsales_source.report.figures import OfCurrency, OfMonth, Totals
from freshsales_source.report.markup import Element, Node, element
from freshsales_source.report.months import month_column, months_shown
from freshsales_source.report.panels import DEALS, Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count, money, month, percent

HEADING = "Win rate"
_HOLLOW = "Lost deals have no amount here, so the rate by amount says nothing."


def rate_panel(
    totals: Totals | None,
    by_currency: Sequence[OfCurrency],
    months: Sequence[OfMonth],
    currencies: Currencies,
    standing: Standing,
) -> Element:
    """Both rates under their own names, and how they went where there is one currency."""
    if totals is None:
        return missing_view(HEADING, "sales_totals")
    if totals.win_rate_by_count is None:
        return panel(HEADING, standing.why_empty("closed deals", *DEALS))
    in_order = sorted(by_currency, key=lambda line: (-line.deals, line.currency_code or "~"))
    rates = [
        _by_count(totals),
        *(_by_amount(line, currencies) for line in in_order if line.win_rate_by_amount is not None),
    ]
    is_hollow = any(line.lost_deals and line.won_amount and not line.lost_amount for line in in_order)
    return panel(
        HEADING,
        bars(rates, Decimal(100)),
        _history(months, currencies, is_hollow=is_hollow) if currencies.is_one else None,
        element("p", _HOLLOW, class_="note") if is_hollow else None,
        numbers(
            ("Currency", "Won deals", "Lost deals", "By count", "By amount"),
            [_row(line) for line in in_order],
            caption="Win rate by currency",
        ),
        lede="The share of closed deals that was won.",
    )


def _by_count(totals: Totals) -> BarRow:
    closed = counted(totals.won_deals + totals.lost_deals, "closed deal")
    return BarRow(
        size=totals.win_rate_by_count or Decimal(0),
        label="By count",
        value=percent(totals.win_rate_by_count),
        about=f"{count(totals.won_deals)} of {closed}",
    )


def _by_amount(line: OfCurrency, currencies: Currencies) -> BarRow:
    code = line.currency_code
    return BarRow(
        size=line.win_rate_by_amount or Decimal(0),
        label="By amount" if currencies.is_one else f"By amount, {code or NO_CURRENCY}",
        value=percent(line.win_rate_by_amount),
        about=f"{money(line.won_amount, code)} won, {money(line.lost_amount, code)} lost",
    )


def _history(months: Sequence[OfMonth], currencies: Currencies, *, is_hollow: bool) -> Element | None:
    """The rates that say something, by month of closing, where there are two months or more to join."""
    of_code = {m.closed_month: m for m in months if m.closed_month and m.currency_code == currencies.codes[0]}
    shown = months_shown(month for month, line in of_code.items() if line.win_rate_by_count is not None)
    if len(shown) < 2:
        return None
    drawn = [of_code.get(month) for month in shown]
    by_amount = [line.win_rate_by_amount if line else None for line in drawn]
    by_count = [line.win_rate_by_count if line else None for line in drawn]
    last = next(rate for rate in reversed(by_count) if rate is not None)
    drawn_lines = [Line(percentages=by_count, name="by count", kind="first")]
    if not is_hollow:
        drawn_lines.append(Line(percentages=by_amount, name="by amount", kind="second"))
    return lines(
        drawn_lines,
        [month_column(shown, place, Decimal(0), "") for place in range(len(shown))],
        title="Win rate per month of closing",
        description=f"From {month(shown[0])} to {month(shown[-1])}; by count it was last {percent(last)}.",
    )


def _row(line: OfCurrency) -> tuple[Node, ...]:
    return (
        line.currency_code or NO_CURRENCY,
        count(line.won_deals),
        count(line.lost_deals),
        percent(line.win_rate_by_count),
        percent(line.win_rate_by_amount),
    )
