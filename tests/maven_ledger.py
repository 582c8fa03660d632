"""The ledger of a published set of 8,800 deals, read from its CSV files alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.shared_data import SHARED

FIRST_DAY = date(2016, 10, 20)
OPEN = ("Prospecting", "Engaging")
FOLDER = SHARED / "datasets" / "maven_crm_sales_opportunities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One line of the ledger."""

    opportunity: str
    name: str
    product: str
    stage: str
    agent: str
    account: str | None
    amount: Decimal
    engaged: date
    closed: date | None


def csv_rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def ledger_of_csv() -> dict[str, Deal]:
    prices = {row["product"]: Decimal(row["sales_price"]) for row in csv_rows("products.csv")}
    return {row["opportunity_id"]: deal_of(row, prices) for row in csv_rows("sales_pipeline.csv")}


def deal_of(row: dict[str, str], prices: dict[str, Decimal]) -> Deal:
    product = {"GTXPro": "GTX Pro"}.get(row["product"], row["product"])
    is_open = row["deal_stage"] in OPEN
    return Deal(
        opportunity=row["opportunity_id"],
        name=f"{row['account'] or 'New prospect'} {product}",
        product=product,
        stage=row["deal_stage"],
        agent=row["sales_agent"],
        account=row["account"] or None,
        amount=prices[product] if is_open else Decimal(row["close_value"]),
        engaged=date.fromisoformat(row["engage_date"]) if row["engage_date"] else FIRST_DAY,
        closed=date.fromisoformat(row["close_date"]) if row["close_date"] else None,
    )
