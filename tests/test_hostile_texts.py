"""Names, labels and texts that look like commands are only text: in SQL, in dlt, in the terminal, in documents.

The account's own words are hostile (fields, choices, owners, stages, views, records), and its answers bring keys that
nobody told of, called like words of SQL or like the connector's own columns.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from freshsales_source.cli.discover import print_discovery
from freshsales_source.cli.tables import Output
from freshsales_source.discovery.exploration import discover
from freshsales_source.emulator import Emulator, generate_company
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, connect, emulate, verdicts
from tests.fake_clock import FakeClock
from tests.warehouse_reader import Row

TEXTS = (
    "'; DROP TABLE contacts; --",
    '"quoted" \\ back',
    "\x1b[31mred\x1b[0m",
    "=1+1",
    "@SUM(A1)",
    "\u202eright to left\u202c",
    "\u200fمرحبا",
    "👩‍👩‍👧 family",
    "<script>alert(1)</script>",
    "line\nfeed\ttab\rreturn",
    "{{ jinja }} %s %(x)s $1 :name",
    "x" * 300,
)

FIELD_NAMES = (
    *(f"cf_{text}" for text in TEXTS),
    "_synced_at",
    "id",
    "is_deleted",
    "_dlt_id",
    "select",
    "order",
    "emails",
    "custom_field",
)
NEW_KEYS = ("group", "limit", "table", "_deleted_reason", "_dlt_load_id", "x'y", 'x"y', "contacts")
"""Keys at the top of a record that the connector was never told of."""


class MoreKeys(httpx.BaseTransport):
    """Adds the same new keys to every contact that is answered."""

    def __init__(self, emulator: Emulator) -> None:
        self._inner = httpx.WSGITransport(app=emulator.wsgi)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = json.loads(answer.read())
        contacts = body.get("contacts", []) if isinstance(body, dict) else []
        for contact in [*contacts, *([body["contact"]] if "contact" in body else [])]:
            contact.update({key: f"{key} of {contact['id']}" for key in NEW_KEYS})
        headers = {k: v for k, v in answer.headers.items() if not k.lower().startswith("content-")}
        headers["Content-Type"] = answer.headers["Content-Type"]
        return httpx.Response(answer.status_code, headers=headers, content=json.dumps(body).encode())


def hostile_account() -> Emulator:
    clock = FakeClock()
    store = generate_company(clock, accounts=0, contacts=0, deals=0, in_bin=0)
    account = store.account
    account.custom_fields["contacts"] = {}
    for place, name in enumerate(FIELD_NAMES):
        label = TEXTS[place % len(TEXTS)]
        account.add_custom_field("contacts", name, "dropdown", label=label, choices=TEXTS)
    account.add_custom_field("contacts", "cf_empty", "text", label=" ")
    for place, text in enumerate(TEXTS):
        account.add_owner(text, "owner@example.com")
        shift = [*TEXTS[place:], *TEXTS[:place], *TEXTS]
        custom = dict(zip(FIELD_NAMES, shift, strict=False))
        store.create("contacts", first_name=text, last_name=text, tags=(text, "plain"), custom_field=custom)
    return emulate(store, clock, ALL_PIPELINES)


@pytest.fixture
def emulator() -> Emulator:
    return hostile_account()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return replace(
        connect(emulator, tmp_path, objects=["contacts", "owners"]), transport=partial(MoreKeys, emulator)
    )


def assert_texts(emulator: Emulator, connector: Connector) -> None:
    """Every text is what was served, letter by letter, in the column that `fields` names."""
    reader = connector.reader
    columns = {row["name"]: row["column_name"] for row in reader.rows("fields") if row["is_custom"]}
    rows = reader.by_id("contacts")
    for contact in map(int, (record["id"] for record in emulator.store.live("contacts"))):
        served, row = emulator.served("contacts", contact), rows[contact]
        assert (row["first_name"], row["last_name"]) == (served["first_name"], served["last_name"])
        for name, text in served["custom_field"].items():
            assert row[columns[name]] == text, name
        assert new_keys(row) == {f"{key} of {contact}" for key in NEW_KEYS}
        tags = f"SELECT value FROM contacts__tags WHERE contact_id = {contact} ORDER BY position"
        assert [tag for (tag,) in reader.query(tags)] == served["tags"]


def new_keys(row: Row) -> set[Any]:
    return {value for value in row.values() if isinstance(value, str) and value.endswith(f" of {row['id']}")}


def test_hostile_names_and_texts_change_nothing_but_text(emulator: Emulator, connector: Connector) -> None:
    assert connector.sync().exit_code is ExitCode.DONE
    assert_texts(emulator, connector)
    reader = connector.reader
    tables = reader.tables()
    fields = {row["name"]: row for row in reader.rows("fields") if row["is_custom"]}
    told = emulator.store.account.custom_fields["contacts"]
    assert {name: row["label"] for name, row in fields.items()} == {
        name: spec.label for name, spec in told.items()
    }
    choices = reader.query("SELECT DISTINCT value FROM field_choices WHERE name = 'select'")
    assert {value for (value,) in choices} == set(TEXTS)
    assert {row["display_name"] for row in reader.rows("owners")} >= set(TEXTS)
    own = {"id", "is_deleted", "_synced_at", "_deleted_reason", "_deleted_at"}
    assert not own & {row["column_name"] for row in fields.values()}
    assert reader.ids("contacts", where="is_deleted OR _deleted_reason IS NOT NULL") == []
    # What is gone is read back by its columns' names, what is old is compared by them.
    emulator.clock.sleep(600)
    doomed, changed, *_ = (int(record["id"]) for record in emulator.store.live("contacts"))
    emulator.store.forget("contacts", doomed)
    emulator.store.change_silently("contacts", changed, custom_field={"select": TEXTS[0]}, city="Rome")
    report = connector.sync(refresh_pages=5)
    assert verdicts(report)["contacts"] == "matched"
    assert_texts(emulator, connector)
    gone = reader.by_id("contacts")[doomed]
    assert (gone["_deleted_reason"], gone["first_name"]) == ("vanished", TEXTS[0])
    assert len(new_keys(gone)) == len(NEW_KEYS)
    assert reader.tables() == tables


def test_what_is_printed_obeys_nobody(
    emulator: Emulator, connector: Connector, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = connector.settings()
    with connector.client(settings) as client:
        found = discover(client, settings, clock=connector.clock)
    print_discovery(found, settings, Output())
    shown = capsys.readouterr().out
    assert r"\x1b[31mred\x1b[0m" in shown
    assert not {letter for letter in shown if not letter.isprintable() and letter != "\n"}
