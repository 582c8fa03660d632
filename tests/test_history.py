"""`deals_history`: every change that a sync could see is one row, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Switches
from tests.connector import Connector, company, connect, connect_swiftly
from tests.other_objects import load_plainly, plain_file
from tests.warehouse_reader import Row, WarehouseReader

NAMES = ["deals"]


def few_deals(**switches: Any) -> Emulator:
    """An account of a dozen deals, live or in the bin."""
    return company(
        deals=12,
        contacts=2,
        accounts=2,
        switches=Switches(deal_views_default_pipeline_only=False, **switches),
    )


def deals(emulator: Emulator) -> list[int]:
    return [int(record["id"]) for record in emulator.store.live("deals")]


def history(reader: WarehouseReader, deal: int | None = None) -> list[Row]:
    """The rows of one deal, or of all, oldest first."""
    rows = reader.rows("deals_history", order="deal_id, valid_from")
    return rows if deal is None else [row for row in rows if row["deal_id"] == deal]


def connected(emulator: Emulator, tmp_path: Path, **flags: Any) -> Connector:
    connector = connect_swiftly(emulator, tmp_path, objects=NAMES, **flags)
    connector.sync()
    return connector


def move(emulator: Emulator, deal: int, to: int) -> int:
    """Move a deal to another stage of its pipeline; return the stage."""
    pipeline = emulator.store.record("deals", deal)["deal_pipeline_id"]
    rows = emulator.store.account.selectors["deal_stages"]
    stages = [row for row in rows if row["deal_pipeline_id"] == pipeline]
    stage = int(stages[to % len(stages)]["id"])
    emulator.store.move_stage(deal, stage)
    return stage


def test_the_first_sync_writes_one_row_per_deal_and_reading_again_adds_none(tmp_path: Path) -> None:
    emulator = few_deals()
    connector = connect_swiftly(emulator, tmp_path, objects=NAMES)
    connector.sync()
    first = history(connector.reader)
    loaded = connector.reader.by_id("deals")
    assert [row["deal_id"] for row in first] == sorted(loaded)
    assert all(row["is_first_seen"] for row in first)
    assert {row["deal_id"]: row["valid_from"] for row in first} == {
        id_: row["_deleted_at"] or row["updated_at"] for id_, row in loaded.items()
    }
    connector.clock.advance(900)
    connector.sync()
    connector.sync(lookback_s=30 * 86400)
    assert history(connector.reader) == first


def test_each_change_is_one_row_that_holds_what_the_deal_then_was(tmp_path: Path) -> None:
    emulator = few_deals()
    connector = connected(emulator, tmp_path)
    deal, other = deals(emulator)[:2]
    seen = [history(connector.reader, deal)[0]]
    for number in range(1, 4):
        connector.clock.advance(3600)
        match number:
            case 1:
                move(emulator, deal, 2)
            case 2:
                emulator.store.update("deals", deal, amount="1234.5", expected_close="2027-01-31")
            case 3:
                emulator.store.update("deals", deal, name="A name is not watched")
        connector.sync()
        row = connector.reader.by_id("deals")[deal]
        if number < 3:
            seen.append(
                {**seen[-1], **{k: row[k] for k in seen[0] if k in row}, "valid_from": row["updated_at"]}
            )
    rows = history(connector.reader, deal)
    ours = {"change_hash", "is_first_seen", "_synced_at"}
    assert [{k: v for k, v in row.items() if k not in ours} for row in rows] == [
        {k: v for k, v in row.items() if k not in ours} for row in seen
    ]
    assert [row["is_first_seen"] for row in rows] == [True, False, False]
    assert len(history(connector.reader, other)) == 1


@pytest.mark.parametrize("moves_stamp", [True, False])
def test_a_deletion_a_restore_and_an_erasure_are_changes(tmp_path: Path, moves_stamp: bool) -> None:
    emulator = few_deals(delete_moves_stamp=moves_stamp, restore_moves_stamp=moves_stamp)
    connector = connected(emulator, tmp_path)
    deal = deals(emulator)[0]
    for act in (emulator.store.delete, emulator.store.restore, emulator.store.forget):
        connector.clock.advance(3600)
        act("deals", deal)
        connector.sync()
    assert [row["is_deleted"] for row in history(connector.reader, deal)] == [False, True, False, True]


def test_a_change_and_its_undoing_within_one_second_are_two_rows(tmp_path: Path) -> None:
    emulator = few_deals()
    connector = connected(emulator, tmp_path)
    deal = deals(emulator)[0]
    emulator.store.update("deals", deal, probability=10)
    connector.sync()
    emulator.store.update("deals", deal, probability=90)
    connector.sync()
    emulator.store.update("deals", deal, probability=10)
    connector.sync()
    rows = history(connector.reader, deal)
    assert [row["probability"] for row in rows[-3:]] == [10, 90, 10]
    assert all(before["valid_from"] < after["valid_from"] for before, after in pairwise(rows))


class Killed(BaseException):
    """The end of a process, as far as the connector can tell."""


class Killing:
    """Ends a run at one of its requests; tells whether it has."""

    def __init__(self, emulator: Emulator, request: int) -> None:
        self.has_fired = False
        self._requests_left = request
        emulator.before_request = self

    def __call__(self, number: int) -> None:
        self._requests_left -= 1
        if not self._requests_left:
            self.has_fired = True
            raise Killed


class Sales:
    """People who change deals at random; a stamp may stand still, go back, or come back from the bin as it was."""

    def __init__(self, emulator: Emulator, dice: random.Random) -> None:
        self._emulator = emulator
        self._dice = dice
        self._owners = [int(row["id"]) for row in emulator.store.account.selectors["owners"]]

    def change(self, times: int) -> None:
        """Do something to some deals, all within one second."""
        for _ in range(times):
            acts = (self._move, self._hand_over, self._delete, self._restore)
            self._dice.choice((*acts, self._price, self._price_silently, self._price_long_ago))()

    @property
    def _deal(self) -> int:
        return self._dice.choice(deals(self._emulator))

    @property
    def _amount(self) -> str:
        return f"{self._dice.randrange(3)}.0"

    def _move(self) -> None:
        move(self._emulator, self._deal, self._dice.randrange(5))

    def _hand_over(self) -> None:
        self._emulator.store.update("deals", self._deal, owner_id=self._dice.choice(self._owners))

    def _price(self) -> None:
        self._emulator.store.update("deals", self._deal, amount=self._amount)

    def _price_silently(self) -> None:
        self._emulator.store.change_silently("deals", self._deal, amount=self._amount)

    def _price_long_ago(self) -> None:
        deal = self._deal
        before = self._emulator.store.record("deals", deal)["updated_at"] - timedelta(seconds=30)
        self._emulator.store.update("deals", deal, amount=self._amount, updated_at=before)

    def _delete(self) -> None:
        if len(deals(self._emulator)) > 4:
            self._emulator.store.delete("deals", self._deal)

    def _restore(self) -> None:
        for deal in [int(record["id"]) for record in self._emulator.store.binned("deals")][:1]:
            self._emulator.store.restore("deals", deal)


class Ledger:
    """What the table of deals has held after each run, seen by the history's columns."""

    def __init__(self, reader: WarehouseReader) -> None:
        self.versions: dict[int, list[tuple[Any, ...]]] = {}
        self._reader = reader
        shared = reader.columns("deals_history").keys() & reader.columns("deals").keys()
        self._watched = sorted(shared - {"updated_at", "_synced_at"})
        self.note()

    def note(self) -> None:
        for id_, row in self._reader.by_id("deals").items():
            now = self._values(row)
            if self.versions.setdefault(id_, [now])[-1] != now:
                self.versions[id_].append(now)

    def of_history(self) -> dict[int, list[tuple[Any, ...]]]:
        """The same, as the history tells it."""
        found: dict[int, list[tuple[Any, ...]]] = {}
        for row in history(self._reader):
            found.setdefault(row["deal_id"], []).append(self._values(row))
        return found

    def current(self) -> dict[int, tuple[Any, ...]]:
        """What holds now, as the view tells it."""
        rows = WarehouseReader(self._reader.path, "freshsales_marts").rows("deals_history_validity")
        current = [row for row in rows if row["valid_to"] is None]
        assert len(current) == len({row["deal_id"] for row in current})
        return {row["deal_id"]: self._values(row) for row in current}

    def _values(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self._watched)


