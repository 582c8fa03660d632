"""`freshsales report` on a generated company: every number of the page against a ledger kept by hand."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from freshsales_source.exit_codes import ExitCode
from freshsales_source.warehouse.run_lock import run_lock
from tests.command import Command
from tests.connector import CORE, company, connect
from tests.page_reader import Page
from tests.sales_ledger import Ledger, amounts, sums

OBJECTS = [*CORE, "currencies", "tasks", "appointments", "sales_activities"]
ZONE = "America/Chicago"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A warehouse that was synced once, and what the page about it must say."""

    database: Path
    ledger: Ledger


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with three pipelines, three currencies and a recycle bin."""
    emulator = company(deals=150)
    emulator.store.delete("deals", *(int(deal["id"]) for deal in emulator.store.live("deals")[:5]))
    connector = connect(emulator, tmp_path_factory.mktemp("company"), objects=OBJECTS)
    report = connector.sync()
    assert report.exit_code is ExitCode.DONE
    return Company(
        database=connector.reader.copied_to(connector.folder / "company.duckdb").path,
        ledger=Ledger(emulator.store, ZoneInfo(ZONE), report.finished_at),
    )


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_the_page_says_what_the_ledger_says(synced: Company, freshsales: Command) -> None:
    shutil.copy(synced.database, freshsales.database)
    settings = f'[sources.freshsales]\ndomain = "acme.myfreshworks.com"\ntime_zone = "{ZONE}"\n'
    freshsales.write(".dlt/config.toml", settings)
    ran = freshsales("report")
    path = freshsales.folder / "freshsales-report.html"
    assert (ran.code, ran.out, ran.err) == (0, f"{path}\n", "")
    page, ledger = Page(path.read_text("utf-8")), synced.ledger
    assert "Freshsales · acme.myfreshworks.com" in page.text
    check_headline(page, ledger)
    check_pipeline(page, ledger)
    check_months(page, ledger)
    check_owners(page, ledger)
    check_activity(page, ledger)
    check_verdicts(page, ledger)


def check_headline(page: Page, ledger: Ledger) -> None:
    closed = len(ledger.won) + len(ledger.lost)
    rate = Decimal(100 * len(ledger.won)) / closed
    assert f"Win rate by count {rounded(rate)}% of {closed} closed deals" in page.text
    assert f"Mean sales cycle {rounded(Decimal(ledger.mean_cycle()))} days" in page.text
    assert f"median {ledger.median_cycle():g} days" in page.text
    overdue = sum(deal.expected is not None and deal.expected < ledger.today for deal in ledger.open)
    assert f"Overdue {overdue} open deals" in page.text
    for deals in (ledger.won, ledger.open):
        for amount in sums(deals).values():
            assert f"{rounded(amount, 0):,}" in page.text
    for code, won in sums(ledger.won).items():
        rate = 100 * won / (won + sums(ledger.lost)[code])
        row = next(row for row in page.rows("Win rate by currency") if row[0] == code)
        assert row[-1] == f"{rounded(rate)}%"


def check_pipeline(page: Page, ledger: Ledger) -> None:
    found = {
        (row[1], row[0]): (row[2], amounts(row[3])) for row in page.rows("Open deals by pipeline and stage")
    }
    for place in {(deal.pipeline, deal.stage) for deal in ledger.open}:
        there = [deal for deal in ledger.open if (deal.pipeline, deal.stage) == place]
        assert found.pop(place) == (str(len(there)), sums(there))
    assert found == {}
    # The order of the CRM: by pipeline, and within it by stage.
    assert page.column("Open deals by pipeline and stage", "Stage")[:3] == [
        "New",
        "Qualification",
        "Proposal",
    ]
    ages = {row[0]: (row[1], amounts(row[2])) for row in page.rows("Open deals by age")}
    for band in {ledger.age_band(deal) for deal in ledger.open}:
        there = [deal for deal in ledger.open if ledger.age_band(deal) == band]
        assert ages.pop(band) == (str(len(there)), sums(there))
    assert ages == {}


def check_months(page: Page, ledger: Ledger) -> None:
    found = {(row[0], row[1]): row[2:5] for row in page.rows("Won and lost deals by month of closing")}
    closed = [*ledger.won, *ledger.lost]
    for month, code in {(f"{deal.closed:%b %Y}", deal.currency) for deal in closed}:
        won = [d for d in ledger.won if (f"{d.closed:%b %Y}", d.currency) == (month, code)]
        lost = [d for d in ledger.lost if (f"{d.closed:%b %Y}", d.currency) == (month, code)]
        row = found.pop((month, code))
        assert row[:2] == [str(len(won)), str(len(lost))]
        assert amounts(row[2]) == sums(won)
    assert found == {}
    taken = page.rows("Won deals by days from creation to close")
    assert sum(int(row[1]) for row in taken) == len(ledger.won)
    spans = [re.match(r"(\d+)(?:–(\d+)|(\+))?", row[0]) for row in taken]
    counts = [
        sum(int(s[1]) <= c <= int(s[2] or s[1]) for c in ledger.cycles) for s in spans if s and not s[3]
    ]
    assert counts == [int(row[1]) for row in taken][: len(counts)]


def check_owners(page: Page, ledger: Ledger) -> None:
    found = {row[0]: row[1:] for row in page.rows("Won and lost deals by owner")}
    for owner in {deal.owner for deal in ledger.deals}:
        won = [deal for deal in ledger.won if deal.owner == owner]
        lost = sum(deal.owner == owner for deal in ledger.lost)
        row = found.pop(owner)
        assert row[:2] == [str(len(won)), str(lost)]
        assert amounts(row[2]) == sums(won)
    assert found == {}
    most = Counter(deal.owner for deal in ledger.won).most_common(1)[0][1]
    assert page.column("Won and lost deals by owner", "Won deals")[0] == str(most)


def check_activity(page: Page, ledger: Ledger) -> None:
    table = page.tables["Finished activities by week and kind"]
    assert len(table.rows) == 26
    done = ledger.done()
    week = ledger.today - timedelta(days=ledger.today.weekday())
    for row in table.rows:
        assert row == [f"{week.day} {week:%b %Y}", *(str(done[week, kind]) for kind in table.headers[1:])]
        week -= timedelta(days=7)


def check_verdicts(page: Page, ledger: Ledger) -> None:
    verdicts = {row[0]: row[1:4] for row in page.rows("The newest verdict on each object")}
    assert set(verdicts) == set(OBJECTS)
    assert verdicts["deals"] == ["✓ matched", str(len(ledger.deals)), str(len(ledger.deals))]
    # The fake clock says 9:00 UTC, at which it is night in Chicago.
    assert "Whole as of 2 Mar 2026, 03:" in page.text
    assert "CST. Dates in America/Chicago." in page.text
    assert "may not live in" not in page.text


def rounded(number: Decimal, digits: int = 1) -> Decimal:
    return Decimal(int(number * 10**digits + Decimal("0.5"))).scaleb(-digits)


# The command


def test_it_writes_where_it_is_told_and_opens_a_browser(synced: Company, freshsales: Command) -> None:
    """Another process, because Python looks for browsers once."""
    shutil.copy(synced.database, freshsales.folder / "other.duckdb")
    freshsales.write("browser", '#!/bin/sh\nprintf %s "$1" > opened\n')
    (freshsales.folder / "browser").chmod(0o700)
    freshsales.set(BROWSER=f"{freshsales.folder}/browser %s")
    freshsales.write("page.html", "what was there before")
    # Neither key nor address is set here.
    with freshsales.start("report", "--duckdb", "other.duckdb", "--output", "page.html", "--open") as process:
        out, err = process.communicate()
    page = freshsales.folder / "page.html"
    assert (process.returncode, out, err) == (0, f"{page}\n", "")
    text = Page(page.read_text("utf-8")).text
    assert "Dates in UTC." in text
    # In Chicago people go home after midnight in UTC.
    assert "the account may not live in UTC" in text
    assert (freshsales.folder / "opened").read_text() == page.as_uri()
    assert not [path.name for path in freshsales.folder.iterdir() if path.name.startswith(".")]


def test_while_a_sync_is_at_work_the_views_are_read_as_they_are(synced: Company, freshsales: Command) -> None:
    shutil.copy(synced.database, freshsales.database)
    # It makes the lock's file, too.
    assert freshsales("report").code == 0
    page = freshsales.folder / "freshsales-report.html"
    made = page.read_text("utf-8")
    with at_work(freshsales):
        ran = freshsales("report")
    assert (ran.code, ran.out) == (0, f"{page}\n")
    assert "The views are read as they were made before: " in ran.err
    assert "another sync of this account into this warehouse is at work" in ran.err
    assert page.read_text("utf-8") == made
    with duckdb.connect(str(freshsales.database)) as warehouse:
        warehouse.execute("DROP SCHEMA freshsales_marts CASCADE")
    with at_work(freshsales):
        without = freshsales("report", "--output", "other.html")
        freshsales.database.unlink()
        before_any = freshsales("report", "--output", "other.html")
    for ended in (without, before_any):
        assert (ended.code, ended.out) == (75, "")
        assert "lock: another sync of this account" in ended.err
    assert [path.name for path in freshsales.folder.iterdir()] == [page.name]


@contextmanager
def at_work(freshsales: Command) -> Iterator[None]:
    """A run that has the lock of the warehouse; the file itself is free."""
    (path,) = freshsales.home.rglob("*.lock")
    with run_lock(path, now=datetime.now(UTC)):
        yield


def test_without_a_sync_there_is_no_page_and_no_file_is_made(freshsales: Command) -> None:
    ran = freshsales("report")
    assert (ran.code, ran.out) == (3, "")
    assert "no sync was ever run" in ran.err
    assert list(freshsales.folder.iterdir()) == []


def test_a_page_that_cannot_be_written_is_an_error_before_anything_is_read(freshsales: Command) -> None:
    freshsales.write("page.html", "what was there before")
    (freshsales.folder / ".page.html.new").mkdir()
    ran = freshsales("report", "--output", "page.html")
    assert (ran.code, ran.out) == (3, "")
    assert "page.html cannot be written" in ran.err
    assert "--output" in ran.err
    assert (freshsales.folder / "page.html").read_text() == "what was there before"
