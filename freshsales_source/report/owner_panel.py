"""Who wins: the ten owners with the most, and all of them as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from freshsales_source.report.amounts import Currencies, Group, gathered
from freshsales_source.report.bars import BarRow, bars
from freshsales_source.report.figures import OfOwner
from freshsales_source.report.markup import Element, Node, element, name
from freshsales_source.report.panels import DEALS, Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count

OWNERS = "Top owners"
_SHOWN = 10


def owners_panel(lines: Sequence[OfOwner] | None, currencies: Currencies, standing: Standing) -> Element:
    """Owners by what they won: by amount in an account of one currency, else by the number of deals."""
    if lines is None:
        return missing_view(OWNERS, "owner_performance")
    owners = gathered(
        lines,
        lambda line: line.owner_id,
        deals=lambda line: line.won_deals,
        amount=lambda line: (line.currency_code, line.won_amount),
    )
    lost = _lost(lines)
    ranked = sorted(owners, key=lambda owner: _rank(owner, currencies))
    winners = [owner for owner in ranked if owner.deals][:_SHOWN]
    if not winners:
        return panel(OWNERS, standing.why_empty("won deals", *DEALS))
    return panel(
        OWNERS,
        bars([_bar(owner, lost[owner.first.owner_id], currencies) for owner in winners]),
        numbers(
            ("Owner", "Won deals", "Lost deals", "Amount won"),
            [_row(owner, lost[owner.first.owner_id], currencies) for owner in ranked],
            caption="Won and lost deals by owner",
        ),
        lede=_lede(len(winners), currencies),
    )


def _lost(lines: Sequence[OfOwner]) -> Mapping[int | None, int]:
    lost: Counter[int | None] = Counter()
    for line in lines:
        lost[line.owner_id] += line.lost_deals
    return lost


def _rank(owner: Group[OfOwner], currencies: Currencies) -> tuple[Decimal, int, str, int]:
    line = owner.first
    return -currencies.measure(owner), -owner.deals, line.owner or "", line.owner_id or 0


def _name(line: OfOwner) -> Node:
    if line.owner_id is None:
        return "Nobody"
    if not line.owner:
        return f"User {line.owner_id}"
    if line.is_deleted or line.is_active is False:
        return element("span", name(line.owner), " (left)")
    return name(line.owner)


def _bar(owner: Group[OfOwner], lost: int, currencies: Currencies) -> BarRow:
    won, amounts = f"{count(owner.deals)} won", currencies.text(owner.amounts)
    about = f"{won}, {count(lost)} lost"
    value = amounts if currencies.is_one else won
    if not currencies.is_one:
        about = f"{count(lost)} lost · {amounts}" if currencies.codes else f"{count(lost)} lost"
    return BarRow(size=currencies.measure(owner), label=_name(owner.first), value=value, about=about)


def _row(owner: Group[OfOwner], lost: int, currencies: Currencies) -> tuple[Node, ...]:
    return _name(owner.first), count(owner.deals), count(lost), currencies.exact(owner.amounts)


def _lede(shown: int, currencies: Currencies) -> str:
    first = f"The {shown} who won the most" if shown > 1 else "Who won"
    if currencies.is_one:
        return f"{first}, by amount."
    return f"{first}, by number of deals."
