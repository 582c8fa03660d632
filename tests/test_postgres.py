"""Postgres holds what DuckDB holds: row for row, value for value, in a first sync and in those that follow."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest

from freshsales_source.decode import Layout
from freshsales_source.emulator import Emulator
from freshsales_source.entities import CONTACTS
from freshsales_source.exit_codes import ExitCode
from freshsales_source.pages.paging import Shape
from freshsales_source.reading.differences import changed
from freshsales_source.reading.watch import fetch_record
from freshsales_source.state.object_state import ObjectState
from freshsales_source.sync.forgetting import forget
from freshsales_source.sync.report import RunReport
from tests.altered_answers import Altered
from tests.awkward_values import AWKWARD
from tests.command import Command
from tests.connector import DOMAIN, KEY, Connector, asked, company, connect, of
from tests.postgres_reader import PostgresReader
from tests.postgres_server import CREDENTIALS, PostgresServer
from tests.warehouse_reader import Row, WarehouseReader

DATASET = "own_schema"
OBJECTS = ["contacts", "deals", "deal_stages"]
LISTS = {
    "emails": r'[{"id": 9223372036854775808, "value": "\u0000", "new": 1}, null, {"id": 1.5, "is_primary": 1}]',
    "tags": r'["", "a\\\tb", null, 5, {"x": 1.0}, "\ud800"]',
    "phone_numbers": "null",
}
CHANGED = {"lead_score": "2", "cf_score": "7.50", "order": '"none"', "select": "[1]", "user_id": "1.5"}

Tables: TypeAlias = Mapping[str, list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Both warehouses at one time."""

    duckdb: Tables
    postgres: Tables
    duckdb_columns: Mapping[str, Mapping[str, str]]
    postgres_columns: Mapping[str, Mapping[str, str]]
    reports: tuple[RunReport, RunReport]

    def rows(self, table: str, id_: int) -> list[Row]:
        """The row with this id in either."""
        return [row for tables in (self.duckdb, self.postgres) for row in tables[table] if row["id"] == id_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """One account, copied to DuckDB and to Postgres; `first` and `then` are how they stood after either sync."""

    emulator: Emulator
    duckdb: Connector
    postgres: Connector
    reader: PostgresReader
    ids: Mapping[str, int]
    first: Snapshot
    then: Snapshot


@pytest.fixture(scope="module")
def copies(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CREDENTIALS, postgres.url)
        yield made_copies(postgres, tmp_path_factory.mktemp("copies"))


def made_copies(server: PostgresServer, folder: Path) -> Copies:
    """Two syncs into either warehouse, with much happening between them."""
    emulator = company(accounts=2, contacts=24, deals=8, in_bin=2)
    emulator.store.account.add_custom_field("contacts", "cf_score", "number")
    altered = Altered(emulator=emulator)
    duckdb, postgres = (connect(emulator, folder / name, objects=OBJECTS) for name in ("duckdb", "postgres"))
    duckdb.transport = postgres.transport = lambda: altered
    postgres.destination, postgres.dataset = "postgres", DATASET
    reader = PostgresReader(server, DATASET)
    names = ("awkward", "erased", "listed", "binned")
    ids = {name: int(row["id"]) for name, row in zip(names, emulator.store.live("contacts"), strict=False)}
    prepare(emulator, altered, ids)
    first = snapshot(duckdb, postgres, reader)
    change(emulator, altered, ids)
    then = snapshot(duckdb, postgres, reader)
    return Copies(
        emulator=emulator, duckdb=duckdb, postgres=postgres, reader=reader, ids=ids, first=first, then=then
    )


def prepare(emulator: Emulator, altered: Altered, ids: Mapping[str, int]) -> None:
    literals = {one.key: one.literal for one in AWKWARD}
    altered.set("contacts", ids["awkward"], **literals)
    altered.set("contacts", ids["erased"], **{**literals, "recent_note": '"short"'})
    altered.set("contacts", ids["listed"], **LISTS)
    deal = int(emulator.store.live("deals")[0]["id"])
    altered.set("deals", deal, amount='"1,5"', probability="0.5", products="{}", name=r'"\u0000"')


def change(emulator: Emulator, altered: Altered, ids: Mapping[str, int]) -> None:
    """Edits, values that fit now and others that do not any more, deletions of each kind, a restore."""
    emulator.clock.sleep(3600)
    store = emulator.store
    store.restore("contacts", int(store.binned("contacts")[0]["id"]))
    altered.set("contacts", ids["awkward"], **CHANGED, tags='"no list"')
    altered.set("contacts", ids["listed"], emails="[]", tags='["b"]', phone_numbers='[{"new": {}}]')
    store.delete("contacts", ids["binned"])
    store.delete("contacts", ids["erased"])
    store.forget("contacts", ids["erased"])
    first, second, *_ = (int(row["id"]) for row in store.live("deals"))
    altered.set("deals", first, amount="2.5", new_key="[]")
    store.delete("deals", second)


def snapshot(duckdb: Connector, postgres: Connector, reader: PostgresReader) -> Snapshot:
    reports = duckdb.sync(), postgres.sync()
    return Snapshot(
        duckdb=content(duckdb.reader),
        postgres=content(reader),
        duckdb_columns=duckdb.reader.schema(),
        postgres_columns=reader.schema(),
        reports=reports,
    )


def content(reader: WarehouseReader) -> Tables:
    """Every table, and the views beside them, rows in an order of their own."""
    marts = views_beside(reader)
    # What a view was made from differs with the dialect.
    tables = {**reader.content(without=()), **marts.content(without=("made_from",))}
    return {name: in_order(rows) for name, rows in tables.items()}


def views_beside(reader: WarehouseReader) -> WarehouseReader:
    dataset = f"{reader.dataset}_marts"
    if isinstance(reader, PostgresReader):
        return PostgresReader(reader.server, dataset)
    return WarehouseReader(reader.path, dataset)


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row)])


