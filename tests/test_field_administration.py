"""Custom fields that are made, relabelled, retyped and deleted between syncs, through the warehouse.

After each sync every value that the API served last stands in its column or in its `__raw`, table `fields` tells
which column that is, and no field ever changes its column: whatever its label does, and whatever becomes of the memory.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from freshsales_source.emulator import Emulator, delete_custom_field, generate_company, retype_custom_field
from freshsales_source.emulator.custom_fields import FieldType
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.report import RunReport
from tests.connector import ALL_PIPELINES, Connector, asked, connect, connect_swiftly, emulate, of
from tests.fake_clock import FakeClock
from tests.field_values import NAMES, VALUES, holds
from tests.warehouse_reader import Row

OBJECT = "sales_accounts"
TYPES: tuple[FieldType, ...] = (
    "text",
    "number",
    "checkbox",
    "date",
    "multi_select_dropdown",
    "auto_complete",
)
HOUR = 3600


def account(records: int = 3) -> Emulator:
    """An account with a few companies and no custom field."""
    clock = FakeClock()
    store = generate_company(clock, accounts=records, contacts=0, deals=0, in_bin=0)
    store.account.custom_fields[OBJECT] = {}
    return emulate(store, clock, ALL_PIPELINES)


def companies(emulator: Emulator) -> list[int]:
    return [int(record["id"]) for record in emulator.store.live(OBJECT)]


def columns_of(connector: Connector) -> dict[str, str]:
    """The column of each custom field, by its internal name, as table `fields` tells; each name once."""
    rows = connector.reader.query(
        f"SELECT name, column_name FROM fields WHERE object = '{OBJECT}' AND is_custom"
    )
    assert len(dict(rows)) == len(rows)
    return {str(name): str(column) for name, column in rows}


def is_held(row: Row, columns: dict[str, str], served: dict[str, Any]) -> bool:
    return all(holds(row, columns[name], value) for name, value in served.items() if value is not None)


def lose_memory(connector: Connector) -> None:
    """Delete the state on this machine and the copy of it in the warehouse."""
    shutil.rmtree(connector.folder / "dlt")
    sql(connector, "DROP TABLE _dlt_pipeline_state")


def sql(connector: Connector, statement: str) -> None:
    with duckdb.connect(str(connector.database)) as db:
        db.execute("USE warehouse.freshsales")
        db.execute(statement)


@dataclass(kw_only=True)
class Office:
    """Administrators and salespeople at work, by chance; what the API served last of each record."""

    emulator: Emulator
    connector: Connector
    chance: random.Random
    served: dict[int, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    disasters: int = 0

    def administer(self) -> None:
        """Make, relabel, retype or delete a field."""
        store, name = self.emulator.store, self.chance.choice(NAMES)
        fields, kind = store.account.custom_fields[OBJECT], self.chance.choice(TYPES)
        if name not in fields:
            store.account.add_custom_field(OBJECT, name, kind, choices=("A", "B"))
            return
        match self.chance.choice(["relabel", "retype", "delete"]):
            case "relabel":
                store.account.relabel_custom_field(OBJECT, name, f"Label {self.chance.randint(1, 9)}")
            case "retype":
                retype_custom_field(store, OBJECT, name, kind)
            case _:
                delete_custom_field(store, OBJECT, name)

    def edit(self) -> None:
        """Change custom values of some records."""
        store = self.emulator.store
        for company in companies(self.emulator):
            if self.chance.random() < 0.7:
                names = list(store.account.custom_fields[OBJECT])
                values = {name: self.chance.choice(VALUES) for name in names if self.chance.random() < 0.7}
                store.update(OBJECT, company, custom_field=values)

    def befall(self) -> None:
        """Let state or table be lost, now and then."""
        match self.chance.randint(1, 8) if self.columns else 0:
            case 1:
                shutil.rmtree(self.connector.folder / "dlt")
            case 2:
                lose_memory(self.connector)
            case 3:
                sql(self.connector, f"TRUNCATE {OBJECT}")
            case _:
                return
        self.disasters += 1

    def check(self) -> None:
        """Every value served last is where `fields` says, and no column was renamed."""
        columns, rows = columns_of(self.connector), self.connector.reader.by_id(OBJECT)
        assert {name: columns.get(name) for name in self.columns} == self.columns
        assert len(set(columns.values())) == len(columns)
        self.columns = columns
        for company in companies(self.emulator):
            now = self.emulator.served(OBJECT, company)["custom_field"]
            # A field that is made or deleted moves no stamp: records are then as they were when they were read.
            before = self.served.get(company, now)
            assert is_held(rows[company], columns, now) or is_held(rows[company], columns, before)
            self.served[company] = now if is_held(rows[company], columns, now) else before


def a_life(folder: Path, seed: int, connects: Callable[..., Connector] = connect) -> Office:
    chance = random.Random(seed)
    emulator = account()
    # With fresh lookups a new field shows itself in the records first.
    lookups_every_s = chance.choice([0, 10 * HOUR])
    connector = connects(emulator, folder, objects=[OBJECT], lookups_every_s=lookups_every_s, lookback_s=0)
    office = Office(emulator=emulator, connector=connector, chance=chance)
    for _ in range(chance.randint(3, 4)):
        for _ in range(chance.randint(2, 6)):
            office.administer()
        office.edit()
        emulator.clock.sleep(600)
        # What was loaded past dlt is not recovered either.
        if not connector.is_swift:
            office.befall()
        assert connector.sync().exit_code is ExitCode.DONE
        office.check()
    return office


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_no_value_is_lost_and_no_column_renamed_whatever_administrators_do(tmp_path: Path, seed: int) -> None:
    office = a_life(tmp_path, seed)
    assert len(office.columns) > 3
    assert office.disasters


@pytest.mark.parametrize("seed", [1, 3, 4, *range(6, 12)])
def test_so_it_is_where_only_fields_and_records_change(tmp_path: Path, seed: int) -> None:
    assert len(a_life(tmp_path, seed, connect_swiftly).columns) > 3


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 500))
def test_no_value_is_lost_in_longer_searches(tmp_path: Path, seed: int) -> None:
    a_life(tmp_path, seed)


def test_each_change_of_a_field_is_told_once_and_labels_are_only_text(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=[OBJECT], lookups_every_s=0)
    first, second, _ = companies(emulator)
    made = emulator.store.account
    made.add_custom_field(OBJECT, "cf_amount", "number", label="Amount")
    made.add_custom_field(OBJECT, "cf_gone", "text", label="Gone")
    emulator.store.update(OBJECT, first, custom_field={"cf_amount": 1.5, "cf_gone": "kept"})
    emulator.clock.sleep(600)
    assert told(connector.sync()) == ""
    retype_custom_field(emulator.store, OBJECT, "cf_amount", "text")
    delete_custom_field(emulator.store, OBJECT, "cf_gone")
    made.add_custom_field(OBJECT, "cf_new", "date", label="\x1b[31mNew'; DROP TABLE fields; --\n")
    emulator.store.update(OBJECT, second, custom_field={"cf_amount": "much"})
    emulator.clock.sleep(600)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (ExitCode.DONE, "")
    assert told(report) == (
        r"new custom field: cf_new (\x1b[31mNew'; DROP TABLE fields; --\n); "
        "deleted custom field, its column stays: cf_gone; "
        "custom field of another type: cf_amount (now text; its column stays decimal, "
        "what does not fit is in cf_amount__raw)"
    )
    made.relabel_custom_field(OBJECT, "cf_new", "Newest")
    assert told(connector.sync()) == "custom field with another label: cf_new (Newest)"
    assert told(connector.sync()) == ""
    rows = connector.reader.by_id(OBJECT)
    assert (rows[first]["cf_gone"], rows[second]["cf_amount"], rows[second]["cf_amount__raw"]) == (
        "kept",
        None,
        "much",
    )
    fields = {row["name"]: row for row in connector.reader.rows("fields")}
    assert (fields["cf_gone"]["is_deleted"], fields["cf_new"]["label"]) == (True, "Newest")


def told(report: RunReport) -> str:
    """What the report says of the object's fields; what it says of values that do not fit it says in every run."""
    return of(report, OBJECT).reason.partition("values that do not fit")[0].removesuffix("; ")


