"""What the page tells, read from the marts: one record for each line of a view, and nothing computed.

Every metric is the marts' own. Here counts are added over currencies and days, never amounts over currencies, nor any
mean or rate over anything. A view that is not there is None, which is not the same as one without rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

Line = TypeVar("Line")


class Marts(Protocol):
    """Where the views are."""

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a view does not exist."""
        ...

    def mart_name(self, view: str) -> str:
        """The name of a view as it stands in SQL."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """Whose now all ages are counted to: the end of the last sync."""

    as_of_at: datetime | None
    as_of_date: date | None
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All live deals, whatever their currency."""

    deals: int
    open_deals: int
    won_deals: int
    lost_deals: int
    unknown_deals: int
    win_rate_by_count: Decimal | None
    mean_won_cycle_days: Decimal | None
    median_won_cycle_days: Decimal | None
    overdue_deals: int
    rotting_deals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCurrency:
    """The live deals of one currency; None: the CRM names none."""

    currency_code: str | None
    deals: int
    amount: Decimal | None
    open_amount: Decimal | None
    weighted_open_amount: Decimal | None
    won_deals: int
    lost_deals: int
    won_amount: Decimal | None
    lost_amount: Decimal | None
    win_rate_by_count: Decimal | None
    win_rate_by_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMonth:
    """What was won and lost in a month, in one currency; without a month: closed, but nobody knows when."""

    closed_month: date | None
    currency_code: str | None
    won_deals: int
    lost_deals: int
    won_amount: Decimal | None
    win_rate_by_count: Decimal | None
    win_rate_by_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStage:
    """The open deals of a stage, in one currency."""

    pipeline_id: int | None
    pipeline: str | None
    pipeline_position: int | None
    stage_id: int | None
    stage: str | None
    stage_position: int | None
    is_deleted_stage: bool | None
    currency_code: str | None
    open_deals: int
    open_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAge:
    """The open deals of an age, in one currency."""

    age_band: str | None
    age_band_position: int | None
    currency_code: str | None
    open_deals: int
    open_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOwner:
    """What an owner won and lost, in one currency; without an id: the deals of nobody."""

    owner_id: int | None
    owner: str | None
    is_active: bool | None
    is_deleted: bool | None
    currency_code: str | None
    won_deals: int
    lost_deals: int
    won_amount: Decimal | None
    win_rate_by_count: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCycle:
    """How many won deals took that many days from creation to close."""

    cycle_days: int | None
    deals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClosing:
    """How many deals were closed on a day, by the CRM's date, and came to their stage on one, by its stamp."""

    closed_date: date | None
    stage_since: date | None
    deals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfDay:
    """What was done on a day, of one kind."""

    done_date: date | None
    activity_kind: str
    done_activities: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of the data: how many records it looked at, and how many it found wanting."""

    check_name: str
    object: str
    meaning: str
    checked_records: int
    affected_records: int
    affected_rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the last sync that read an object says of its copy."""

    object: str
    verdict: str
    reason: str | None
    is_whole: bool
    expected_count: int | None
    loaded_count: int | None
    watermark_after: datetime | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that the page tells; None for a view that is not there."""

    as_of: Sequence[AsOf] | None
    totals: Sequence[Totals] | None
    currencies: Sequence[OfCurrency] | None
    months: Sequence[OfMonth] | None
    stages: Sequence[OfStage] | None
    ages: Sequence[OfAge] | None
    owners: Sequence[OfOwner] | None
    cycles: Sequence[OfCycle] | None
    closings: Sequence[OfClosing] | None
    days: Sequence[OfDay] | None
    checks: Sequence[Check] | None
    health: Sequence[Health] | None


def read_figures(marts: Marts) -> Figures:
    """Ask every view once."""
    return Figures(
        as_of=_lines(marts, AsOf, "as_of"),
        totals=_lines(marts, Totals, "sales_totals"),
        currencies=_lines(marts, OfCurrency, "sales_by_currency"),
        months=_lines(marts, OfMonth, "closed_by_month"),
        stages=_lines(marts, OfStage, "pipeline_now"),
        ages=_lines(marts, OfAge, "pipeline_ageing"),
        owners=_lines(marts, OfOwner, "owner_performance"),
        cycles=_grouped(marts, OfCycle, "fct_deals", "count(*)", where="outcome = 'won'"),
        closings=_grouped(marts, OfClosing, "fct_deals", "count(*)", where="outcome IN ('won', 'lost')"),
        days=_grouped(marts, OfDay, "daily_activity", "sum(done_activities)"),
        checks=_lines(marts, Check, "data_quality"),
        health=_lines(marts, Health, "sync_health"),
    )


def _lines(marts: Marts, kind: type[Line], view: str) -> list[Line] | None:
    return _of_rows(kind, marts.query(f"SELECT {', '.join(_columns(kind))} FROM {marts.mart_name(view)}"))


def _grouped(
    marts: Marts, kind: type[Line], view: str, total: str, where: str = "1 = 1"
) -> list[Line] | None:
    """The lines of a view added up: over what the last column does not tell apart."""
    *keys, _ = _columns(kind)
    listed = ", ".join(keys)
    sql = f"SELECT {listed}, {total} FROM {marts.mart_name(view)} WHERE {where} GROUP BY {listed}"
    return _of_rows(kind, marts.query(sql))


def _of_rows(kind: type[Line], rows: Sequence[Sequence[Any]] | None) -> list[Line] | None:
    if rows is None:
        return None
    makers = _makers(kind)
    return [
        kind(**{name: make(cell) for (name, make), cell in zip(makers.items(), row, strict=True)})
        for row in rows
    ]


def _columns(kind: type[Line]) -> list[str]:
    return list(get_type_hints(kind))


def _makers(kind: type[Line]) -> dict[str, Callable[[Any], Any]]:
    """How each field is made from what a driver gives: they differ in the types of numbers, flags and times."""
    return {name: _maker(hint) for name, hint in get_type_hints(kind).items()}


def _maker(hint: Any) -> Callable[[Any], Any]:
    (type_,) = {*get_args(hint), *(() if get_args(hint) else (hint,))} - {NoneType}
    make = _MAKERS[type_]
    return lambda cell: None if cell is None else make(cell)


def _moment(cell: datetime) -> datetime:
    return cell if cell.tzinfo else cell.replace(tzinfo=UTC)


def _day(cell: date) -> date:
    return cell.date() if isinstance(cell, datetime) else cell


_MAKERS: Mapping[type, Callable[[Any], Any]] = {
    int: int,
    bool: bool,
    str: str,
    Decimal: lambda cell: Decimal(str(cell)),
    datetime: _moment,
    date: _day,
}