@pytest.mark.parametrize("moment", ["first", "then"])
def test_both_hold_the_same_tables_columns_and_rows(copies: Copies, moment: str) -> None:
    both: Snapshot = getattr(copies, moment)
    assert both.postgres_columns == both.duckdb_columns
    assert both.postgres.keys() == both.duckdb.keys()
    assert {"contacts", "contacts__emails", "deals_history", "stage_visits"} <= both.postgres.keys()
    for table, rows in both.duckdb.items():
        assert both.postgres[table] == rows, table
    assert all(report.exit_code is ExitCode.DONE for report in both.reports)


@pytest.mark.parametrize("moment", ["first", "then"])
def test_both_runs_say_the_same_of_every_object(copies: Copies, moment: str) -> None:
    both: Snapshot = getattr(copies, moment)
    told = [
        [(row.object, row.verdict, row.reason, row.rows_changed, row.calls) for row in report.objects]
        for report in both.reports
    ]
    assert told[0] == told[1]


def test_every_awkward_value_is_in_its_column_or_beside_it(copies: Copies) -> None:
    for row in copies.first.rows("contacts", copies.ids["awkward"]):
        for one in AWKWARD:
            assert (row.get(one.name), row.get(f"{one.name}__raw")) == (one.value, one.raw), one.key


def test_elements_of_lists_are_kept_in_order_with_their_misfits(copies: Copies) -> None:
    for tables in (copies.first.duckdb, copies.first.postgres):
        found = {
            name: [row for row in tables[f"contacts__{name}"] if row["contact_id"] == copies.ids["listed"]]
            for name in ("emails", "tags", "phone_numbers")
        }
        emails = [(row["position"], row["id"], row["id__raw"], row["value"]) for row in found["emails"]]
        assert [row["other_keys__raw"] for row in found["emails"]].count('{"new": 1}') == 1
        assert sorted(emails) == [
            (0, None, "9223372036854775808", "\ufffd"),
            (1, None, None, None),
            (2, None, "1.5", None),
        ]
        tags = [(row["position"], row["value"], row["value__raw"]) for row in found["tags"]]
        assert sorted(tags) == [
            (0, "", None),
            (1, "a\\\tb", None),
            (2, None, None),
            (3, "5", None),
            (4, None, '{"x": 1.0}'),
            (5, "\ufffd", None),
        ]
        assert found["phone_numbers"] == []


def test_a_value_that_fits_again_leaves_no_text_beside_it_and_one_that_does_not_any_more_no_value(
    copies: Copies,
) -> None:
    for row in copies.then.rows("contacts", copies.ids["awkward"]):
        pairs = {key: (row[key], row[f"{key}__raw"]) for key in CHANGED}
        assert pairs == {
            "lead_score": (2, None),
            "cf_score": (Decimal("7.5"), None),
            "order": (None, "none"),
            "select": (None, "[1]"),
            "user_id": (None, "1.5"),
        }