def test_columns_are_described_by_the_labels_their_fields_have_now(tmp_path: Path) -> None:
    emulator = account()
    connector = connect(emulator, tmp_path, objects=[OBJECT], lookups_every_s=HOUR)
    emulator.store.account.add_custom_field(OBJECT, "cf_a", "number", label="Budget")
    emulator.store.account.add_custom_field(OBJECT, "cf_b", "text", label="Gone")
    connector.sync()
    emulator.clock.sleep(600)
    # A run that does not read the settings says the same.
    emulator.store.update(OBJECT, companies(emulator)[0], custom_field={"cf_a": 5})
    connector.sync()
    assert descriptions(connector)["cf_a"] == "Custom field 'Budget' (number)."
    emulator.store.account.relabel_custom_field(OBJECT, "cf_a", "Budget in €")
    delete_custom_field(emulator.store, OBJECT, "cf_b")
    emulator.clock.sleep(2 * HOUR)
    connector.sync()
    assert descriptions(connector)["cf_a"] == "Custom field 'Budget in €' (number)."
    assert descriptions(connector)["cf_b"] == "Custom field 'Gone' (text), which the account has deleted."


def descriptions(connector: Connector) -> dict[str, str]:
    """The description of each column of the object, as dlt's schema has it."""
    schema = connector.warehouse(connector.settings()).pipeline.schemas["freshsales"]
    columns = schema.get_table_columns(OBJECT).values()
    return {str(column["name"]): str(column.get("description")) for column in columns}


