"""What a sync spends its calls on first: what is new before what is old, in all objects, and the refresh last."""

from __future__ import annotations

import re
from pathlib import Path

from freshsales_source.emulator import Emulator
from tests.connector import Connector, asked, company, connect_swiftly, of, verdicts

CHOSEN = ["contacts", "sales_accounts"]
LISTS = 4
"""A view and a recycle bin of each."""
PAGE = 5
CHANGED = {"contacts": PAGE + 2, "sales_accounts": 1}
"""How many records are changed; those of the contacts fill more than a page."""


def pages(emulator: Emulator, since: int) -> list[tuple[str, int]]:
    """The order asked for and the number of each page from request number `since` on."""
    found = [re.search(r"/view/\d+\?page=(\d+).*&sort=(\w+)", call) for call in asked(emulator, since=since)]
    return [(match[2], int(match[1])) for match in found if match]


def cut_short(emulator: Emulator, folder: Path) -> Connector:
    """A connector whose first sync ended in the middle of each object; an hour has gone by."""
    connector = connect_swiftly(emulator, folder, objects=CHOSEN, page_size=PAGE, lookups_every_s=86_400)
    # One list at a time, so that each is read as far whichever thread is quicker.
    assert verdicts(connector.sync(max_calls=14, concurrency=1)) == dict.fromkeys(CHOSEN, "partial")
    connector.clock.advance(3600)
    return connector


def change_the_oldest(connector: Connector, emulator: Emulator) -> dict[str, tuple[list[int], int]]:
    """For each object records changed and one deleted, of those that the first sync did not come to."""
    chosen = {}
    for name in CHOSEN:
        loaded = connector.reader.ids(name)
        unread = sorted(int(row["id"]) for row in emulator.store.live(name) if int(row["id"]) not in loaded)
        deleted, *changed = unread[-CHANGED[name] - 1 :]
        for record_id in changed:
            emulator.store.update(name, record_id, tags=("new",))
        emulator.store.delete(name, deleted)
        chosen[name] = changed, deleted
    connector.clock.advance(600)
    return chosen


def test_a_run_with_few_calls_spends_them_on_new_changes_and_deletions_of_all_objects(tmp_path: Path) -> None:
    emulator = company(accounts=40, contacts=50, deals=0)
    connector = cut_short(emulator, tmp_path)
    chosen = change_the_oldest(connector, emulator)
    report = connector.sync(max_calls=LISTS + 1)
    assert (report.exit_code, report.reason) == (75, "max_calls")
    for name, (changed, deleted) in chosen.items():
        assert set(changed) <= set(connector.reader.ids(name))
        assert deleted in connector.reader.ids(name, where="is_deleted")


def test_new_changes_and_deletions_of_all_objects_come_before_old_spans_and_these_before_the_refresh(
    tmp_path: Path,
) -> None:
    emulator = company(accounts=40, contacts=50, deals=0)
    connector = cut_short(emulator, tmp_path)
    change_the_oldest(connector, emulator)
    before = len(emulator.log)
    assert connector.sync(refresh_pages=3).exit_code == 0
    spent = pages(emulator, before)
    new, old, refreshed = spent[: LISTS + 1], spent[LISTS + 1 : -3], spent[-3:]
    assert sorted(new) == [*[("updated_at", 1)] * LISTS, ("updated_at", 2)]
    assert len(old) > LISTS
    assert {order for order, _ in old} == {"updated_at"}
    assert min(page for _, page in old) > 1
    assert {order for order, _ in refreshed} == {"created_at"}


def test_records_that_vanished_are_found_before_old_spans_of_other_objects(tmp_path: Path) -> None:
    emulator = company(accounts=9, contacts=150, deals=0)
    connector = connect_swiftly(emulator, tmp_path, objects=CHOSEN, page_size=5)
    assert verdicts(connector.sync(max_calls=16)) == {"contacts": "partial", "sales_accounts": "matched"}
    erased = int(emulator.store.live("sales_accounts")[4]["id"])
    emulator.store.forget("sales_accounts", erased)
    connector.clock.advance(900)
    before = len(emulator.log)
    report = connector.sync(max_calls=14)
    assert (report.reason, of(report, "contacts").verdict) == ("max_calls", "partial")
    *_, last = (place for place, (order, _) in enumerate(pages(emulator, before)) if order == "created_at")
    assert {page for _, page in pages(emulator, before)[: last + 1]} == {1}
    assert of(report, "sales_accounts").rows_deleted == 1
    assert connector.reader.ids("sales_accounts", where="_deleted_reason = 'vanished'") == [erased]
