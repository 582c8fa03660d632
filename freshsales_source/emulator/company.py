"""A believable small company, the same for the same seed: people, firms and two years of deals in three
pipelines.

Links make sense (a deal's contacts work at its account), stamps never pass the clock, some records lie in the
recycle bin, and the texts come in several scripts. Sizes can be raised to any number for tests of speed.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from freshsales_source.emulator import company_words as words
from freshsales_source.emulator.account import Account
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.company_activities import CompanyActivities
from freshsales_source.emulator.company_modules import add_contracts
from freshsales_source.emulator.store import Store

_YEARS = timedelta(days=730)
_DOMAIN = "example.com"


def generate_company(
    clock: Clock,
    *,
    seed: int = 1,
    accounts: int = 120,
    contacts: int = 400,
    deals: int = 600,
    in_bin: int = 9,
    tasks: int = 90,
    appointments: int = 60,
    activities: int = 150,
    products: int = 14,
    leads: int = 25,
    contracts: int = 0,
    time_zone: str = "America/Chicago",
) -> Store:
    """Return a store with that many live records, and `in_bin` more contacts, accounts and deals in the bin.

    Leads show only where the switch `classic` is on. With `contracts` there is a custom module, too.
    The two years end at the clock's now. The account's zone
    has daylight saving time unless chosen otherwise.
    """
    account = Account(time_zone=time_zone)
    store = Store(clock, account, seed=seed)
    now = clock.now().astimezone(UTC).replace(microsecond=0)
    _Company(store, now, seed).fill(accounts, contacts, deals, in_bin)
    CompanyActivities(store, now, now - _YEARS, seed).fill(
        tasks=tasks, appointments=appointments, activities=activities, products=products, leads=leads
    )
    if contracts:
        add_contracts(store, now, now - _YEARS, seed, contracts=contracts)
    return store


class _Company:
    def __init__(self, store: Store, now: datetime, seed: int) -> None:
        self._store = store
        self._account = store.account
        self._now = now
        self._start = now - _YEARS
        self._random = random.Random(seed)
        self._people: dict[int, list[int]] = {}
        self._stages: list[dict[str, int]] = []
        self._names: dict[int, str] = {}
        self._known_ids: dict[str, list[int]] = {}

    def fill(self, accounts: int, contacts: int, deals: int, in_bin: int) -> None:
        """Set up the account and fill it."""
        self._account.settled_at = self._start - timedelta(days=100)
        self._set_up_lists()
        self._set_up_fields()
        firms = [self._firm(n, is_binned=n >= accounts) for n in range(accounts + in_bin)][:accounts]
        for n in range(contacts + in_bin):
            self._person(firms, n, is_binned=n >= contacts)
        for n in range(deals + in_bin):
            self._deal(firms, n, is_binned=n >= deals)
        self._store.views.add("deals", "Every pipeline", lambda record: True)
        self._store.views.add("contacts", "VIPs", lambda record: "vip" in record.get("tags", ()))

    # --- the account

    def _set_up_lists(self) -> None:
        account = self._account
        for name in words.TERRITORIES:
            account.add_territory(name)
        territories = self._ids("territories")
        for n, (name, login) in enumerate(words.OWNERS):
            account.add_owner(name, f"{login}@{_DOMAIN}", territory_id=territories[n % len(territories)])
        choices = {
            "industry_types": words.INDUSTRIES,
            "business_types": ("Analyst", "Customer", "Partner", "Reseller"),
            "lead_sources": ("Organic search", "Referral", "Web form", "Trade fair"),
            "campaigns": ("Spring launch", "Autumn webinar"),
            "deal_types": ("New business", "Existing business"),
            "deal_reasons": ("Price is too high", "Lost to competitor", "No budget"),
            "deal_payment_statuses": ("Pending", "Paid"),
            "deal_products": ("Starter", "Business", "Enterprise"),
        }
        for selector, names in choices.items():
            for name in names:
                account.add_choice(selector, name)
        self._set_up_statuses()
        for name, rotting_days, stages in words.PIPELINES:
            self._stages.append(account.add_pipeline(name, stages, rotting_days=rotting_days))

    def _set_up_statuses(self) -> None:
        account = self._account
        for code, rate in (("USD", "1.0"), ("EUR", "0.92"), ("JPY", "149.5")):
            account.add_currency(code, rate)
        for position, stage in enumerate(("Lead", "Sales Qualified Lead", "Customer"), 1):
            stage_id = account.next_id()
            status = account.add_choice(
                "contact_statuses", ("New", "Contacted", "Won")[position - 1], forecast_type="Open"
            )
            account.selectors["contact_statuses"][-1]["lifecycle_stage_id"] = stage_id
            row = {"id": stage_id, "name": stage, "position": position, "disabled": False}
            rest = {"default": position == 1, "type": stage, "contact_status_ids": [status]}
            account.selectors["lifecycle_stages"].append({**row, **rest})

    def _set_up_fields(self) -> None:
        add = self._account.add_custom_field
        add(
            "contacts",
            "cf_preferred_language",
            "dropdown",
            choices=("English", "Deutsch", "日本語", "العربية"),
        )
        add("contacts", "cf_birthday", "date")
        add("contacts", "cf_accepts_calls", "checkbox")
        add("contacts", "cf_remarks", "textarea")
        add("sales_accounts", "cf_customer_number", "text")
        add("sales_accounts", "cf_credit_limit", "number")
        add(
            "sales_accounts",
            "cf_certificates",
            "multi_select_dropdown",
            choices=("ISO 9001", "ISO 27001", "SOC 2"),
        )
        add("deals", "cf_product_line", "dropdown", choices=("Starter", "Business", "Enterprise"))
        add("deals", "cf_interests", "multi_select_dropdown", choices=("Licences", "Training", "サポート"))
        add("deals", "cf_go_live", "date")
        add("deals", "cf_seats", "number")
        add("deals", "cf_has_budget", "checkbox")
        add("deals", "cf_notes", "textarea")
        add("deals", "cf_partner", "auto_complete", looks_up="sales_accounts")
        add("deals", "cf_po_number", "text", label="PO number")

    # --- records

    def _firm(self, n: int, *, is_binned: bool) -> int:
        pick = self._random.choice
        region = pick(words.REGIONS)
        city, state, country = pick(region.places)
        stem = pick(words.COMPANY_FIRST) + pick(words.COMPANY_LAST)
        created = self._moment(self._start, self._start + _YEARS * 0.8)
        fields: dict[str, Any] = {
            "name": f"{stem} {pick(words.COMPANY_FORM)}",
            "website": f"https://www.firm{n + 1}.example.{region.domain}",
            "phone": region.phone.format(self._random.randrange(10_000)),
            "city": city,
            "state": state,
            "country": country,
            "number_of_employees": self._maybe(self._random.randrange(3, 9_000)),
            "annual_revenue": self._maybe(
                pick((self._random.randrange(10**9), self._random.randrange(10**6) + 0.5))
            ),
            "owner_id": pick(self._ids("owners")),
            "industry_type_id": self._maybe(pick(self._ids("industry_types"))),
            "business_type_id": self._maybe(pick(self._ids("business_types"))),
            "territory_id": pick(self._ids("territories")),
            "cf_customer_number": f"K-{n + 1:05d}",
            "cf_credit_limit": self._maybe(pick((5_000, 12_500.5, 250_000))),
            "cf_certificates": self._maybe(";".join(self._some(("ISO 9001", "ISO 27001", "SOC 2")))),
            **self._stamps(created),
        }
        firm = self._load("sales_accounts", fields, is_binned=is_binned)
        if not is_binned:
            if n % 11 == 10:
                parent = next(iter(self._people))
                self._store.change_silently("sales_accounts", firm, parent_sales_account_id=parent)
            self._people[firm] = []
            self._names[firm] = fields["name"]
        return firm

    def _person(self, firms: list[int], n: int, *, is_binned: bool) -> int:
        pick, region = self._random.choice, self._random.choice(words.REGIONS)
        city, state, country = pick(region.places)
        firm = pick(firms) if firms and self._random.random() < 0.9 else None
        created = self._moment(self._start, self._now - timedelta(hours=2))
        number = self._random.randrange(10_000)
        emails = [f"person{n + 1}.{mail}@{_DOMAIN}" for mail in ("work", "home")[: pick((0, 1, 1, 1, 2))]]
        status = pick(self._account.selectors["contact_statuses"])
        fields: dict[str, Any] = {
            "first_name": pick(region.first_names),
            "last_name": pick(region.last_names),
            "job_title": self._maybe(pick(words.JOB_TITLES)),
            "emails": emails,
            "phone_numbers": [region.phone.format(number)] if self._random.random() < 0.5 else [],
            "mobile_number": self._maybe(region.phone.format(number)),
            "city": city,
            "state": state,
            "country": country,
            "lead_score": self._random.randrange(100),
            "recent_note": self._maybe(pick(words.NOTES)),
            "tags": tuple(self._some(words.TAGS)),
            "owner_id": pick(self._ids("owners")),
            "sales_account_ids": self._employers(firm, firms),
            "contact_status_id": status["id"],
            "lifecycle_stage_id": status["lifecycle_stage_id"],
            "lead_source_id": self._maybe(pick(self._ids("lead_sources"))),
            "campaign_id": self._maybe(pick(self._ids("campaigns"))),
            "territory_id": pick(self._ids("territories")),
            "cf_preferred_language": self._maybe(pick(("English", "Deutsch", "日本語", "العربية"))),
            "cf_birthday": self._maybe(
                created.date() - timedelta(days=self._random.randrange(8_000, 22_000))
            ),
            "cf_accepts_calls": pick((True, False)),
            "cf_remarks": self._maybe(pick(words.NOTES)),
            **self._stamps(created),
        }
        person = self._load("contacts", fields, is_binned=is_binned)
        if firm is not None and not is_binned:
            self._people[firm].append(person)
        return person

    def _deal(self, firms: list[int], n: int, *, is_binned: bool) -> int:
        pick = self._random.choice
        created = self._moment(self._start, self._now - timedelta(hours=2))
        pipeline = self._random.choices(self._stages, (6, 2, 1))[0]
        stage = self._account.stage(self._stage_after(created, pipeline))
        moved = self._moment(created, self._now)
        is_closed = stage["forecast_type"] != "Open"
        firm = pick(firms) if firms else None
        people = self._people.get(firm or 0, [])
        amount = Decimal(self._random.randrange(50_000, 9_000_000)) / (100 if n % 5 else 10)
        fields: dict[str, Any] = {
            "name": f"{self._firm_name(firm)} {pick(words.DEAL_NAMES)}",
            "amount": amount.quantize(Decimal("0.01")),
            "deal_stage_id": stage["id"],
            "stage_updated_time": moved,
            "expected_close": self._maybe(created.date() + timedelta(days=self._random.randrange(20, 200))),
            "closed_date": self._account.local_date(moved) if is_closed else None,
            "forecast_category": self._maybe(pick((1, 2, 3))),
            "owner_id": pick(self._ids("owners")),
            "sales_account_id": firm,
            "contact_ids": tuple(self._random.sample(people, min(len(people), pick((0, 1, 1, 2))))),
            "deal_type_id": pick(self._ids("deal_types")),
            "deal_reason_id": pick(self._ids("deal_reasons"))
            if stage["forecast_type"] == "Closed Lost"
            else None,
            "deal_payment_status_id": self._maybe(pick(self._ids("deal_payment_statuses"))),
            "deal_product_id": self._maybe(pick(self._ids("deal_products"))),
            "currency_id": pick(self._ids("currencies")),
            "lead_source_id": self._maybe(pick(self._ids("lead_sources"))),
            "campaign_id": self._maybe(pick(self._ids("campaigns"))),
            "territory_id": pick(self._ids("territories")),
            "recent_note": self._maybe(pick(words.NOTES)),
            "tags": tuple(self._some(words.TAGS)),
            **self._deal_extras(created, firms),
            **self._stamps(created, until=moved),
        }
        return self._load("deals", fields, is_binned=is_binned)

    def _deal_extras(self, created: datetime, firms: list[int]) -> dict[str, Any]:
        pick = self._random.choice
        return {
            "cf_product_line": self._maybe(pick(("Starter", "Business", "Enterprise"))),
            "cf_interests": self._maybe(";".join(self._some(("Licences", "Training", "サポート")))),
            "cf_go_live": self._maybe(created.date() + timedelta(days=self._random.randrange(30, 300))),
            "cf_seats": self._maybe(pick((1, 12, 250, 2.5))),
            "cf_has_budget": pick((True, False)),
            "cf_notes": self._maybe(pick(words.NOTES)),
            "cf_partner": self._maybe(pick(firms)) if firms else None,
            "cf_po_number": self._maybe(f"PO-{self._random.randrange(10**6):06d}"),
        }

    # --- small choices

    def _load(self, object_name: str, fields: dict[str, Any], *, is_binned: bool) -> int:
        days = self._random.uniform(1, 60)
        deleted_at = self._now - timedelta(days=days) if is_binned else None
        if deleted_at is not None:
            deleted_at = max(deleted_at.replace(microsecond=0), fields["updated_at"])
            fields = {**fields, "updated_at": deleted_at}
        return self._store.load(object_name, fields, deleted_at=deleted_at)

    def _stage_after(self, created: datetime, pipeline: dict[str, int]) -> int:
        """Old deals are mostly closed, young ones mostly open."""
        age = (self._now - created) / _YEARS
        chance = min(0.95, age * 3)
        forecast = "Open"
        if self._random.random() < chance:
            forecast = self._random.choices(("Closed Won", "Closed Lost"), (55, 45))[0]
        fitting = [
            each for each in pipeline.values() if self._account.stage(each)["forecast_type"] == forecast
        ]
        return self._random.choice(fitting)

    def _stamps(self, created: datetime, *, until: datetime | None = None) -> dict[str, datetime]:
        # Nothing was touched in the last hour: a first sync is followed by a quiet one.
        latest = self._now - timedelta(hours=1)
        updated = max(self._moment(created, latest), min(until or created, latest))
        return {
            "created_at": created,
            "updated_at": updated,
            "last_assigned_at": created + timedelta(seconds=1),
        }

    def _moment(self, start: datetime, end: datetime) -> datetime:
        seconds = max(0, int((end - start).total_seconds()))
        return start + timedelta(seconds=self._random.randint(0, seconds))

    def _employers(self, firm: int | None, firms: list[int]) -> tuple[int, ...]:
        if firm is None:
            return ()
        others = [self._random.choice(firms)] if self._random.random() < 0.1 else []
        return tuple(dict.fromkeys([firm, *others]))

    def _firm_name(self, firm: int | None) -> str:
        return self._names.get(firm or 0, "Walk-in")

    def _some(self, values: tuple[str, ...]) -> list[str]:
        return self._random.sample(values, self._random.choice((0, 0, 1, 1, 2)))

    def _maybe(self, value: Any) -> Any:
        return value if self._random.random() < 0.7 and value != "" else None

    def _ids(self, selector: str) -> list[int]:
        known = self._known_ids.get(selector)
        if known is None:
            known = self._known_ids[selector] = [int(row["id"]) for row in self._account.selectors[selector]]
        return known