def test_a_field_that_shows_itself_before_its_settings_were_read_is_typed_by_them(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=[OBJECT], lookups_every_s=HOUR)
    connector.sync()
    first, second, third = companies(emulator)
    emulator.store.account.add_custom_field(OBJECT, "cf_day", "date")
    emulator.store.account.add_custom_field(OBJECT, "cf_Day", "number")
    for company, value in ((first, "2024-02-29"), (second, "2024-03-01")):
        emulator.store.update(OBJECT, company, custom_field={"cf_day": value, "cf_Day": 7})
    emulator.clock.sleep(600)
    before = len(emulator.log)
    connector.sync()
    assert len(asked(emulator, "/settings/", since=before)) == 1
    columns = columns_of(connector)
    assert columns["cf_day"] == "cf_day"
    types = connector.reader.columns(OBJECT)
    assert (types[columns["cf_day"]], types[columns["cf_Day"]]) == ("DATE", "DECIMAL(38,9)")
    rows = connector.reader.by_id(OBJECT)
    assert [str(rows[company]["cf_day"]) for company in (first, second, third)] == [
        "2024-02-29",
        "2024-03-01",
        "None",
    ]


def test_without_memory_names_and_types_come_from_the_warehouse(tmp_path: Path) -> None:
    """Each of these fields would get another column or type today: the load would mix values, or never succeed."""
    emulator = account()
    connector = connect(emulator, tmp_path, objects=[OBJECT], lookups_every_s=0)
    made, store = emulator.store.account, emulator.store
    first, second, third = companies(emulator)
    made.add_custom_field(OBJECT, "cf_size", "number")
    made.add_custom_field(OBJECT, "cf_Size", "text")
    made.add_custom_field(OBJECT, "cf_note", "number")
    store.update(OBJECT, first, custom_field={"cf_size": 1, "cf_Size": "one", "cf_note": 5})
    connector.sync()
    before = columns_of(connector)
    emulator.clock.sleep(600)
    delete_custom_field(
        store, OBJECT, "cf_size"
    )  # cf_Size is the lowest id now, and would get the plain name
    retype_custom_field(store, OBJECT, "cf_note", "text")
    store.update(OBJECT, second, custom_field={"cf_Size": "two", "cf_note": "words"})
    connector.sync()
    emulator.clock.sleep(600)
    lose_memory(connector)
    store.update(OBJECT, third, custom_field={"cf_Size": "three", "cf_note": "more words"})
    report = connector.sync()
    assert (report.exit_code, of(report, OBJECT).verdict.value) == (ExitCode.DONE, "matched")
    assert columns_of(connector) == before
    rows = connector.reader.by_id(OBJECT)
    size = before["cf_Size"]
    assert [rows[company][size] for company in (first, second, third)] == ["one", "two", "three"]
    assert [rows[company]["cf_note__raw"] for company in (second, third)] == ["words", "more words"]
    assert connector.sync().exit_code is ExitCode.DONE


