"""`freshsales probe` as people run it: its table, its JSON, what it keeps, and what it never tells."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Fault, Switches
from tests.command import ALL_PIPELINES, Command
from tests.test_canary import leaks


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def kept(freshsales: Command) -> Path:
    """The one file in which findings are kept."""
    (path,) = (freshsales.home / "state" / "freshsales-source").glob("findings-*.json")
    return path


def test_the_table_tells_what_is_settled_what_is_open_and_what_it_cost(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        ran = freshsales("probe")
        calls = len(emulator.log)
        whole, told = freshsales("probe", "-v"), freshsales("probe", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert calls <= 40
    lines = ran.out.splitlines()
    assert lines[0] == "Other than assumed"
    assert "Still open" in lines
    usual = lines.index("As assumed")
    names = " ".join(lines[usual + 1 : lines.index("", usual)])
    document = told.json
    assert names.split(", ") == [
        one["point"] for one in document["findings"] if one["position"] == one["assumption"]
    ]
    assert len(lines) < 90
    (point,) = (line for line in whole.out.splitlines() if line.startswith("contacts.meta "))
    assert point.split()[1] == "total_and_pages"
    shown = next(line for line in lines if line.startswith("deals.pipelines"))
    assert " ".join(shown.split()) == "deals.pipelines hidden shown deals of several The views are"
    assert max(map(len, lines[:-2])) <= 100
    assert re.fullmatch(
        rf"\d+ points of \d+ settled with {calls} API calls; kept: syncs of the next 30 days make use of them\.",
        lines[-2],
    )


def test_the_json_is_one_object_with_every_point(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        ran = freshsales("probe", "--json")
        calls = len(emulator.log)
    assert ran.code == ran.json["exit_code"] == 0
    assert ran.json["calls"] == calls
    assert ran.json.keys() == {"version", "python", "made_at", "calls", "exit_code", "findings", "troubles"}
    found = {one["point"]: one for one in ran.json["findings"]}
    assert found["contacts.meta"] == {
        "point": "contacts.meta",
        "question": "What does the list of contacts tell of its length?",
        "assumption": "total_and_pages",
        "position": "total_and_pages",
        "why": "",
        "consequence": "Ends are told by the page count.",
    }
    assert found["page_cap"]["position"] == "cannot tell"
    assert found["page_cap"]["consequence"] == "A sync goes on checking as it reads."


def test_findings_are_kept_for_their_owner_alone(freshsales: Command) -> None:
    with freshsales.account():
        freshsales("probe")
    path = kept(freshsales)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["version"] == 1
    assert document["points"]["deals.pipelines"]["position"] == "shown"
    assert "page_cap" not in document["points"]


def test_a_folder_that_cannot_be_written_to_costs_the_memory_and_not_the_answer(freshsales: Command) -> None:
    store = freshsales.home / "budget.sqlite"
    freshsales.set(XDG_STATE_HOME=str(freshsales.home / "file"), SOURCES__FRESHSALES__BUDGET_STORE=str(store))
    (freshsales.home / "file").write_text("in the way", encoding="utf-8")
    with freshsales.account():
        ran = freshsales("probe")
    assert ran.code == 0
    assert "not kept: the state folder cannot be written to." in ran.out
    assert "findings_not_kept" in ran.err


# What it never tells

TROUBLES: Mapping[str, dict[str, Any]] = {
    "none": {},
    "renamed views": {"view_names": "renamed"},
    "a forbidden object": {"forbidden": ("deals",)},
    "web pages": {},
}

PERSONAL = (
    "Zephyrine",
    "Quackenbush",
    "quackenbush.example",
    "+49 555 0199",
    "Zugspitze 7",
    "Secretariat 99",
)


def fill_with_canaries(emulator: Emulator) -> list[str]:
    """Put words that nothing else holds into every record, user and view; return them and all ids."""
    store = emulator.store
    for name in (
        "contacts",
        "sales_accounts",
        "deals",
        "tasks",
        "appointments",
        "sales_activities",
        "products",
    ):
        column = {"contacts": "first_name", "tasks": "title", "appointments": "title"}.get(name, "name")
        column = "title" if name == "sales_activities" else column
        for row in store.live(name):
            store.update(name, row["id"], **{column: "Zephyrine Quackenbush"})
    for row in store.live("contacts"):
        store.update("contacts", row["id"], email="z@quackenbush.example", mobile_number="+49 555 0199")
    for row in store.account.selectors["owners"]:
        row["display_name"] = "Zephyrine Quackenbush"
        row["email"] = "z@quackenbush.example"
    for row in store.account.selectors["deal_pipelines"]:
        row["name"] = "Zugspitze 7"
    for name in ("contacts", "sales_accounts", "deals"):
        store.views.add(name, "Secretariat 99", lambda record: True)
    ids = [row["id"] for name in ("contacts", "sales_accounts", "deals", "tasks") for row in store.live(name)]
    ids += [row["id"] for rows in store.account.selectors.values() for row in rows]
    ids += [view.id for name in ("contacts", "deals") for view in store.views.of(name, emulator.switches)]
    return [*PERSONAL, *map(str, ids)]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_nothing_personal_and_no_address_is_in_what_it_tells_or_keeps(
    freshsales: Command, trouble: str, strict: bool
) -> None:
    switches = Switches.strict() if strict else ALL_PIPELINES
    with freshsales.account(switches=replace(switches, **TROUBLES[trouble])) as emulator:
        words = fill_with_canaries(emulator)
        if trouble == "web pages":
            emulator.faults.add(Fault(kind="html", status=200, path="*/view/*", times=3))
        host = freshsales.environment("FRESHSALES_DOMAIN").partition("://")[2]
        told = [freshsales("probe", "--json"), freshsales("probe"), freshsales("probe", "-v")]
        assert len(emulator.log) > 20
    texts = [*(ran.out for ran in told), kept(freshsales).read_text(encoding="utf-8"), *(r.err for r in told)]
    found = [word for word in [*words, host, "127.0.0.1"] for text in texts if word in text]
    assert found == []
    assert leaks(left={str(number): text.encode() for number, text in enumerate(texts)}) == []


# How it ends


def test_a_wrong_key_ends_it_as_it_ends_every_command(freshsales: Command) -> None:
    with freshsales.account():
        freshsales.set(FRESHSALES_API_KEY="another-key")
        ran = freshsales("probe", "--json")
    assert ran.code == 3
    assert (ran.json["exit_code"], ran.json["reason"]) == (3, "wrong_key")
    assert not list((freshsales.home / "state").rglob("findings-*"))


def test_an_alias_that_nobody_has_is_told(freshsales: Command) -> None:
    with freshsales.account(switches=Switches(alias="somebody-else")):
        ran = freshsales("probe")
    assert ran.code == 3
    assert ran.err.startswith("not_the_api: every address answers 404.")


def test_a_missing_view_is_told_without_the_names_of_others(freshsales: Command) -> None:
    with freshsales.account(switches=Switches(missing_views=("All Contacts",))):
        ran = freshsales("probe")
    assert ran.code == 4
    assert ran.err == "contacts: no view of the usual name was found. `freshsales check` tells more.\n"
    shown = next(line for line in ran.out.splitlines() if line.startswith("contacts.views"))
    assert 'no "All Contacts"' in shown
    assert "VIPs" not in ran.out


def test_no_quota_ends_it_unfinished_and_keeps_what_was_known(freshsales: Command) -> None:
    with freshsales.account():
        freshsales("probe")
        before = kept(freshsales).read_text(encoding="utf-8")
        freshsales.set(SOURCES__FRESHSALES__RATE_LIMITS="[[4, 3600]]", SOURCES__FRESHSALES__ON_QUOTA="stop")
        ran = freshsales("probe")
    assert ran.code == 75
    assert kept(freshsales).read_text(encoding="utf-8") == before


# What later commands make of it


def test_sync_and_status_say_when_findings_were_made(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__OBJECTS='["deal_types"]')
    with freshsales.account():
        before = [freshsales("sync", "-v"), freshsales("status"), freshsales("status", "--json")]
        freshsales("probe")
        after = [freshsales("sync", "-v"), freshsales("status"), freshsales("status", "--json")]
    made_at = datetime.fromisoformat(json.loads(kept(freshsales).read_text(encoding="utf-8"))["made_at"])
    assert "findings_used" not in before[0].err
    assert f"findings_used made_at={made_at.isoformat()} points=" in after[0].err
    assert "Findings of" not in before[1].out
    assert after[1].out.endswith(
        f"Findings of `freshsales probe` of {made_at:%Y-%m-%d %H:%M:%S} UTC: in use\n"
    )
    assert before[2].json["findings_made_at"] is None
    assert after[2].json["findings_made_at"] == made_at.isoformat()


def test_old_findings_are_named_and_not_used(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__OBJECTS='["deal_types"]')
    with freshsales.account():
        freshsales("probe")
        path = kept(freshsales)
        document = json.loads(path.read_text(encoding="utf-8"))
        document["made_at"] = (datetime.fromisoformat(document["made_at"]) - timedelta(days=31)).isoformat()
        path.write_text(json.dumps(document), encoding="utf-8")
        ran, status = freshsales("sync", "-v"), freshsales("status")
    assert "findings_too_old" in ran.err
    assert status.out.endswith("too old to be used: probe again\n")
    assert json.loads(path.read_text(encoding="utf-8")) == document


def test_damaged_findings_keep_no_command_from_its_work(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__OBJECTS='["deal_types"]')
    with freshsales.account():
        freshsales("probe")
        kept(freshsales).write_bytes(b"\xff{")
        ran = [freshsales("sync"), freshsales("status"), freshsales("probe")]
    assert [one.code for one in ran] == [0, 0, 0]
    assert "findings_unreadable" in ran[0].err
    assert json.loads(kept(freshsales).read_text(encoding="utf-8"))["version"] == 1


def test_calls_are_forecast_by_the_size_that_is_served(freshsales: Command) -> None:
    switches = replace(ALL_PIPELINES, page_cap_with_include=25)
    with freshsales.account(switches=switches, contacts=60) as emulator:
        forecasts = []
        for _ in range(2):
            dry = freshsales("sync", "--dry-run", "--json", "contacts").json
            discovered = freshsales("discover", "--json").json
            contacts = next(one for one in discovered["objects"] if one["object"] == "contacts")
            forecasts.append((dry["objects"][0]["pages"], contacts["calls"]))
            freshsales("probe")
        before = len(emulator.log)
        freshsales("sync", "contacts")
        calls = [call for call in emulator.log[before:] if "/contacts" in call.path]
    assert forecasts == [(2, 4), (4, 6)]  # 60 contacts and a bin: one page each, or three and one
    assert len(calls) == 6


def test_the_search_is_priced_by_the_size_in_which_it_is_read(freshsales: Command) -> None:
    # Views are capped, the search is not; each hidden pipeline holds more than two deals.
    with freshsales.account(switches=Switches(page_cap_with_include=2)):
        freshsales("probe")
        dry = freshsales("sync", "--dry-run", "--json", "deals").json
        discovered = freshsales("discover", "--json").json
    (deals,) = dry["objects"]
    (found,) = (one for one in discovered["objects"] if one["object"] == "deals")
    assert len(deals["pipelines"]) > 1
    assert deals["calls"] == found["calls"]


def test_a_sync_writes_down_what_it_saw_to_be_otherwise(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, products_list="not_found")) as emulator:
        freshsales("probe")
        emulator.switches = replace(emulator.switches, products_list="present")
        freshsales.set(SOURCES__FRESHSALES__LOOKUPS_EVERY_S="0")
        ran = freshsales("sync", "products")
    assert "finding_dropped point=products.list seen=present" in ran.err
    assert "products.list" not in json.loads(kept(freshsales).read_text(encoding="utf-8"))["points"]
