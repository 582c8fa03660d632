"""Numbers, money, dates and shares as the page writes them. Rounded once, here: half up, as people do on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

NOTHING = "\N{EN DASH}"
"""What stands where there is no value: not a zero."""

# Signs that mean one currency to everybody; every other one goes by its code.
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "KRW": "₩", "ILS": "₪", "PLN": "zł "}
_STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))
_MINUS = "\N{MINUS SIGN}"


def money(amount: Decimal | None, currency: str | None) -> str:
    """An amount in whole units: `$10,005,534`, `CAD 1,200`; without a currency the bare number."""
    if amount is None:
        return NOTHING
    return _signed(amount, f"{_sign(currency)}{_rounded(abs(amount), 0):,}")


def exact_money(amount: Decimal | None, currency: str | None) -> str:
    """An amount to the cent: `$10,005,534.00`."""
    if amount is None:
        return NOTHING
    return _signed(amount, f"{_sign(currency)}{_rounded(abs(amount), 2):,}")


def short_money(amount: Decimal, currency: str | None) -> str:
    """An amount for the tip of a bar, in at most three or four digits: `$1.2M`, `€940`."""
    size = abs(amount)
    for step, letter in _STEPS:
        # 999,950 is 1.0M, and not 1,000K.
        if size >= step * Decimal("0.9995"):
            digits = 1 if size < step * Decimal("99.95") else 0
            return _signed(amount, f"{_sign(currency)}{_rounded(size / step, digits)}{letter}")
    return _signed(amount, f"{_sign(currency)}{_rounded(size, 0)}")


def count(number: int | None) -> str:
    """A number with its thousands apart."""
    return NOTHING if number is None else f"{number:,}"


def percent(number: Decimal | None) -> str:
    """A percentage, 100 being all: `63.2%`."""
    return NOTHING if number is None else f"{_rounded(number, 1)}%"


def days(number: Decimal | int | None) -> str:
    """A number of days: `51.8 days`, `57 days`."""
    if number is None:
        return NOTHING
    text = f"{_rounded(Decimal(number), 1):,}".removesuffix(".0")
    return f"{text} {'day' if text == '1' else 'days'}"


def day(value: date) -> str:
    """A date: `2 Mar 2026`."""
    return f"{value.day} {value:%b %Y}"


def month(value: date) -> str:
    """A month: `Mar 2026`."""
    return f"{value:%b %Y}"


def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """A moment in a zone, to the minute, with the zone's own short name: `2 Mar 2026, 09:15 CET`."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{day(local)}, {local:%H:%M} {zone_name(local)}"


def zone_name(local: datetime) -> str:
    """The zone's abbreviation, or its offset where it has none (`UTC+05:30`)."""
    short = local.strftime("%Z")
    if short.isalpha():
        return short
    offset = local.strftime("%z")
    return f"UTC{offset[:3].replace('-', _MINUS)}:{offset[3:5]}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _sign(currency: str | None) -> str:
    if currency is None:
        return ""
    return _SIGNS.get(currency, f"{currency} ")


def _signed(amount: Decimal, text: str) -> str:
    return f"{_MINUS}{text}" if amount < 0 and any(letter in "123456789" for letter in text) else text


def _rounded(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
