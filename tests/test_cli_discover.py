"""`freshsales discover`: what a person reads before the first sync, and what a program gets."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from freshsales_source.emulator import Fault, Switches
from tests.command import ALL_PIPELINES, KEY, Command


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def words(line: str) -> str:
    return " ".join(line.split())


def test_an_account_is_laid_open_and_the_next_command_named(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        ran = freshsales("discover")
        calls = len(emulator.log)
    assert (ran.code, ran.err) == (0, "")
    lines = [words(line) for line in ran.out.splitlines()]
    assert "limits plan growth" in lines
    assert "contacts 20 2 4 4" in lines
    assert "leads 1 not in this account" in lines
    assert "lookups 87 20 20 of 20 tables" in lines
    assert "contacts All Contacts 402000591801 20 by its default name" in lines
    assert "deals cf_go_live Go live date date" in lines
    assert any(line.startswith("contacts cf_preferred_language ") for line in lines), "names stay whole"
    assert any(line.startswith("Partner deals ") and line.endswith(" yes") for line in lines)
    assert any(line.startswith("Priya Raman ") for line in lines)
    assert re.search(
        r"At least \d+ API calls for a first sync: less than a minute within these limits\.", ran.out
    )
    assert f"Finding this out took {calls} API calls, 27 of them to count records per owner." in lines
    assert lines[-1] == "Next: freshsales sync"
    assert KEY not in ran.out


def test_as_json_the_same_is_one_document(freshsales: Command) -> None:
    with freshsales.account(switches=Switches()):
        ran = freshsales("discover", "--json")
    assert ran.code == ran.json["exit_code"] == 0
    objects = {row["object"]: row for row in ran.json["objects"]}
    assert objects["contacts"]["lists"][0] == {
        "name": "All Contacts",
        "id": 402000591801,
        "chosen": "default_name",
        "is_bin": False,
        "records": 20,
        "namesakes": 0,
    }
    assert objects["leads"]["standing"] == "not_available"
    assert objects["products"]["is_lower_bound"]
    field = next(row for row in objects["deals"]["custom_fields"] if row["name"] == "cf_seats")
    assert field == {
        "name": "cf_seats",
        "label": "Seats",
        "type": "number",
        "column": "cf_seats",
        "column_type": "decimal",
    }
    assert ran.json["first_sync"]["calls"] == 20 + sum(
        row["calls"] for row in ran.json["objects"] if not row["is_lookup"]
    )
    assert [row["is_shown"] for row in ran.json["pipelines"]["pipelines"]] == [True, False, False]
    assert ran.json["owners"]["owners"][0]["records"].keys() == {"contacts", "sales_accounts", "deals"}
    # What no view shows is read through the search.
    assert (ran.json["problems"], ran.err) == ([], "")


def test_a_wrong_key_is_told_and_nothing_else_is(freshsales: Command) -> None:
    with freshsales.account():
        freshsales.set(FRESHSALES_API_KEY="another-key")
        ran = freshsales("discover")
    assert ran.code == 3
    assert ran.err.startswith("wrong_key: ")
    assert ran.out.endswith("The account could not be looked at.\n")
    assert "another-key" not in ran.out + ran.err


def test_views_chosen_by_the_settings_are_told_apart(freshsales: Command) -> None:
    views = '{"contacts": 402000591801, "deals": ["Open Deals"], "deals_bin": "recycle bin"}'
    with freshsales.account():
        freshsales.set(SOURCES__FRESHSALES__VIEWS=views)
        ran = freshsales("discover")
    lines = [words(line) for line in ran.out.splitlines()]
    assert "contacts All Contacts 402000591801 20 by its id in views.contacts" in lines
    assert any(line.endswith("by its name in views.deals") for line in lines)
    assert any(line.endswith("by its name in views.deals_bin") for line in lines)
    assert any(line.startswith("Which pipelines the views show cannot be told: ") for line in lines)


def test_what_is_doubtful_is_said_below_the_tables(freshsales: Command) -> None:
    switches = replace(ALL_PIPELINES, several_views_of_one_name=True)
    with freshsales.account(switches=switches) as emulator:
        emulator.faults.add(Fault(kind="status", status=400, path="*/filtered_search/*", times=1000))
        ran = freshsales("discover")
    assert 'contacts: 2 views are named "All Contacts"; ' in ran.out
    assert "Set views.contacts_bin to an id to be sure." in ran.out


def test_one_persons_records_alone_are_pointed_out(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        store = emulator.store
        me = store.account.selectors["owners"][0]["id"]
        for record in store.live("contacts"):
            store.update("contacts", record["id"], owner_id=me)
        store.switches = replace(store.switches, search_lag_s=0.0)
        ran = freshsales("discover")
    assert "contacts: all that this key sees belong to Priya Raman. If others have some, " in ran.out
    assert ran.code == 0
