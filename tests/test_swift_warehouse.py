"""Past dlt or through it, the same life leaves the same warehouse, the same memory and the same reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from freshsales_source.emulator import generate_company
from freshsales_source.sync.report import ObjectReport, RunReport
from tests.connector import Connector, connect, connect_swiftly, emulate
from tests.fake_clock import FakeClock
from tests.lives import Living, begin, saved_states
from tests.people import EVERY_OBJECT

CONTRACTS = "cm_contracts"
SOME = ["contacts", "tasks", "notes"]


@pytest.mark.parametrize("seed", [3])
def test_a_life_loaded_past_dlt_is_like_one_loaded_through_it(seed: int, tmp_path: Path) -> None:
    assert_alike(seed, SOME, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100))
def test_so_are_many_more_lives_of_everything(seed: int, tmp_path: Path) -> None:
    assert_alike(seed, EVERY_OBJECT, tmp_path)


def assert_alike(seed: int, objects: Sequence[str], folder: Path) -> None:
    swift, usual = lived(seed, objects, folder / "swift"), lived(seed, objects, folder / "usual")
    assert type(swift[0].warehouse(swift[0].settings())) is not type(usual[0].warehouse(usual[0].settings()))
    assert swift[1] == usual[1]
    assert_same(swift[0], usual[0])


def lived(seed: int, objects: Sequence[str], folder: Path) -> tuple[Connector, list[list[ObjectReport]]]:
    """A connector after a run among people that was cut, and a quiet one; with what the runs said."""
    living: Living = begin(seed, folder, objects)
    living.connector.is_swift = folder.name == "swift"
    reports = [living.sync_among_people(max_calls=25)]
    living.rest()
    reports.append(living.sync_quietly(refresh_pages=100))
    return living.connector, [told(report) for report in reports]


def told(report: RunReport) -> list[ObjectReport]:
    return [replace(row, run_id="") for row in report.objects]


def assert_same(one: Connector, other: Connector) -> None:
    """Tables with columns, types and rows, and what is remembered of each object."""
    assert one.reader.schema() == other.reader.schema()
    here, there = one.reader.content(without=()), other.reader.content(without=())
    for table, rows in there.items():
        assert here[table] == rows, table
    assert saved_states(one) == saved_states(other)


def test_modules_lookups_and_columns_that_come_later_are_loaded_alike(tmp_path: Path) -> None:
    one, other = (grown(tmp_path / name) for name in ("swift", "usual"))
    assert one[1] == other[1]
    assert "cf_late" in other[0].reader.columns("cm_contracts")
    assert_same(one[0], other[0])


def grown(folder: Path) -> tuple[Connector, list[list[ObjectReport]]]:
    """A custom module and some lookups, synced twice; in between they grew, and records were erased."""
    clock = FakeClock()
    store = generate_company(clock, accounts=2, contacts=2, deals=2, in_bin=1, contracts=9)
    join = connect_swiftly if folder.name == "swift" else connect
    objects = ["custom_modules", "owners", "deal_stages"]
    connector = join(emulate(store, clock), folder, objects=objects, max_vanished_share=1)
    reports = [connector.sync()]
    store.forget(CONTRACTS, store.live(CONTRACTS)[3]["id"])
    store.account.add_custom_field(CONTRACTS, "cf_late", "number")
    store.update(CONTRACTS, store.live(CONTRACTS)[0]["id"], cf_late=7)
    store.account.delete_stage(store.account.selectors["deal_stages"][-1]["id"], clock.now())
    clock.advance(4000)
    reports.append(connector.sync())
    return connector, [told(report) for report in reports]
