"""How long it takes to win a deal: how many took how many days from creation to close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.charts import Column, columns
from freshsales_source.report.figures import OfCycle, Totals
from freshsales_source.report.markup import Element, element
from freshsales_source.report.panels import DEALS, Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count, days

HEADING = "Sales cycle"
_MOST_BINS = 12
_WIDTHS = (1, 2, 5, 7, 10, 14, 20, 30, 60, 90, 180, 365)
_MOST_LABELS = 6  # that fit beside each other on a phone


def cycle_panel(lines: Sequence[OfCycle] | None, totals: Totals | None, standing: Standing) -> Element:
    """Won deals by the days they took."""
    if lines is None or totals is None:
        return missing_view(HEADING, "fct_deals")
    known = {
        line.cycle_days: line.deals for line in lines if line.cycle_days is not None and line.cycle_days >= 0
    }
    undrawn = sum(line.deals for line in lines) - sum(known.values())
    if not known:
        return panel(HEADING, standing.why_empty("won deals with both dates", *DEALS))
    mean, median = days(totals.mean_won_cycle_days), days(totals.median_won_cycle_days)
    bins = _bins(known)
    return panel(
        HEADING,
        columns(
            [_column(bins, place) for place in range(len(bins))],
            title="Won deals by days from creation to close",
            description=f"Mean {mean}, median {median}.",
        ),
        element("p", f"Days from creation to close, won deals.{_undrawn(undrawn)}", class_="note"),
        numbers(
            ("Days", "Won deals"),
            [(label, count(deals)) for label, deals in bins],
            caption="Won deals by days from creation to close",
        ),
        lede=f"{mean} on average; half are won within {median}.",
    )


def _bins(known: Mapping[int, int]) -> list[tuple[str, int]]:
    """Spans of equal length with their deals; what takes far longer than most is put together in the last one."""
    top = _percentile(known, Decimal("0.98"))
    width = next((width for width in _WIDTHS if top // width < _MOST_BINS), _WIDTHS[-1])
    last = min(top // width, _MOST_BINS - 1)
    deals = [0] * (last + 1)
    for taken, number in known.items():
        deals[min(taken // width, last)] += number
    is_open = max(known) >= (last + 1) * width
    return [(_label(place, width, is_open=is_open and place == last), n) for place, n in enumerate(deals)]


def _percentile(known: Mapping[int, int], share: Decimal) -> int:
    wanted, seen = share * sum(known.values()), 0
    for taken in sorted(known):
        seen += known[taken]
        if seen >= wanted:
            return taken
    return max(known)


def _label(place: int, width: int, *, is_open: bool) -> str:
    first, last = place * width, (place + 1) * width - 1
    if is_open:
        return f"{first}+"
    return f"{first}" if width == 1 else f"{first}\N{EN DASH}{last}"


def _column(bins: Sequence[tuple[str, int]], place: int) -> Column:
    label, deals = bins[place]
    every = -(-len(bins) // _MOST_LABELS)
    return Column(
        name=f"{label} days",
        value=Decimal(deals),
        text=count(deals),
        label=label,
        is_key=place % every == 0,
    )


def _undrawn(deals: int) -> str:
    return f" Not drawn: {counted(deals, 'deal')} closed before creation, or without a date." if deals else ""
