"""The catalogue against a warehouse: every table and column is described, there and in dlt's schema, as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from freshsales_source.catalogue import ANY_MODULE, MADE_HERE, TableEntry, tables
from freshsales_source.cli.catalogue import account_tables, markdown
from freshsales_source.emulator import Emulator, add_note, generate_company, retype_custom_field
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.verdicts import Verdict
from tests.command import KEY, Command
from tests.connector import ALL_PIPELINES, Connector, connect, emulate
from tests.fake_clock import FakeClock
from tests.other_objects import small_company

MODULE = "cm_contracts"
HOSTILE = "\x1b[31m=1+1|<b>`x`\u202e'; DROP TABLE deals; --\n# Heading"
BROKEN = (Verdict.FAILED, Verdict.MISMATCH, Verdict.PARTIAL)
NOT_MADE = {"_deletions", "_forgotten"}
"""Tables that only a plain dlt run, or the wish to be forgotten, makes."""

STORED_AS = {
    "id": "BIGINT",
    "integer": "BIGINT",
    "decimal": "DECIMAL(38,9)",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "json": "VARCHAR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An account that was loaded whole, feeds included, and the catalogue of it, by table."""

    connector: Connector
    entries: dict[str, TableEntry]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    clock = FakeClock()
    store = generate_company(
        clock,
        accounts=2,
        contacts=3,
        deals=20,
        in_bin=1,
        contracts=2,
        tasks=2,
        appointments=2,
        activities=2,
        products=2,
    )
    emulator = emulate(store, clock, ALL_PIPELINES)
    spoil(emulator)
    connector = connect(emulator, tmp_path_factory.mktemp("catalogue"), timelines=True)
    report = connector.sync()
    assert {row.object: row.reason for row in report.objects if row.verdict in BROKEN} == {}
    settings = connector.settings()
    with connector.client(settings) as client:
        entries = {table.name: table for table in account_tables(client, settings)}
    return Loaded(connector=connector, entries=entries)


def spoil(emulator: Emulator) -> None:
    """Give the account a hostile label, and values that do not fit their columns."""
    store = emulator.store
    store.account.relabel_custom_field("deals", "cf_go_live", HOSTILE)
    deal = int(store.live("deals")[0]["id"])
    store.account.add_custom_field("deals", "cf_number", "text")
    store.update("deals", deal, cf_number="many")
    retype_custom_field(store, "deals", "cf_number", "number")
    add_note(store, "deals", deal, "Called")


def test_every_table_and_column_of_a_full_sync_is_described_in_dlts_schema(loaded: Loaded) -> None:
    connector = loaded.connector
    schema = connector.warehouse(connector.settings()).pipeline.schemas["freshsales"]
    found = connector.reader.schema()
    assert len(found) > 50
    for table, columns in found.items():
        assert str(schema.tables[table].get("description")).endswith("."), table
        described = schema.get_table_columns(table)
        lacking = [name for name in columns if not str(described[name].get("description")).endswith(".")]
        assert lacking == [], table
    assert "cf_number__raw" in found["deals"]


def test_the_catalogue_has_every_table_and_column_and_no_other(loaded: Loaded) -> None:
    found = loaded.connector.reader.schema()
    assert loaded.entries.keys() - found.keys() == NOT_MADE
    assert found.keys() <= loaded.entries.keys()
    for table, columns in found.items():
        told = {column.name: STORED_AS[column.type] for column in loaded.entries[table].columns}
        stored = {name: type_ for name, type_ in columns.items() if not name.endswith("__raw")}
        # A field that no settings tell of is found in records only.
        assert {name: told[name] for name in told} == {n: t for n, t in stored.items() if n in told}, table
        assert {name for name in stored.keys() - told.keys() if table != "products"} == set(), table


def test_the_grain_tells_every_row_from_the_others(loaded: Loaded) -> None:
    reader = loaded.connector.reader
    for table in reader.tables():
        grain = ", ".join(f'"{name}"' for name in loaded.entries[table].grain)
        rows, different = reader.query(f'SELECT count(*), count(DISTINCT ({grain})) FROM "{table}"')[0]
        assert rows == different, table