@pytest.mark.parametrize(
    ("connects", "seed"), [(connect, 0), *((connect_swiftly, seed) for seed in range(1, 7))]
)
def test_random_changes_are_rows_as_far_as_they_could_be_seen(
    tmp_path: Path, connects: Callable[..., Connector], seed: int
) -> None:
    """Runs are cut, killed, repeated, refresh old pages or read everything again."""
    dice = random.Random(seed)
    emulator = few_deals(restore_moves_stamp=seed % 2 == 0, delete_moves_stamp=seed % 3 != 0)
    connector = connects(emulator, tmp_path, objects=NAMES, page_size=5)
    connector.sync()
    sales, ledger = Sales(emulator, dice), Ledger(connector.reader)
    for run in ("cut", "refreshing", "killed", "repeated", "whole", "refreshing"):
        connector.clock.advance(dice.choice((0, 1, 600)))
        sales.change(5)
        match run:
            case "cut":
                connector.sync(max_calls=6)
            case "killed":
                killing = Killing(emulator, dice.randint(2, 4))
                with suppress(Killed):
                    connector.sync()
                emulator.before_request = None
                assert killing.has_fired
            case "repeated":
                connector.sync()
                ledger.note()
                connector.sync(lookback_s=86400)
            case "whole":
                connector.sync(full_refresh=["deals"])
            case _:
                connector.sync(refresh_pages=20)
        ledger.note()
    assert ledger.of_history() == ledger.versions
    if not connector.is_swift:
        assert ledger.current() == {deal: versions[-1] for deal, versions in ledger.versions.items()}
    assert sum(map(len, ledger.versions.values())) > len(ledger.versions) + 10, "little was seen to change"


