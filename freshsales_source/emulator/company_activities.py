"""What people of the generated company plan, do and sell: tasks, appointments, logged calls, products, and
the leads that only a Classic account shows.

They hang on the contacts, accounts and deals that are there. Nothing was touched in the last hour, as with
those.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from freshsales_source.emulator import company_words as words
from freshsales_source.emulator.account import ZONE_NAMES
from freshsales_source.emulator.links import TARGET_TYPES
from freshsales_source.emulator.store import Store

_HOUR = timedelta(hours=1)


class CompanyActivities:
    """Fills the store of a company whose people, firms and deals are there."""

    def __init__(self, store: Store, now: datetime, start: datetime, seed: int) -> None:
        self._store = store
        self._account = store.account
        self._now = now
        self._start = start
        self._random = random.Random(f"activities {seed}")
        self._types: list[int] = []
        self._ids = {
            name: [record["id"] for record in store.live(name)]
            for name in ("contacts", "sales_accounts", "deals")
        }
        self._owners = [int(row["id"]) for row in self._account.selectors["owners"]]

    def fill(self, *, tasks: int, appointments: int, activities: int, products: int, leads: int) -> None:
        """Set up the lists and fields that these objects need, then make that many of each."""
        self._set_up()
        for n in range(tasks):
            self._task(n)
        for n in range(appointments):
            self._appointment(n)
        for n in range(activities):
            self._activity(n)
        # One product and one lead more lie in the bin.
        for n in range(products + 1 if products else 0):
            self._product(n, is_binned=n == products)
        for n in range(leads + 1 if leads else 0):
            self._lead(n, is_binned=n == leads)

    def _set_up(self) -> None:
        account = self._account
        for name, outcomes in words.ACTIVITY_TYPES:
            entities = ("Contact", "SalesAccount", "Deal")
            is_default = name != words.ACTIVITY_TYPES[-1][0]
            self._types.append(
                account.add_activity_type(name, outcomes, entities=entities, is_default=is_default)
            )
        for stage in ("New", "Contacted", "Interested", "Qualified", "Unqualified"):
            account.add_choice("lead_stages", stage, choice_type=1)
        for reason in ("No budget", "Wrong person"):
            account.add_choice("lead_reasons", reason)
        account.add_custom_field("sales_activities", "cf_minutes", "number")
        account.add_custom_field(
            "sales_activities", "cf_mood", "dropdown", choices=("Happy", "Neutral", "Angry")
        )
        account.add_custom_field("products", "cf_hsn_no", "text")
        account.add_custom_field("leads", "cf_wants_demo", "checkbox")

    # --- records

    def _task(self, n: int) -> None:
        pick = self._random.choice
        created = self._moment(self._start, self._now - 2 * _HOUR)
        is_done = self._random.random() < 0.5
        due = self._due(n, created, is_done=is_done)
        # Completing moves updated_at to the same second (seen).
        done = self._moment(created, self._now - _HOUR) if is_done else None
        task_type = pick(self._types)
        self._store.load(
            "tasks",
            {
                "title": pick(words.TASK_TITLES),
                "description": self._maybe(pick(words.NOTES)),
                "status": 1 if is_done else 0,
                "due_date": due,
                "completed_date": done,
                "owner_id": pick(self._owners),
                "user_ids": tuple(self._random.sample(self._owners, pick((0, 0, 1, 2)))),
                "task_type_id": self._maybe(task_type),
                "outcome_id": self._maybe(self._outcome(task_type)) if is_done else None,
                "targetables": self._targets(pick((0, 1, 1, 1, 2))),
                "created_at": created,
                "updated_at": done or self._moment(created, self._now - _HOUR),
            },
        )

    def _due(self, n: int, created: datetime, *, is_done: bool) -> datetime:
        """Return a full hour: around its creation when done, else overdue, today, tomorrow or later."""
        days = self._random.randrange(1, 30)
        if is_done:
            return _full_hour(created + timedelta(days=days))
        match n % 4:
            case 0:
                return _full_hour(self._now - timedelta(days=days))
            case 1:
                return _full_hour(self._now + 2 * _HOUR)
            case 2:
                return _full_hour(self._now + timedelta(days=1))
            case _:
                return _full_hour(self._now + timedelta(days=days + 2))

    def _appointment(self, n: int) -> None:
        pick = self._random.choice
        created = self._moment(self._start, self._now - 2 * _HOUR)
        is_allday = n % 7 == 3
        start = self._meeting_start(n, created)
        length = timedelta(days=1) if is_allday else timedelta(minutes=pick((30, 60, 90)))
        targets = self._targets(pick((0, 1, 1, 2)))
        # One row of six had an updated_at before its created_at (seen).
        updated = created - timedelta(days=2) if n == 0 else self._moment(created, self._now - _HOUR)
        self._store.load(
            "appointments",
            {
                "title": pick(words.MEETING_TITLES),
                "description": self._maybe(pick(words.NOTES)),
                "location": self._maybe(pick(words.LOCATIONS)),
                "time_zone": pick(tuple(ZONE_NAMES.values())),
                "is_allday": is_allday,
                "from_date": start,
                "end_date": start + length,
                "creater_id": pick(self._owners),
                "outcome_id": self._maybe(self._outcome(pick(self._types))) if start < self._now else None,
                "targetables": targets,
                "appointment_attendees": self._attendees(targets),
                "created_at": created,
                "updated_at": updated,
            },
        )

    def _meeting_start(self, n: int, created: datetime) -> datetime:
        if n % 3 == 0:
            return _full_hour(self._now + timedelta(days=self._random.randrange(1, 60)))
        return _full_hour(self._moment(created, self._now - timedelta(days=2)))

    def _attendees(self, targets: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        users = self._random.sample(self._owners, self._random.choice((1, 1, 2)))
        people = [target["id"] for target in targets if target["type"] == "Contact"]
        return (
            *({"type": "user", "id": each} for each in users),
            *({"type": "contact", "id": each} for each in people),
        )

    def _activity(self, n: int) -> None:
        pick = self._random.choice
        activity_type = pick(self._types)
        created = self._moment(self._start, self._now - 2 * _HOUR)
        # Logged afterwards, some of them days later.
        started = created - timedelta(minutes=self._random.randrange(5, 5_000))
        target = next(iter(self._targets(1)), {"id": None, "type": None})
        owner = pick(self._owners)
        self._store.load(
            "sales_activities",
            {
                "title": f"{pick(words.ACTIVITY_TITLES)} {n + 1}",
                "notes": self._maybe(pick(words.NOTES)),
                "start_date": started,
                "end_date": started + timedelta(minutes=pick((5, 15, 45))),
                "targetable_type": target["type"],
                "targetable_id": target["id"],
                "owner_id": owner,
                "creater_id": owner,
                "updater_id": None,
                "sales_activity_type_id": activity_type,
                "sales_activity_outcome_id": self._maybe(self._outcome(activity_type)),
                "location": self._maybe(pick(words.LOCATIONS)),
                "cf_minutes": self._maybe(pick((5, 15, 45, 7.5))),
                "cf_mood": self._maybe(pick(("Happy", "Neutral", "Angry"))),
                "created_at": created,
                "updated_at": self._moment(created, self._now - _HOUR),
            },
        )

    def _product(self, n: int, *, is_binned: bool) -> None:
        pick = self._random.choice
        created = self._moment(self._start, self._start + timedelta(days=200))
        price = pick((49, 250.5, 1_200, 7_000.0))
        kind = words.PRODUCTS[n % len(words.PRODUCTS)]
        fields: dict[str, Any] = {
            "name": kind if n < len(words.PRODUCTS) else f"{kind} {n // len(words.PRODUCTS) + 1}",
            "category": pick(("Plan", "Service", "Hardware")),
            "product_code": f"P-{n + 1:03d}",
            "sku_number": self._maybe(f"SKU-{n + 1:05d}"),
            "description": self._maybe(pick(words.NOTES)),
            "valid_till": self._maybe((self._now + timedelta(days=400)).date()),
            "is_active": n % 5 != 4,
            "owner_id": pick(self._owners),
            "base_currency_amount": price,
            "product_pricings": tuple(
                {"currency_code": code, "unit_price": round(price * rate, 2)}
                for code, rate in (("USD", 1), ("EUR", 0.92))[: pick((1, 2))]
            ),
            "cf_hsn_no": self._maybe(f"{self._random.randrange(10**6):06d}"),
            "created_at": created,
            "updated_at": self._moment(created, self._now - timedelta(days=40)),
        }
        self._load("products", fields, is_binned=is_binned)

    def _lead(self, n: int, *, is_binned: bool) -> None:
        pick, region = self._random.choice, self._random.choice(words.REGIONS)
        created = self._moment(self._start, self._now - timedelta(days=45))
        firm = f"{pick(words.COMPANY_FIRST)}{pick(words.COMPANY_LAST)}"
        fields: dict[str, Any] = {
            "first_name": pick(region.first_names),
            "last_name": pick(region.last_names),
            "job_title": self._maybe(pick(words.JOB_TITLES)),
            "emails": [f"lead{n + 1}@example.com"],
            "lead_score": self._random.randrange(100),
            "company": {"name": firm, "number_of_employees": self._maybe(self._random.randrange(5, 500))},
            "deal": {"name": f"{firm} {pick(words.DEAL_NAMES)}", "amount": "1500.0"},
            "owner_id": self._maybe(pick(self._owners)),
            "lead_stage_id": pick(self._account.selectors["lead_stages"])["id"],
            "tags": ("vip",) if n % 6 == 0 else (),
            "cf_wants_demo": n % 2 == 0,
            "created_at": created,
            "updated_at": self._moment(created, self._now - timedelta(days=31)),
        }
        self._load("leads", fields, is_binned=is_binned)

    # --- small choices

    def _load(self, object_name: str, fields: dict[str, Any], *, is_binned: bool) -> None:
        deleted_at = self._now - timedelta(days=20) if is_binned else None
        if deleted_at is not None:
            fields = {**fields, "updated_at": deleted_at}
        self._store.load(object_name, fields, deleted_at=deleted_at)

    def _targets(self, count: int) -> tuple[dict[str, Any], ...]:
        names = [name for name, ids in self._ids.items() if ids]
        chosen = self._random.sample(names, min(count, len(names)))
        return tuple(
            {"id": self._random.choice(self._ids[name]), "type": TARGET_TYPES[name]} for name in chosen
        )

    def _outcome(self, activity_type: int) -> int | None:
        rows = self._account.selectors["sales_activity_outcomes"]
        ids = [int(row["id"]) for row in rows if row["sales_activity_type_id"] == activity_type]
        return self._random.choice(ids) if ids else None

    def _moment(self, start: datetime, end: datetime) -> datetime:
        seconds = max(0, int((end - start).total_seconds()))
        return start + timedelta(seconds=self._random.randint(0, seconds))

    def _maybe(self, value: Any) -> Any:
        return value if self._random.random() < 0.7 else None


def _full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0)