def test_every_column_tells_its_origin_and_how_well_it_is_known(loaded: Loaded) -> None:
    for table in loaded.entries.values():
        for column in table.columns:
            ours = column.confidence.value == "made by this connector"
            assert (column.origin == MADE_HERE) == ours, (table.name, column.name)
    deals = {column.name: column for column in loaded.entries["deals"].columns}
    assert (deals["owner_id"].origin, deals["owner_id"].points_to) == ("owner_id", "owners")
    assert (deals["age"].is_volatile, deals["cf_go_live"].origin) == (True, "custom_field.cf_go_live")
    assert loaded.entries["deals"].origin.startswith("GET /deals/view/{id}?include=owner,sales_account")
    assert loaded.entries["contacts__emails"].columns[3].origin == "emails[].value"
    assert loaded.entries["contacts__tags"].columns[2].origin == "tags[]"
    log = {column.name: column.origin for column in loaded.entries["deal_stage_log"].columns}
    assert log["stage_name"] == "action_data.stage_name"
    leads = {column.name: column.origin for column in loaded.entries["leads"].columns}
    assert leads["company_name"] == "company.name"
    assert loaded.entries[MODULE].origin == f"GET /custom_module/{MODULE}/view/{{id}}"
    assert {"cf_revenue"} <= {column.name for column in loaded.entries[MODULE].columns}


def test_without_an_account_the_catalogue_has_what_every_account_has(loaded: Loaded) -> None:
    everywhere = {table.name for table in tables()}
    own = {table for table in loaded.entries if table == MODULE or "__cf_" in table}
    assert everywhere - {ANY_MODULE.name} == loaded.entries.keys() - own
    assert f"{MODULE}__cf_products_in_contract" in own


def test_the_document_is_markdown_whatever_people_typed(loaded: Loaded) -> None:
    text = markdown(loaded.entries.values())
    assert "\x1b" not in text
    assert "\u202e" not in text
    sections = re.findall(r"^## `(.+)`$", text, re.MULTILINE)
    assert sections == list(loaded.entries)
    assert re.findall(r"^# .+$", text, re.MULTILINE) == ["# Tables"]
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6, line
    (row,) = [line for line in text.splitlines() if line.startswith("| `cf_go_live` |")]
    assert r"\x1b\[31m=1+1\|\<b\>\`x\`" in row.replace(r"\\x1b", r"\x1b")
    assert row.endswith("| `custom_field.cf_go_live` | documented by the vendor |")


# The command


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_discover_prints_the_catalogue_of_the_account(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        emulator.store.add_module("cm_assets", "Asset", "Assets")
        ran = freshsales("discover", "--markdown")
        calls = len(emulator.log)
    assert (ran.code, ran.err) == (0, "")
    assert calls == 7
    assert "| `cf_seats` | decimal | Custom field 'Seats' (number). | `custom_field.cf_seats` |" in ran.out
    assert "## `cm_assets`\n\nRecords of the custom module 'Assets'." in ran.out
    assert KEY not in ran.out


def test_discover_prints_every_table_for_other_programs_without_a_call(freshsales: Command) -> None:
    ran = freshsales("discover", "--tables")
    assert (ran.code, ran.err) == (0, "")
    printed = {row["table"]: row for row in ran.json["tables"]}
    assert list(printed) == [table.name for table in tables()]
    for table in tables():
        row = printed[table.name]
        assert (row["description"], row["key"]) == (table.description, list(table.grain))
        assert [tuple(column.values()) for column in row["columns"]] == [
            (column.name, column.type, column.description) for column in table.columns
        ]
    filled_by = {name: row["object"] for name, row in printed.items()}
    assert filled_by["deals__contacts"] == filled_by["deals_history"] == "deals"
    assert (filled_by["notes"], filled_by["cm_*"]) == ("notes", "custom_modules")
    by_none = {name for name, object in filled_by.items() if object is None}
    assert by_none == {"fields", "field_choices", "views", *NOT_MADE, "_sync_runs", "_sync_objects"}


def test_without_an_account_discover_prints_what_every_account_has_and_says_why(freshsales: Command) -> None:
    ran = freshsales("discover", "--markdown")
    assert ran.code == ExitCode.CONFIGURATION
    assert ran.err.startswith("configuration_error: ")
    assert ran.err.endswith("Only what every account has is told.\n")
    assert "## `contacts`" in ran.out
    assert "## `cm_*`" in ran.out


def test_columns_that_are_left_out_are_not_in_the_catalogue(tmp_path: Path) -> None:
    connector = connect(small_company(), tmp_path, drop_columns=["contacts.job_title", "deals.amount"])
    settings = connector.settings()
    with connector.client(settings) as client:
        entries = {table.name: table for table in account_tables(client, settings)}
    assert "job_title" not in {column.name for column in entries["contacts"].columns}
    assert "amount" not in {column.name for column in entries["deals_history"].columns}
