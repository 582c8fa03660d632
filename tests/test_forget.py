"""A person who is forgotten leaves every table, stays out whatever is read later, and is counted out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshsales_source.emulator import Emulator, add_note, generate_company
from freshsales_source.errors import Locked
from freshsales_source.sync.forgetting import forget
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.connector import asked, company, connect, connect_swiftly, emulate, of
from tests.fake_clock import FakeClock
from tests.forgetting import CANARY, assert_whole, forget_them, tables_with
from tests.other_objects import live

FEEDS = ("notes", "contact_activities", "deal_stage_log")


@pytest.fixture
def emulator() -> Emulator:
    return company(accounts=3, contacts=24, deals=8, in_bin=2)


def test_a_forgotten_person_leaves_every_table_and_no_later_reading_brings_them_back(
    emulator: Emulator, tmp_path: Path
) -> None:
    store = emulator.store
    person, moving, *others = live(emulator, "contacts")
    binned, deal = int(store.binned("contacts")[0]["id"]), live(emulator, "deals")[0]
    for contact in (person, moving):
        spoken: dict[str, Any] = {"emails": [f"{CANARY}@example.com"], "tags": (CANARY, "vip")}
        store.update("contacts", contact, first_name=CANARY, cf_remarks=CANARY, **spoken)
        add_note(store, "contacts", contact, f"Called {CANARY}")
    objects = ["contacts", "deals", *FEEDS]
    connector = connect(emulator, tmp_path, objects=objects, page_size=8, lookups_every_s=10**7)
    assert_whole(connector.sync(), unchecked=FEEDS)
    reader, ids = connector.reader, {person, moving, binned, deal}
    assert {
        "freshsales.notes",
        "freshsales.contact_activities",
        "freshsales_staging.contacts",
    } <= tables_with(reader, ids)
    before = reader.content()

    told = forget_them(connector, "contacts", person, binned, 4711, moving)
    of_deal = forget_them(connector, "deals", deal)
    assert [(row.id, row.was_stored) for row in told.records] == [
        (person, True),
        (binned, True),
        (4711, False),
        (moving, True),
    ]
    assert tables_with(reader, ids) == set()
    after = reader.content()
    gone = {table: [row for row in before[table] if row not in after[table]] for table in before}
    assert all(ids & set(row.values()) for rows in gone.values() for row in rows)
    assert {table: len(rows) for table, rows in gone.items() if rows} == {**told.rows, **of_deal.rows}
    assert of_deal.rows["deals_history"] == 1
    recorded = {(row["object"], row["id"]) for row in reader.rows("_forgotten")}
    assert recorded == {("contacts", i) for i in (person, binned, 4711, moving)} | {("deals", deal)}
    # Other records go on naming them by number.
    assert reader.value(
        f"SELECT count(*) FROM deals__contacts WHERE contact_id IN ({person}, {moving})"
    ) == sum(row["contact_id"] in (person, moving) for row in before["deals__contacts"])

    # A run with nothing to do needs no more calls than before; what follows would bring them back if anything did.
    asked_before = len(emulator.log)
    assert_whole(connector.sync(), unchecked=FEEDS)
    assert len(asked(emulator, since=asked_before)) == 6
    connector.clock.advance(600)
    store.update("contacts", person, city=CANARY)
    store.delete("contacts", moving)
    store.restore("contacts", binned)
    store.forget("contacts", others[5], others[16])  # The counts differ: bisected.
    store.change_silently("contacts", person, city=f"{CANARY} again")
    asked_before = len(emulator.log)
    assert_whole(connector.sync(refresh_pages=6), unchecked=FEEDS)
    assert asked(emulator, "sort=created_at", since=asked_before)
    assert reader.ids("contacts", where="_deleted_reason = 'vanished'") == sorted((others[5], others[16]))
    shutil.rmtree(tmp_path / "dlt")
    report = connector.sync(full_refresh=objects)
    assert_whole(report, unchecked=FEEDS, reason="state_from_warehouse")
    assert of(report, "contacts").expected_count == len(live(emulator, "contacts")) - 2
    assert reader.ids("contacts", where="NOT is_deleted") == sorted(set(live(emulator, "contacts")) - ids)
    assert reader.ids("deals", where="NOT is_deleted") == sorted(set(live(emulator, "deals")) - ids)
    # Among them dlt's own, where the rows of the full refresh still stand as they were handed over.
    assert reader.value("SELECT count(*) FROM freshsales_staging.contacts") > 20
    assert tables_with(reader, ids) == set()


class Killed(Warehouse):
    """A warehouse whose process dies before the first statement that deletes, or before a load has begun."""

    dies_before_load = False

    def execute(self, sql: str) -> None:
        raise KeyboardInterrupt

    def load(self, source: Any, *, on_disk: Callable[[], None] = lambda: None) -> None:
        if self.dies_before_load:
            self.pipeline.extract(source)
            raise KeyboardInterrupt
        super().load(source, on_disk=on_disk)


@pytest.mark.parametrize("dies_before_load", [True, False])
def test_a_kill_in_the_middle_leaves_nothing_once_the_next_run_has_begun(
    emulator: Emulator, tmp_path: Path, dies_before_load: bool
) -> None:
    connector = connect(emulator, tmp_path, objects=["contacts"], lookups_every_s=10**7)
    connector.sync()
    person = live(emulator, "contacts")[0]
    emulator.store.update("contacts", person, city=CANARY)
    killed = Killed(
        Target(duckdb=connector.database, pipelines_dir=tmp_path / "dlt"), connector.settings().account
    )
    killed.dies_before_load = dies_before_load
    with pytest.raises(KeyboardInterrupt):
        forget(killed, "contacts", [person], connector.clock.now())
    assert person in connector.reader.ids("contacts")
    assert_whole(connector.sync())
    assert tables_with(connector.reader, {person}) == set()
    assert connector.reader.count("contacts") == 25


def test_every_kind_of_object_can_be_forgotten_and_is_counted_out(tmp_path: Path) -> None:
    clock = FakeClock()
    store = generate_company(
        clock, accounts=3, contacts=4, deals=3, in_bin=0, tasks=12, appointments=8, activities=6, contracts=6
    )
    emulator = emulate(store, clock)
    kinds = ["tasks", "appointments", "sales_activities", "cm_contracts", "owners"]
    connector = connect_swiftly(emulator, tmp_path, objects=["custom_modules", *kinds], page_size=4)
    assert_whole(connector.sync())
    tasks = {id_: row["status"] for id_, row in connector.reader.by_id("tasks").items()}
    chosen = {
        "tasks": [
            *[i for i, status in tasks.items() if status == 0][:2],
            next(i for i, status in tasks.items() if status),
        ],
        "appointments": connector.reader.ids("appointments")[::5],
        "sales_activities": connector.reader.ids("sales_activities")[:1],
        "cm_contracts": connector.reader.ids("cm_contracts")[:1],
        "owners": connector.reader.ids("owners")[:1],
    }
    for name, ids in chosen.items():
        forget_them(connector, name, *ids)
    store.update("tasks", chosen["tasks"][0], status=1, title=CANARY)
    store.delete("tasks", chosen["tasks"][2])
    store.delete("sales_activities", live(emulator, "sales_activities")[-1])
    connector.clock.advance(4000)
    for refreshed in ([], kinds):
        assert_whole(connector.sync(full_refresh=refreshed))
        connector.clock.advance(4000)
    for name, ids in chosen.items():
        stored = connector.reader.ids(name, where="NOT is_deleted")
        there = (
            {row["id"] for row in store.account.selectors[name]}
            if name == "owners"
            else set(live(emulator, name))
        )
        assert stored == sorted(there - set(ids)), name
    assert tables_with(connector.reader, {0}) == set()
    # Out of `_forgotten` by hand: what is missing is searched for, and loaded.
    connector.reader.query("DELETE FROM _forgotten WHERE object = 'cm_contracts'")
    report = connector.sync(objects=["cm_contracts"])
    assert_whole(report)
    assert connector.reader.ids("cm_contracts", where="NOT is_deleted") == live(emulator, "cm_contracts")


def test_a_record_that_waits_for_its_feed_when_it_is_forgotten_is_not_asked_for(
    emulator: Emulator, tmp_path: Path
) -> None:
    people = live(emulator, "contacts")
    for contact in people:
        add_note(emulator.store, "contacts", contact, "Called")
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "notes"])
    connector.sync()
    connector.clock.advance(600)
    emulator.store.bulk_update("contacts", people, city="Oslo")
    connector.sync(max_calls=12)
    waiting = connector.warehouse(connector.settings()).states()["notes"]["waiting"]["contacts"]
    forget_them(connector, "contacts", *waiting[:2])
    calls = len(emulator.log)
    connector.sync()
    told = asked(emulator, "/notes?", since=calls)
    assert told
    assert {i for i in waiting for call in told if f"/{i}/" in call} == {*waiting[2:]}
    assert not {*waiting[:2]} & {row["targetable_id"] for row in connector.reader.rows("notes")}


def test_a_pipeline_of_which_all_deals_are_forgotten_is_none_that_the_chosen_view_leaves_out(
    emulator: Emulator, tmp_path: Path
) -> None:
    views = {"deals": ["Open Deals", "Won Deals", "Lost Deals"]}
    connector = connect_swiftly(emulator, tmp_path, objects=["deals", "deal_pipelines"], views=views)
    assert_whole(connector.sync())
    ids: dict[int, list[int]] = {}
    for row in connector.reader.rows("deals"):
        ids.setdefault(row["deal_pipeline_id"], []).append(row["id"])
    assert len(ids) > 1
    forget_them(connector, "deals", *min(ids.values(), key=len))
    assert_whole(connector.sync())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["forget", "forget", "forget_unknown", "update", "delete", "restore", "erase", "sync"]
        ),
        st.integers(0, 100),
    ),
    min_size=4,
    max_size=12,
)


@settings(max_examples=4)
@given(steps=STEPS)
def test_whatever_happens_to_forgotten_people_they_stay_out_and_the_counts_match(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    emulator = company(accounts=0, contacts=9, deals=0, in_bin=2)
    store, forgotten = emulator.store, set[int]()
    everybody = [int(row["id"]) for row in (*store.live("contacts"), *store.binned("contacts"))]
    connector = connect_swiftly(
        emulator,
        tmp_path_factory.mktemp("life"),
        objects=["contacts"],
        page_size=3,
        lookups_every_s=10**7,
        max_vanished_share=1,
    )
    for what, number in (("sync", 0), *steps, ("sync", 1)):
        contact = everybody[number % len(everybody)]
        emulator.clock.sleep(600)
        if what == "sync":
            connector.sync(refresh_pages=20)
            assert not forgotten & {*connector.reader.ids("contacts")}
        elif what.startswith("forget"):
            ids = [contact] if what == "forget" else [store.create("contacts", first_name=CANARY)]
            everybody += ids if ids != [contact] else []
            forget_them(connector, "contacts", *ids)
            forgotten.update(ids)
        else:
            act(emulator, what, contact)
    report = connector.sync(refresh_pages=20)
    assert_whole(report)
    there = {int(row["id"]) for row in store.live("contacts")}
    assert connector.reader.ids("contacts", where="NOT is_deleted") == sorted(there - forgotten)
    assert of(report, "contacts").expected_count == len(there - forgotten)


def act(emulator: Emulator, what: str, contact: int) -> None:
    """Change a contact where it still is."""
    store = emulator.store
    is_live = contact in live(emulator, "contacts")
    is_binned = contact in {row["id"] for row in store.binned("contacts")}
    if what == "update" and is_live:
        store.update("contacts", contact, city=CANARY)
    elif what == "delete" and is_live:
        store.delete("contacts", contact)
    elif what == "restore" and is_binned:
        store.restore("contacts", contact)
    elif what == "erase" and (is_live or is_binned):
        store.forget("contacts", contact)


def test_while_a_run_is_at_work_nothing_is_forgotten(emulator: Emulator, tmp_path: Path) -> None:
    connector = connect(emulator, tmp_path, objects=["contacts"])
    with connector.warehouse(connector.settings()).lock(connector.clock.now()), pytest.raises(Locked):
        forget_them(connector, "contacts", 5)
    assert not connector.database.exists()
