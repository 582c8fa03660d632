"""What a report must say, counted by hand from the records of an emulated account: no SQL, nothing of the product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import mean, median
from typing import Any
from zoneinfo import ZoneInfo

from freshsales_source.emulator import Store

BANDS = ((30, "0–30"), (60, "31–60"), (90, "61–90"), (180, "91–180"), (10**6, "over 180"))
SIGNS = {"USD": "$", "EUR": "€", "JPY": "¥"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A live deal."""

    outcome: str
    amount: Decimal
    currency: str
    stage: str
    pipeline: str
    owner: str
    created: date
    closed: date | None
    expected: date | None


class Ledger:
    """The live deals and finished activities of an account, as of a moment, in dates of a zone."""

    def __init__(self, store: Store, zone: ZoneInfo, at: datetime) -> None:
        self._store = store
        self._zone = zone
        self._at = at
        self.today = at.astimezone(zone).date()
        self.deals = [self._deal(record) for record in store.live("deals")]

    @property
    def won(self) -> list[Deal]:
        """Those in a stage that means won."""
        return [deal for deal in self.deals if deal.outcome == "Closed Won"]

    @property
    def lost(self) -> list[Deal]:
        """Those in a stage that means lost."""
        return [deal for deal in self.deals if deal.outcome == "Closed Lost"]

    @property
    def open(self) -> list[Deal]:
        """All others."""
        return [deal for deal in self.deals if deal.outcome == "Open"]

    @property
    def cycles(self) -> list[int]:
        """Days from creation to close of the won deals."""
        return [(deal.closed - deal.created).days for deal in self.won if deal.closed]

    def mean_cycle(self) -> float:
        """Its mean."""
        return mean(self.cycles)

    def median_cycle(self) -> float:
        """Its middle."""
        return median(self.cycles)

    def age_band(self, deal: Deal) -> str:
        """The days since its creation, as a span."""
        age = (self.today - deal.created).days
        return next(name for last, name in BANDS if age <= last)

    def done(self) -> Counter[tuple[date, str]]:
        """Finished activities by their week's Monday and kind."""
        found: Counter[tuple[date, str]] = Counter()
        for kind, moment in self._finished():
            if moment is not None and moment <= self._at:
                day = moment.astimezone(self._zone).date()
                found[day - timedelta(days=day.weekday()), kind] += 1
        return found

    def _finished(self) -> list[tuple[str, datetime | None]]:
        tasks = [
            ("Tasks", task["completed_date"]) for task in self._store.live("tasks") if task["status"] == 1
        ]
        held = [("Appointments", record["end_date"]) for record in self._store.live("appointments")]
        logged = [("Logged activities", r["conversation_time"]) for r in self._store.live("sales_activities")]
        return [*tasks, *held, *logged]

    def _deal(self, record: Mapping[str, Any]) -> Deal:
        stage = self._row("deal_stages", record["deal_stage_id"])
        return Deal(
            outcome=stage["forecast_type"],
            amount=record["amount"],
            currency=self._row("currencies", record["currency_id"])["currency_code"],
            stage=stage["name"],
            pipeline=self._row("deal_pipelines", stage["deal_pipeline_id"])["name"],
            owner=self._row("owners", record["owner_id"])["display_name"],
            created=record["created_at"].astimezone(self._zone).date(),
            closed=record["closed_date"],
            expected=record["expected_close"],
        )

    def _row(self, selector: str, record_id: int) -> dict[str, Any]:
        return next(row for row in self._store.account.selectors[selector] if row["id"] == record_id)


def sums(deals: list[Deal]) -> dict[str, Decimal]:
    """The amounts of deals by currency."""
    found: dict[str, Decimal] = {}
    for deal in deals:
        found[deal.currency] = found.get(deal.currency, Decimal(0)) + deal.amount
    return found


def amounts(texts: str) -> dict[str, Decimal]:
    """What a page writes as `$1.50 · €2.00`, by currency; zeros left out."""
    found: dict[str, Decimal] = {}
    for text in texts.split("·"):
        code = next(code for code, sign in SIGNS.items() if sign in text)
        value = Decimal(text.strip().removeprefix(SIGNS[code]).replace(",", ""))
        if value:
            found[code] = value
    return found