def test_the_choices_of_a_multi_select_field_are_rows_beside_its_text(tmp_path: Path) -> None:
    emulator = account()
    connector = connect_swiftly(emulator, tmp_path, objects=[OBJECT], lookups_every_s=0)
    store, table = emulator.store, f"{OBJECT}__cf_regions"
    first, second, third = companies(emulator)
    store.account.add_custom_field(OBJECT, "cf_regions", "multi_select_dropdown", choices=("EMEA", "APAC"))
    connector.sync()
    assert connector.reader.rows(table) == []
    store.update(OBJECT, first, custom_field={"cf_regions": "EMEA;APAC"})
    store.update(OBJECT, second, custom_field={"cf_regions": "APAC"})
    store.update(OBJECT, third, custom_field={"cf_regions": ""})
    emulator.clock.sleep(600)
    connector.sync()
    chosen = f"SELECT sales_account_id, position, value FROM {table} ORDER BY ALL"
    assert connector.reader.query(chosen) == [(first, 0, "EMEA"), (first, 1, "APAC"), (second, 0, "APAC")]
    assert connector.reader.by_id(OBJECT)[first]["cf_regions"] == "EMEA;APAC"
    store.update(OBJECT, first, custom_field={"cf_regions": "APAC"})
    store.update(OBJECT, second, custom_field={"cf_regions": None})
    emulator.clock.sleep(600)
    connector.sync()
    assert connector.reader.query(chosen) == [(first, 0, "APAC")]
    # Of another type now: what it held before must not stay behind.
    retype_custom_field(store, OBJECT, "cf_regions", "text")
    store.update(OBJECT, first, custom_field={"cf_regions": "anywhere"})
    emulator.clock.sleep(600)
    connector.sync()
    assert connector.reader.query(chosen) == [(first, 0, "anywhere")]


def test_choices_of_a_column_that_is_left_out_or_hashed_have_no_rows(tmp_path: Path) -> None:
    emulator = account()
    names = ("cf_dropped", "cf_hashed", "cf_kept")
    for name in names:
        emulator.store.account.add_custom_field(OBJECT, name, "multi_select_dropdown", choices=("A",))
    emulator.store.update(OBJECT, companies(emulator)[0], custom_field=dict.fromkeys(names, "A"))
    connector = connect_swiftly(
        emulator,
        tmp_path,
        objects=[OBJECT],
        drop_columns=[f"{OBJECT}.cf_dropped"],
        hash_columns=[f"{OBJECT}.cf_hashed"],
        hash_key="a key of sixteen letters",
    )
    connector.sync()
    lists = [table for table in connector.reader.tables() if table.startswith(f"{OBJECT}__cf_")]
    assert lists == [f"{OBJECT}__cf_kept"]
