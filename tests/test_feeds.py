"""Notes, contact activities and the stage log through `freshsales sync`: rows, values, costs, cuts and refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, add_note, change_note, remove_note
from freshsales_source.feeds import reader as feed_reader
from freshsales_source.settings.config import Settings
from freshsales_source.warehouse.warehouse import Warehouse
from tests.connector import Connector, asked, company, connect, connect_swiftly, of, verdicts
from tests.other_objects import load_plainly, plain_file
from tests.warehouse_reader import WarehouseReader

NOTES = ["contacts", "sales_accounts", "deals", "notes"]
STAGES = ["deals", "deal_stage_log"]


def account(**positions: Any) -> Emulator:
    emulator = company(accounts=3, contacts=6, deals=8, in_bin=0)
    emulator.switches = replace(emulator.switches, **positions)
    return emulator


def live(emulator: Emulator, name: str) -> list[int]:
    return [record["id"] for record in emulator.store.live(name)]


def notes_in(connector: Connector) -> dict[int, tuple[str, int, str]]:
    rows = connector.reader.rows("notes")
    found = {row["id"]: (row["targetable_type"], row["targetable_id"], row["description"]) for row in rows}
    assert len(found) == len(rows)
    return found


def feed_calls(emulator: Emulator, since: int = 0) -> list[str]:
    feeds = ("/notes?", "/activities?", "/timeline_feeds?")
    return [call for call in asked(emulator, since=since) if any(feed in call for feed in feeds)]


@pytest.mark.parametrize(("paged", "connects"), [(False, connect), (True, connect_swiftly)])
def test_notes_follow_their_records_and_leave_with_them(
    tmp_path: Path, paged: bool, connects: Callable[..., Connector]
) -> None:
    emulator = account(notes_paged=paged)
    store = emulator.store
    contact, other = live(emulator, "contacts")[:2]
    firm, deal = live(emulator, "sales_accounts")[0], live(emulator, "deals")[0]
    kept = add_note(store, "contacts", contact, "Called; DROP TABLE notes")
    gone = add_note(store, "contacts", contact, "Wrote")
    alone = add_note(store, "contacts", other, "Met")
    of_firm = add_note(store, "sales_accounts", firm, "日本語")
    of_deal = [add_note(store, "deals", deal, f"Note {n}") for n in range(30)]
    connector = connects(emulator, tmp_path, objects=NOTES)
    connector.clock.advance(600)
    report = connector.sync()
    assert (report.exit_code, verdicts(report)["notes"]) == (0, "unchecked")
    wanted = {
        kept: ("Contact", contact, "Called; DROP TABLE notes"),
        gone: ("Contact", contact, "Wrote"),
        alone: ("Contact", other, "Met"),
        of_firm: ("SalesAccount", firm, "日本語"),
        **{note: ("Deal", deal, f"Note {n}") for n, note in enumerate(of_deal)},
    }
    assert notes_in(connector) == wanted
    row = next(row for row in connector.reader.rows("notes") if row["id"] == alone)
    assert (row["created_at"], row["creater_id"]) == (datetime(2026, 3, 2, 9, tzinfo=UTC), store.account.me)

    connector.clock.advance(600)
    change_note(store, kept, "Called again")
    remove_note(store, gone)
    remove_note(store, alone)
    before = len(emulator.log)
    connector.sync()
    assert notes_in(connector) == {
        **{id_: note for id_, note in wanted.items() if id_ not in (gone, alone)},
        kept: ("Contact", contact, "Called again"),
    }
    assert {call.split("?")[0] for call in feed_calls(emulator, before)} == {
        f"/crm/sales/api/contacts/{id_}/notes" for id_ in (contact, other)
    }


def test_without_the_setting_no_feed_is_asked_for(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path)
    assert connector.sync().exit_code == 0
    assert feed_calls(emulator) == []
    assert not {"notes", "contact_activities", "deal_stage_log"} & set(connector.reader.tables())


def test_timelines_bring_all_feeds_and_say_first_what_they_cost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, timelines=True)
    with caplog.at_level(logging.INFO, "freshsales_source.feeds.reader"):
        report = connector.sync()
    assert report.exit_code == 0
    feeds = ("notes", "contact_activities", "deal_stage_log")
    assert [verdicts(report)[name] for name in feeds] == ["unchecked"] * 3
    assert "for each record that was loaded" in of(report, "notes").reason
    told = [record.message for record in caplog.records if record.message.startswith("feed_begins")]
    assert "feed_begins feed=deal_stage_log records=8 calls_at_least=8" in told
    assert "feed_begins feed=contact_activities records=6 calls_at_least=6" in told
    assert of(report, "deal_stage_log").calls == 8
    before = len(emulator.log)
    assert connector.sync().exit_code == 0
    assert feed_calls(emulator, before) == []


def test_what_is_added_while_a_feed_is_read_comes_once_and_takes_nothing_away(tmp_path: Path) -> None:
    emulator = account(notes_paged=True)
    contact = live(emulator, "contacts")[0]
    for n in range(30):
        add_note(emulator.store, "contacts", contact, f"Note {n}")

    def write_between_pages(number: int) -> None:
        if emulator.log and emulator.log[-1].path.endswith(f"/{contact}/notes") and number % 2:
            add_note(emulator.store, "contacts", contact, f"Written at {number}")

    emulator.before_request = write_between_pages
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "notes"], concurrency=1)
    assert connector.sync().exit_code == 0
    emulator.before_request = None
    assert len(emulator.store.notes["contacts", contact]) > 30
    connector.clock.advance(1)
    connector.sync()
    assert set(notes_in(connector)) == {note["id"] for note in emulator.store.notes["contacts", contact]}


def test_the_stage_log_tells_each_move_of_a_changed_deal(tmp_path: Path) -> None:
    emulator = account(feed_page=2)
    store = emulator.store
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES)
    connector.sync()
    deal = store.create("deals", name="Big", deal_stage_id=store.account.selectors["deal_stages"][0]["id"])
    made = connector.clock.now()
    stages = store.account.selectors["deal_stages"][1:4]
    for stage in stages:
        connector.clock.advance(3600)
        store.move_stage(deal, stage["id"])
    owner = store.account.selectors["owners"][1]
    store.update("deals", deal, owner_id=owner["id"])
    before = len(emulator.log)
    connector.sync()
    assert len(feed_calls(emulator, before)) == 3
    rows = [row for row in connector.reader.rows("deal_stage_log") if row["deal_id"] == deal]
    rows.sort(key=lambda row: -row["position"])
    assert [row["action_type"] for row in rows] == ["CREATE", *["STAGE_CHANGE"] * 3, "OWNER_CHANGE"]
    assert rows[0]["created_at"] == made
    assert [(row["stage_id"], row["stage_name"]) for row in rows[1:4]] == [
        (s["id"], s["name"]) for s in stages
    ]
    assert (rows[4]["owner_change"], rows[4]["owner_name"]) == (owner["id"], owner["display_name"])


def test_activities_of_a_changed_contact_arrive_with_their_values(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "contact_activities"])
    connector.sync()
    contact = emulator.store.create("contacts", first_name="Ada")
    task = emulator.store.create("tasks", title="Call", targetables=({"id": contact, "type": "Contact"},))
    connector.sync()
    (row,) = [row for row in connector.reader.rows("contact_activities") if row["contact_id"] == contact]
    assert (row["id"], row["composite_id"], row["action_type"]) == (task, f"{task}_1", "TASK_CREATED")
    assert (row["actionable_type"], row["actionable_id"], row["user_activity"]) == ("Task", task, True)
    assert '"title": "Call"' in row["action_data"]


def stage_log_is_whole(emulator: Emulator, connector: Connector, deals: Iterable[int]) -> bool:
    held = {row["deal_id"] for row in connector.reader.rows("deal_stage_log")}
    return held == set(deals)


def test_cut_runs_forget_no_record(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES)
    codes = [connector.sync(max_calls=15).exit_code]
    while codes[-1] == 75 and len(codes) < 9:
        codes.append(connector.sync(max_calls=10).exit_code)
    assert codes[0] == 75
    assert codes[-1] == 0
    assert stage_log_is_whole(emulator, connector, live(emulator, "deals"))
    assert len(feed_calls(emulator)) == len(set(feed_calls(emulator))) == 8


class Killed(BaseException):
    """What stands for a kill: nothing of ours catches it."""


class DyingWarehouse(Warehouse):
    """Takes one load, and then the process is gone."""

    def load(self, source: Any, *, on_disk: Callable[[], None] = lambda: None) -> None:
        super().load(source, on_disk=on_disk)
        raise Killed


class DyingConnector(Connector):
    def warehouse(self, settings: Settings) -> Warehouse:
        return DyingWarehouse(super().warehouse(settings).target, settings.account)


def test_a_run_that_is_killed_after_its_first_load_forgets_no_record(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES, lookback_s=0)
    connector.sync()
    connector.clock.advance(600)
    stage = emulator.store.account.selectors["deal_stages"][2]["id"]
    changed = [
        deal
        for deal in live(emulator, "deals")
        if emulator.store.record("deals", deal)["deal_stage_id"] != stage
    ]
    emulator.store.bulk_update("deals", changed, deal_stage_id=stage)
    connector.clock.advance(600)
    dying = DyingConnector(
        folder=connector.folder, clock=connector.clock, transport=connector.transport, flags=connector.flags
    )
    with pytest.raises(Killed):
        dying.sync()
    assert connector.sync().exit_code == 0
    moved = connector.reader.query(
        f"SELECT DISTINCT deal_id FROM deal_stage_log WHERE action_type = 'STAGE_CHANGE' AND stage_id = {stage}"
    )
    assert {deal for (deal,) in moved} == set(changed)


def test_more_records_than_a_state_should_hold_are_read_along_their_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed_reader, "MOST_WAITING", 3)
    caplog.set_level(logging.INFO, "freshsales_source")
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES)
    connector.sync()
    connector.clock.advance(600)
    stage = emulator.store.account.selectors["deal_stages"][2]["id"]
    emulator.store.bulk_update("deals", live(emulator, "deals")[1:6], deal_stage_id=stage, name="Moved")
    first = connector.sync(max_calls=9)
    assert first.exit_code == 75
    stopped = [(r.getMessage(), r.levelname) for r in caplog.records if "object_stopped" in r.getMessage()]
    assert ("object_stopped object=deal_stage_log reason=max_calls", "INFO") in stopped
    state = connector.warehouse(connector.settings()).states()["deal_stage_log"]
    assert list(state["sweeps"]) == ["deals"]
    before = len(emulator.log)
    for _ in range(9):
        connector.clock.advance(600)
        if connector.sync(max_calls=10).exit_code == 0:
            break
    read = {call.split("/")[5] for call in feed_calls(emulator, before)}
    assert {str(deal) for deal in live(emulator, "deals")[1:6]} <= read


def test_feeds_that_are_wanted_later_begin_with_all_records_there_are(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, lookback_s=0, objects=["deals"])
    connector.clock.advance(600)
    connector.sync()
    report = connector.sync(objects=STAGES)
    assert of(report, "deal_stage_log").calls == 8
    assert stage_log_is_whole(emulator, connector, live(emulator, "deals"))


def test_a_plain_dlt_run_reads_feeds_too(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path)
    load_plainly(connector, objects=STAGES)
    held = WarehouseReader(plain_file(connector)).rows("deal_stage_log")
    assert {row["deal_id"] for row in held} == set(live(emulator, "deals"))
    assert len(feed_calls(emulator)) == 8
    load_plainly(connector, objects=STAGES)
    assert len(feed_calls(emulator)) == 8


@pytest.mark.parametrize("position", ["forbidden", "not_found"])
def test_feeds_an_account_does_not_have_are_not_available(tmp_path: Path, position: str) -> None:
    emulator = account(feeds=position)
    report = connect_swiftly(emulator, tmp_path, objects=STAGES).sync()
    assert (report.exit_code, verdicts(report)) == (
        0,
        {"deals": "matched", "deal_stage_log": "not_available"},
    )
    assert len(feed_calls(emulator)) <= 8


def test_a_feed_that_is_lost_fails_and_its_records_go_on_waiting(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES)
    connector.sync()
    connector.clock.advance(600)
    stage = emulator.store.account.selectors["deal_stages"][2]["id"]
    changed = live(emulator, "deals")[:6]
    before = {deal: emulator.store.record("deals", deal)["deal_stage_id"] for deal in changed}
    emulator.store.bulk_update("deals", changed, deal_stage_id=stage)
    emulator.switches = replace(emulator.switches, feeds="forbidden")
    report = connector.sync()
    assert (report.exit_code, verdicts(report)["deal_stage_log"]) == (4, "failed")
    emulator.switches = replace(emulator.switches, feeds="present")
    assert connector.sync().exit_code == 0
    moved = connector.reader.query(
        f"SELECT DISTINCT deal_id FROM deal_stage_log WHERE action_type = 'STAGE_CHANGE' AND stage_id = {stage}"
    )
    assert {deal for (deal,) in moved} == {deal for deal in changed if before[deal] != stage}


def test_a_record_that_is_gone_meanwhile_keeps_its_rows_and_holds_nobody_up(tmp_path: Path) -> None:
    emulator = account(binned_get="not_found")
    connector = connect_swiftly(emulator, tmp_path, objects=STAGES, lookback_s=0)
    connector.sync()
    connector.clock.advance(600)
    gone, changed = live(emulator, "deals")[:2]
    emulator.store.delete("deals", gone)
    emulator.store.update("deals", changed, name="Changed")
    connector.clock.advance(60)
    assert connector.sync().exit_code == 0
    assert stage_log_is_whole(emulator, connector, [*live(emulator, "deals"), gone])
    before = len(emulator.log)
    connector.sync()
    assert feed_calls(emulator, before) == []


def test_a_feed_without_its_objects_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    connector = connect_swiftly(account(), tmp_path, objects=["notes"])
    with pytest.raises(Exception, match="`objects` names 'notes', but nothing that has any"):
        connector.sync()
