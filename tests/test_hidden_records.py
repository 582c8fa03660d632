"""Records that a key sees no more, and sees again: what changed meanwhile is not lost, and not paid for in each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.account_copy import Copy
from tests.connector import Connector, asked, company, connect_swiftly, of, verdicts
from tests.hidden_pipelines import connect_deals, hidden_company
from tests.other_objects import live, small_company, switch
from tests.test_start_date import SEARCHES


@dataclass(frozen=True, slots=True, kw_only=True)
class Hiding:
    """An account of which the key has lost sight of most records of an object; `ids` are all of them."""

    emulator: Emulator
    connector: Connector
    name: str
    ids: list[int]
    idle_calls: int


def hide(folder: Path, name: str, *, share: float, concurrency: int = 4) -> Hiding:
    """Sync twice, then take the rights away."""
    emulator = small_company(activities=30) if name == "sales_activities" else company()
    connector = connect_swiftly(
        emulator, folder, objects=[name], max_vanished_share=share, concurrency=concurrency
    )
    assert verdicts(connector.sync()) == {name: "matched"}
    connector.clock.advance(1000)
    idle = connector.sync()
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=2, unseen_record="forbidden")
    return Hiding(
        emulator=emulator, connector=connector, name=name, ids=live(emulator, name), idle_calls=idle.calls
    )


def edit_all(hiding: Hiding) -> None:
    """Change every record, long before the next run begins."""
    for id_ in hiding.ids:
        hiding.emulator.store.update(hiding.name, id_, **EDITS[hiding.name])
        hiding.connector.clock.advance(7)
    hiding.connector.clock.advance(5000)


EDITS = {
    "contacts": {"city": "Oulu"},
    "sales_accounts": {"city": "Oulu"},
    "deals": {"name": "Moved"},
    "sales_activities": {"title": "Moved"},
}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("share", [0.02, 1.0])
def test_what_changed_while_it_was_out_of_sight_comes_once_it_is_seen_again(
    tmp_path: Path, name: str, share: float
) -> None:
    hiding = hide(tmp_path, name, share=share)
    emulator, connector = hiding.emulator, hiding.connector
    for _ in range(2):
        edit_all(hiding)
        assert verdicts(connector.sync())[name] in ("failed", "mismatch", "moving")
        connector.clock.advance(5000)
    switch(emulator, sees_only_owner=None)
    assert verdicts(connector.sync()) == {name: "matched"}
    assert Copy(emulator=emulator, reader=connector.reader).wrong(name) == {}
    # Read once: the next run is as cheap as ever.
    connector.clock.advance(1000)
    idle = connector.sync()
    assert (verdicts(idle), idle.calls) == ({name: "matched"}, hiding.idle_calls)


def test_a_run_that_is_cut_while_it_reads_what_was_out_of_sight_leaves_it_to_the_next(tmp_path: Path) -> None:
    hiding = hide(tmp_path, "contacts", share=1.0, concurrency=1)
    emulator, connector = hiding.emulator, hiding.connector
    edit_all(hiding)
    connector.sync()
    connector.clock.advance(5000)
    switch(emulator, sees_only_owner=None)
    report = connector.sync(page_size=5, max_calls=7)
    assert (report.exit_code, of(report, "contacts").verdict) == (ExitCode.UNFINISHED, "partial")
    for _ in range(3):
        connector.clock.advance(1000)
        report = connector.sync(page_size=5)
    assert verdicts(report) == {"contacts": "matched"}
    assert Copy(emulator=emulator, reader=connector.reader).wrong("contacts") == {}


def asked_alone(hiding: Hiding, since: int) -> list[str]:
    return asked(hiding.emulator, f"/{hiding.name}/4", since=since)


@pytest.mark.parametrize("name", ["contacts", "sales_accounts"])
def test_records_out_of_sight_are_asked_for_once_a_day_and_told_in_each_run(
    tmp_path: Path, name: str
) -> None:
    hiding = hide(tmp_path, name, share=1.0)
    emulator, connector = hiding.emulator, hiding.connector
    first = connector.sync()
    for _ in range(3):
        connector.clock.advance(600)
        before = len(emulator.log)
        report = connector.sync()
        assert of(report, name).reason == of(first, name).reason
        assert "out of this key's sight (403)" in of(report, name).reason
        assert asked_alone(hiding, before) == []
        # Beside what is due each hour: views and fields.
        assert report.calls <= hiding.idle_calls + 2
    # What vanishes meanwhile changes the counts.
    owners = [int(row["id"]) for row in emulator.store.account.selectors["owners"]]
    seen = [int(row["id"]) for row in emulator.store.live(name) if row["owner_id"] == owners[1]]
    emulator.store.forget(name, seen[0])
    connector.clock.advance(3600)
    connector.sync()
    assert connector.reader.ids(name, where="_deleted_reason = 'vanished'") == [seen[0]]
    connector.clock.advance(2 * 86_400)
    before = len(emulator.log)
    connector.sync()
    assert len(asked_alone(hiding, before)) >= len(hiding.ids) - len(seen)


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_what_changed_out_of_sight_comes_in_pipelines_that_only_the_search_shows(
    tmp_path: Path, search: dict[str, Any]
) -> None:
    emulator = hidden_company(deals=60, **search)
    connector = connect_deals(emulator, tmp_path, max_vanished_share=1.0)
    hiding = Hiding(
        emulator=emulator, connector=connector, name="deals", ids=live(emulator, "deals"), idle_calls=0
    )
    connector.sync()
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=2, unseen_record="forbidden")
    for _ in range(2):
        edit_all(hiding)
        assert verdicts(connector.sync())["deals"] in ("mismatch", "moving")
        connector.clock.advance(5000)
    switch(emulator, sees_only_owner=None)
    assert verdicts(connector.sync())["deals"] == "matched"
    assert Copy(emulator=emulator, reader=connector.reader).wrong("deals") == {}
