"""What the CRM itself fills in when a record is written: names, addresses in lists, stage times, amounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from freshsales_source.emulator.activity_columns import LEAD_COMPANY, LEAD_DEAL
from freshsales_source.emulator.table import Record

Draft: TypeAlias = dict[str, Any]

MONEY_COLUMNS = frozenset(
    {"amount", "base_currency_amount", "expected_deal_value", "open_deals_amount", "won_deals_amount"}
)
CLOSED = ("Closed Won", "Closed Lost")
# Amounts of products are plain numbers (one client); all others are kept to the cent.
_PLAIN_NUMBERS = ("products",)
# Objects that are handed to an owner.
_ASSIGNED = ("contacts", "sales_accounts", "deals", "leads")
_HALF_AN_HOUR = timedelta(minutes=30)


class Facts(Protocol):
    """What the rules below ask of the account."""

    def stage(self, stage_id: int) -> Mapping[str, Any]:
        """Return the stage's selector row."""
        ...

    def first_stage(self, pipeline_id: int | None) -> Mapping[str, Any]:
        """Return the first stage of a pipeline (None: of the default one)."""
        ...

    def local_date(self, at: datetime) -> date:
        """Return the day it is in the account's zone."""
        ...

    def next_id(self) -> int:
        """Return a fresh id for an email, a phone number or a field."""
        ...

    @property
    def zone_name(self) -> str:
        """The account's zone as appointments name it."""
        ...


Rule: TypeAlias = Callable[[Draft, Record, datetime, Facts], None]


def fill_in(object_name: str, draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    """Complete `draft`, a record with the values `given` just written into it at the moment `at`."""
    for column in MONEY_COLUMNS & given.keys() if object_name not in _PLAIN_NUMBERS else ():
        draft[column] = None if given[column] is None else Decimal(str(given[column]))
    is_assigned = object_name in _ASSIGNED and given.get("owner_id") is not None
    if is_assigned and "last_assigned_at" not in given:
        draft["last_assigned_at"] = at
    rule = _RULES.get(object_name)
    if rule is not None:
        rule(draft, given, at, facts)


def _contact(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    _person(draft, given, at, facts)
    # Above 2^53, as seen: a reader that goes through floats loses digits.
    draft.setdefault("mcr_id", 1_450_000_000_000_000_001 + (draft["id"] % 100_000_000) * 4_096)


def _person(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    if {"first_name", "last_name"} & given.keys() and "display_name" not in given:
        names = (draft.get("first_name"), draft.get("last_name"))
        draft["display_name"] = " ".join(name for name in names if name)
    if "email" in given and "emails" not in given:
        given = {**given, "emails": [given["email"]] if given["email"] else []}
    if "emails" in given:
        draft["emails"] = _emails(given["emails"], facts)
        draft["email"] = next((entry["value"] for entry in draft["emails"]), None)
    if "phone_numbers" in given:
        draft["phone_numbers"] = _phones(given["phone_numbers"], facts)


def _emails(values: Sequence[Any], facts: Facts) -> tuple[Draft, ...]:
    return tuple(
        value
        if isinstance(value, dict)
        else {"id": facts.next_id(), "value": value, "is_primary": n == 0, "label": None, "_destroy": False}
        for n, value in enumerate(values)
    )


def _phones(values: Sequence[Any], facts: Facts) -> tuple[Draft, ...]:
    return tuple(
        value
        if isinstance(value, dict)
        else {"id": facts.next_id(), "value": value, "label": "Work", "_destroy": False}
        for value in values
    )


def _deal(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    if draft.get("deal_stage_id") is None:
        draft["deal_stage_id"] = facts.first_stage(draft.get("deal_pipeline_id"))["id"]
        given = {**given, "deal_stage_id": draft["deal_stage_id"]}
    if "deal_stage_id" in given:
        _enter_stage(draft, given, at, facts)
    if draft.get("amount") is None:
        draft["amount"] = Decimal(0)
    if "amount" in given and "base_currency_amount" not in given:
        draft["base_currency_amount"] = draft["amount"]
    draft.setdefault("base_currency_amount", draft["amount"])


def _enter_stage(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    stage = facts.stage(draft["deal_stage_id"])
    closed = stage["forecast_type"] in CLOSED
    draft["deal_pipeline_id"] = stage["deal_pipeline_id"]
    if "stage_updated_time" not in given:
        draft["stage_updated_time"] = at
    if "probability" not in given:
        draft["probability"] = stage["probability"]
    if "closed_date" not in given:
        draft["closed_date"] = facts.local_date(at) if closed else None
    draft["deal_prediction"] = {"Closed Won": 6, "Closed Lost": 7}.get(stage["forecast_type"], 0)
    draft["deal_prediction_last_updated_at"] = draft["stage_updated_time"] if closed else None


def _lead(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    _person(draft, given, at, facts)
    for name, empty in (("company", LEAD_COMPANY), ("deal", LEAD_DEAL)):
        draft[name] = {**empty, **(draft.get(name) or {})}
    if "lead_stage_id" in given and "stage_updated_time" not in given:
        draft["stage_updated_time"] = at


def _task(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    draft.setdefault("status", 0)
    if "status" in given and "completed_date" not in given:
        # Seen: completing sets completed_date and updated_at to one second. Reopening: assumed.
        draft["completed_date"] = at if given["status"] == 1 else None


def _appointment(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    draft.setdefault("time_zone", facts.zone_name)
    if draft.get("end_date") is None and draft.get("from_date") is not None:
        draft["end_date"] = draft["from_date"] + _HALF_AN_HOUR
    if "appointment_attendees" in given:
        draft["appointment_attendees"] = tuple(
            value if "attendee" in value else {"id": facts.next_id(), "attendee": dict(value)}
            for value in given["appointment_attendees"]
        )


def _sales_activity(draft: Draft, given: Record, at: datetime, facts: Facts) -> None:
    if draft.get("start_date") is None:
        draft["start_date"] = at
    if draft.get("conversation_time") is None:
        draft["conversation_time"] = draft["start_date"]


_RULES: Mapping[str, Rule] = {
    "contacts": _contact,
    "deals": _deal,
    "leads": _lead,
    "tasks": _task,
    "appointments": _appointment,
    "sales_activities": _sales_activity,
}
