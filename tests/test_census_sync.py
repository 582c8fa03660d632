"""Counts that differ are traced to their records through `freshsales sync`: what vanished is flagged, why and when.

The account is asked past its views only for what no view shows; each case compares ids, values, reasons and dates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from freshsales_source.emulator import Emulator, Fault, Switches
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, asked, company, connect_swiftly, of, verdicts

FLAGS = "is_deleted, _deleted_reason, _deleted_at"


@pytest.fixture
def emulator() -> Emulator:
    return company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    assert connector.sync().exit_code is ExitCode.DONE
    connector.clock.advance(1000)
    return connector


def live(emulator: Emulator, object_name: str = "contacts") -> list[int]:
    return sorted(int(record["id"]) for record in emulator.store.live(object_name))


def binned(emulator: Emulator, object_name: str = "contacts") -> list[int]:
    return sorted(int(record["id"]) for record in emulator.store.binned(object_name))


def flags(
    connector: Connector, id_: int, table: str = "contacts"
) -> tuple[bool, str | None, datetime | None]:
    """Whether a row is deleted, why, and since when."""
    ((is_deleted, reason, at),) = connector.reader.query(f"SELECT {FLAGS} FROM {table} WHERE id = {id_}")
    return is_deleted, reason, at


def switch(emulator: Emulator, **positions: Any) -> None:
    emulator.switches = replace(emulator.switches, **positions)


def assert_copy_is_whole(emulator: Emulator, connector: Connector, table: str = "contacts") -> None:
    """The live rows are the live records, and those of the bin the binned ones."""
    assert connector.reader.ids(table, where="NOT is_deleted") == live(emulator, table)
    assert connector.reader.ids(table, where="_deleted_reason = 'recycle_bin'") == binned(emulator, table)


# What vanished


def test_an_erased_record_is_flagged_with_the_time_it_was_found_gone(
    emulator: Emulator, connector: Connector
) -> None:
    doomed = live(emulator)[17]
    (before,) = (row for row in connector.reader.rows("contacts") if row["id"] == doomed)
    emails = connector.reader.query(f"SELECT value FROM contacts__emails WHERE contact_id = {doomed}")
    emulator.store.forget("contacts", doomed)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert flags(connector, doomed) == (True, "vanished", connector.clock.now())
    (after,) = (row for row in connector.reader.rows("contacts") if row["id"] == doomed)
    ours = {"is_deleted", "_deleted_reason", "_deleted_at", "_synced_at"}
    assert {k: v for k, v in after.items() if k not in ours} == {
        k: v for k, v in before.items() if k not in ours
    }
    assert emails == connector.reader.query(f"SELECT value FROM contacts__emails WHERE contact_id = {doomed}")
    assert (of(report, "contacts").rows_deleted, of(report, "contacts").loaded_count) == (1, 39)
    assert_copy_is_whole(emulator, connector)


@pytest.mark.parametrize("position", ["not_found", "redirect"])
@pytest.mark.parametrize("object_name", ["contacts", "sales_accounts", "deals"])
def test_merged_records_vanish_and_the_one_that_stays_keeps_its_row(
    object_name: str, position: Any, emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=[object_name])
    switch(emulator, merged_get=position)
    connector.clock.advance(1000)
    stays, *merged = live(emulator, object_name)[4:7]
    emulator.store.merge(object_name, stays, *merged)
    report = connector.sync(objects=[object_name])
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {object_name: "matched"})
    for id_ in merged:
        assert flags(connector, id_, object_name) == (True, "vanished", connector.clock.now())
    assert flags(connector, stays, object_name) == (False, None, None)
    assert_copy_is_whole(emulator, connector, object_name)


def test_what_leaves_the_bin_by_age_or_by_hand_is_vanished_from_then_on(
    emulator: Emulator, connector: Connector
) -> None:
    young = live(emulator)[0]
    emulator.store.delete("contacts", young)
    connector.sync()
    assert flags(connector, young) == (True, "recycle_bin", connector.clock.now())
    erased, expired = binned(emulator)[0], binned(emulator)[1:3]
    connector.clock.advance(1000)
    emulator.store.forget("contacts", erased)
    report = connector.sync()
    assert verdicts(report) == {"contacts": "matched"}
    assert flags(connector, erased) == (True, "vanished", connector.clock.now())
    connector.clock.advance(86_400)
    gone = emulator.store.expire_bin(older_than_days=1)["contacts"]
    assert set(expired) <= set(gone)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    for id_ in gone:
        assert flags(connector, id_) == (True, "vanished", connector.clock.now())
    assert_copy_is_whole(emulator, connector)


@pytest.mark.parametrize("position", ["record", "not_found"])
@pytest.mark.parametrize("says_deleted", [True, False])
def test_deletions_and_restores_that_move_no_stamp_keep_their_own_reason(
    position: Any, says_deleted: bool, emulator: Emulator, connector: Connector
) -> None:
    switch(
        emulator,
        delete_moves_stamp=False,
        restore_moves_stamp=False,
        binned_get=position,
        bin_rows_is_deleted=says_deleted,
    )
    # Older than the newest: the first pages of the walks show neither.
    by_age = sorted(emulator.store.live("contacts"), key=lambda record: record["updated_at"])
    deleted, stamp = int(by_age[3]["id"]), by_age[3]["updated_at"]
    emulator.store.delete("contacts", deleted)
    report = connector.sync(page_size=5)
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert flags(connector, deleted) == (True, "recycle_bin", stamp)
    connector.clock.advance(1000)
    emulator.store.restore("contacts", deleted)
    report = connector.sync(page_size=5)
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert flags(connector, deleted) == (False, None, None)
    assert_copy_is_whole(emulator, connector)


# What only seems to have vanished


def test_a_record_out_of_sight_is_not_gone(emulator: Emulator, connector: Connector) -> None:
    owners = [int(row["id"]) for row in emulator.store.account.selectors["owners"]]
    mine = live(emulator)
    emulator.store.bulk_update("contacts", mine, owner_id=owners[0])
    connector.sync()
    connector.clock.advance(1000)
    hidden = mine[5]
    emulator.store.change_silently("contacts", hidden, owner_id=owners[1])
    switch(emulator, sees_only_owner=1, unseen_record="forbidden")
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"contacts": "mismatch"})
    # The record, and the three of the bin.
    assert "4 records are out of this key's sight (403)" in of(report, "contacts").reason
    assert flags(connector, hidden) == (False, None, None)


def test_rights_lost_after_the_first_sync_flag_nothing_until_told_to(tmp_path: Path) -> None:
    emulator = company(contacts=120)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    connector.sync()
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=1, unseen_record="not_found")
    before, calls = connector.reader.content(without=()), len(emulator.log)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.INCOMPLETE, "too_many_vanished")
    assert verdicts(report) == {"contacts": "failed"}
    reason = of(report, "contacts").reason
    assert "rows seem to have no record any more; one run flags 20 of them at most" in reason
    assert "lost rights" in reason
    assert "--accept-vanished" in reason
    assert connector.reader.content(without=()) == before
    # No record was asked for alone: the counts were enough.
    assert [call for call in asked(emulator, "/contacts/", since=calls) if "/view/" not in call] == []
    connector.clock.advance(1000)
    report = connector.sync(accepts_vanished=True)
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    seen = of(report, "contacts").loaded_count
    assert seen is not None
    assert 0 < seen < 100
    assert connector.reader.value("SELECT count(*) FROM contacts WHERE _deleted_reason = 'vanished'") > 20
    # Rights come back: every row stands in the view and is live again.
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=None)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert_copy_is_whole(emulator, connector)
    assert connector.reader.value("SELECT count(*) FROM contacts WHERE _deleted_reason = 'vanished'") == 0


@pytest.mark.parametrize(("days", "share", "erased"), [(0, 0.5, 45 - 30), (100, 0.0, 20)])
def test_what_a_run_has_flagged_does_not_lower_how_much_it_may_flag(
    days: int, share: float, erased: int, tmp_path: Path
) -> None:
    emulator = company(contacts=60, in_bin=30)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], max_vanished_share=share)
    connector.sync()
    connector.clock.advance(1000 + days * 86_400)
    # Those of the bin are found gone first. Of 90 rows half may be; or those expired, and 20 whatever the share.
    emulator.store.forget("contacts", *binned(emulator))
    emulator.store.forget("contacts", *live(emulator)[:erased])
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    gone = connector.reader.value("SELECT count(*) FROM contacts WHERE _deleted_reason = 'vanished'")
    assert gone == 30 + erased
    assert_copy_is_whole(emulator, connector)


def test_rights_gained_later_bring_every_row_and_the_report_says_so(tmp_path: Path) -> None:
    emulator = company(contacts=1300, switches=replace(ALL_PIPELINES, sees_only_owner=1))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert connector.reader.count("contacts") < 300
    connector.clock.advance(1000)
    switch(emulator, sees_only_owner=None)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert "rows were missing, so all was read anew" in of(report, "contacts").reason
    assert_copy_is_whole(emulator, connector)


def test_where_the_order_of_creation_is_refused_a_difference_stays_and_is_explained(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.faults.add(Fault(kind="status", status=400, path="*sort=created_at*", times=3))
    report = connector.sync(refresh_pages=10)
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    gone = emulator.store.forget("contacts", live(emulator)[3])
    connector.clock.advance(1000)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"contacts": "mismatch"})
    assert "the order of creation is not kept" in of(report, "contacts").reason
    assert emulator.faults.unfired() == []
    connector.clock.advance(1000)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == gone


def test_where_no_record_can_be_fetched_alone_nothing_is_called_gone(
    emulator: Emulator, connector: Connector
) -> None:
    gone = emulator.store.forget("contacts", live(emulator)[3])
    emulator.faults.add(Fault(kind="status", status=404, path="*/contacts/4020*", times=2))
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"contacts": "mismatch"})
    assert "no record that is there could be fetched alone" in of(report, "contacts").reason
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == []
    assert emulator.faults.unfired() == []
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == gone


@pytest.mark.parametrize(
    ("binned_get", "verdict", "reasons"),
    [("record", "matched", ["recycle_bin", "vanished"]), ("not_found", "mismatch", [None, "recycle_bin"])],
)
def test_where_the_last_record_vanished_one_in_the_bin_proves_it_if_it_answers(
    tmp_path: Path, binned_get: Literal["record", "not_found"], verdict: str, reasons: list[str | None]
) -> None:
    emulator = company(contacts=2, deals=0, in_bin=0, switches=replace(ALL_PIPELINES, binned_get=binned_get))
    first, last = live(emulator)
    emulator.store.delete("contacts", first)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    connector.sync()
    connector.clock.advance(1000)
    emulator.store.forget("contacts", last)
    assert verdicts(connector.sync()) == {"contacts": verdict}
    rows = connector.reader.by_id("contacts").values()
    assert sorted((row["_deleted_reason"] for row in rows), key=str) == sorted(reasons, key=str)


def test_an_object_that_was_emptied_is_believed_to_be_only_when_told(tmp_path: Path) -> None:
    emulator = company(contacts=4, deals=0, in_bin=0)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    connector.sync()
    connector.clock.advance(1000)
    gone = emulator.store.forget("contacts", *live(emulator))
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.INCOMPLETE, {"contacts": "mismatch"})
    assert "run once with --accept-vanished" in of(report, "contacts").reason
    assert connector.reader.ids("contacts", where="is_deleted") == []
    connector.clock.advance(1000)
    assert verdicts(connector.sync(accepts_vanished=True)) == {"contacts": "matched"}
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == sorted(gone)


@pytest.mark.parametrize("shows_disorder", [False, True])
def test_a_bin_that_keeps_no_order_is_read_whole_to_see_who_left_it(
    shows_disorder: bool, tmp_path: Path
) -> None:
    emulator = company(contacts=12, deals=0, in_bin=0, switches=Switches(bin_sort_honoured=False))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    newest_last = sorted(emulator.store.live("contacts"), key=lambda record: record["created_at"])
    first, second, third = sorted((int(record["id"]) for record in newest_last[-3:]), reverse=True)
    for id_ in (third, second, first):
        # All of one stamp look as if they were in order.
        connector.clock.advance(60 if shows_disorder else 0)
        emulator.store.delete("contacts", id_)
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    emulator.store.forget("contacts", second)
    connector.clock.advance(1000)
    report = connector.sync()
    assert verdicts(report) == {"contacts": "matched"}, report.objects
    assert flags(connector, second) == (True, "vanished", connector.clock.now())
    assert_copy_is_whole(emulator, connector)
