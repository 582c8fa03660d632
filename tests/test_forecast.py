"""What a dry run foretells, against the sync that follows; and what `status` tells of calls and time to come."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from freshsales_source.api.client import build_client
from freshsales_source.cli.dry_run import run_dry
from freshsales_source.clock import SystemClock
from freshsales_source.entities import LOOKUPS
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.state.findings import Hints
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.command import ALL_PIPELINES, Command
from tests.swift_warehouse import SwiftWarehouse


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a dry run and a sync of one project say, as JSON; rows are loaded past dlt, which makes no call."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def foretold(self, *objects: str) -> Any:
        settings, warehouse = self._opened(objects)
        self.capsys.readouterr()
        assert run_dry(settings, warehouse, SystemClock(), hints=Hints(), as_json=True) == 0
        return json.loads(self.capsys.readouterr().out)

    def made(self, *objects: str) -> Any:
        settings, warehouse = self._opened(objects)
        clock = SystemClock()
        syncing = Syncing(
            settings=settings,
            warehouse=warehouse,
            clock=clock,
            client=lambda: build_client(settings, clock=clock),
        )
        # While one connection stays open the others cost nothing.
        with duckdb.connect(str(warehouse.target.duckdb)) as held:
            held.execute("SET threads = 1")
            return sync(syncing).to_json()

    def _opened(self, objects: Sequence[str]) -> tuple[Settings, Warehouse]:
        settings = read_settings(flags={"objects": objects or None}, environment=os.environ)
        self.folder.mkdir(exist_ok=True)
        return settings, SwiftWarehouse(Target(duckdb=self.folder / "crm.duckdb", pipelines_dir=self.folder))


def test_a_dry_run_foretells_the_calls_of_the_first_sync_and_of_the_next(
    freshsales: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(folder=freshsales.home / "copy", capsys=capsys)
    freshsales.set(SOURCES__FRESHSALES__PAGE_SIZE="20")
    with freshsales.account(contacts=50, contracts=30):
        for every_s, refreshed in (("3600", 0), ("0", 10)):
            # First nothing is known, then the lookups are read again, too.
            freshsales.set(SOURCES__FRESHSALES__LOOKUPS_EVERY_S=every_s)
            foretold, made = project.foretold(), project.made()
            calls = {row["object"]: row["calls"] for row in made["objects"]}
            told = {row["object"]: row["calls"] for row in foretold["objects"]}
            assert foretold["refresh_pages"] == refreshed
            if not refreshed:
                # Deals are read beside their pipelines, whose list counts as a lookup.
                assert told | {"deals": None} == {name: calls[name] for name in told} | {"deals": None}
            assert told["cm_contracts"] == (5 if every_s == "3600" else 4)
            # A lookup that did not know an id which a record points to is asked once more; nobody can know before.
            again = sum(max(0, calls[one.name] - 1) for one in LOOKUPS)
            assert foretold["calls"] == made["calls"] - again
            assert again <= 1


def test_a_dry_run_foretells_modules_that_are_searched_or_keep_no_order(
    freshsales: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    freshsales.set(SOURCES__FRESHSALES__PAGE_SIZE="20", SOURCES__FRESHSALES__REFRESH_PAGES="0")
    for way in ({"module_filters": "not_found"}, {"module_sort_honoured": False, "module_meta": "total"}):
        project = Project(folder=freshsales.home / min(way), capsys=capsys)
        with freshsales.account(contracts=30, switches=replace(ALL_PIPELINES, **way)):
            for _ in range(2):
                forecast, made = project.foretold("cm_contracts"), project.made("cm_contracts")
                calls = {row["object"]: row["calls"] for row in made["objects"]}
                assert [(row["object"], row["calls"]) for row in forecast["objects"]] == [
                    ("cm_contracts", calls["cm_contracts"])
                ]
                assert forecast["calls"] == made["calls"]


def test_status_tells_the_calls_left_and_when_an_unfinished_first_sync_can_be_done(
    freshsales: Command,
) -> None:
    freshsales.set(
        SOURCES__FRESHSALES__PAGE_SIZE="5",
        SOURCES__FRESHSALES__RATE_LIMITS="[[20, 1], [50, 3600]]",
        SOURCES__FRESHSALES__RESERVE="0.2",
    )
    with freshsales.account(contacts=200) as emulator:
        unused = freshsales("status", "--json").json
        assert [one["left"] for one in unused["budget"]["windows"]] == [16, 40]
        assert unused["unfinished"] is None
        assert freshsales("sync", "contacts", "--max-calls", "10").code == 75
        begun = len(emulator.log)
        before = datetime.now(UTC)
        shown, told = freshsales("status"), freshsales("status", "--json").json
        assert len(emulator.log) == begun == 10, "status makes no call"
        budget = told["budget"]["windows"]
        assert (budget[1]["seconds"], budget[1]["allowed"], budget[1]["left"]) == (3600, 40, 30)
        # Two for views and fields, one for the recycle bin: of 40 pages seven were read.
        assert (told["unfinished"]["pages_left"], told["unfinished"]["is_at_least"]) == (33, False)
        # Thirty can be read now, three when the first calls are an hour old.
        finish = datetime.fromisoformat(told["unfinished"]["finish_at"])
        assert timedelta(minutes=58) < finish - before < timedelta(minutes=61)
        first, *_ = shown.out.splitlines()
        assert re.match(
            r"Not finished: about 33 pages and \d\d min left, until 20[-\d]+ [:\d]+ UTC: contacts \(", first
        )
        assert "\nAPI calls left: " in shown.out
        assert "30 of 40 an hour (20% of each limit is kept for others)\n" in shown.out


def test_status_counts_a_call_for_each_record_whose_feed_is_not_read(freshsales: Command) -> None:
    feed = ["contacts", "contact_activities"]
    with freshsales.account(contacts=40) as emulator:
        # Two for views and fields, two for the views; later these, two for the refresh, and the feeds of seven.
        for calls, left in ((4, 40), (11, 33)):
            assert freshsales("sync", *feed, "--max-calls", str(calls)).code == 75
            told = freshsales("status", "--json").json["unfinished"]
            assert (told["pages_left"], told["is_at_least"]) == (left, True)
        begun = len(emulator.log)
        assert "at least 33 pages" in freshsales("status").out.splitlines()[0]
        assert len(emulator.log) == begun, "status makes no call"


def test_a_dry_run_heeds_the_calls_that_were_made_before(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__RATE_LIMITS="[[10, 3600]]", SOURCES__FRESHSALES__RESERVE="0")
    with freshsales.account():
        first = freshsales("sync", "--dry-run", "--json", "contacts").json
        again = freshsales("sync", "--dry-run", "--json", "contacts").json
    assert first["calls"] == again["calls"] == 4
    assert first["minutes"] == 0
    assert 58 <= again["minutes"] <= 60
