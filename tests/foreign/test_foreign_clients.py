"""Airbyte's manifest and a Singer tap read the emulator whole; their ids are those of the seed.

FRESHSALES_FOREIGN_CLIENTS names the folder with an environment for each: `airbyte` and `tap`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import pytest

from freshsales_source.emulator import Emulator, Store, Switches, generate_company, serve
from tests.fake_clock import FakeClock

CLIENTS = Path(os.environ["FRESHSALES_FOREIGN_CLIENTS"])
Ids: TypeAlias = dict[str, list[int]]


def read_with(client: str, emulator: Emulator) -> Ids:
    """Return the ids of each stream in the order in which the client wrote its records."""
    python = CLIENTS / client / "bin" / "python"
    script = Path(__file__).with_name(f"read_with_{client}.py")
    with serve(emulator) as server:
        host = server.url.removeprefix("http://")
        command = [str(python), str(script), host, emulator.api_key]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    refused = [entry for entry in emulator.log if entry.status != 200]
    assert refused == []
    ids: Ids = json.loads(done.stdout)
    return ids


def an_emulator(switches: Switches) -> Emulator:
    clock = FakeClock()
    store = generate_company(clock, accounts=30, contacts=120, deals=160, in_bin=4)
    return Emulator(store, clock=clock, switches=switches)


def ids_of(store: Store, *names: str) -> set[int]:
    """Return the ids of all records of these objects, live and in the bin."""
    return {record["id"] for name in names for record in store.live(name) + store.binned(name)}


def tasks_with(store: Store, status: int) -> list[int]:
    """Return the ids of tasks by due date, ties by id."""
    tasks = [record for record in store.live("tasks") if record["status"] == status]
    return ids_by((task["due_date"].timestamp(), task["id"]) for task in tasks)


def appointments(store: Store, *, past: bool) -> list[int]:
    """Return the ids of appointments by end date: past ones newest first, ties by id."""
    now, sign = store.clock.now(), -1 if past else 1
    found = [record for record in store.live("appointments") if (record["end_date"] < now) == past]
    return ids_by((sign * each["end_date"].timestamp(), each["id"]) for each in found)


def ids_by(pairs: Iterable[tuple[float, int]]) -> list[int]:
    return [record_id for _, record_id in sorted(pairs)]


def test_airbytes_manifest_reads_every_record_and_every_view() -> None:
    emulator = an_emulator(Switches())
    store = emulator.store
    ids = read_with("airbyte", emulator)
    assert set(ids["contacts"]) == ids_of(store, "contacts")
    assert set(ids["accounts"]) == ids_of(store, "sales_accounts")
    for stream in ("open_deals", "won_deals", "lost_deals"):
        # It walks all views of deals, three times over: `filter` is no parameter of a view.
        assert set(ids[stream]) == ids_of(store, "deals")
    assert ids["open_tasks"] == tasks_with(store, 0)
    assert ids["completed_tasks"] == tasks_with(store, 1)
    assert ids["past_appointments"] == appointments(store, past=True)
    assert ids["upcoming_appointments"] == appointments(store, past=False)
    for stream, name in (
        ("contacts_filters", "contacts"),
        ("sales_accounts_filter", "sales_accounts"),
        ("deals_filter", "deals"),
    ):
        assert ids[stream] == [view.id for view in store.views.of(name, emulator.switches)]


def test_airbytes_manifest_meets_both_filters_showing_the_same_appointments() -> None:
    emulator = an_emulator(Switches(appointment_filters="same"))
    ids = read_with("airbyte", emulator)
    everything = ids_of(emulator.store, "appointments")
    assert set(ids["past_appointments"]) == set(ids["upcoming_appointments"]) == everything


def test_the_singer_tap_reads_every_record_of_a_classic_account() -> None:
    emulator = an_emulator(Switches(classic=True, side_loads="after"))
    store = emulator.store
    ids = read_with("tap", emulator)
    for stream, name in (
        ("contacts", "contacts"),
        ("accounts", "sales_accounts"),
        ("deals", "deals"),
        ("leads", "leads"),
        ("tasks", "tasks"),
        ("appointments", "appointments"),
        ("sales_activities", "sales_activities"),
    ):
        assert set(ids[stream]) == ids_of(store, name), stream
    times = Counter(ids["tasks"])
    assert {times[task] for task in tasks_with(store, 1)} == {1}
    # Overdue ones, and those of today and tomorrow, are open too: they come once more.
    assert {times[task] for task in tasks_with(store, 0)} >= {1, 2}
    assert sorted(ids["sales_activities"]) == ids["sales_activities"]


def test_the_singer_tap_takes_side_loads_that_come_first_for_the_records() -> None:
    """Its own mock of tasks begins with `users`, as the emulator's answers do unless told otherwise."""
    emulator = an_emulator(Switches(classic=True))
    owners = {row["id"] for row in emulator.store.account.selectors["owners"]}
    assert set(read_with("tap", emulator)["tasks"]) <= owners


@pytest.mark.parametrize("client", ["airbyte", "tap"])
def test_a_client_with_a_wrong_key_gets_nothing(client: str) -> None:
    emulator = an_emulator(Switches(classic=True))
    emulator.api_key = "another-key"
    python = CLIENTS / client / "bin" / "python"
    script = Path(__file__).with_name(f"read_with_{client}.py")
    with serve(emulator) as server:
        command = [str(python), str(script), server.url.removeprefix("http://"), "demo-key"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert {entry.status for entry in emulator.log} == {401}
