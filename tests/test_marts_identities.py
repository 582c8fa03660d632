"""Whatever stands in the tables, the marts add up: each live record once, nothing twice, nothing of a deleted one.

The rows are drawn, and judged by a ledger that shares no code with the models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.marts_world import MartsWorld
from tests.warehouse_reader import Row

ZONE = "America/New_York"  # west of UTC, and its offset moves
READ_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY = date(2026, 3, 2)
OUTCOMES = ("open", "won", "lost", "unknown")
CURRENCIES = {1: "USD", 2: "JPY"}

# Stage: (pipeline, forecast type, choice type, what it means). 13 is deleted, 18 is in a pipeline nobody lists, and
# deals also name stages that are in no table.
STAGES: dict[int, tuple[int, str | None, int | None, str]] = {
    11: (1, "Open", 1, "open"),
    12: (1, "Closed Won", 2, "won"),
    13: (1, "Open", 1, "open"),
    14: (1, "Closed Lost", 3, "lost"),
    15: (2, "Best case", 1, "open"),
    16: (2, None, 2, "won"),
    17: (2, "Commit", None, "unknown"),
    18: (9, "Open", None, "open"),
}
DELETED_STAGE = 13


MARTS_OF_DEALS = (
    "fct_deals",
    "dim_stage",
    "bridge_deal_contact",
    "sales_totals",
    "sales_by_currency",
    "closed_by_month",
    "pipeline_now",
    "pipeline_ageing",
    "owner_performance",
    "funnel_by_cohort",
    "data_quality",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A deal as the CRM has it; `fate` is `live`, `bin`, `gone` (only `_deletions` tells) or `back` (it told once)."""

    stage: int | None
    currency: int | None
    owner: int | None
    amount: Decimal | None
    base: Decimal | None
    made: datetime | None
    closed: date | None
    expected: date | None
    fate: str
    contacts: frozenset[int]

    @property
    def is_live(self) -> bool:
        return self.fate in ("live", "back")

    @property
    def outcome(self) -> str:
        return STAGES[self.stage][3] if self.stage in STAGES else "unknown"

    @property
    def code(self) -> str | None:
        return None if self.currency is None else CURRENCIES.get(self.currency, str(self.currency))

    @property
    def made_on(self) -> date | None:
        return self.made.astimezone(ZoneInfo(ZONE)).date() if self.made else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A task, appointment or logged activity; `at` tells when it is over, is due, or was."""

    kind: str
    owner: int | None
    at: datetime
    is_done: bool
    fate: str
    contact: int | None

    @property
    def counts(self) -> bool:
        """Whether it is done, as of the last sync."""
        return self.fate == "live" and self.at <= READ_AT and (self.kind != "task" or self.is_done)


FIRST = datetime(2019, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 234_000_000).map(
    lambda seconds: FIRST + timedelta(seconds=seconds)
)  # till June 2026
# Days before the last sync on which one span of ages ends and the next begins.
EDGES = st.sampled_from([READ_AT - timedelta(days=days) for days in (-1, 30, 31, 60, 61, 90, 91, 180, 181)])
DAYS = st.dates(date(2018, 1, 1), date(2027, 1, 1))
AMOUNTS = st.none() | st.decimals(Decimal(-50), Decimal(10**12), places=2)
DEALS = st.builds(
    Deal,
    stage=st.sampled_from([*STAGES, 11, 12, 14, 77, None]),
    currency=st.sampled_from([1, 2, 5, 6, None]),
    owner=st.sampled_from([21, 22, 23, None]),
    amount=AMOUNTS,
    base=AMOUNTS,
    made=st.none() | MOMENTS | EDGES,
    closed=st.none() | DAYS,
    expected=st.none() | DAYS,
    fate=st.sampled_from(["live", "live", "live", "back", "bin", "gone"]),
    contacts=st.frozensets(st.integers(41, 44), max_size=2),
)
ACTIVITIES = st.builds(
    Activity,
    kind=st.sampled_from(["task", "appointment", "sales_activity"]),
    owner=st.sampled_from([21, 22, None]),
    at=MOMENTS,
    is_done=st.booleans(),
    fate=st.sampled_from(["live", "live", "bin"]),
    contact=st.sampled_from([41, 42, 43, 44, None]),
)
Rows: TypeAlias = list[Row]


def row(id: int, **values: Any) -> Row:
    return {"id": id, "is_deleted": False, "_synced_at": READ_AT, **values}


def deal_row(id: int, deal: Deal) -> Row:
    return row(
        id,
        deal_stage_id=deal.stage,
        deal_pipeline_id=STAGES[deal.stage][0] if deal.stage in STAGES else 1,
        currency_id=deal.currency,
        owner_id=deal.owner,
        amount=deal.amount,
        base_currency_amount=deal.base,
        created_at=deal.made,
        closed_date=deal.closed,
        expected_close=deal.expected,
        updated_at=READ_AT,
        is_deleted=deal.fate == "bin",
    )


def activity_row(id: int, activity: Activity) -> Row:
    fields: Row = {"task": {"due_date": activity.at}, "appointment": {"end_date": activity.at}}.get(
        activity.kind, {"start_date": activity.at}
    )
    if activity.kind == "task" and activity.is_done:
        fields = {**fields, "status": 1, "completed_date": activity.at}
    target = {"targetable_type": "Contact", "targetable_id": activity.contact} if activity.contact else {}
    return row(
        id,
        owner_id=activity.owner,
        updated_at=READ_AT,
        is_deleted=activity.fate == "bin",
        **fields,
        **target,
    )


def tables(deals: Sequence[Deal], activities: Sequence[Activity]) -> dict[str, Rows]:
    """The rows of every table; contact 43 is deleted, 44 is not there, owner 23 neither, 22 was removed."""
    numbered = list(enumerate(deals, 101))
    told = {"gone": READ_AT + timedelta(hours=1), "back": READ_AT - timedelta(hours=1)}
    found: dict[str, Rows] = {
        "deals": [deal_row(id, deal) for id, deal in numbered],
        "deals__contacts": [
            {"deal_id": id, "contact_id": contact} for id, deal in numbered for contact in deal.contacts
        ],
        "_deletions": [
            {"object": "deals", "id": id, "deleted_at": told[deal.fate], "reason": "vanished"}
            for id, deal in numbered
            if deal.fate in told
        ],
        "deal_stages": [
            row(
                id,
                name=f"stage {id}",
                deal_pipeline_id=pipeline,
                forecast_type=forecast,
                choice_type=choice,
                is_deleted=id == DELETED_STAGE,
            )
            for id, (pipeline, forecast, choice, _) in STAGES.items()
        ],
        "deal_pipelines": [row(1, name="one", rotting_days=30), row(2, name="two")],
        "currencies": [row(id, currency_code=code) for id, code in CURRENCIES.items()],
        "owners": [row(21, display_name="Ann"), row(22, display_name="Bo", is_deleted=True)],
        "contacts": [
            row(41, created_at=datetime(2020, 1, 1, 3, tzinfo=UTC), owner_id=21),
            row(42, created_at=datetime(2025, 1, 1, tzinfo=UTC)),
            row(43, created_at=datetime(2025, 1, 1, tzinfo=UTC), is_deleted=True),
        ],
        "leads": [row(61, created_at=datetime(2025, 1, 1, tzinfo=UTC))],
        "_sync_runs": [{"run_id": "r", "started_at": READ_AT, "finished_at": READ_AT}],
    }
    for kind, table in (("task", "tasks"), ("appointment", "appointments")):
        found[table] = _activity_rows(kind, activities)
    return {**found, "sales_activities": _activity_rows("sales_activity", activities)}


def _activity_rows(kind: str, activities: Sequence[Activity]) -> Rows:
    return [activity_row(id, one) for id, one in enumerate(activities, 201) if one.kind == kind]


def added(rows: Iterable[Row], column: str, *by: str) -> dict[Any, Any]:
    """The sums of a column by others; a sum of nothing but nulls is None."""
    sums: dict[Any, Any] = {}
    for one in rows:
        key = tuple(one[name] for name in by)
        value = one[column]
        before = sums.get(key)
        sums[key] = before if value is None else value + (before or 0)
    return sums


def ledger(deals: Iterable[Deal], *by: Callable[[Deal], Any]) -> dict[Any, Counter[str]]:
    """How many live deals of each outcome there are in each group."""
    counts: dict[Any, Counter[str]] = {}
    for deal in deals:
        counts.setdefault(tuple(key(deal) for key in by), Counter())[deal.outcome] += 1
    return counts


def counted(rows: Iterable[Row], *by: str) -> dict[Any, Counter[str]]:
    """The same as the rows of a mart tell it; fails where a group has two rows, or does not add up."""
    found: dict[Any, Counter[str]] = {}
    for one in rows:
        key = tuple(one[name] for name in by)
        assert key not in found, f"two rows for {key}"
        found[key] = +Counter({outcome: one[f"{outcome}_deals"] for outcome in OUTCOMES})
        assert one["deals"] == found[key].total()
    return found


@pytest.fixture(scope="module")
def world() -> MartsWorld:
    return MartsWorld(ZONE)


@settings(max_examples=10)
@given(deals=st.lists(DEALS, max_size=40))
def test_every_mart_of_deals_counts_each_live_deal_once(world: MartsWorld, deals: list[Deal]) -> None:
    live = {id: deal for id, deal in enumerate(deals, 101) if deal.is_live}
    with world.filled(tables(deals, [])):
        marts = {name: world.rows(name) for name in MARTS_OF_DEALS}
    assert sorted(fact["deal_id"] for fact in marts["fct_deals"]) == sorted(live)
    for fact in marts["fct_deals"]:
        check_fact(fact, live[fact["deal_id"]])
    check_counts(marts, list(live.values()))
    check_amounts(marts, list(live.values()))
    links = {(one["deal_id"], one["contact_id"]) for one in marts["bridge_deal_contact"]}
    assert links == {(id, contact) for id, deal in live.items() for contact in deal.contacts}
    for one in marts["data_quality"]:
        assert 0 <= one["affected_records"] <= one["checked_records"]
    stages = {one["stage_id"]: one for one in marts["dim_stage"]}
    assert {id: stage["outcome"] for id, stage in stages.items()} == {id: s[3] for id, s in STAGES.items()}
    assert [id for id, stage in stages.items() if stage["is_deleted"]] == [DELETED_STAGE]


def check_fact(fact: Row, deal: Deal) -> None:
    assert (fact["outcome"], fact["currency_code"], fact["amount"]) == (deal.outcome, deal.code, deal.amount)
    assert fact["created_date"] == deal.made_on
    is_closed = deal.outcome in ("won", "lost")
    assert fact["closed_month"] == (deal.closed.replace(day=1) if is_closed and deal.closed else None)
    cycle = days(deal.made_on, deal.closed) if is_closed else None
    assert fact["cycle_days"] == cycle
    age = days(deal.made_on, TODAY) if deal.outcome == "open" else None
    assert fact["age_days"] == age
    bands = [(30, "0-30"), (60, "31-60"), (90, "61-90"), (180, "91-180"), (10**6, "over 180")]
    assert fact["age_band"] == (None if age is None else next(band for last, band in bands if age <= last))
    is_late = deal.outcome == "open" and deal.expected is not None and deal.expected < TODAY
    assert fact["is_overdue"] is is_late


def days(start: date | None, end: date | None) -> int | None:
    return None if start is None or end is None else (end - start).days


def check_counts(marts: dict[str, Rows], live: list[Deal]) -> None:
    def month(day: date | None) -> date | None:
        return day.replace(day=1) if day else None

    def pipeline(deal: Deal) -> int:
        return STAGES[deal.stage][0] if deal.stage in STAGES else 1

    (totals,) = counted(marts["sales_totals"]).values()
    assert totals == Counter(deal.outcome for deal in live)
    assert counted(marts["sales_by_currency"], "currency_code") == ledger(live, lambda d: d.code)
    assert counted(marts["owner_performance"], "owner_id", "currency_code") == ledger(
        live, lambda d: d.owner, lambda d: d.code
    )
    cohorts = counted(marts["funnel_by_cohort"], "created_month", "pipeline_id", "currency_code")
    assert cohorts == ledger(live, lambda d: month(d.made_on), pipeline, lambda d: d.code)
    open_ = [deal for deal in live if deal.outcome == "open"]
    stages = {(r["stage_id"], r["currency_code"]): r["open_deals"] for r in marts["pipeline_now"]}
    assert stages == Counter((deal.stage, deal.code) for deal in open_)
    assert sum(one["open_deals"] for one in marts["pipeline_ageing"]) == len(open_)
    closed = {(r["closed_month"], r["currency_code"]): r for r in marts["closed_by_month"]}
    assert {key: Counter(won=r["won_deals"], lost=r["lost_deals"]) for key, r in closed.items()} == {
        key: Counter(won=counts["won"], lost=counts["lost"])
        for key, counts in ledger(
            [deal for deal in live if deal.outcome in ("won", "lost")],
            lambda d: month(d.closed),
            lambda d: d.code,
        ).items()
    }


def check_amounts(marts: dict[str, Rows], live: list[Deal]) -> None:
    """Sums of one currency only, the same in every mart; those in the base currency only where they are whole."""
    parts = (
        (
            "open",
            ("sales_by_currency", "pipeline_now", "pipeline_ageing", "owner_performance", "funnel_by_cohort"),
        ),
        ("won", ("sales_by_currency", "closed_by_month", "owner_performance", "funnel_by_cohort")),
        ("lost", ("sales_by_currency", "closed_by_month", "owner_performance", "funnel_by_cohort")),
    )
    for outcome, views in parts:
        expected: dict[str | None, Decimal] = {}
        for deal in live:
            if deal.outcome == outcome:
                expected[deal.code] = expected.get(deal.code, Decimal(0)) + (deal.amount or 0)
        for view in views:
            sums = added(marts[view], f"{outcome}_amount", "currency_code")
            assert {code: total for (code,), total in sums.items() if total} == {
                code: total for code, total in expected.items() if total
            }, view
    (totals,) = marts["sales_totals"]
    for outcome in ("open", "won"):
        own = [deal for deal in live if deal.outcome == outcome]
        is_whole = all(deal.base is not None for deal in own if deal.amount is not None)
        bases = sum((deal.base or Decimal(0) for deal in own), Decimal(0))
        assert (totals[f"{outcome}_base_amount"] or 0) == (bases if is_whole else 0)


@settings(max_examples=8)
@given(activities=st.lists(ACTIVITIES, max_size=40))
def test_every_mart_of_activities_counts_each_live_one_once(
    world: MartsWorld, activities: list[Activity]
) -> None:
    live = {id: one for id, one in enumerate(activities, 201) if one.fate == "live"}
    with world.filled(tables([], activities)):
        facts = world.rows("fct_activities")
        assert sorted(fact["activity_id"] for fact in facts) == sorted(live)
        for fact in facts:
            one = live[fact["activity_id"]]
            local = one.at.astimezone(ZoneInfo(ZONE)).date()
            assert (fact["activity_kind"], fact["is_done"]) == (one.kind, one.counts)
            assert (fact["done_at"], fact["done_date"]) == ((one.at, local) if one.counts else (None, None))
        done = Counter(
            (one.at.astimezone(ZoneInfo(ZONE)).date(), one.owner, one.kind)
            for one in live.values()
            if one.counts
        )
        rows = world.rows("daily_activity")
        assert {
            (r["done_date"], r["owner_id"], r["activity_kind"]): r["done_activities"] for r in rows
        } == done
        check_leads(world, [one for one in live.values() if one.counts])


def check_leads(world: MartsWorld, done: Sequence[Activity]) -> None:
    """Contacts 41 and 42 and lead 61 are live; each waits from its creation to its first activity."""
    people = {(one["record_type"], one["record_id"]): one for one in world.rows("fct_leads")}
    assert sorted(people) == [("Contact", 41), ("Contact", 42), ("Lead", 61)]
    for (kind, id), person in people.items():
        ats = [one.at for one in done if kind == "Contact" and one.contact == id]
        assert person["first_activity_at"] == min(ats, default=None)
        waited = max((min(ats) - person["created_at"]).total_seconds(), 0) / 3600 if ats else None
        assert person["response_hours"] == (None if waited is None else pytest.approx(Decimal(waited)))
    # 41 was made on New Year's Eve there, which is the first of January in UTC.
    assert people["Contact", 41]["created_month"] == date(2019, 12, 1)
    for one in world.rows("lead_response"):
        assert one["leads"] == one["answered_leads"] + one["unanswered_leads"]
    assert sum(one["leads"] for one in world.rows("lead_response")) == 3
    answered = sum(person["first_activity_at"] is not None for person in people.values())
    assert sum(one["answered_leads"] for one in world.rows("lead_response")) == answered
