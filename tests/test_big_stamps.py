"""Thousands of records that share one stamp, and runs too short to read them at once: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.big_accounts import at_once, contacts, one_by_one, over_an_hour, state_size, sync_in_parts
from tests.connector import company, connect_swiftly, verdicts
from tests.test_sync_convergence import assert_copy_is_the_account

SIZES = [pytest.param(3_000, id="3k"), pytest.param(20_000, id="20k", marks=pytest.mark.soak)]


@pytest.mark.parametrize("count", SIZES)
def test_one_updated_at_of_all_is_read_whole_with_a_small_state(count: int, tmp_path: Path) -> None:
    emulator = contacts(count, created=one_by_one, updated=at_once)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert connector.reader.ids("contacts") == sorted(int(r["id"]) for r in emulator.store.live("contacts"))
    assert state_size(connector) < 100_000


@pytest.mark.parametrize("count", SIZES)
def test_one_created_at_of_all_hides_no_record_that_vanished(count: int, tmp_path: Path) -> None:
    emulator = contacts(count, created=at_once, updated=lambda n: max(one_by_one(n), at_once(n)))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"], refresh_pages=0)
    connector.sync()
    ids = sorted(int(record["id"]) for record in emulator.store.live("contacts"))
    emulator.store.forget("contacts", ids[count // 3])
    connector.clock.advance(1000)
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert connector.reader.ids("contacts", where="is_deleted") == [ids[count // 3]]
    assert connector.reader.ids("contacts") == ids
    assert state_size(connector) < 100_000


@pytest.mark.parametrize("is_one_stamp", [False, True])
@pytest.mark.parametrize(
    ("count", "max_calls"), [(2_000, 9), pytest.param(20_000, 30, marks=pytest.mark.soak)]
)
def test_short_runs_ten_minutes_apart_read_the_newest_first_and_come_to_an_end(
    count: int, max_calls: int, is_one_stamp: bool, tmp_path: Path
) -> None:
    emulator = contacts(count, created=one_by_one, updated=at_once if is_one_stamp else over_an_hour(count))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    newest_first = sorted(emulator.store.live("contacts"), key=lambda r: r["updated_at"], reverse=True)
    sizes = []
    for report in sync_in_parts(connector, max_calls, most=14):
        assert report.calls <= max_calls
        sizes.append(sum(row.rows_changed for row in report.objects))
    assert max(sizes[:-1]) < count
    assert connector.reader.ids("contacts") == sorted(int(r["id"]) for r in newest_first)
    assert verdicts(connector.sync()) == {"contacts": "matched"}
    assert state_size(connector) < 100_000


def test_a_cut_run_has_read_the_newest(tmp_path: Path) -> None:
    emulator = contacts(1_500, created=one_by_one, updated=over_an_hour(1_500))
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    newest_first = sorted(emulator.store.live("contacts"), key=lambda r: r["updated_at"], reverse=True)
    for _ in range(2):
        connector.sync(max_calls=9)
        loaded = connector.reader.ids("contacts")
        assert 0 < len(loaded) < 1_500
        assert set(loaded) == {int(record["id"]) for record in newest_first[: len(loaded)]}
        connector.clock.advance(600)


def test_a_run_that_reads_only_contacts_leaves_no_hole_in_deals(tmp_path: Path) -> None:
    emulator = company(accounts=4, contacts=12, deals=12)
    connector = connect_swiftly(emulator, tmp_path)
    store = emulator.store
    connector.sync(objects=["contacts", "sales_accounts", "deals"])
    for hours in range(2):
        for name in ("contacts", "sales_accounts", "deals"):
            edited = [int(record["id"]) for record in store.live(name)][hours : hours + 5]
            store.bulk_update(name, edited, tags=(f"hour {hours}",))
        connector.clock.advance(3600)
        connector.sync(objects=["contacts"])
    assert set(verdicts(connector.sync(objects=["contacts", "sales_accounts", "deals"])).values()) == {
        "matched"
    }
    assert_copy_is_the_account(emulator, connector)
