"""Recorded rows, replayed through the public source into DuckDB, have exactly the values of the recording.

Nothing here knows the emulator: a small transport serves the recorded files. What a value must become is read off
the JSON itself (a stamp with an offset is a time in UTC, `2021-10-21` a date, `"7000.0"` money), so the expectation
shares neither types nor code with the connector.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeAlias

import dlt
import httpx
import pytest
from dlt.sources import DltResource

from freshsales_source.api.client import build_client
from freshsales_source.resources.entity_resource import SharedRun
from freshsales_source.run import Run
from freshsales_source.settings.config import read_settings
from freshsales_source.source import source_resources
from tests.connector import CORE
from tests.fake_clock import FAKE_START, FakeClock
from tests.shared_data import SHARED, needs_shared
from tests.warehouse_reader import WarehouseReader, read_off

pytestmark = needs_shared

SAMPLES = SHARED / "api-samples"
Record: TypeAlias = dict[str, Any]

NO_COLUMN = {"links", "collaboration", "custom_field"}
"""Keys of a record that are no column: paths, volatile tokens, and what is spread over columns of its own."""
CHILDREN = {
    "contacts": {"emails", "phone_numbers", "tags", "system_tags", "team_user_ids"},
    "sales_accounts": {"tags", "team_user_ids"},
    "deals": {"tags", "team_user_ids"},
}
OURS = {"_synced_at", "_deleted_reason", "_deleted_at", "is_deleted"}
FOREIGN_KEY = {"contacts": "contact_id", "sales_accounts": "sales_account_id", "deals": "deal_id"}


class Replay(httpx.BaseTransport):
    """Answers GET from a table of paths; anything else is a 404 in JSON."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self.paths: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        body = self._answers.get(request.url.path)
        headers = {"Date": format_datetime(FAKE_START, usegmt=True), "Content-Type": "application/json"}
        if request.method != "GET" or body is None:
            return httpx.Response(404, headers=headers, content=b'{"errors": {"code": 404}}')
        return httpx.Response(200, headers=headers, content=body)


def body_of(file: str) -> bytes:
    return (SAMPLES / file).read_bytes()


def records_of(name: str, *files: str) -> list[Record]:
    return [row for file in files for row in json.loads(body_of(file), parse_float=Decimal)[name]]


def empty(name: str) -> bytes:
    return json.dumps({name: [], "meta": {"total_pages": 0, "total": 0}}).encode()


def newest_first(name: str, body: bytes) -> bytes:
    """The recorded answer in the order the connector asks for; it was recorded oldest first."""
    answer = json.loads(body)
    answer[name].sort(key=lambda row: datetime.fromisoformat(row["updated_at"]), reverse=True)
    return json.dumps(answer).encode()


def filters(*views: tuple[int, str]) -> bytes:
    return json.dumps({"filters": [{"id": id_, "name": name} for id_, name in views]}).encode()


@pytest.fixture(scope="module", params=["as recorded", "newest first"])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WarehouseReader:
    """The account recorded in 2023; its answers in the recorded order, and in the order asked for."""
    answers = suite_answers()
    if request.param == "newest first":
        views = {path: body for path, body in answers.items() if "/view/" in path}
        answers |= {path: newest_first(path.partition("/")[0], body) for path, body in views.items()}
    under = {f"/crm/sales/api/{path}": body for path, body in answers.items()}
    return replayed(
        Replay(under), tmp_path_factory.mktemp("suite"), domain="acme.myfreshworks.com", objects=CORE
    )


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> WarehouseReader:
    """The account recorded in 2019, on the older product; its field settings were not recorded."""
    under = {f"/api/{path}": body for path, body in classic_answers().items()}
    return replayed(
        Replay(under),
        tmp_path_factory.mktemp("classic"),
        domain="acme.freshsales.io",
        objects=["contacts", "sales_accounts", "deals", "owners"],
    )


def suite_answers() -> dict[str, bytes]:
    return {
        "contacts/filters": body_of("filters_contacts.json"),
        "contacts/view/17000591801": body_of("contacts.json"),
        "contacts/view/17000591804": empty("contacts"),
        "settings/contacts/fields": b'{"fields": []}',
        "sales_accounts/filters": body_of("filters_sales_accounts.json"),
        "sales_accounts/view/17000591811": body_of("sales_accounts.json"),
        "sales_accounts/view/17000591814": empty("sales_accounts"),
        "settings/sales_accounts/fields": b'{"fields": []}',
        "deals/filters": body_of("filters_deals.json"),
        "deals/view/17000591829": body_of("deals_open.json"),
        "deals/view/17000591830": body_of("deals_won.json"),
        "deals/view/17000591831": body_of("deals_lost.json"),
        "deals/view/17000591832": empty("deals"),
        "settings/deals/fields": body_of("settings_deals_fields.json"),
        "selector/owners": body_of("selector_owners.json"),
        "selector/deal_pipelines": body_of("selector_deal_pipelines.json"),
        "selector/deal_stages": body_of("selector_deal_stages.json"),
    }


