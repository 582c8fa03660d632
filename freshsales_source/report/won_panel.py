"""What was won, month by month: a chart for each currency, for amounts of two are never added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.amounts import NO_CURRENCY, Currencies, in_all
from freshsales_source.report.charts import columns
from freshsales_source.report.figures import OfMonth
from freshsales_source.report.markup import Element, Node, element
from freshsales_source.report.months import month_column, months_shown
from freshsales_source.report.panels import DEALS, Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count, exact_money, listed, money, month, percent, short_money

HEADING = "Won per month"
_MOST_CURRENCIES = 3


def won_panel(
    lines: Sequence[OfMonth] | None, currencies: Currencies, standing: Standing, today: date | None
) -> Element:
    """Amounts won by month of closing; the number of deals where deals have no amounts."""
    if lines is None:
        return missing_view(HEADING, "closed_by_month", is_wide=True)
    won = [line for line in lines if line.won_deals]
    if not won:
        return panel(HEADING, standing.why_empty("won deals", *DEALS), is_wide=True)
    shown = months_shown(line.closed_month for line in won if line.closed_month)
    charts = _charts(won, shown, currencies) if shown else []
    notes = _notes(won, shown, currencies, today)
    return panel(
        HEADING,
        element("div", *charts, class_="several" if len(charts) > 1 else "one"),
        element("p", " ".join(notes), class_="note") if notes else None,
        numbers(
            (
                "Month",
                "Currency",
                "Won deals",
                "Lost deals",
                "Amount won",
                "Win rate by count",
                "Win rate by amount",
            ),
            [_row(line) for line in sorted(lines, key=_newest_first)],
            caption="Won and lost deals by month of closing",
            of_text=frozenset({0, 1}),
        ),
        lede=_in_words(won, currencies),
        is_wide=True,
    )


def _charts(won: Sequence[OfMonth], shown: Sequence[date], currencies: Currencies) -> list[Node]:
    if not currencies.codes:
        return [_deal_chart(won, shown)]
    codes = currencies.codes[:_MOST_CURRENCIES]
    if len(codes) == 1:
        return [_amount_chart(won, shown, codes[0])]
    return [
        element("div", element("h3", code or NO_CURRENCY), _amount_chart(won, shown, code)) for code in codes
    ]


def _amount_chart(won: Sequence[OfMonth], shown: Sequence[date], code: str | None) -> Element:
    amounts = {line.closed_month: line.won_amount or Decimal(0) for line in won if line.currency_code == code}
    values = [amounts.get(month, Decimal(0)) for month in shown]
    best = max(range(len(shown)), key=lambda place: values[place])
    marks = [
        month_column(shown, place, value, short_money(value, code)) for place, value in enumerate(values)
    ]
    return columns(
        marks,
        title=f"Amount won per month{f', {code}' if code else ''}",
        description=f"{_from_to(shown)}; the highest is {month(shown[best])} with {money(values[best], code)}.",
    )


def _deal_chart(won: Sequence[OfMonth], shown: Sequence[date]) -> Element:
    values = [sum(line.won_deals for line in won if line.closed_month == month) for month in shown]
    marks = [month_column(shown, place, Decimal(value), count(value)) for place, value in enumerate(values)]
    return columns(marks, title="Deals won per month", description=f"{_from_to(shown)}.")


def _from_to(shown: Sequence[date]) -> str:
    return f"From {month(shown[0])} to {month(shown[-1])}"


def _notes(
    won: Sequence[OfMonth], shown: Sequence[date], currencies: Currencies, today: date | None
) -> list[str]:
    """What the charts leave out, and how long ago they end."""
    notes = []
    if shown and today and (today.year, today.month) > (shown[-1].year, shown[-1].month):
        notes.append(f"Nothing was won after {month(shown[-1])}.")
    earlier = sum(line.won_deals for line in won if line.closed_month and line.closed_month < shown[0])
    if earlier:
        notes.append(f"{counted(earlier, 'deal')} won before {month(shown[0])} are in the numbers below.")
    undated = sum(line.won_deals for line in won if line.closed_month is None)
    if undated:
        notes.append(f"{counted(undated, 'won deal')} without a date of closing: in no month.")
    more = [code or NO_CURRENCY for code in currencies.codes[_MOST_CURRENCIES:]]
    if more:
        notes.append(f"Not drawn, but in the numbers below: {listed(more)}.")
    return notes


def _in_words(won: Sequence[OfMonth], currencies: Currencies) -> str:
    everything = in_all(
        won,
        deals=lambda line: line.won_deals,
        amount=lambda line: (line.currency_code, line.won_amount),
    )
    deals = counted(everything.deals, "deal")
    return f"{currencies.text(everything.amounts)} from {deals}." if everything.amounts else f"{deals} won."


def _newest_first(line: OfMonth) -> tuple[object, ...]:
    return line.closed_month is None, -(line.closed_month or date.min).toordinal(), line.currency_code or "~"


def _row(line: OfMonth) -> tuple[Node, ...]:
    return (
        month(line.closed_month) if line.closed_month else "unknown",
        line.currency_code or NO_CURRENCY,
        count(line.won_deals),
        count(line.lost_deals),
        exact_money(line.won_amount, line.currency_code),
        percent(line.win_rate_by_count),
        percent(line.win_rate_by_amount),
    )
