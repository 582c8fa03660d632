"""What a sync spends its calls on first: what is new before what is old, in all objects, and the refresh last."""

from __future__ import annotations

import re
from pathlib import Path

from freshsales_source.emulator import Emulator
from tests.connector import Connector, asked, company, connect_swiftly, of, verdicts

CHOSEN = ["contacts", "sales_accounts"]
LISTS = 4
"""A view and a recycle bin of each."""


def pages(emulator: Emulator, since: int) -> list[tuple[str, int]]:
    """The order asked for and the number of each page from request number `since` on."""
    found = [re.search(r"/view/\d+\?page=(\d+).*&sort=(\w+)", call) for call in asked(emulator, since=since)]
    return [(match[2], int(match[1])) for match in found if match]


def cut_short(emulator: Emulator, folder: Path) -> Connector:
    """A connector whose first sync ended in the middle of each object; an hour has gone by."""
    connector = connect_swiftly(emulator, folder, objects=CHOSEN, page_size=5, lookups_every_s=86_400)
    assert verdicts(connector.sync(max_calls=14)) == dict.fromkeys(CHOSEN, "partial")
    connector.clock.advance(3600)
    return connector


def test_new_changes_and_deletions_of_all_objects_come_before_old_spans_and_these_before_the_refresh(
    tmp_path: Path,
) -> None:
    emulator = company(accounts=40, contacts=50, deals=0)
    connector = cut_short(emulator, tmp_path)
    changed, deleted = {}, {}
    for name in CHOSEN:
        # The oldest records, which the first sync did not come to.
        *_, deleted[name], changed[name] = sorted(
            (int(row["id"]) for row in emulator.store.live(name)),
            key=lambda i: (i in connector.reader.ids(name), i),
            reverse=True,
        )
        emulator.store.update(name, changed[name], tags=("new",))
        emulator.store.delete(name, deleted[name])
    connector.clock.advance(600)

    report = connector.sync(max_calls=LISTS)
    assert (report.exit_code, report.reason) == (75, "max_calls")
    for name in CHOSEN:
        assert changed[name] in connector.reader.ids(name)
        assert deleted[name] in connector.reader.ids(name, where="is_deleted")

    connector.clock.advance(600)
    before = len(emulator.log)
    report = connector.sync(refresh_pages=3)
    assert report.exit_code == 0
    spent = pages(emulator, before)
    assert spent[:LISTS] == [("updated_at", 1)] * LISTS
    old = spent[LISTS:-3]
    assert len(old) > LISTS
    assert {order for order, _ in old} == {"updated_at"}
    assert min(page for _, page in old) > 1
    assert {order for order, _ in spent[-3:]} == {"created_at"}


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
