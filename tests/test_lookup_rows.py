"""What becomes of lookup rows that are no longer answered, and ids met after their lookup was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from freshsales_source.emulator import Emulator, Fault
from freshsales_source.entities import LOOKUPS
from freshsales_source.exit_codes import ExitCode
from tests.connector import Connector, asked, connect_swiftly, of, verdicts
from tests.other_objects import load_plainly, plain_file, small_company
from tests.warehouse_reader import WarehouseReader

ALL_LOOKUPS = [row.name for row in LOOKUPS]
HOUR = 3600


@pytest.fixture
def emulator() -> Emulator:
    return small_company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect_swiftly(emulator, tmp_path, lookups_every_s=HOUR)


def first_of_each(emulator: Emulator) -> dict[str, int]:
    """The first row of every selector, by table; of stages one whose pipeline stays."""
    selectors = emulator.store.account.selectors
    return {name: int(selectors[name][-1 if name == "deal_stages" else 0]["id"]) for name in ALL_LOOKUPS}


def flags(reader: WarehouseReader, table: str, row_id: int) -> tuple[object, object, object]:
    row = reader.by_id(table)[row_id]
    return row["is_deleted"], row["_deleted_reason"], row["_deleted_at"]


def without(row: dict[str, object]) -> dict[str, object]:
    ours = ("is_deleted", "_deleted_reason", "_deleted_at", "_synced_at")
    return {key: value for key, value in row.items() if key not in ours}


# What leaves a selector, and what comes back


def test_a_row_that_leaves_any_lookup_is_flagged_keeps_its_label_and_comes_back_unflagged(
    emulator: Emulator, connector: Connector
) -> None:
    connector.sync(objects=ALL_LOOKUPS)
    before = {name: connector.reader.by_id(name) for name in ALL_LOOKUPS}
    left, selectors = first_of_each(emulator), emulator.store.account.selectors
    rows = {name: next(row for row in selectors[name] if row["id"] == left[name]) for name in ALL_LOOKUPS}
    emptied = [name for name in ALL_LOOKUPS if len(selectors[name]) < 2]
    assert emptied == []
    for name in ALL_LOOKUPS:
        emulator.store.account.delete_choice(name, left[name])
    connector.clock.advance(2 * HOUR)
    report = connector.sync(objects=ALL_LOOKUPS)
    assert set(verdicts(report).values()) == {"matched"}
    for name in ALL_LOOKUPS:
        assert connector.reader.ids(name, where="is_deleted") == [left[name]], name
        assert flags(connector.reader, name, left[name]) == (True, "vanished", connector.clock.now())
        now = connector.reader.by_id(name)
        assert {i: without(row) for i, row in now.items()} == {i: without(r) for i, r in before[name].items()}
        assert of(report, name).rows_deleted == 1
    for name in ALL_LOOKUPS:
        selectors[name].append(rows[name])
    connector.clock.advance(2 * HOUR)
    connector.sync(objects=ALL_LOOKUPS)
    for name in ALL_LOOKUPS:
        assert connector.reader.ids(name, where="is_deleted") == [], name
        assert flags(connector.reader, name, left[name]) == (False, None, None)


def test_a_row_is_flagged_once(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["campaigns"])
    gone = first_of_each(emulator)["campaigns"]
    emulator.store.account.delete_choice("campaigns", gone)
    connector.clock.advance(2 * HOUR)
    connector.sync(objects=["campaigns"])
    first = flags(connector.reader, "campaigns", gone)
    connector.clock.advance(2 * HOUR)
    assert of(connector.sync(objects=["campaigns"]), "campaigns").rows_deleted == 0
    assert flags(connector.reader, "campaigns", gone) == first


# Answers that are not believed


def test_an_answer_that_is_suddenly_empty_flags_nothing(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["deal_types", "owners"])
    before = connector.reader.by_id("deal_types")
    rows = emulator.store.account.selectors["deal_types"]
    kept = list(rows)
    rows.clear()
    for _ in range(2):
        connector.clock.advance(2 * HOUR)
        report = connector.sync(objects=["deal_types", "owners"])
        assert report.exit_code is ExitCode.INCOMPLETE
        assert verdicts(report) == {"deal_types": "mismatch", "owners": "matched"}
        assert "empty" in of(report, "deal_types").reason
        assert connector.reader.by_id("deal_types") == before
    rows.extend(kept)
    connector.clock.advance(2 * HOUR)
    assert connector.sync(objects=["deal_types", "owners"]).exit_code is ExitCode.DONE


def test_a_lookup_that_was_always_empty_is_whole(emulator: Emulator, connector: Connector) -> None:
    emulator.store.account.selectors["campaigns"].clear()
    for _ in range(2):
        assert verdicts(connector.sync(objects=["campaigns"])) == {"campaigns": "matched"}
        connector.clock.advance(2 * HOUR)


@pytest.mark.parametrize(("lost", "is_believed"), [(20, True), (21, False)])
def test_many_rows_that_leave_at_once_are_flagged_up_to_twenty(
    emulator: Emulator, connector: Connector, lost: int, is_believed: bool
) -> None:
    made = [emulator.store.account.add_choice("campaigns", f"Campaign {n}") for n in range(30)]
    connector.sync(objects=["campaigns"])
    for choice in made[:lost]:
        emulator.store.account.delete_choice("campaigns", choice)
    connector.clock.advance(2 * HOUR)
    report = connector.sync(objects=["campaigns"])
    flagged = connector.reader.ids("campaigns", where="is_deleted")
    assert (report.exit_code is ExitCode.DONE, bool(flagged)) == (is_believed, is_believed)
    assert flagged == (made[:lost] if is_believed else [])


# Plain dlt, which cannot read a row back


def test_a_plain_run_lists_rows_that_left_a_lookup(emulator: Emulator, connector: Connector) -> None:
    load_plainly(connector, objects=ALL_LOOKUPS)
    left = first_of_each(emulator)
    for name, row_id in left.items():
        emulator.store.account.delete_choice(name, row_id)
    connector.clock.advance(2 * HOUR)
    load_plainly(connector, objects=ALL_LOOKUPS)
    plain = WarehouseReader(plain_file(connector))
    listed = [(row["object"], row["id"], row["reason"]) for row in plain.rows("_deletions")]
    assert sorted(listed) == sorted((name, row_id, "vanished") for name, row_id in left.items())
    connector.clock.advance(2 * HOUR)
    load_plainly(connector, objects=ALL_LOOKUPS)
    assert plain.count("_deletions") == len(left)
    assert all(left[name] in plain.ids(name) for name in ALL_LOOKUPS)


def lookups_asked(emulator: Emulator, since: int = 0) -> list[str]:
    return [
        call.partition("/selector/")[2].rstrip("?") for call in asked(emulator, "/selector/", since=since)
    ]


def hiring(emulator: Emulator, hired: list[int]) -> Callable[[int], None]:
    """Hires an owner once the owners were answered, and gives them a contact nobody has read yet."""

    def hire(_: int) -> None:
        if not hired and lookups_asked(emulator):
            hired.append(emulator.store.account.add_owner("Grace Hopper", "grace@example.com"))
            oldest = min(emulator.store.live("contacts"), key=lambda contact: contact["updated_at"])
            emulator.store.change_silently("contacts", int(oldest["id"]), owner_id=hired[0])

    return hire


@pytest.mark.parametrize("way", ["plain", "sync"])
def test_an_id_met_after_its_lookup_was_read_is_looked_up_in_the_same_first_run(
    emulator: Emulator, connector: Connector, way: str
) -> None:
    hired: list[int] = []
    emulator.before_request = hiring(emulator, hired)
    connector.flags |= {"objects": ["contacts", "owners"], "page_size": 1, "concurrency": 1}
    before = len(emulator.log)
    if way == "plain":
        load_plainly(connector)
        reader = WarehouseReader(plain_file(connector))
    else:
        connector.sync()
        reader = connector.reader
    assert reader.query(f"SELECT display_name FROM owners WHERE id = {hired[0]}") == [("Grace Hopper",)]
    assert hired[0] in {row["owner_id"] for row in reader.rows("contacts")}
    assert lookups_asked(emulator, before) == ["owners", "owners"]
    assert sorted(reader.by_id("owners")) == sorted(
        int(row["id"]) for row in emulator.store.account.selectors["owners"]
    )


@pytest.mark.parametrize("way", ["plain", "sync"])
def test_ids_that_no_answer_explains_are_asked_for_once_in_all(
    emulator: Emulator, connector: Connector, way: str
) -> None:
    ghosts = [402_000_999_990 + n for n in range(5)]
    for contact, ghost in zip(emulator.store.live("contacts"), ghosts, strict=False):
        emulator.store.update("contacts", int(contact["id"]), owner_id=ghost)
    connector.clock.advance(1000)
    for n in range(2):
        before = len(emulator.log)
        connector.flags |= {"objects": ["contacts", "owners"], "page_size": 1}
        if way == "plain":
            load_plainly(connector)
        else:
            connector.sync()
        assert lookups_asked(emulator, before) == ([] if n else ["owners", "owners"])
        connector.clock.advance(60)


def test_a_lookup_that_fails_when_it_is_asked_again_is_left_to_the_next_run(
    emulator: Emulator, connector: Connector
) -> None:
    hired: list[int] = []
    emulator.before_request = hiring(emulator, hired)
    emulator.faults.add(Fault(kind="no_envelope", path="*selector/owners*", skip=1))
    connector.flags |= {"objects": ["contacts", "owners"], "page_size": 1, "concurrency": 1}
    assert verdicts(connector.sync()) == {"contacts": "matched", "owners": "failed"}
    assert not emulator.faults.unfired()
    connector.sync()
    assert hired[0] in connector.reader.ids("owners")
