"""A published set of 8,800 deals through the emulator and `sync`: the warehouse gives the published answers.

The ledger is kept by the test from the CSV files alone. What happens in the CRM afterwards is done twice, there and
in the ledger, and nothing in the ledger is ever read back from the emulator.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Switches, read_folder
from freshsales_source.exit_codes import ExitCode
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.chromium import chromium, needs_chromium
from tests.connector import CORE, Connector, connect, emulate, of, verdicts
from tests.fake_clock import FakeClock
from tests.maven_ledger import FOLDER, OPEN, Deal, csv_rows, ledger_of_csv
from tests.page_reader import Page
from tests.postgres_reader import PostgresReader
from tests.postgres_server import CREDENTIALS, PostgresServer
from tests.postgres_twin import copied_into_postgres
from tests.rendered_page import SCHEMES, WIDTHS, colours_of_marks, colours_of_texts
from tests.report_reading import page_from
from tests.shared_data import needs_shared
from tests.warehouse_reader import WarehouseReader

pytestmark = needs_shared

TODAY = date(2026, 3, 2)  # in Kolkata, when the fake clock starts

DEALS = """
    SELECT d.id, d.cf_opportunity_id, d.name, d.amount, d.cf_product, s.name AS stage, o.display_name AS agent,
           a.name AS account, (d.created_at AT TIME ZONE 'Asia/Kolkata')::DATE AS engaged, d.closed_date
    FROM deals d
    JOIN deal_stages s ON s.id = d.deal_stage_id
    JOIN owners o ON o.id = d.owner_id
    LEFT JOIN sales_accounts a ON a.id = d.sales_account_id
    WHERE NOT d.is_deleted"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The CRM, its copy, and the ledger that tells what the copy must say."""

    emulator: Emulator
    connector: Connector
    warehouse: WarehouseReader
    ledger: dict[str, Deal]


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The set, synced once."""
    folder: Path = tmp_path_factory.mktemp("maven")
    clock = FakeClock()
    # The set has one pipeline, which is the default one: the standard views show every deal of it.
    emulator = emulate(read_folder(FOLDER, clock), clock, Switches())
    connector = connect(emulator, folder, objects=[*CORE, "currencies"])
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert set(verdicts(report).values()) == {"matched"}
    # A copy, because the next fixture goes on with this warehouse.
    copy = connector.reader.copied_to(folder / "first.duckdb")
    return Company(emulator=emulator, connector=connector, warehouse=copy, ledger=ledger_of_csv())


@pytest.fixture(scope="module")
def marts(
    maven: Company, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, WarehouseReader]:
    """The marts over the set as it was synced first, in DuckDB and in Postgres."""
    folder = tmp_path_factory.mktemp("marts")
    copied_into_postgres(maven.warehouse, postgres, "maven")
    targets = {
        "duckdb": Target(duckdb=maven.warehouse.path, pipelines_dir=folder / "duckdb"),
        "postgres": Target(destination="postgres", dataset="maven", pipelines_dir=folder / "postgres"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CREDENTIALS, postgres.url)
        for target in targets.values():
            Warehouse(target, maven.connector.settings().account).marts(time_zone="Asia/Kolkata").make()
    return {
        "duckdb": WarehouseReader(maven.warehouse.path, "freshsales_marts"),
        "postgres": PostgresReader(postgres, "maven_marts"),
    }


@pytest.fixture(scope="module")
def changed(maven: Company) -> Company:
    """The same after 500 edits, 40 stage moves and 20 deletions, written into CRM and ledger, and a second sync."""
    ledger = dict(maven.ledger)
    ids = {
        str(record["custom_field"]["cf_opportunity_id"]): int(record["id"])
        for record in maven.emulator.store.live("deals")
    }
    maven.connector.clock.advance(3600)
    chosen = random.Random(3).sample(sorted(ledger), 560)
    edit_deals(maven.emulator, ids, ledger, chosen[:500])
    # Some of the moved and deleted deals were edited before, most were not.
    move_deals(maven.emulator, ids, ledger, [*chosen[490:500], *chosen[500:530]])
    delete_deals(maven.emulator, ids, ledger, [*chosen[485:490], *chosen[530:545]])
    maven.connector.clock.advance(60)
    report = maven.connector.sync()
    assert report.exit_code is ExitCode.DONE
    assert set(verdicts(report).values()) == {"matched"}
    assert of(report, "deals").rows_changed == 500 + 30 + 15
    assert of(report, "deals").rows_deleted == 20
    return replace(maven, warehouse=maven.connector.reader, ledger=ledger)


def edit_deals(emulator: Emulator, ids: dict[str, int], ledger: dict[str, Deal], chosen: list[str]) -> None:
    owners = {str(row["display_name"]): int(row["id"]) for row in emulator.store.account.selectors["owners"]}
    dice = random.Random(4)
    for number, opportunity in enumerate(chosen):
        fields: dict[str, Any]
        if number % 3 == 0:
            amount = Decimal(dice.randrange(1, 3_000_000)) / 100
            fields, deal = {"amount": amount}, replace(ledger[opportunity], amount=amount)
        elif number % 3 == 1:
            agent = dice.choice(sorted(owners))
            fields, deal = {"owner_id": owners[agent]}, replace(ledger[opportunity], agent=agent)
        else:
            name = f"Réorganisation {number} 東京"
            fields, deal = {"name": name}, replace(ledger[opportunity], name=name)
        emulator.store.update("deals", ids[opportunity], **fields)
        ledger[opportunity] = deal
        emulator.clock.sleep(1)


def move_deals(emulator: Emulator, ids: dict[str, int], ledger: dict[str, Deal], chosen: list[str]) -> None:
    stages = {str(row["name"]): int(row["id"]) for row in emulator.store.account.selectors["deal_stages"]}
    order = ("Prospecting", "Engaging", "Won", "Lost")
    for opportunity in chosen:
        stage = order[(order.index(ledger[opportunity].stage) + 1) % 4]
        emulator.store.move_stage(ids[opportunity], stages[stage])
        closed = None if stage in OPEN else TODAY
        ledger[opportunity] = replace(ledger[opportunity], stage=stage, closed=closed)


def delete_deals(emulator: Emulator, ids: dict[str, int], ledger: dict[str, Deal], chosen: list[str]) -> None:
    for opportunity in chosen:
        emulator.store.delete("deals", ids[opportunity])
        del ledger[opportunity]


def deals_in(warehouse: WarehouseReader) -> dict[str, Deal]:
    """The live deals of the warehouse, joined by plain SQL, as lines of a ledger."""
    columns = "cf_opportunity_id, name, cf_product, stage, agent, account, amount, engaged, closed_date"
    rows = warehouse.query(f"SELECT {columns} FROM ({DEALS})")
    deals = [
        Deal(
            opportunity=opportunity,
            name=name,
            product=product,
            stage=stage,
            agent=agent,
            account=account,
            amount=amount,
            engaged=engaged,
            closed=closed,
        )
        for opportunity, name, product, stage, agent, account, amount, engaged, closed in rows
    ]
    found = {deal.opportunity: deal for deal in deals}
    assert len(found) == len(deals)
    return found


# The published answers


def test_the_copy_holds_every_deal_account_and_owner(maven: Company) -> None:
    warehouse = maven.warehouse
    assert warehouse.value("SELECT count(*) FROM deals WHERE NOT is_deleted") == 8_800
    assert warehouse.value("SELECT count(*) FROM sales_accounts WHERE NOT is_deleted") == 85
    assert warehouse.value("SELECT count(*) FROM owners") == 35


def test_deals_by_stage_are_those_published(maven: Company) -> None:
    counts = dict(maven.warehouse.query(f"SELECT stage, count(*) FROM ({DEALS}) GROUP BY stage"))
    assert counts == {"Won": 4_238, "Lost": 2_473, "Engaging": 1_589, "Prospecting": 500}


def test_the_won_amount_and_the_win_rate_are_those_published(maven: Company) -> None:
    won, rate = maven.warehouse.query(
        f"""SELECT sum(amount) FILTER (stage = 'Won'),
                   round(100.0 * count(*) FILTER (stage = 'Won') / count(*) FILTER (stage IN ('Won', 'Lost')), 2)
            FROM ({DEALS})"""
    )[0]
    assert won == Decimal(10_005_534)
    assert Decimal(str(rate)) == Decimal("63.15")


def test_the_mean_won_cycle_is_that_published_only_in_the_accounts_own_dates(maven: Company) -> None:
    local = maven.warehouse.value(
        f"SELECT round(avg(closed_date - engaged), 1) FROM ({DEALS}) WHERE stage = 'Won'"
    )
    utc = maven.warehouse.value(
        """SELECT round(avg(closed_date - (created_at AT TIME ZONE 'UTC')::DATE), 1) FROM deals d
           JOIN deal_stages s ON s.id = d.deal_stage_id WHERE s.name = 'Won' AND NOT d.is_deleted"""
    )
    assert (local, utc) == (51.8, 52.8)


def test_the_best_agent_is_the_one_published(maven: Company) -> None:
    best = maven.warehouse.query(
        f"SELECT agent, sum(amount) FROM ({DEALS}) WHERE stage = 'Won' GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    )
    assert best == [("Darcel Schlecht", Decimal(1_153_214))]


def test_the_open_pipeline_at_list_price_is_that_published(maven: Company) -> None:
    open_amount = maven.warehouse.value(
        f"SELECT sum(amount) FROM ({DEALS}) WHERE stage IN ('Prospecting', 'Engaging')"
    )
    assert open_amount == Decimal(4_966_215)


def test_every_deal_is_the_line_of_the_csv(maven: Company) -> None:
    assert deals_in(maven.warehouse) == maven.ledger


def test_every_account_is_the_line_of_the_csv(maven: Company) -> None:
    found = maven.warehouse.query(
        """SELECT a.name, a.country, a.number_of_employees, a.annual_revenue, a.cf_year_established, p.name
           FROM sales_accounts a LEFT JOIN sales_accounts p ON p.id = a.parent_sales_account_id ORDER BY 1"""
    )
    assert found == sorted(
        (
            row["account"],
            row["office_location"],
            int(row["employees"]),
            Decimal(row["revenue"]) * 1_000_000,
            Decimal(row["year_established"]),
            row["subsidiary_of"] or None,
        )
        for row in csv_rows("accounts.csv")
    )


# The published answers, from the marts


@pytest.mark.parametrize("where", ["duckdb", "postgres"])
def test_the_marts_give_the_published_answers(marts: dict[str, WarehouseReader], where: str) -> None:
    (totals,) = marts[where].rows("sales_totals")
    assert [totals[name] for name in ("deals", "won_deals", "lost_deals", "open_deals")] == [
        8_800,
        4_238,
        2_473,
        2_089,
    ]
    assert totals["unknown_deals"] == 0
    assert round(totals["win_rate_by_count"], 2) == Decimal("63.15")
    assert (round(totals["mean_won_cycle_days"], 1), totals["median_won_cycle_days"]) == (Decimal("51.8"), 57)
    (dollars,) = marts[where].rows("sales_by_currency")
    assert dollars["currency_code"] == "USD"
    assert (dollars["won_amount"], dollars["lost_amount"]) == (Decimal(10_005_534), 0)
    assert (dollars["open_amount"], round(dollars["mean_won_amount"])) == (Decimal(4_966_215), 2_361)
    stages = marts[where].query("SELECT stage, open_deals FROM pipeline_now ORDER BY stage_position")
    assert stages == [("Prospecting", 500), ("Engaging", 1_589)]
    agents = marts[where].query("SELECT owner, won_amount FROM owner_performance ORDER BY won_amount DESC")
    assert (len(agents), agents[0]) == (30, ("Darcel Schlecht", Decimal(1_153_214)))
    assert marts[where].value("SELECT COUNT(*) FROM dim_owner") == 35


def test_every_mart_tells_the_same_in_postgres(marts: dict[str, WarehouseReader]) -> None:
    in_duckdb, in_postgres = marts["duckdb"], marts["postgres"]
    assert in_postgres.schema() == in_duckdb.schema()
    for view in in_duckdb.tables():
        # Of the long ones a part; what `mart_models` was made from differs with the places.
        where = {"dim_date": "year = 2017", "mart_models": "1 = 0"}.get(view, "1 = 1")
        where = "deal_id % 10 = 0" if "deal_id" in in_duckdb.columns(view) else where
        rows, there = (
            Counter(reader.query(f"SELECT * FROM {view} WHERE {where}"))
            for reader in (in_duckdb, in_postgres)
        )
        assert rows == there, view


# The answers after changes


def test_every_deal_follows_the_ledger_after_edits_moves_and_deletions(changed: Company) -> None:
    assert deals_in(changed.warehouse) == changed.ledger
    assert len(changed.ledger) == 8_780


def test_the_deleted_deals_stay_flagged(changed: Company) -> None:
    deleted = changed.warehouse.query("SELECT cf_opportunity_id, _deleted_reason FROM deals WHERE is_deleted")
    assert {row[0] for row in deleted} == set(ledger_of_csv()) - set(changed.ledger)
    assert {row[1] for row in deleted} == {"recycle_bin"}


def test_the_best_agents_follow_the_ledger_after_changes(changed: Company) -> None:
    won: dict[str, Decimal] = {}
    for deal in changed.ledger.values():
        if deal.stage == "Won":
            won[deal.agent] = won.get(deal.agent, Decimal(0)) + deal.amount
    found = changed.warehouse.query(
        f"SELECT agent, sum(amount) FROM ({DEALS}) WHERE stage = 'Won' GROUP BY 1"
    )
    assert dict(found) == won


def test_the_answers_follow_the_ledger_after_changes(changed: Company) -> None:
    lines = list(changed.ledger.values())
    won = [deal for deal in lines if deal.stage == "Won"]
    lost = sum(deal.stage == "Lost" for deal in lines)
    answers = changed.warehouse.query(
        f"""SELECT count(*) FILTER (stage = 'Won'), sum(amount) FILTER (stage = 'Won'),
                   round(100.0 * count(*) FILTER (stage = 'Won') / count(*) FILTER (stage IN ('Won', 'Lost')), 6),
                   round(avg(closed_date - engaged) FILTER (stage = 'Won'), 6),
                   sum(amount) FILTER (stage IN ('Prospecting', 'Engaging'))
            FROM ({DEALS})"""
    )
    assert answers == [
        (
            len(won),
            sum(deal.amount for deal in won),
            round(100 * len(won) / (len(won) + lost), 6),
            round(sum((deal.closed - deal.engaged).days for deal in won if deal.closed) / len(won), 6),
            sum(deal.amount for deal in lines if deal.stage in OPEN),
        )
    ]


# The published answers, on the report's page


def test_the_report_shows_the_published_answers_whatever_the_database(
    marts: dict[str, WarehouseReader],
) -> None:
    in_duckdb, in_postgres = (page_from(marts[where]) for where in ("duckdb", "postgres"))
    assert in_postgres == in_duckdb
    page = Page(in_duckdb)
    for answer in ("$10,005,534", "63.2%", "$4,966,215", "51.8 days", "median 57 days"):
        assert answer in page.text
    assert page.rows("Won and lost deals by owner")[0] == ["Darcel Schlecht", "349", "204", "$1,153,214.00"]
    assert page.column("Open deals by pipeline and stage", "Open deals") == ["500", "1,589"]
    assert "Whole as of 2 Mar 2026, 14:30 IST. Dates in Asia/Kolkata." in page.text


@needs_chromium
def test_a_browser_shows_them_and_asks_for_nothing(marts: dict[str, WarehouseReader], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page_from(marts["duckdb"]), "utf-8")
    with chromium(tmp_path) as browser:
        tab = browser.tab()
        tab.open(path)
        for width in WIDTHS:
            tab.show(width=width)
            shown = tab.evaluate("document.body.innerText")
            assert "$10,005,534" in shown
            assert "63.2%" in shown
            assert tab.evaluate("document.documentElement.scrollWidth") == width
        for scheme in SCHEMES:
            tab.show(width=390, scheme=scheme)
            assert min(colours.contrast for colours in colours_of_texts(tab)) >= 4.5
            assert min(colours.contrast for colours in colours_of_marks(tab)) >= 3
        assert (tab.requests, tab.complaints) == ([path.as_uri()], [])
