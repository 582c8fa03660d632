"""Figures for pages, made up: usual ones, hostile ones, several currencies, none at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from freshsales_source.report.figures import (
    AsOf,
    Check,
    Figures,
    Health,
    OfAge,
    OfClosing,
    OfCurrency,
    OfCycle,
    OfDay,
    OfMonth,
    OfOwner,
    OfStage,
    Totals,
)

AT = datetime(2026, 3, 2, 3, 45, tzinfo=UTC)
TODAY = date(2026, 3, 2)

NAMES = (
    "<script>alert(document.title)</script>",
    "]]></title></style><img src=//evil.example onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "محمد عبد الرحمن الخطيب",
    "株式会社サンプル営業本部第一営業部 田中 美咲",
    "Екатерина Преображенская-Рождественская",
    "\N{WOMAN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}\u200d\N{ROCKET} Leïla \u200f(\u200ex\u200f) Haddad",
    "moc.live//:sptth\u202egnp.exe\u2066",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
    "&lt;b&gt; &amp;copy; \x00\x07\x1b[31m \ud800 \ufffe",
)
"""What people and programs type where a name is asked for."""


def figures(
    *, codes: tuple[str | None, ...] = ("USD",), names: tuple[str, ...] = NAMES, deals: int = 2089
) -> Figures:
    """A page full of everything; each amount depends on its currency, so that no sum of two can be mistaken."""
    months = [date(2024 + number // 12, number % 12 + 1, 1) for number in range(2, 26)]
    return Figures(
        as_of=[AsOf(as_of_at=AT, as_of_date=TODAY, time_zone="Asia/Kolkata")],
        totals=[_totals(deals)],
        currencies=[_of_currency(code, place, deals) for place, code in enumerate(codes)],
        months=[_of_month(month, code, n) for n, month in enumerate(months) for code in codes],
        stages=[
            OfStage(
                pipeline_id=1 + number // 3,
                pipeline=names[number // 3],
                pipeline_position=1 + number // 3,
                stage_id=number,
                stage=name,
                stage_position=number,
                is_deleted_stage=number == 2,
                currency_code=code,
                open_deals=deals // (number + 2),
                open_amount=Decimal("20001.55") * (number + 1) * _size(code),
            )
            for number, name in enumerate(names)
            for code in codes
        ],
        ages=[
            OfAge(
                age_band=band,
                age_band_position=place,
                currency_code=code,
                open_deals=deals // 5,
                open_amount=Decimal(3001) * _size(code),
            )
            for place, band in enumerate(("0-30", "31-60", "61-90", "91-180", "over 180"), 1)
            for code in codes
        ],
        owners=[
            OfOwner(
                owner_id=number,
                owner=name,
                is_active=number != 4,
                is_deleted=False,
                currency_code=code,
                won_deals=100 - number,
                lost_deals=40 + number,
                won_amount=Decimal(1_153_214 - 40_000 * number) * _size(code),
                win_rate_by_count=Decimal("60.5"),
            )
            for number, name in enumerate(names)
            for code in codes
        ],
        closings=[OfClosing(closed_date=TODAY, stage_since=TODAY, deals=deals // 2)],
        cycles=[OfCycle(cycle_days=taken, deals=1 + taken % 7) for taken in range(0, 139, 2)],
        days=[
            OfDay(done_date=TODAY - timedelta(days=back), activity_kind=kind, done_activities=1 + back % 9)
            for back in range(200)
            for kind in ("task", "appointment", "sales_activity")
        ],
        checks=[_check("deals_without_account", 1425, 8800), _check("deals_in_unknown_stage", 0, 8800)],
        health=[
            _health("contacts", "matched"),
            _health("deals", "mismatch", names[0]),
            _health("products", "unchecked", "there is no count to compare with"),
            _health("tasks", "moving", "people were working"),
            _health("leads", "not_available", names[1]),
        ],
    )


def empty_figures(*, health: tuple[Health, ...]) -> Figures:
    """The marts of an account in which nothing is: every view is there, with the rows it always has."""
    return Figures(
        as_of=[AsOf(as_of_at=AT, as_of_date=TODAY, time_zone="UTC")],
        totals=[_totals(0)],
        currencies=[],
        months=[],
        stages=[],
        ages=[],
        owners=[],
        cycles=[],
        closings=[],
        days=[],
        checks=[_check("deals_without_account", 0, 0)],
        health=list(health),
    )


def health_of(*objects: str, verdict: str = "matched", reason: str | None = None) -> tuple[Health, ...]:
    """The same verdict on each of these objects."""
    return tuple(_health(name, verdict, reason) for name in objects)


def no_figures() -> Figures:
    """The marts of a dataset that has none."""
    return Figures(
        as_of=None,
        totals=None,
        currencies=None,
        months=None,
        stages=None,
        ages=None,
        owners=None,
        cycles=None,
        closings=None,
        days=None,
        checks=None,
        health=None,
    )


def _size(code: str | None) -> int:
    """Another number for each currency."""
    return sum(map(ord, code or "-"))


def _totals(deals: int) -> Totals:
    return Totals(
        deals=deals,
        open_deals=deals // 4,
        won_deals=deals // 2,
        lost_deals=deals // 4,
        unknown_deals=0,
        win_rate_by_count=Decimal("63.150052153") if deals else None,
        mean_won_cycle_days=Decimal("51.75") if deals else None,
        median_won_cycle_days=Decimal(57) if deals else None,
        overdue_deals=deals // 20,
        rotting_deals=deals // 30,
    )


def _of_currency(code: str | None, place: int, deals: int) -> OfCurrency:
    return OfCurrency(
        currency_code=code,
        deals=deals - place,
        amount=Decimal(40_000) * _size(code),
        open_amount=Decimal("10001.49") * _size(code),
        weighted_open_amount=Decimal(5_000) * _size(code),
        won_deals=deals // 2,
        lost_deals=deals // 4,
        won_amount=Decimal("20001.5") * _size(code),
        lost_amount=Decimal(10_000) * _size(code),
        win_rate_by_count=Decimal("63.15"),
        win_rate_by_amount=Decimal("66.666666667"),
    )


def _of_month(month: date, code: str | None, place: int) -> OfMonth:
    return OfMonth(
        closed_month=month,
        currency_code=code,
        won_deals=20 + place,
        lost_deals=10,
        won_amount=Decimal(100 + place * _size(code) * 7 % 900) * _size(code),
        win_rate_by_count=Decimal(50 + place * 7 % 40),
        win_rate_by_amount=Decimal(55 + place * 7 % 40),
    )


def _check(name: str, affected: int, checked: int) -> Check:
    return Check(
        check_name=name,
        object="deals",
        meaning="No company.",
        checked_records=checked,
        affected_records=affected,
        affected_rate=Decimal(100 * affected) / checked if checked else None,
    )


def _health(name: str, verdict: str, reason: str | None = None) -> Health:
    counted = verdict in ("matched", "mismatch", "moving")
    return Health(
        object=name,
        verdict=verdict,
        reason=reason,
        is_whole=verdict in ("matched", "not_available"),
        expected_count=8800 if counted else None,
        loaded_count=8800 if verdict == "matched" else 8799,
        watermark_after=AT - timedelta(minutes=5),
        checked_at=AT,
    )
