"""Random lives of tasks, appointments and activities, synced all the while.

Between any two requests people create, edit, complete, reopen, move and delete. After quiet and one run everything in
`open` and `upcoming` equals the account, every record that left these lists was fetched alone, and what was deleted is
flagged. What nobody can see without counts (a task that was created and completed between two runs, or reopened and
deleted again) is left out by what the account was seen to serve, not by guess.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Store, Switches
from tests.connector import connect_swiftly, verdicts
from tests.other_objects import (
    PLANNED,
    WATCHED,
    Witness,
    assert_rows,
    listed_ids,
    load_plainly,
    plain_file,
    small_company,
)
from tests.warehouse_reader import WarehouseReader

OBJECTS = [*PLANNED, "sales_activities"]


class Life:
    """What people do to their tasks, meetings and logged calls, by the dice of one seed.

    `written` tells for each record at which request and time it was last changed.
    """

    def __init__(self, emulator: Emulator, seed: int) -> None:
        self.written: dict[int, tuple[int, float]] = {}
        self._emulator = emulator
        self._store: Store = emulator.store
        self._clock = emulator.clock
        self._dice = random.Random(seed)
        self._request = 0
        self._words = 0

    def go_on(self, _: int = 0) -> None:
        """Let a moment pass, in which something happens or not."""
        self._request = len(self._emulator.log) + 1
        self._clock.sleep(self._dice.choice((0, 0, 1, 3, 900)))
        for _n in range(self._dice.choice((0, 0, 1, 1, 2, 3))):
            act = self._dice.choice((self._task, self._task, self._appointment, self._activity))
            written = act()
            if written is not None:
                self.written[written] = (self._request, self._clock.monotonic())

    def _task(self) -> int | None:
        still_open = [int(r["id"]) for r in self._store.live("tasks") if r["status"] == 0]
        done = [int(r["id"]) for r in self._store.live("tasks") if r["status"] == 1]
        match self._dice.choice(("create", "edit", "edit", "complete", "complete", "reopen", "delete")):
            case "create":
                return self._store.create("tasks", **self._plan())
            case "edit" if still_open:
                return self._store.update("tasks", self._dice.choice(still_open), **self._plan())
            case "complete" if still_open:
                return self._store.complete_task(self._dice.choice(still_open))
            case "reopen" if done:
                return self._store.reopen_task(self._dice.choice(done))
            case "delete" if still_open:
                return self._store.delete("tasks", self._dice.choice(still_open))[0]
        return None

    def _appointment(self) -> int | None:
        now = self._clock.now()
        meetings = self._store.live("appointments")
        ahead = [int(r["id"]) for r in meetings if r["end_date"] >= now]
        over = [int(r["id"]) for r in meetings if r["end_date"] < now]
        match self._dice.choice(("create", "edit", "edit", "to past", "to come", "delete")):
            case "create":
                return self._store.create("appointments", **self._meeting(later=True))
            case "edit" if ahead:
                return self._store.update(
                    "appointments", self._dice.choice(ahead), **self._meeting(later=True)
                )
            case "to past" if ahead:
                return self._store.update(
                    "appointments", self._dice.choice(ahead), **self._meeting(later=False)
                )
            case "to come" if over:
                return self._store.update(
                    "appointments", self._dice.choice(over), **self._meeting(later=True)
                )
            case "delete" if ahead:
                return self._store.delete("appointments", self._dice.choice(ahead))[0]
        return None

    def _activity(self) -> int:
        logged = [int(record["id"]) for record in self._store.live("sales_activities")]
        fields = {"title": self._word(), "cf_minutes": self._dice.choice((5, 7.5, None))}
        if logged and self._dice.random() < 0.5:
            return self._store.update("sales_activities", self._dice.choice(logged), **fields)
        kind = self._store.account.selectors["sales_activity_types"][0]["id"]
        return self._store.log_activity("contacts", self._contact(), int(kind), **fields)

    def _plan(self) -> dict[str, Any]:
        owners = [int(row["id"]) for row in self._store.account.selectors["owners"]]
        due = self._clock.now() + timedelta(hours=self._dice.randrange(-50, 50))
        return {
            "title": self._word(),
            "due_date": self._dice.choice((due, due, None)),
            "targetables": self._targets(),
            "user_ids": self._dice.sample(owners, self._dice.randrange(3)),
        }

    def _meeting(self, *, later: bool) -> dict[str, Any]:
        # Some end within minutes: time carries them over, without any write.
        minutes = self._dice.choice((5, 40, 6000))
        end = self._clock.now() + timedelta(minutes=minutes if later else -minutes)
        people = [{"type": "contact", "id": self._contact()} for _ in range(self._dice.randrange(3))]
        return {
            "title": self._word(),
            "from_date": end - timedelta(minutes=30),
            "end_date": end,
            "targetables": self._targets(),
            "appointment_attendees": people,
        }

    def _targets(self) -> list[dict[str, Any]]:
        return [{"id": self._contact(), "type": "Contact"} for _ in range(self._dice.randrange(3))]

    def _contact(self) -> int:
        return int(self._dice.choice(self._store.live("contacts"))["id"])

    def _word(self) -> str:
        self._words += 1
        return f"été {self._words}"


def random_switches(dice: random.Random) -> Switches:
    """One of the accounts that there may be."""
    return Switches(
        appointment_filters=dice.choice(("apart", "apart", "same")),
        activities_sort_honoured=dice.choice((True, False)),
        page_cap=dice.choice((3, 7, 100)),
        page_past_end=dice.choice(("empty", "repeat_last", "not_found")),
        meta=dice.choice(("total", "total_and_pages")),
        view_lag_s=dice.choice((0.0, 0.0, 45.0)),
        date_header=dice.choice(("right", "skewed", "missing")),
        side_loads=dice.choice(("before", "after")),
        stamps=dice.choice(("offset", "z")),
        newer_columns=dice.choice((True, False)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_after_quiet_and_one_run_what_is_planned_and_logged_is_the_accounts(
    seed: int, tmp_path: Path
) -> None:
    live_through(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("seed", "concurrency"), [*((seed, 1) for seed in range(3, 120)), *((seed, 4) for seed in range(3))]
)
def test_after_many_more_lives_what_is_planned_and_logged_is_the_accounts(
    seed: int, concurrency: int, tmp_path: Path
) -> None:
    live_through(seed, tmp_path, concurrency=concurrency)


def live_through(seed: int, tmp_path: Path, *, concurrency: int = 1) -> None:
    """Sync while people work, cut or whole, then let them rest and sync once."""
    dice = random.Random(seed)
    emulator = small_company(
        tasks=14, appointments=10, activities=12, seed=seed, switches=random_switches(dice)
    )
    witness = Witness(emulator)
    # With one walk in flight at a time a seed tells the same story each time.
    connector = connect_swiftly(emulator, tmp_path, objects=OBJECTS, concurrency=concurrency)
    connector.transport = witness.of_a_new_run
    life = Life(emulator, seed)
    emulator.before_request = life.go_on
    for max_calls in dice.choice(((None,), (12, None), (None, 6))):
        report = connector.sync(max_calls=max_calls)
        assert "failed" not in verdicts(report).values(), report.objects
        connector.clock.advance(dice.choice((1, 60, 1000)))
    emulator.before_request = None
    connector.clock.advance(500)
    report = connector.sync()
    assert verdicts(report)["sales_activities"] == "matched", report.objects
    assert set(verdicts(report).values()) <= {"matched", "unchecked"}
    lag = emulator.switches.view_lag_s
    for object_name in PLANNED:
        assert_what_is_ahead_is_the_accounts(emulator, connector.reader, object_name)
        assert_whatever_left_was_fetched_alone(emulator, witness, object_name)
        assert_what_was_seen_is_as_it_is_now(emulator, connector.reader, witness, life, object_name, lag)
    activities = [int(record["id"]) for record in emulator.store.live("sales_activities")]
    assert connector.reader.ids("sales_activities") == sorted(activities)
    assert_rows(emulator, connector.reader, "sales_activities", activities)


def assert_what_is_ahead_is_the_accounts(
    emulator: Emulator, reader: WarehouseReader, object_name: str
) -> None:
    """Rows that say they are open or upcoming are those that the account lists, to the last value."""
    now = emulator.clock.now()
    says = {"tasks": "status = 0", "appointments": f"end_date >= '{now.isoformat()}'"}[object_name]
    ahead = listed_ids(emulator, object_name, filter=WATCHED[object_name])
    live = reader.ids(object_name, where=f"NOT is_deleted AND {says}")
    assert set(live) == {id_ for id_ in ahead if is_ahead(emulator, object_name, id_)}
    assert_rows(emulator, reader, object_name, ahead)


def is_ahead(emulator: Emulator, object_name: str, id_: int) -> bool:
    """Whether a listed record is still to come; where both filters show all, some are not."""
    if object_name == "tasks":
        return True
    return bool(emulator.store.record("appointments", id_)["end_date"] >= emulator.clock.now())


def assert_whatever_left_was_fetched_alone(emulator: Emulator, witness: Witness, object_name: str) -> None:
    """A record once seen in `open` or `upcoming` is there now, or was asked for after it was seen there last."""
    ahead = set(listed_ids(emulator, object_name, filter=WATCHED[object_name]))
    for id_, sightings in witness.seen[object_name].items():
        listed = [s.request for s in sightings if s.filter == WATCHED[object_name]]
        alone = [s.request for s in sightings if not s.filter]
        assert not listed or id_ in ahead or max(alone, default=0) > max(listed), (object_name, id_)


def assert_what_was_seen_is_as_it_is_now(
    emulator: Emulator, reader: WarehouseReader, witness: Witness, life: Life, object_name: str, lag: float
) -> None:
    """A record that nobody wrote since it was last seen stands in the warehouse as it is, or flagged."""
    there = {int(record["id"]) for record in emulator.store.live(object_name)}
    rows = reader.by_id(object_name)
    unchanged = set()
    for id_, sightings in witness.seen[object_name].items():
        last = sightings[-1]
        request, at = life.written.get(id_, (0, 0.0))
        if request > last.request or (last.filter and at > last.at - lag):
            continue
        if id_ in there:
            unchanged.add(id_)
        elif id_ in rows:
            flags = (rows[id_]["is_deleted"], rows[id_]["_deleted_reason"])
            assert flags == (True, "vanished"), (object_name, id_)
            assert rows[id_]["_deleted_at"] == rows[id_]["_synced_at"]
    assert_rows(emulator, reader, object_name, unchanged)


# Plain dlt, which cannot read a row back


@pytest.mark.parametrize("seed", range(3))
def test_plain_runs_list_what_vanished(seed: int, tmp_path: Path) -> None:
    emulator = small_company(tasks=14, appointments=10, seed=seed)
    connector = connect_swiftly(emulator, tmp_path, objects=list(PLANNED))
    load_plainly(connector)
    plain = WarehouseReader(plain_file(connector))
    watched = {name: listed_ids(emulator, name, filter=WATCHED[name]) for name in PLANNED}
    gone = {name: emulator.store.delete(name, *ids[:2]) for name, ids in watched.items()}
    done = watched["tasks"][2]
    emulator.store.complete_task(done)
    connector.clock.advance(1000)
    load_plainly(connector)
    listed = plain.rows("_deletions", order="object, id")
    assert [(row["object"], row["id"], row["reason"]) for row in listed] == sorted(
        (name, id_, "vanished") for name, ids in gone.items() for id_ in ids
    )
    assert {row["deleted_at"] for row in listed} == {connector.clock.now()}
    for name in PLANNED:
        assert_rows(emulator, plain, name, live_ids(emulator, name))
    assert plain.query(f"SELECT status FROM tasks WHERE id = {done}") == [(1,)]


def live_ids(emulator: Emulator, object_name: str) -> Iterable[int]:
    return sorted(int(record["id"]) for record in emulator.store.live(object_name))