def classic_answers() -> dict[str, bytes]:
    return {
        "contacts/filters": filters((1, "All Contacts"), (2, "Recycle Bin")),
        "contacts/view/1": body_of("legacy_contacts_view.json"),
        "contacts/view/2": empty("contacts"),
        "sales_accounts/filters": filters((3, "All Accounts"), (4, "Recycle Bin")),
        "sales_accounts/view/3": body_of("legacy_sales_accounts_view.json"),
        "sales_accounts/view/4": empty("sales_accounts"),
        "deals/filters": filters((5, "Open Deals"), (6, "Won Deals"), (7, "Lost Deals"), (8, "Recycle Bin")),
        "deals/view/5": body_of("legacy_deals_view.json"),
        "deals/view/6": empty("deals"),
        "deals/view/7": empty("deals"),
        "deals/view/8": empty("deals"),
        "selector/owners": body_of("legacy_selector_owners.json"),
    }


def replayed(transport: Replay, folder: Path, **flags: Any) -> WarehouseReader:
    """The warehouse after one plain dlt run of the public source over that transport."""
    clock = FakeClock()
    settings = read_settings(flags={"api_key": "any-key", "budget_store": folder / "budget.sqlite", **flags})

    def open_run() -> Run:
        return Run(settings, build_client(settings, clock=clock, transport=transport), clock)

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> list[DltResource]:
        return source_resources(settings, SharedRun(open_run), in_slices=False)

    path = folder / "warehouse.duckdb"
    pipeline = dlt.pipeline(
        "samples",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(path)),
        dataset_name="freshsales",
    )
    pipeline.run(freshsales())
    return WarehouseReader(path)


# What the warehouse must hold


def custom_column(key: str) -> str:
    """The column of a custom field about which no settings are known: marked where the name had to be changed."""
    plain = key.replace("-", "_")
    return key if plain == key else f"{plain}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def check_rows(reader: WarehouseReader, name: str, records: Iterable[Record]) -> None:
    """Every column of every row is what the JSON says, and every key of the JSON is a column."""
    rows = reader.by_id(name)
    wanted = {int(record["id"]): record for record in records}
    assert rows.keys() == wanted.keys()
    for id_, record in wanted.items():
        plain = {k: read_off(v) for k, v in record.items() if k not in NO_COLUMN | CHILDREN[name]}
        custom = {custom_column(k): v for k, v in record["custom_field"].items()}
        row = rows[id_]
        for column, value in row.items():
            if column not in OURS:
                check_value(value, {**plain, **custom}.get(column), place=(name, id_, column))
        missing = {k for k, v in {**plain, **custom}.items() if v is not None and k not in row}
        assert not missing, (name, id_)
        assert row["is_deleted"] is bool(record.get("is_deleted"))
        assert (row["_deleted_reason"], row["_deleted_at"]) == (None, None)
        assert row["_synced_at"] == FAKE_START


def check_value(found: Any, wanted: Any, place: tuple[str, int, str]) -> None:
    if isinstance(wanted, (dict, list)):
        found = json.loads(found)
    assert found == wanted, place
    if type(wanted) is not int:
        assert type(found) is type(wanted), place
        return
    assert type(found) in (int, Decimal), place


def check_children(reader: WarehouseReader, name: str, records: Iterable[Record]) -> None:
    """The rows of every child table are the elements of the lists, in their order, and nothing else."""
    parent = FOREIGN_KEY[name]
    for child in sorted(CHILDREN[name]):
        found = reader.rows(f"{name}__{child}", order=f"{parent}, position")
        wanted = [
            {
                parent: record["id"],
                "position": place,
                **(element if isinstance(element, dict) else {"value": element}),
            }
            for record in sorted(records, key=lambda record: int(record["id"]))
            for place, element in enumerate(record.get(child) or [])
        ]
        for row in wanted:
            row.pop("_destroy", None)
        assert [_without_ours(row) for row in found] == wanted, child


def _without_ours(row: Record) -> Record:
    assert row["_synced_at"] == FAKE_START
    return {k: v for k, v in row.items() if k not in ("_synced_at", "_is_emptied")}


# The account of 2023


SUITE_FILES = {
    "contacts": ("contacts.json",),
    "sales_accounts": ("sales_accounts.json",),
    "deals": ("deals_open.json", "deals_won.json", "deals_lost.json"),
}
CLASSIC_FILES = {
    "contacts": "legacy_contacts_view.json",
    "sales_accounts": "legacy_sales_accounts_view.json",
    "deals": "legacy_deals_view.json",
}


