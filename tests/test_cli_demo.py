"""`freshsales demo`: the five minutes in which a stranger decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from freshsales_source.cli.demo import make_room
from freshsales_source.entities import LOOKUPS
from tests.command import Command, Ran
from tests.test_docs import demo_excerpt
from tests.warehouse_reader import WarehouseReader


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def table_after(ran: Ran, title: str) -> list[list[str]]:
    """The cells of the table under a title, its headers first."""
    block = ran.out.partition(f"\n{title}\n")[2].partition("\n\n")[0].splitlines()
    assert block, f"the demo printed no table {title!r}"
    return [re.split(r"\s{2,}", line.strip()) for line in block if not line.startswith("─")]


def shape(text: str) -> list[str]:
    """The lines without what differs from run to run: numbers, widths, the folder."""
    lines = [re.sub(r" in /.*", "", line) for line in text.splitlines() if line]
    return [re.sub(r"[\d.,:]+", "0", re.sub(r" +|─+", " ", line)).strip() for line in lines]


def test_the_demo_needs_nothing_and_shows_the_whole_way(freshsales: Command) -> None:
    ran = freshsales("demo")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("A made-up company, in a Freshsales emulator on this machine")

    counts = {row[0]: int(row[1].replace(",", "")) for row in table_after(ran, "Rows per table")[1:]}
    warehouse = WarehouseReader(freshsales.folder / "freshsales-demo.duckdb")
    # The table was printed after the first sync; the second one saw two deals change.
    assert warehouse.count("deals_history") == counts.pop("deals_history") + 2
    assert counts == {name: warehouse.count(name) for name in counts}
    assert {"contacts", "contacts__emails", "sales_accounts", "deals", "owners", "deal_stages"} <= set(counts)

    calls = [int(number) for number in re.findall(r"^(\d+) API calls in ", ran.out, re.MULTILINE)]
    assert len(calls) == 2
    # At most 20, and the pages of the rolling refresh.
    assert calls[1] <= 20 + 10 < calls[0]

    assert table_after(ran, "Open deals by stage")[0] == ["stage", "deals", "amount"]
    assert len(table_after(ran, "Top owners by won deals")) == 6
    assert len(table_after(ran, "Won per month, the last six")) == 7

    arrived = table_after(ran, "What the second sync brought")[1:]
    assert sorted((row[0], row[-1]) for row in arrived) == [
        ("contacts", "no"),
        ("contacts", "no"),
        ("contacts", "yes"),
        ("deals", "no"),
        ("deals", "no"),
        ("sales_accounts", "no"),
    ]
    second = ran.out.partition("the second sync:")[2]
    rows = [re.split(r"\s{2,}", line) for line in second.splitlines() if " matched " in line]
    loaded = {row[0]: row[4] for row in rows}
    # The list of activities takes no order here, so it is read and loaded whole.
    changed = {"contacts": "3", "sales_accounts": "1", "deals": "2"}
    assert {name: loaded[name] for name in changed} == changed
    read_whole = {"sales_activities", "tasks", "appointments"}
    assert set(loaded) == {*changed, *read_whole, f"{len(LOOKUPS) + 2} lookups"}
    shown = iter(shape(ran.out))
    assert [line for line in shape(demo_excerpt()) if line not in shown] == [], (
        "the README shows another output"
    )
    assert ran.out.endswith("\n  freshsales check\n  freshsales sync\n")
    assert sorted(path.name for path in freshsales.folder.iterdir()) == ["freshsales-demo.duckdb"]


def test_the_demo_replaces_its_own_file_and_no_other(freshsales: Command) -> None:
    freshsales.write("freshsales.duckdb", "somebody's warehouse")
    ran = freshsales("demo", "--duckdb", "freshsales.duckdb")
    assert (ran.code, ran.out) == (3, "")
    assert "freshsales.duckdb is there already" in ran.err
    assert freshsales.database.read_text() == "somebody's warehouse"
    for name in ("freshsales-demo.duckdb", "freshsales-demo.duckdb.wal"):
        freshsales.write(name, "an earlier demo, cut off")
    make_room(freshsales.folder / "freshsales-demo.duckdb")
    assert [path.name for path in freshsales.folder.iterdir()] == ["freshsales.duckdb"]
