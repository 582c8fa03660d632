"""Columns that the CRM works out when a record is read: ages, values, and the deal counters of people and
firms.

They change without any write, so none of them moves updated_at.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from freshsales_source.emulator.links import TARGET_TYPES
from freshsales_source.emulator.objects import OBJECTS
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deals:
    open_amount: Decimal
    open_since: tuple[datetime, ...]
    won_amount: Decimal
    won: int


def computed_columns(object_name: str, record: Record, store: Store, now: datetime) -> Values:
    """Return the computed columns of one record at the moment `now`, in exact types."""
    compute = _COMPUTED.get(object_name)
    values = {} if compute is None else compute(record, store, now)
    return {**values, **_tokens(record)} if store.switches.volatile_tokens else values


def _deal(record: Record, store: Store, now: datetime) -> Values:
    stage = store.account.stage(record["deal_stage_id"])
    age = _age(record, store, now)
    amount: Decimal = record.get("base_currency_amount") or Decimal(0)
    return {
        "age": age,
        "rotten_days": _rotten_days(stage, age, store),
        "expected_deal_value": amount * record.get("probability", 0) / 100,
        "collaboration": {},
    }


def _age(record: Record, store: Store, now: datetime) -> int:
    """Days from creation to closing (else to today), in the account's zone; negative when closed before
    (seen).
    """
    local = store.account.local_date
    closed: date | None = record.get("closed_date")
    return ((closed or local(now)) - local(record["created_at"])).days


def _rotten_days(stage: Record, age: int, store: Store) -> int | str | None:
    """Days that an open deal is older than its pipeline's rotting_days (seen: 765 at age and 735), else
    null.
    """
    if stage["forecast_type"] != "Open":
        return None
    pipelines = store.account.selectors["deal_pipelines"]
    rotting = next(row["rotting_days"] for row in pipelines if row["id"] == stage["deal_pipeline_id"])
    days = age - int(rotting) if age > rotting else None
    return str(days) if days is not None and store.switches.rotten_days == "string" else days


def _tokens(record: Record) -> Values:
    """Seen on deals; that other records carry them, too, is assumed."""
    return {
        "collaboration": {
            "id": str(record["id"]),
            "title": record.get("name"),
            "convo_token": f"convo-{secrets.token_hex(16)}",
        },
        "fc_widget_collaboration": {
            "convo_token": f"convo-{secrets.token_hex(16)}",
            "auth_token": f"auth-{secrets.token_hex(16)}",
            "encoded_jwt_token": f"jwt-{secrets.token_hex(24)}",
        },
    }


def _counters(column: str) -> Callable[[Record, Store, datetime], Values]:
    def counters(record: Record, store: Store, now: datetime) -> Values:
        deals = _deals_of(record["id"], column, store)
        since = now - timedelta(seconds=store.switches.open_deals_count_late_s)
        return {
            "open_deals_amount": deals.open_amount,
            # The amount is right at once, the count follows (seen: 0 where the amount held two deals).
            "open_deals_count": sum(created <= since for created in deals.open_since),
            "won_deals_amount": deals.won_amount,
            "won_deals_count": deals.won,
        }

    return counters


def _deals_of(holder: int, column: str, store: Store) -> _Deals:
    table = store.tables["deals"]
    known: _Deals | None = table.notes.get((column, holder))
    if known is None:
        live = [table.live[each] for each in table.linked(column, holder) if each in table.live]
        known = _summed(live, store)
        table.notes[(column, holder)] = known
    return known


def _summed(deals: Iterable[Record], store: Store) -> _Deals:
    open_amount, won_amount, won = Decimal(0), Decimal(0), 0
    open_since: list[datetime] = []
    for deal in deals:
        amount: Decimal = deal.get("base_currency_amount") or Decimal(0)
        forecast = store.account.stage(deal["deal_stage_id"])["forecast_type"]
        if forecast == "Open":
            open_amount += amount
            open_since.append(deal["created_at"])
        elif forecast == "Closed Won":
            won_amount += amount
            won += 1
    return _Deals(open_amount=open_amount, open_since=tuple(open_since), won_amount=won_amount, won=won)


def _targets_with_names(record: Record, store: Store, now: datetime) -> Values:
    return {
        "targetables_with_email": tuple(
            {"id": each["id"], "name": _name_of(each, store), "type": each["type"]}
            for each in record.get("targetables", ())
        )
    }


def _name_of(target: Record, store: Store) -> str | None:
    for name, type_name in TARGET_TYPES.items():
        found = store.tables[name].get(target["id"]) if type_name == target["type"] else None
        if found is not None:
            return found.get(OBJECTS[name].name_column)
    return None


_COMPUTED: Mapping[str, Callable[[Record, Store, datetime], Values]] = {
    "contacts": _counters("contact_ids"),
    "sales_accounts": _counters("sales_account_id"),
    "deals": _deal,
    "tasks": _targets_with_names,
    "appointments": _targets_with_names,
}