@pytest.mark.parametrize("name", sorted(SUITE_FILES))
def test_every_column_of_every_recorded_row_is_exact(suite: WarehouseReader, name: str) -> None:
    check_rows(suite, name, records_of(name, *SUITE_FILES[name]))


@pytest.mark.parametrize("name", sorted(SUITE_FILES))
def test_recorded_lists_become_child_rows(suite: WarehouseReader, name: str) -> None:
    check_children(suite, name, records_of(name, *SUITE_FILES[name]))


def test_recorded_values_written_out_by_hand(suite: WarehouseReader) -> None:
    """A few values copied from the recording by hand, so that no rule of this file can hide an error."""
    contacts, deals = suite.by_id("contacts"), suite.by_id("deals")
    assert contacts[17008066468]["mcr_id"] == 1450049339590340608 > 2**53
    assert contacts[17008066468]["open_deals_amount"] == Decimal(22780)
    assert contacts[17008066468]["updated_at"] == datetime(2023, 9, 9, 5, 42, 26, tzinfo=UTC)
    assert deals[17000512184]["amount"] == Decimal(7000)
    assert deals[17000512184]["expected_close"] == date(2021, 10, 21)
    assert deals[17000512184]["stage_updated_time"] == datetime(2021, 10, 13, 16, 6, 38, tzinfo=UTC)
    assert (deals[17000512184]["age"], deals[17000512184]["rotten_days"]) == (765, 735)
    mails = suite.query("SELECT contact_id, position, id, value, is_primary FROM contacts__emails ORDER BY 1")
    assert mails == [
        (17008066468, 0, 17007194356, "janesampleton@gmail.com", True),
        (17008318589, 0, 17007443529, "mailer-daemon@googlemail.com", True),
    ]


def test_columns_have_exact_types_even_where_every_value_is_null(suite: WarehouseReader) -> None:
    contacts, deals = suite.columns("contacts"), suite.columns("deals")
    assert {contacts[name] for name in ("id", "mcr_id", "owner_id", "campaign_id")} == {"BIGINT"}
    assert {deals[name] for name in ("amount", "expected_deal_value", "cf_budget")} == {"DECIMAL(38,9)"}
    assert {deals[name] for name in ("created_at", "updated_at", "_deleted_at")} == {
        "TIMESTAMP WITH TIME ZONE"
    }
    assert {deals[name] for name in ("expected_close", "closed_date", "cf_get_live_date")} == {"DATE"}
    assert deals["cf_has_budget"] == "BOOLEAN"
    assert {deals["cf_region"], deals["cf_interested_products"]} == {"VARCHAR"}
    for table in suite.tables():
        assert not {"DOUBLE", "FLOAT"} & set(suite.columns(table).values()), table


def test_recorded_owners_pipelines_and_stages_are_loaded(suite: WarehouseReader) -> None:
    (owner,) = records_of("users", "selector_owners.json")
    (row,) = suite.rows("owners")
    assert {key: row[key] for key in owner} == owner
    (pipeline,) = records_of("deal_pipelines", "selector_deal_pipelines.json")
    (row,) = suite.rows("deal_pipelines")
    assert (row["id"], row["name"], row["is_default"]) == (pipeline["id"], pipeline["name"], True)
    assert (row["position"], row["rotting_days"], row["aggregated_field"]) == (1, 30, "amount")
    assert json.loads(row["configs"]) == pipeline["configs"]
    for stage in pipeline["deal_stages"]:
        row = suite.by_id("deal_stages")[stage["id"]]
        assert {key: row[key] for key in stage if key != "value"} == {
            key: read_off(value) for key, value in stage.items() if key != "value"
        }
    assert suite.count("deal_stages") == len(pipeline["deal_stages"])


# The account of 2019


@pytest.mark.parametrize("name", sorted(CLASSIC_FILES))
def test_every_column_of_every_row_of_an_older_account_is_exact(classic: WarehouseReader, name: str) -> None:
    records = records_of(name, CLASSIC_FILES[name])
    check_rows(classic, name, records)
    check_children(classic, name, records)


def test_the_owners_of_an_older_account_are_loaded(classic: WarehouseReader) -> None:
    (owner,) = records_of("users", "legacy_selector_owners.json")
    (row,) = classic.rows("owners")
    assert {key: row[key] for key in owner} == owner


def test_a_custom_field_without_settings_keeps_its_value_under_a_marked_name(
    classic: WarehouseReader,
) -> None:
    column = custom_column("cf_off-loading_point_of_contact")
    assert classic.columns("contacts")[column] == "BOOLEAN"
    assert classic.query(f"SELECT DISTINCT {column} FROM contacts") == [(False,)]
