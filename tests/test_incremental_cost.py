"""Cost follows change: what a run asks for depends on what happened, not on how large the account is."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import NamedTuple

import pytest

from freshsales_source.emulator import Account, Emulator, Store
from tests.connector import CORE, Connector, asked, company, connect_swiftly, emulate, of, verdicts
from tests.fake_clock import FakeClock

CHANGES = {1_000: (1, 99, 100, 101, 250), 20_000: (1, 101, 250)}


def many_contacts(n: int, *, in_bin: int = 150) -> Emulator:
    """An account of `n` contacts, the youngest touched an hour ago, several to a second here and there."""
    clock = FakeClock()
    store = Store(clock, Account())
    owner = store.account.add_owner("Ada Byron", "ada@example.com")
    newest = clock.now() - timedelta(hours=1)
    for number in range(n + in_bin):
        at = newest - timedelta(seconds=30 * (number // 3 * 3 if number % 7 else number))
        fields = {"first_name": f"P{number}", "owner_id": owner, "created_at": at, "updated_at": at}
        store.load("contacts", fields, deleted_at=at if number >= n else None)
    return emulate(store, clock)


def calls_by_walk(emulator: Emulator, since: int) -> Counter[str]:
    """How many pages were asked for, by path of the view."""
    return Counter(call.partition("?")[0] for call in asked(emulator, "/view/", since=since))


class Synced(NamedTuple):
    """An account of `n` live contacts at first, and the connector that has synced it."""

    emulator: Emulator
    connector: Connector
    n: int


@pytest.fixture(scope="module", params=sorted(CHANGES))
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """Contacts of an account of that size, synced once."""
    emulator = many_contacts(request.param)
    connector = connect_swiftly(emulator, tmp_path_factory.mktemp("cost"), objects=["contacts"])
    report = connector.sync()
    assert verdicts(report) == {"contacts": "matched"}
    assert connector.reader.count("contacts") == request.param + 150
    assert_first_sync_was_cheap(emulator, n=request.param, in_bin=150)
    return Synced(emulator, connector, request.param)


def assert_first_sync_was_cheap(emulator: Emulator, *, n: int, in_bin: int) -> None:
    ideal = ceil(n / 100) + ceil(in_bin / 100)
    lookups = len(asked(emulator)) - len(asked(emulator, "/view/"))
    assert lookups == 2  # views and fields
    assert len(asked(emulator)) <= 1.05 * ideal + lookups


def test_a_sync_after_k_edits_loads_those_rows_at_one_call_for_a_hundred(
    synced: Synced,
) -> None:
    emulator, connector, n = synced
    dice = random.Random(5)
    ids = [int(record["id"]) for record in emulator.store.live("contacts")]
    for k in CHANGES[n]:
        connector.clock.advance(1000)
        chosen = dice.sample(ids, k)
        for id_ in chosen:
            emulator.store.update("contacts", id_, job_title=f"Edit {k}")
            connector.clock.advance(2)
        connector.clock.advance(400)
        before, started = len(emulator.log), connector.clock.now()
        report = connector.sync()
        assert verdicts(report) == {"contacts": "matched"}
        calls = calls_by_walk(emulator, before)
        assert max(calls.values()) <= ceil(k / 100) + 2, (k, calls)
        loaded = connector.reader.query(f"SELECT id, job_title FROM contacts WHERE _synced_at >= '{started}'")
        assert sorted(row[0] for row in loaded) == sorted(chosen)
        assert {row[1] for row in loaded} == {f"Edit {k}"}
        assert of(report, "contacts").rows_changed == k


def test_k_deletions_cost_one_call_for_a_hundred(synced: Synced) -> None:
    emulator, connector, _ = synced
    connector.clock.advance(1000)
    doomed = sorted(int(record["id"]) for record in emulator.store.live("contacts"))[::3][:120]
    emulator.store.delete("contacts", *doomed)
    connector.clock.advance(400)
    before = len(emulator.log)
    report = connector.sync()
    assert verdicts(report) == {"contacts": "matched"}
    assert max(calls_by_walk(emulator, before).values()) <= ceil(120 / 100) + 2
    assert set(doomed) <= set(connector.reader.ids("contacts", where="is_deleted"))
    assert of(report, "contacts").rows_deleted == 120


def test_a_quiet_account_is_asked_for_one_page_of_each_walk(synced: Synced) -> None:
    emulator, connector, _ = synced
    connector.clock.advance(1000)
    connector.sync()
    connector.clock.advance(400)
    before = len(emulator.log)
    report = connector.sync(lookups_every_s=86_400)
    assert set(calls_by_walk(emulator, before).values()) == {1}
    assert len(emulator.log) - before == 2
    assert of(report, "contacts").rows_changed == 0


# All objects of a company


def test_a_second_sync_of_a_quiet_company_loads_no_object_row(tmp_path: Path) -> None:
    emulator = company()
    connector = connect_swiftly(emulator, tmp_path, objects=CORE)
    connector.sync()
    rows = connector.reader.content(without=())
    before = len(emulator.log)
    report = connector.sync()
    assert {row.object: row.rows_changed for row in report.objects} == dict.fromkeys(verdicts(report), 0)
    assert connector.reader.content(without=()) == rows
    # Eight walks: contacts, accounts, deals in three views, and three recycle bins. Nothing else is asked for.
    assert calls_by_walk(emulator, before) == Counter(dict.fromkeys(calls_by_walk(emulator, before), 1))
    assert len(calls_by_walk(emulator, before)) == 8 == len(emulator.log) - before


def test_a_first_sync_of_a_company_costs_its_pages_and_its_lookups(tmp_path: Path) -> None:
    emulator = company(accounts=120, contacts=400, deals=600, in_bin=9)
    connector = connect_swiftly(emulator, tmp_path, objects=CORE)
    report = connector.sync()
    sizes: Counter[str] = Counter()
    for record in emulator.store.live("deals"):
        sizes[str(emulator.store.account.stage(record["deal_stage_id"])["forecast_type"])] += 1
    ideal = ceil(400 / 100) + ceil(120 / 100) + sum(ceil(n / 100) for n in sizes.values()) + 3
    lookups = 3 * 2 + 3  # views and fields of three objects; owners, pipelines, stages
    assert len(asked(emulator, "/view/")) <= 1.05 * ideal
    assert report.calls == len(emulator.log) <= 1.05 * ideal + lookups
    assert len(set(asked(emulator))) == len(emulator.log)


@pytest.mark.parametrize(("object_name", "k"), [("sales_accounts", 101), ("deals", 250)])
def test_edits_of_accounts_and_deals_cost_the_same(object_name: str, k: int, tmp_path: Path) -> None:
    emulator = company(accounts=300, contacts=0, deals=700, in_bin=0)
    connector = connect_swiftly(emulator, tmp_path, objects=[object_name])
    connector.sync()
    connector.clock.advance(1000)
    ids = sorted(int(record["id"]) for record in emulator.store.live(object_name))[:k]
    for id_ in ids:
        emulator.store.update(object_name, id_, tags=("edited",))
        connector.clock.advance(1)
    connector.clock.advance(400)
    before = len(emulator.log)
    report = connector.sync()
    assert max(calls_by_walk(emulator, before).values()) <= ceil(k / 100) + 2
    assert of(report, object_name).rows_changed == k
    edited = connector.reader.query(f"SELECT {object_name.removesuffix('s')}_id FROM {object_name}__tags")
    assert set(ids) <= {row[0] for row in edited}


def test_only_edits_within_the_lookback_are_read_twice(tmp_path: Path) -> None:
    emulator = company()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts"])
    fresh, old = [int(record["id"]) for record in emulator.store.live("contacts")][:2]
    emulator.store.update("contacts", old, city="Turku")
    connector.clock.advance(301)
    emulator.store.update("contacts", fresh, city="Tampere")
    connector.clock.advance(60)
    connector.sync()
    connector.clock.advance(60)
    started = connector.clock.now()
    report = connector.sync()
    assert of(report, "contacts").rows_changed == 1
    reread = connector.reader.ids("contacts", where=f"_synced_at >= '{started}'")
    assert reread == [fresh]


def test_lookups_are_read_again_only_when_they_are_old(tmp_path: Path) -> None:
    emulator = company()
    connector = connect_swiftly(emulator, tmp_path, lookups_every_s=3600, objects=["contacts", "deal_stages"])

    def lookups_asked() -> int:
        before = len(emulator.log)
        connector.sync()
        return len(asked(emulator, since=before)) - len(asked(emulator, "/view/", since=before))

    # Views and fields of contacts; stages alone and within their pipelines.
    assert lookups_asked() == 4
    connector.clock.advance(3500)
    assert lookups_asked() == 0
    connector.clock.advance(200)
    assert lookups_asked() == 4
