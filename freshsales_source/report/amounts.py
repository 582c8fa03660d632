"""Counts and amounts gathered under one head, an amount for each currency: amounts of two are never added."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeAlias, TypeVar

from freshsales_source.report.figures import OfCurrency
from freshsales_source.report.wording import NOTHING, exact_money, money

Line = TypeVar("Line")
Amounts: TypeAlias = Mapping[str | None, Decimal]

NO_CURRENCY = "no currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Generic[Line]):
    """Lines that belong together: the first of them, their deals, and their amounts by currency."""

    first: Line
    deals: int
    amounts: Amounts

    def of(self, currency: str | None) -> Decimal:
        """The amount in one currency; 0 where there is none."""
        return self.amounts.get(currency, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """The currencies that amounts come in, the one of most deals first; empty where no deal has an amount."""

    codes: tuple[str | None, ...]

    @classmethod
    def of(cls, lines: Iterable[OfCurrency]) -> Currencies:
        """Those of all live deals."""
        with_amounts = [line for line in lines if line.amount is not None]
        with_amounts.sort(key=lambda line: (-line.deals, line.currency_code or "~"))
        return cls(codes=tuple(line.currency_code for line in with_amounts))

    @property
    def is_one(self) -> bool:
        """Whether bars can be as long as amounts are large."""
        return len(self.codes) == 1

    def measure(self, group: Group[Line]) -> Decimal:
        """How long the bar of a group is: its amount where there is one currency, else the number of its deals."""
        return group.of(self.codes[0]) if self.is_one else Decimal(group.deals)

    def text(self, amounts: Amounts) -> str:
        """All amounts, one beside the other: `$1,200 · €900`."""
        return self._joined(amounts, money)

    def each(self, amounts: Amounts) -> tuple[str, ...]:
        """An amount for each currency of the account, 0 where there is none."""
        return tuple(self._named(money(amounts.get(code, Decimal(0)), code), code) for code in self.codes)

    def exact(self, amounts: Amounts) -> str:
        """The same to the cent."""
        return self._joined(amounts, exact_money)

    def _joined(self, amounts: Amounts, write: Callable[[Decimal, str | None], str]) -> str:
        # Codes that no line of the account's own totals has can only be newer than these.
        codes = [*self.codes, *(code for code in amounts if code not in self.codes)]
        there = [code for code in codes if code in amounts]
        return (
            "\N{NO-BREAK SPACE}· ".join(self._named(write(amounts[code], code), code) for code in there)
            or NOTHING
        )

    def _named(self, text: str, code: str | None) -> str:
        return f"{text} ({NO_CURRENCY})" if code is None and not self.is_one else text


def gathered(
    lines: Iterable[Line],
    by: Callable[[Line], Hashable],
    *,
    deals: Callable[[Line], int],
    amount: Callable[[Line], tuple[str | None, Decimal | None]],
) -> list[Group[Line]]:
    """The lines put together `by` what they share, in the order in which that comes first."""
    together: dict[Hashable, list[Line]] = {}
    for line in lines:
        together.setdefault(by(line), []).append(line)
    return [_group(members, deals, amount) for members in together.values()]


def in_all(
    lines: Sequence[Line],
    *,
    deals: Callable[[Line], int],
    amount: Callable[[Line], tuple[str | None, Decimal | None]],
) -> Group[Line]:
    """All lines, of which there is at least one, under one head."""
    return _group(lines, deals, amount)


def _group(
    members: Sequence[Line],
    deals: Callable[[Line], int],
    amount: Callable[[Line], tuple[str | None, Decimal | None]],
) -> Group[Line]:
    amounts: dict[str | None, Decimal] = {}
    for currency, value in map(amount, members):
        if value is not None:
            amounts[currency] = amounts.get(currency, Decimal(0)) + value
    return Group(first=members[0], deals=sum(map(deals, members)), amounts=amounts)
