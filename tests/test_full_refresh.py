"""`--full-refresh`: everything is read again from the top and merged; what was not seen is asked for and flagged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, OBJECTS, Connector, asked, company, connect_swiftly, of, verdicts
from tests.other_objects import assert_rows, live, small_company, switch

QUIET = {"refresh_pages": 0}
"""No rolling refresh, so that nothing but the full one can find what it finds."""


def copied(tmp_path: Path, **more: Any) -> tuple[Emulator, Connector]:
    """A company and a connector that has read it; what moves no stamp is not read by chance."""
    emulator = company(**more)
    connector = connect_swiftly(emulator, tmp_path, objects=list(OBJECTS), lookups_every_s=10**6, **QUIET)
    assert connector.sync().exit_code is ExitCode.DONE
    connector.clock.advance(5000)
    connector.sync()
    connector.clock.advance(5000)
    return emulator, connector


def cities(connector: Connector) -> dict[int, str]:
    return {int(row["id"]): row["city"] for row in connector.reader.rows("contacts")}


def test_a_full_refresh_finds_changes_that_moved_no_stamp(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path)
    changed = live(emulator, "contacts")[::3]
    for contact in changed:
        emulator.store.change_silently("contacts", contact, city="Nuuk", tags=["silent"])
    connector.sync()
    assert not [id_ for id_ in changed if cities(connector)[id_] == "Nuuk"]
    connector.clock.advance(1000)
    report = connector.sync(full_refresh=OBJECTS)
    assert (report.exit_code, set(verdicts(report).values())) == (ExitCode.DONE, {"matched"})
    assert [id_ for id_, city in sorted(cities(connector).items()) if city == "Nuuk"] == changed
    tagged = "SELECT contact_id FROM contacts__tags WHERE value = 'silent' ORDER BY 1"
    assert [row[0] for row in connector.reader.query(tagged)] == changed
    # Only once: the next run reads what changed.
    connector.clock.advance(1000)
    before = len(emulator.log)
    connector.sync()
    assert len(asked(emulator, "/view/", since=before)) == 8


def test_a_full_refresh_finds_an_erasure_that_a_restore_hides(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path, switches=replace(ALL_PIPELINES, restore_moves_stamp=False))
    gone, binned = live(emulator, "deals")[7], [int(row["id"]) for row in emulator.store.binned("deals")]
    emulator.store.forget("deals", gone)
    emulator.store.restore("deals", binned[0])
    connector.clock.advance(1000)
    connector.sync(full_refresh=["deals"], objects=["deals"])
    assert connector.reader.ids("deals", where="_deleted_reason = 'vanished'") == [gone]
    assert connector.reader.ids("deals", where="NOT is_deleted") == live(emulator, "deals")
    assert connector.reader.ids("deals", where="_deleted_reason = 'recycle_bin'") == sorted(binned[1:])


def test_what_has_left_the_bin_is_vanished_after_a_full_refresh(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path)
    binned = [int(row["id"]) for row in emulator.store.binned("contacts")]
    emulator.store.forget("contacts", binned[0])
    at = connector.clock.now()
    report = connector.sync(full_refresh=["contacts"])
    assert verdicts(report)["contacts"] == "matched"
    row = connector.reader.by_id("contacts")[binned[0]]
    assert (row["_deleted_reason"], row["_deleted_at"]) == ("vanished", at)
    assert connector.reader.ids("contacts", where="_deleted_reason = 'recycle_bin'") == sorted(binned[1:])


@pytest.mark.parametrize("max_calls", [12, 25])
def test_a_cut_refresh_goes_on_without_being_asked_for_again(tmp_path: Path, max_calls: int) -> None:
    emulator, connector = copied(tmp_path)
    chosen = ["contacts", "deals"]
    connector.flags |= {"objects": chosen, "page_size": 5}
    changed, gone = live(emulator, "contacts")[::4], live(emulator, "contacts")[2::8]
    for contact in changed:
        emulator.store.change_silently("contacts", contact, city="Nuuk")
    emulator.store.forget("contacts", *gone)
    report = connector.sync(full_refresh=chosen, max_calls=max_calls)
    assert report.reason == "max_calls"
    rows = connector.reader.count("contacts")
    runs = 0
    while report.exit_code is ExitCode.UNFINISHED:
        connector.clock.advance(600)
        report = connector.sync(max_calls=max_calls)
        # Nothing is ever emptied.
        assert connector.reader.count("contacts") == rows
        runs += 1
        assert runs < 12
    assert set(verdicts(report).values()) == {"matched"}
    assert [id_ for id_, city in sorted(cities(connector).items()) if city == "Nuuk"] == changed
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == gone


def test_only_the_objects_of_the_run_are_refreshed(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path)
    before = len(emulator.log)
    connector.sync(objects=["contacts"], full_refresh=["contacts"], page_size=5)
    connector.sync(objects=["deals"], page_size=5)
    pages = asked(emulator, "/deals/view/", since=before)
    assert len(pages) == 4
    assert len(asked(emulator, "/contacts/view/", since=before)) == 8 + 1


def test_a_refresh_reads_settings_and_lookups_anew(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path)
    objects = [*OBJECTS, "owners", "deal_types"]
    connector.sync(objects=objects)
    emulator.store.account.add_custom_field("contacts", "cf_size", "dropdown", choices=("S", "L"))
    emulator.store.account.rename_choice("deal_types", 1 * first(emulator, "deal_types"), "Renewal")
    before = len(emulator.log)
    connector.sync(objects=objects, full_refresh=objects)
    assert len(asked(emulator, "/settings/", since=before)) == 3
    assert len(asked(emulator, "/selector/", since=before)) >= 2
    assert "cf_size" in {row["name"] for row in connector.reader.rows("fields")}
    assert "Renewal" in {row["name"] for row in connector.reader.rows("deal_types")}


def first(emulator: Emulator, selector: str) -> int:
    return int(emulator.store.account.selectors[selector][0]["id"])


def test_too_much_that_is_not_seen_flags_nothing_and_the_refresh_goes_on(tmp_path: Path) -> None:
    emulator, connector = copied(tmp_path, contacts=90)
    gone = live(emulator, "contacts")[:30]
    emulator.store.forget("contacts", *gone)
    report = connector.sync(objects=["contacts"], full_refresh=["contacts"])
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"contacts": "failed"})
    assert "--accept-vanished" in of(report, "contacts").reason
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == []


def test_objects_without_views_are_refreshed_too(tmp_path: Path) -> None:
    emulator = small_company(tasks=20, appointments=12, activities=14, products=9)
    objects = ["tasks", "appointments", "sales_activities", "products"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects, page_size=4, **QUIET)
    connector.sync()
    connector.clock.advance(1000)
    changed = {name: live(emulator, name)[1::4] for name in objects}
    for name, ids in changed.items():
        for id_ in ids:
            emulator.store.change_silently(name, id_, **{"name" if name == "products" else "title": "Silent"})
    report = connector.sync(full_refresh=objects)
    assert report.exit_code is ExitCode.DONE
    for name in objects:
        assert_rows(emulator, connector.reader, name, live(emulator, name))


def test_a_full_refresh_tries_the_order_again_that_a_view_ignored_once(tmp_path: Path) -> None:
    emulator = company(contacts=60)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], page_size=10, **QUIET)
    whole, idle = 6, 2
    for sort_ignored, asks, pages in (
        ((), (), None),
        ((), (), idle),
        (("contacts",), (), None),
        ((), (), whole + 1),
        ((), ("contacts",), None),
        ((), (), idle),
    ):
        switch(emulator, sort_ignored=sort_ignored)
        before = len(emulator.log)
        report = connector.sync(full_refresh=asks)
        assert verdicts(report) == {"contacts": "matched"}
        assert pages in (None, len(asked(emulator, "/view/", since=before)))
        connector.clock.advance(1000)
