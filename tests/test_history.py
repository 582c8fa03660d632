"""`deals_history`: every change that a sync could see is one row, and nothing else is."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Switches
from tests.connector import Connector, company, connect
from tests.other_objects import load_plainly, plain_file
from tests.warehouse_reader import Row, WarehouseReader

NAMES = ["deals", "owners", "deal_pipelines", "deal_stages"]


def deals(emulator: Emulator) -> list[int]:
    return [int(record["id"]) for record in emulator.store.live("deals")]


def history(reader: WarehouseReader, deal: int | None = None) -> list[Row]:
    """The rows of one deal, or of all, oldest first."""
    rows = reader.rows("deals_history", order="deal_id, valid_from")
    return rows if deal is None else [row for row in rows if row["deal_id"] == deal]


def connected(emulator: Emulator, tmp_path: Path, **flags: Any) -> Connector:
    connector = connect(emulator, tmp_path, objects=NAMES, **flags)
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
    emulator = company()
    connector = connected(emulator, tmp_path)
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
    emulator = company()
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
    emulator = company(
        switches=Switches(
            deal_views_default_pipeline_only=False,
            delete_moves_stamp=moves_stamp,
            restore_moves_stamp=moves_stamp,
        )
    )
    connector = connected(emulator, tmp_path)
    deal = deals(emulator)[0]
    for act in (emulator.store.delete, emulator.store.restore, emulator.store.forget):
        connector.clock.advance(3600)
        act("deals", deal)
        connector.sync()
    assert [row["is_deleted"] for row in history(connector.reader, deal)] == [False, True, False, True]


def test_a_change_and_its_undoing_within_one_second_are_two_rows(tmp_path: Path) -> None:
    emulator = company()
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


@pytest.mark.parametrize("seed", range(6))
def test_random_changes_are_rows_as_far_as_they_could_be_seen(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    emulator = company(deals=25, contacts=3, accounts=3)
    connector = connected(emulator, tmp_path)
    watched = [name for name in history(connector.reader)[0] if name in connector.reader.columns("deals")]
    watched = [name for name in watched if name not in ("updated_at", "_synced_at")]
    ledger = {id_: [tuple(row[n] for n in watched)] for id_, row in connector.reader.by_id("deals").items()}
    for _ in range(5):
        connector.clock.advance(dice.choice((0, 1, 600)))
        for deal in dice.sample(deals(emulator), 4):
            match dice.randrange(4):
                case 0:
                    move(emulator, deal, dice.randrange(5))
                case 1:
                    emulator.store.update("deals", deal, amount=f"{dice.randrange(3)}.0")
                case 2:
                    emulator.store.update("deals", deal, probability=dice.choice((10, 20)))
                case _:
                    emulator.store.delete("deals", deal)
        connector.sync(max_calls=dice.choice((None, None, 7)))
        for id_, row in connector.reader.by_id("deals").items():
            now = tuple(row[name] for name in watched)
            if ledger.setdefault(id_, [now])[-1] != now:
                ledger[id_].append(now)
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in history(connector.reader):
        found.setdefault(row["deal_id"], []).append(tuple(row[name] for name in watched))
    assert found == ledger


def test_what_is_left_out_of_deals_is_left_out_of_their_history(tmp_path: Path) -> None:
    emulator = company()
    connector = connected(emulator, tmp_path, drop_columns=["deals.amount"])
    deal = deals(emulator)[0]
    emulator.clock.sleep(60)
    emulator.store.update("deals", deal, amount="4711.0")
    connector.sync()
    assert "amount" not in connector.reader.columns("deals_history")
    assert len(history(connector.reader, deal)) == 1


def test_without_history_there_is_no_table(tmp_path: Path) -> None:
    connector = connected(company(), tmp_path, history=False)
    assert "deals_history" not in connector.reader.tables()


def test_a_plain_dlt_run_keeps_every_version_once(tmp_path: Path) -> None:
    emulator = company(contacts=3, accounts=3, deals=10)
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
