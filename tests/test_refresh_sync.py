"""The rolling refresh through `freshsales sync`: in time it finds what moves neither a stamp nor a count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, asked, company, connect_swiftly, of, verdicts
from tests.lives import saved_states
from tests.other_objects import assert_rows, small_company


def live(emulator: Emulator, object_name: str = "contacts") -> list[int]:
    return sorted(int(record["id"]) for record in emulator.store.live(object_name))


def by_creation(emulator: Emulator, object_name: str = "contacts") -> list[int]:
    """The ids of live records, the oldest first."""
    records = sorted(emulator.store.live(object_name), key=lambda record: record["created_at"])
    return [int(record["id"]) for record in records]


@pytest.fixture
def emulator() -> Emulator:
    return company(contacts=100)


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], page_size=10)
    assert connector.sync().exit_code is ExitCode.DONE
    connector.clock.advance(1000)
    return connector


def values(connector: Connector, id_: int) -> tuple[Any, ...]:
    """What the silent changes below touch."""
    (row,) = connector.reader.query(f"SELECT city, open_deals_count FROM contacts WHERE id = {id_}")
    tags = connector.reader.query(
        f"SELECT value FROM contacts__tags WHERE contact_id = {id_} ORDER BY position"
    )
    return (*row, [tag for (tag,) in tags])


def test_silent_changes_are_found_within_one_cycle_and_nothing_else_is_loaded(
    emulator: Emulator, connector: Connector
) -> None:
    early, late = by_creation(emulator)[12], by_creation(emulator)[95]
    emulator.store.change_silently("contacts", early, city="Turku", tags=("quiet",))
    emulator.store.change_silently("contacts", late, city="Vaasa", tags=())
    changed = []
    for _ in range(4):
        before = len(emulator.log)
        report = connector.sync(refresh_pages=4)
        assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
        assert len(asked(emulator, "sort=created_at", since=before)) <= 4
        changed.append(of(report, "contacts").rows_changed)
        connector.clock.advance(1000)
    assert values(connector, early)[::2] == ("Turku", ["quiet"])
    assert values(connector, late)[::2] == ("Vaasa", [])
    assert sum(changed) == 2
    assert connector.reader.count("contacts") == 103


def test_no_cycle_is_left_open_over_a_bin_that_lost_its_order(
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(refresh_pages=50)
    assert saved_states(connector)["contacts"]["rolling"].keys() == {"LIVE", "BINNED"}
    emulator.switches = replace(ALL_PIPELINES, bin_sort_honoured=False)
    for id_ in by_creation(emulator)[::9]:
        connector.clock.advance(100)
        emulator.store.delete("contacts", id_)
    for _ in range(2):
        connector.clock.advance(1000)
        report = connector.sync(refresh_pages=50)
        assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert saved_states(connector)["contacts"]["rolling"].keys() == {"LIVE"}
    binned = sorted(int(record["id"]) for record in emulator.store.binned("contacts"))
    assert connector.reader.ids("contacts", where="_deleted_reason = 'recycle_bin'") == binned


def test_a_refresh_that_is_turned_off_costs_nothing(emulator: Emulator, connector: Connector) -> None:
    before = len(emulator.log)
    connector.sync(refresh_pages=0)
    assert asked(emulator, "sort=created_at", since=before) == []


def test_an_erasure_that_a_restore_hides_in_every_count_is_found(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, delete_moves_stamp=False, restore_moves_stamp=False)
    erased = by_creation(emulator)[40]
    restored = int(emulator.store.binned("contacts")[0]["id"])
    deleted = by_creation(emulator)[70]
    emulator.store.forget("contacts", erased)
    emulator.store.restore("contacts", restored)
    emulator.store.delete("contacts", deleted)
    emulator.store.restore("contacts", int(emulator.store.binned("contacts")[0]["id"]))
    for _ in range(4):
        report = connector.sync(refresh_pages=4)
        assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
        connector.clock.advance(1000)
    assert connector.reader.ids("contacts", where="NOT is_deleted") == live(emulator)
    assert connector.reader.ids("contacts", where="_deleted_reason = 'vanished'") == [erased]
    binned = sorted(int(record["id"]) for record in emulator.store.binned("contacts"))
    assert connector.reader.ids("contacts", where="_deleted_reason = 'recycle_bin'") == binned


def test_a_refresh_goes_round_over_all_objects_and_bins(tmp_path: Path) -> None:
    emulator = company()
    objects = ["contacts", "sales_accounts", "deals"]
    connector = connect_swiftly(emulator, tmp_path, objects=objects, page_size=20)
    connector.sync()
    chosen = {name: live(emulator, name)[-1] for name in objects}
    for name, id_ in chosen.items():
        emulator.store.change_silently(name, id_, tags=("silent",))
    for _ in range(4):
        connector.clock.advance(1000)
        assert connector.sync(refresh_pages=5).exit_code is ExitCode.DONE
    for name, id_ in chosen.items():
        found = connector.reader.query(
            f"SELECT value FROM {name}__tags WHERE {name.removesuffix('s')}_id = {id_}"
        )
        assert found == [("silent",)], name


def test_a_refresh_cut_by_max_calls_leaves_the_run_whole_and_goes_on(
    emulator: Emulator, connector: Connector
) -> None:
    changed = by_creation(emulator)[95]
    emulator.store.change_silently("contacts", changed, city="Vaasa")
    for _ in range(5):
        report = connector.sync(refresh_pages=10, max_calls=5, lookups_every_s=10**6)
        assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
        connector.clock.advance(1000)
    assert values(connector, changed)[0] == "Vaasa"


@pytest.mark.parametrize("position", ["apart", "same"])
def test_silent_changes_of_what_is_over_are_found_too(position: Any, tmp_path: Path) -> None:
    switches = replace(ALL_PIPELINES, appointment_filters=position)
    emulator = small_company(tasks=60, appointments=40, switches=switches)
    connector = connect_swiftly(emulator, tmp_path, objects=["tasks", "appointments"], page_size=10)
    connector.sync()
    done = [int(r["id"]) for r in emulator.store.live("tasks") if r["status"] == 1]
    over = [
        int(r["id"]) for r in emulator.store.live("appointments") if r["end_date"] < connector.clock.now()
    ]
    emulator.store.update("tasks", done[2], title="Edited when done")
    emulator.store.update("appointments", over[-2], title="Edited when over")
    for _ in range(4):
        connector.clock.advance(1000)
        assert connector.sync(refresh_pages=5).exit_code is ExitCode.DONE
    titles = "SELECT title FROM {} WHERE id = {}"
    assert connector.reader.value(titles.format("tasks", done[2])) == "Edited when done"
    assert connector.reader.value(titles.format("appointments", over[-2])) == "Edited when over"
    for name in ("tasks", "appointments"):
        assert_rows(emulator, connector.reader, name, live(emulator, name))
        assert connector.reader.ids(name, where="is_deleted") == []
