"""`on_erase`: what is gone from the CRM for good is kept, emptied or deleted, on any database whose rows can change."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from freshsales_source.emulator import Emulator, Fault
from freshsales_source.errors import ConfigurationError
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.connector import asked, company, connect, of
from tests.forgetting import assert_whole, forget_them, tables_with
from tests.other_objects import live
from tests.postgres_reader import PostgresReader
from tests.postgres_server import PostgresServer

DAY = 86_400
LEFT = {"id", "updated_at", "is_deleted", "_deleted_reason", "_deleted_at", "_synced_at"}
"""What a row says that was emptied."""


@pytest.fixture
def emulator() -> Emulator:
    return company(accounts=3, contacts=24, deals=8, in_bin=2)


def asked_alone(emulator: Emulator, ids: Collection[int], since: int) -> list[int]:
    """Which of these records were asked for alone."""
    return sorted(i for i in ids for _ in asked(emulator, f"/{i}?", since=since))


def test_what_is_gone_for_good_is_kept_then_emptied_then_deleted_as_the_setting_says(tmp_path: Path) -> None:
    emulator = company(accounts=2, contacts=12, deals=8, in_bin=2)
    connector = connect(emulator, tmp_path, objects=["contacts", "deals"], lookups_every_s=10**7)
    reader = connector.reader
    connector.sync()
    person, *deals = gone = [live(emulator, "contacts")[0], *live(emulator, "deals")[:2]]
    emulator.store.forget("contacts", person)
    emulator.store.forget("deals", *deals)
    connector.clock.advance(600)
    connector.sync()
    flagged, calls = reader.content(), len(emulator.log)

    connector.clock.advance(DAY - 60)
    assert_whole(connector.sync(on_erase="delete"))
    assert reader.content() == flagged, "not a day has passed"
    assert asked_alone(emulator, gone, calls) == []
    connector.clock.advance(120)

    # The witness is asked for first: the route to single contacts seems to be closed, that to deals is not.
    emulator.faults.add(Fault(kind="status", status=404, path="*/contacts/4*", times=1))
    report = connector.sync(on_erase="blank")
    assert of(report, "deals").reason == "rows emptied, as their records are gone for good: 2"
    assert (of(report, "contacts").verdict, of(report, "contacts").reason) == ("matched", "")
    assert asked_alone(emulator, gone, calls) == deals
    blank = reader.content()
    for row in blank["deals"]:
        if row["id"] in deals:
            assert {name for name, value in row.items() if value is not None} == LEFT - {"_synced_at"}
    lost = {table: [row for row in rows if row not in blank[table]] for table, rows in flagged.items()}
    assert all({row.get("deal_id"), row.get("id")} & {*deals} for rows in lost.values() for row in rows)
    assert tables_with(reader, deals) == {"freshsales.deals"}

    calls = len(emulator.log)
    connector.sync(on_erase="blank")
    assert asked_alone(emulator, gone, calls) == [person], "asked for once in its life"
    connector.sync(on_erase="delete")
    assert tables_with(reader, gone) == set()
    assert reader.count("contacts") == len(flagged["contacts"]) - 1


def test_a_record_is_forgotten_or_emptied_on_postgres_too(
    emulator: Emulator, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", postgres.url)
    connector = connect(emulator, tmp_path, objects=["contacts"], lookups_every_s=10**7)
    connector.destination, connector.dataset = "postgres", "to_forget"
    reader = PostgresReader(postgres, "to_forget")
    connector.sync()
    person, erased, *_ = live(emulator, "contacts")
    emulator.store.forget("contacts", erased)
    connector.clock.advance(600)
    connector.sync()
    assert forget_them(connector, "contacts", person).rows["contacts"] == 1
    for table in ("to_forget", "to_forget_staging"):
        assert reader.value(f"SELECT count(*) FROM {table}.contacts WHERE id = {person}") == 0
    connector.clock.advance(DAY)
    report = connector.sync(on_erase="blank")
    assert (of(report, "contacts").verdict, of(report, "contacts").loaded_count) == ("matched", 22)
    row = reader.by_id("contacts")[erased]
    assert {name for name, value in row.items() if value is not None} == LEFT
    assert person not in reader.by_id("contacts")


def test_a_destination_that_only_appends_refuses_to_erase(emulator: Emulator, tmp_path: Path) -> None:
    connector = connect(emulator, tmp_path, objects=["contacts"], on_erase="blank")
    settings = connector.settings()
    target = Target(destination="filesystem", pipelines_dir=tmp_path / "dlt")
    syncing = Syncing(
        settings=settings,
        warehouse=Warehouse(target, settings.account, clock=connector.clock),
        clock=connector.clock,
        client=lambda: connector.client(settings),
    )
    with pytest.raises(ConfigurationError, match="`on_erase` deletes rows, and destination `filesystem`"):
        sync(syncing)
    assert emulator.log == []