@pytest.mark.parametrize("seed", range(4))
def test_while_people_work_rows_are_what_deals_were_in_that_order(tmp_path: Path, seed: int) -> None:
    """Nobody can see each change then; none may be invented, doubled or told in another order.

    A search that lags answers what a deal was before, which is a change as far as anybody can see.
    """
    dice = random.Random(seed)
    emulator = few_deals(search_lag_s=0.0)
    connector = connect_swiftly(emulator, tmp_path, objects=NAMES, page_size=3, concurrency=1)
    connector.sync()
    sales = Sales(emulator, dice)
    for _ in range(4):
        connector.clock.advance(600)
        emulator.before_request = lambda number: sales.change(dice.randrange(4))
        connector.sync(max_calls=dice.choice((None, 9)))
    emulator.before_request = None
    connector.clock.advance(600)
    connector.sync(full_refresh=NAMES)
    names = ("deal_stage_id", "owner_id", "amount")
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in history(connector.reader):
        found.setdefault(row["deal_id"], []).append((*(row[name] for name in names), row["is_deleted"]))
    truth: dict[int, list[tuple[Any, ...]]] = {}
    for change in emulator.store.tables["deals"].log:
        if change.record is not None:
            was = (*(change.record[name] for name in names), change.is_binned)
            truth.setdefault(change.id, []).append(was)
    assert found.keys() == truth.keys()
    for deal, rows in found.items():
        left = iter(truth[deal])
        assert all(row in left for row in rows), f"{deal}: {rows} is no part of {truth[deal]}"
        assert rows[-1] == truth[deal][-1]
    assert sum(map(len, found.values())) > len(found) + 10, "little was seen to change"


def test_what_is_left_out_of_deals_is_left_out_of_their_history(tmp_path: Path) -> None:
    emulator = few_deals()
    connector = connected(emulator, tmp_path, drop_columns=["deals.amount"])
    deal = deals(emulator)[0]
    emulator.clock.sleep(60)
    emulator.store.update("deals", deal, amount="4711.0")
    connector.sync()
    assert "amount" not in connector.reader.columns("deals_history")
    assert len(history(connector.reader, deal)) == 1


def test_without_history_there_is_no_table(tmp_path: Path) -> None:
    connector = connected(few_deals(), tmp_path, history=False)
    assert "deals_history" not in connector.reader.tables()


def test_a_plain_dlt_run_keeps_every_version_once(tmp_path: Path) -> None:
    emulator = few_deals()
    connector = connect(emulator, tmp_path, objects=NAMES)
    load_plainly(connector)
    deal = deals(emulator)[0]
    emulator.clock.sleep(60)
    emulator.store.update("deals", deal, probability=33)
    for _ in range(2):
        load_plainly(connector)
    rows = history(WarehouseReader(plain_file(connector)), deal)
    assert len(rows) == 2
    assert rows[-1]["probability"] == 33