def test_a_row_that_is_only_flagged_keeps_every_awkward_value(copies: Copies) -> None:
    for row in copies.then.rows("contacts", copies.ids["erased"]):
        assert (row["is_deleted"], row["_deleted_reason"]) == (True, "vanished")
        for one in AWKWARD:
            if one.key != "recent_note":
                assert (row.get(one.name), row.get(f"{one.name}__raw")) == (one.value, one.raw), one.key
    for row in copies.then.rows("contacts", copies.ids["binned"]):
        assert (row["is_deleted"], row["_deleted_reason"]) == (True, "recycle_bin")


def test_a_list_that_shrank_and_one_that_was_emptied_leave_nothing_behind(copies: Copies) -> None:
    for tables in (copies.then.duckdb, copies.then.postgres):
        rows = [row for row in tables["contacts__tags"] if row["contact_id"] == copies.ids["listed"]]
        assert [(row["position"], row["value"]) for row in rows] == [(0, "b")]
        assert copies.ids["listed"] not in {row["contact_id"] for row in tables["contacts__emails"]}


def test_the_report_counts_what_stands_beside_and_what_was_replaced(copies: Copies) -> None:
    for report in copies.first.reports:
        reason = of(report, "contacts").reason
        assert "10 characters or deep values that cannot be stored were replaced" in reason
        assert "values that do not fit their columns stand as text in contacts." in reason
        assert "deals.amount__raw (1)" in of(report, "deals").reason


@pytest.mark.parametrize("name", ["awkward", "listed"])
def test_a_row_that_is_read_back_is_its_record_and_no_refresh_loads_it_again(
    copies: Copies, name: str
) -> None:
    for connector in (copies.duckdb, copies.postgres):
        settings = connector.settings()
        warehouse = connector.warehouse(settings)
        state = ObjectState.from_json(warehouse.states()["contacts"])
        shape = Shape(Layout.of(CONTACTS, state.columns))
        client = connector.client(settings)
        page = fetch_record(client, connector.clock, CONTACTS, shape, copies.ids[name])
        client.close()
        assert page is not None
        assert changed(page, shape.layout, warehouse) == []


def test_a_lost_state_folder_and_emptied_tables_are_mended_from_what_postgres_proves(
    copies: Copies, postgres: PostgresServer
) -> None:
    before = copies.reader.content()
    shutil.rmtree(copies.postgres.folder / "dlt")
    calls = len(copies.emulator.log)
    found = copies.postgres.sync(objects=["deals"])
    assert (found.exit_code, found.reason) == (ExitCode.DONE, "state_from_warehouse")
    assert len(asked(copies.emulator, "/deals/view/", since=calls)) <= 4
    with postgres.connect(DATASET) as connection:
        connection.cursor().execute("DELETE FROM deals__contacts; DROP TABLE deals__tags")
    mended = copies.postgres.sync(objects=["deals"])
    assert (mended.exit_code, mended.reason) == (ExitCode.DONE, "tables_changed")
    after = copies.reader.content()
    assert {name: in_order(rows) for name, rows in after.items()} == {
        name: in_order(rows) for name, rows in before.items()
    }


def test_a_forgotten_record_leaves_postgres(copies: Copies) -> None:
    contact = copies.ids["listed"]
    warehouse = copies.postgres.warehouse(copies.postgres.settings())
    forgotten = forget(warehouse, "contacts", [contact], copies.postgres.clock.now())
    assert {"contacts", "contacts__tags"} <= forgotten.rows.keys()
    left = {name: rows for name, rows in copies.reader.content().items() if name.startswith("contacts")}
    assert not [
        row for rows in left.values() for row in rows if contact in (row.get("id"), row.get("contact_id"))
    ]
    assert copies.reader.ids("_forgotten") == [contact]


def test_status_reads_from_postgres(
    copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    freshsales = Command(tmp_path, monkeypatch, capsys)
    credentials = {CREDENTIALS: copies.reader.server.url}
    freshsales.set(FRESHSALES_DOMAIN=DOMAIN, FRESHSALES_API_KEY=KEY, **credentials)
    ran = freshsales("status", "--destination", "postgres", "--dataset", DATASET)
    assert ran.code == 0
    assert ran.out.startswith("Whole as of ")
    assert f"\nSchema {DATASET} in postgres\n" in ran.out
