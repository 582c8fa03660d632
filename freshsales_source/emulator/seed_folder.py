"""Reads a folder of CSV files into a store: the Maven "CRM Sales Opportunities" set, with people from other
sets.

The mapping keeps the set's defects (misspelt sectors and countries, open deals without account, lost deals
of value 0, agents without deals), except that the product `GTXPro` is `GTX Pro`. People come from a
Northwind or AdventureWorks set in the same folder, in one below it or in one beside it; none found means no
contacts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from freshsales_source.emulator.account import Account
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.store import Store

TIME_ZONE = "Asia/Kolkata"
# The set's first day; deals and accounts without a date begin with it.
FIRST_DAY = "2016-10-20"
STAGES = (
    ("Prospecting", "Open", 10),
    ("Engaging", "Open", 50),
    ("Won", "Closed Won", 100),
    ("Lost", "Closed Lost", 0),
)
_RENAMED_PRODUCTS: Mapping[str, str] = {"GTXPro": "GTX Pro"}


class SeedFolderIncomplete(ValueError):
    """A file that is needed is not in the folder; the message names it."""


def read_folder(path: Path | str, clock: Clock) -> Store:
    """Return a store with the accounts, agents and deals of the Maven set in `path`, and people from the
    others.

    Days begin at midnight in Asia/Kolkata. Raises SeedFolderIncomplete when a file of the Maven set is
    missing.
    """
    folder = _folder_with("sales_pipeline.csv", Path(path))
    if folder is None:
        raise SeedFolderIncomplete(f"no sales_pipeline.csv in {path} or in a folder below or beside it")
    account = Account(time_zone=TIME_ZONE)
    account.settled_at = _midnight(account, FIRST_DAY)
    reader = _Reader(Store(clock, account), folder)
    reader.read_agents()
    reader.read_products()
    reader.read_accounts()
    reader.read_people(Path(path))
    reader.read_deals()
    reader.read_tasks(Path(path))
    return reader.store


class _Reader:
    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._folder = folder
        self._account = store.account
        self._agents: dict[str, int] = {}
        self._territory_of: dict[str, int] = {}
        self._prices: dict[str, Decimal] = {}
        self._products: dict[str, int] = {}
        self._firms: dict[str, int] = {}
        self._people_of: dict[int, list[int]] = {}
        self._customers: dict[str, int] = {}

    def read_agents(self) -> None:
        """Agents become owners, their office a territory; the manager's name stays with the owner."""
        account = self._account
        for row in _rows(self._folder / "sales_teams.csv"):
            name, office = row["sales_agent"], row["regional_office"]
            territory = self._choice(
                "territories", office, parent_territory_id=None, tree_id=None, level_id=None
            )
            email = f"{name.lower().replace(' ', '.')}@maventech.example.com"
            self._agents[name] = account.add_owner(
                name, email, territory_id=territory, manager=row["manager"]
            )
            self._territory_of[name] = territory
        self._choice("lead_sources", "Import")
        account.add_currency("USD", "1.0")
        account.add_pipeline("Sales", STAGES)

    def read_products(self) -> None:
        """Products with their list price; also deal products and the choices of the deals' `cf_product`."""
        at = _midnight(self._account, FIRST_DAY)
        for row in _rows(self._folder / "products.csv"):
            price = int(row["sales_price"])
            self._prices[row["product"]] = Decimal(price)
            self._products[row["product"]] = self._choice("deal_products", row["product"])
            fields = {
                "name": row["product"],
                "category": row["series"],
                "base_currency_amount": price,
                "product_pricings": ({"currency_code": "USD", "unit_price": price},),
                "owner_id": self._account.me,
                "created_at": at,
                "updated_at": at,
            }
            self.store.load("products", fields)
        add = self._account.add_custom_field
        add("deals", "cf_product", "dropdown", choices=tuple(self._prices))
        add("deals", "cf_opportunity_id", "text")
        add("sales_accounts", "cf_year_established", "number")
        add("contacts", "cf_company", "text")
        add("contacts", "cf_yearly_income", "number")

    def read_accounts(self) -> None:
        """Accounts with their sector as industry type and, in a second pass, their parents."""
        rows = list(_rows(self._folder / "accounts.csv"))
        at = _midnight(self._account, FIRST_DAY)
        for row in rows:
            fields = {
                "name": row["account"],
                "country": row["office_location"],
                "number_of_employees": int(row["employees"]),
                "annual_revenue": int(Decimal(row["revenue"]) * 1_000_000),
                "industry_type_id": self._choice("industry_types", row["sector"]),
                "cf_year_established": int(row["year_established"]),
                "created_at": at,
                "updated_at": at,
            }
            self._firms[row["account"]] = self.store.load("sales_accounts", fields)
        for row in rows:
            if row["subsidiary_of"]:
                self._set_parent(row["account"], row["subsidiary_of"])

    def read_people(self, path: Path) -> None:
        """People of the other sets, if they are there; Northwind's belong to the accounts in turn
        (invented).
        """
        self._account.add_choice("contact_statuses", "New", forecast_type="Open", lifecycle_stage_id=None)
        self._read_northwind(_folder_with("customers.csv", path))
        self._read_adventure_works(_folder_with("ProspectiveBuyer.csv", path))

    def read_deals(self) -> None:
        """Deals; an open one is worth its product's list price, a closed one what it was closed at."""
        stages = {row["name"]: row for row in self._account.selectors["deal_stages"]}
        for number, row in enumerate(_rows(self._folder / "sales_pipeline.csv")):
            product = _RENAMED_PRODUCTS.get(row["product"], row["product"])
            is_open = stages[row["deal_stage"]]["forecast_type"] == "Open"
            created = _midnight(self._account, row["engage_date"] or FIRST_DAY)
            moved = _midnight(self._account, row["close_date"]) if row["close_date"] else created
            firm = self._firms[row["account"]] if row["account"] else None
            fields: dict[str, Any] = {
                "name": f"{row['account'] or 'New prospect'} {product}",
                "amount": self._prices[product] if is_open else Decimal(row["close_value"]),
                "deal_stage_id": stages[row["deal_stage"]]["id"],
                "stage_updated_time": moved,
                "closed_date": datetime.fromisoformat(row["close_date"]).date()
                if row["close_date"]
                else None,
                "owner_id": self._agents[row["sales_agent"]],
                "territory_id": self._territory_of[row["sales_agent"]],
                "sales_account_id": firm,
                "contact_ids": self._contact_for(firm, number),
                "currency_id": self._account.selectors["currencies"][0]["id"],
                "deal_product_id": self._products[product],
                "cf_product": product,
                "cf_opportunity_id": row["opportunity_id"],
                "last_assigned_at": created,
                "created_at": created,
                "updated_at": moved,
            }
            self.store.load("deals", fields)

    def read_tasks(self, path: Path) -> None:
        """Northwind's orders become tasks for its people: ship by the required date, done when shipped.

        Their days are moved so that the first order falls on the set's first day (invented).
        """
        folder = _folder_with("orders.csv", path)
        orders = list(_rows(folder / "orders.csv")) if folder else []
        first = min((_day(row["OrderDate"]) for row in orders), default=date.min)
        later = date.fromisoformat(FIRST_DAY) - first
        agents = list(self._agents.values())
        for number, row in enumerate(orders):
            moments = {
                name: _midnight(self._account, (_day(row[name]) + later).isoformat()) if row[name] else None
                for name in ("OrderDate", "RequiredDate", "ShippedDate")
            }
            shipped, person = moments["ShippedDate"], self._customers.get(row["CustomerID"])
            fields = {
                "title": f"Ship order {row['OrderID']}",
                "status": 1 if shipped else 0,
                "due_date": moments["RequiredDate"],
                "completed_date": shipped,
                "owner_id": agents[number % len(agents)],
                "targetables": ({"id": person, "type": "Contact"},) if person else (),
                "created_at": moments["OrderDate"],
                "updated_at": shipped or moments["OrderDate"],
            }
            self.store.load("tasks", fields)

    # --- inside

    def _set_parent(self, name: str, parent: str) -> None:
        firm = self._firms[name]
        fields = {
            **self.store.tables["sales_accounts"].live[firm],
            "parent_sales_account_id": self._firms[parent],
        }
        self.store.load("sales_accounts", fields)

    def _read_northwind(self, folder: Path | None) -> None:
        rows = [row for row in _rows(folder / "customers.csv") if row.get("ContactName")] if folder else []
        firms = list(self._firms.values())
        for number, row in enumerate(rows):
            first_name, _, last_name = row["ContactName"].partition(" ")
            firm = firms[number % len(firms)]
            fields = {
                "first_name": first_name,
                "last_name": last_name,
                "job_title": row["ContactTitle"] or None,
                "work_number": row["Phone"] or None,
                "phone_numbers": [row["Phone"]] if row["Phone"] else [],
                "address": row["Address"] or None,
                "city": row["City"] or None,
                "state": row["Region"] or None,
                "zipcode": row["PostalCode"] or None,
                "country": row["Country"] or None,
                "sales_account_ids": (firm,),
                "cf_company": row["CompanyName"] or None,
                **self._person(number),
            }
            person = self.store.load("contacts", fields)
            self._people_of.setdefault(firm, []).append(person)
            self._customers[row["CustomerID"]] = person

    def _read_adventure_works(self, folder: Path | None) -> None:
        for number, row in enumerate(_rows(folder / "ProspectiveBuyer.csv") if folder else (), 1_000):
            fields = {
                "first_name": row["FirstName"],
                "last_name": row["LastName"],
                "job_title": row["Occupation"] or None,
                "emails": [row["EmailAddress"]] if row["EmailAddress"] else [],
                "mobile_number": row["Phone"] or None,
                "address": row["AddressLine1"] or None,
                "city": row["City"] or None,
                "state": row["StateProvinceCode"] or None,
                "zipcode": row["PostalCode"] or None,
                "country": "United States",
                "cf_yearly_income": Decimal(row["YearlyIncome"]),
                **self._person(number),
            }
            self.store.load("contacts", fields)

    def _person(self, number: int) -> dict[str, Any]:
        """What the other sets do not say: owner in turn, status, a minute of the first day each."""
        agents = list(self._agents.values())
        created = _midnight(self._account, FIRST_DAY) + timedelta(minutes=number)
        return {
            "owner_id": agents[number % len(agents)],
            "contact_status_id": self._account.selectors["contact_statuses"][0]["id"],
            "last_assigned_at": created,
            "created_at": created,
            "updated_at": created,
        }

    def _contact_for(self, firm: int | None, number: int) -> tuple[int, ...]:
        people = self._people_of.get(firm or 0, [])
        return (people[number % len(people)],) if people else ()

    def _choice(self, selector: str, name: str, **more: object) -> int:
        rows = self._account.selectors[selector]
        known = next((row for row in rows if row["name"] == name), None)
        return int(known["id"]) if known else self._account.add_choice(selector, name, **more)


def _midnight(account: Account, day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=account.zone)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise SeedFolderIncomplete(f"{path.name} is missing in {path.parent}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _folder_with(name: str, path: Path) -> Path | None:
    """Return the folder that holds that file: `path`, one below it, or one beside it."""
    candidates = [path, *_folders(path), *_folders(path.resolve().parent)]
    return next((folder for folder in candidates if (folder / name).is_file()), None)


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir()) if path.is_dir() else []
