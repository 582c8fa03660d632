"""`start_date` set, moved and taken away: what it leaves out stays out, and comes as soon as it may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connector import OBJECTS, asked, company, connect_swiftly, verdicts
from tests.hidden_pipelines import connect_deals, hidden_company
from tests.other_objects import all_ids, small_company

SEARCHES: tuple[dict[str, Any], ...] = ({}, {"search_detail": False}, {"search_order": "ignored"})
"""How the search may be that shows the pipelines which the views leave out."""


@pytest.mark.parametrize("name", ["contacts", "deals", "tasks", "products"])
def test_a_start_date_that_is_moved_back_or_taken_away_brings_what_it_left_out(
    tmp_path: Path, name: str
) -> None:
    emulator = company() if name in OBJECTS else small_company(tasks=20, products=20)
    connector = connect_swiftly(emulator, tmp_path, objects=[name], page_size=7)
    stamps = sorted(record["updated_at"] for record in emulator.store.live(name))
    for since in (stamps[len(stamps) * 3 // 4], stamps[len(stamps) // 4], None):
        connector.sync(start_date=since and since.isoformat())
        there = [
            record for record in emulator.store.live(name) if since is None or record["updated_at"] >= since
        ]
        assert connector.reader.ids(name, where="NOT is_deleted") == sorted(int(one["id"]) for one in there)
        connector.clock.advance(1000)


def test_what_changed_before_a_later_start_date_comes_once_that_is_taken_away(tmp_path: Path) -> None:
    emulator = company()
    connector = connect_swiftly(emulator, tmp_path)
    connector.sync(objects=["contacts"])
    connector.clock.advance(1000)
    edited, deleted = all_ids(emulator, "contacts")[:2]
    emulator.store.update("contacts", edited, city="Oulu")
    emulator.store.delete("contacts", deleted)
    connector.clock.advance(1000)
    connector.sync(objects=["contacts"], start_date=connector.clock.now().isoformat())
    assert connector.reader.query("SELECT id FROM contacts WHERE city = 'Oulu'") == []
    connector.clock.advance(1000)
    before = len(emulator.log)
    assert verdicts(connector.sync(objects=["contacts"])) == {"contacts": "matched"}
    assert connector.reader.query("SELECT id FROM contacts WHERE city = 'Oulu'") == [(edited,)]
    assert deleted in connector.reader.ids("contacts", where="is_deleted")
    assert len(asked(emulator, "/view/", since=before)) == 2


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_so_it_does_in_pipelines_that_only_the_search_shows(tmp_path: Path, search: dict[str, Any]) -> None:
    emulator = hidden_company(deals=60, **search)
    connector = connect_deals(emulator, tmp_path, page_size=10)
    stamps = sorted(deal["updated_at"] for deal in emulator.store.live("deals"))
    for since in (stamps[45], stamps[15], None):
        connector.sync(start_date=since and since.isoformat())
        there = [one for one in emulator.store.live("deals") if since is None or one["updated_at"] >= since]
        assert connector.reader.ids("deals", where="NOT is_deleted") == sorted(
            int(one["id"]) for one in there
        )
        connector.clock.advance(1000)
    # What changes while a later date leaves it out comes afterwards, too.
    deals = sorted(int(deal["id"]) for deal in emulator.store.live("deals"))
    for deal in deals:
        emulator.store.update("deals", deal, name="Moved")
    connector.clock.advance(2000)
    connector.sync(start_date=connector.clock.now().isoformat())
    connector.clock.advance(1000)
    assert verdicts(connector.sync())["deals"] == "matched"
    assert connector.reader.ids("deals", where="name = 'Moved'") == deals
    # And then an idle run is as cheap as ever.
    idle = []
    for _ in range(2):
        connector.clock.advance(4000)
        idle.append(connector.sync().calls)
    assert idle[0] == idle[1] < 15
