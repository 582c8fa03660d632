"""Columns of personal data that the warehouse does not get, or gets as keyed hashes only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.decode import Layout
from freshsales_source.emulator import Emulator
from freshsales_source.entities import CONTACTS, ENTITIES
from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import Secret
from freshsales_source.schema.columns import ColumnType
from freshsales_source.schema.entity_types import Entity
from freshsales_source.settings.config import read_settings
from freshsales_source.settings.protection import protections, with_protections
from tests.connector import CORE, Connector, company, connect, connect_swiftly, verdicts
from tests.decoding import contact, custom, decode, row_of

KEY = "sixteen or more random letters"


def digest(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def protected(entities: Sequence[Entity], **settings: Any) -> tuple[Entity, ...]:
    """The entities, each with those of the protections that concern it."""
    found = protections(entities, **settings)
    return tuple(with_protections(entity, found) for entity in entities)


def entities_of(**flags: Any) -> tuple[Entity, ...]:
    """The entities as these settings want them."""
    settings = read_settings(flags={"domain": "acme", "api_key": "k" * 20, **flags})
    return protected(
        ENTITIES, dropped=settings.drop_columns, hashed=settings.hash_columns, hash_key=settings.hash_key
    )


def syncing(emulator: Emulator, folder: Path, *, through_dlt: bool = False, **flags: Any) -> Connector:
    join = connect if through_dlt else connect_swiftly
    connector = join(emulator, folder, objects=CORE, **flags)
    assert set(verdicts(connector.sync()).values()) == {"matched"}
    return connector


def test_a_column_left_out_is_in_no_table_and_no_file(tmp_path: Path) -> None:
    emulator = company()
    canary = "Zanzibar-Canary-0815"
    some_contact = int(emulator.store.live("contacts")[0]["id"])
    emulator.store.update("contacts", some_contact, job_title=canary)
    left_in = syncing(emulator, tmp_path / "in")
    assert left_in.reader.by_id("contacts")[some_contact]["job_title"] == canary
    left_out = ["contacts.job_title", "contacts__emails.value"]
    connector = syncing(emulator, tmp_path / "out", through_dlt=True, drop_columns=left_out)
    assert "job_title" not in connector.reader.columns("contacts")
    assert "value" not in connector.reader.columns("contacts__emails")
    assert connector.reader.count("contacts__emails") == left_in.reader.count("contacts__emails")
    without = {"_synced_at", "job_title"}
    assert (
        connector.reader.content(without=without)["contacts"]
        == left_in.reader.content(without=without)["contacts"]
    )


def test_a_hashed_column_holds_hashes_that_still_join(tmp_path: Path) -> None:
    emulator = company()
    plain = syncing(emulator, tmp_path / "plain").reader
    hashed = syncing(
        emulator,
        tmp_path / "hashed",
        hash_columns=["contacts.email", "contacts__emails.value"],
        hash_key=KEY,
    ).reader
    for record_id, row in plain.by_id("contacts").items():
        expected = None if row["email"] is None else digest(row["email"])
        assert hashed.by_id("contacts")[record_id]["email"] == expected
    joined = (
        "SELECT count(*) FROM contacts c JOIN contacts__emails e ON e.contact_id = c.id AND e.value = c.email"
    )
    assert hashed.value(joined) == plain.value(joined) > 0
    emails = [row[0] for row in plain.query("SELECT value FROM contacts__emails")]
    assert sorted(row[0] for row in hashed.query("SELECT value FROM contacts__emails")) == sorted(
        map(digest, emails)
    )


def test_a_deletion_and_a_vanished_row_keep_their_hashes(tmp_path: Path) -> None:
    emulator = company()
    connector = syncing(emulator, tmp_path, hash_columns=["contacts.email"], hash_key=KEY)
    before = connector.reader.by_id("contacts")
    deleted, forgotten = (int(record["id"]) for record in emulator.store.live("contacts")[:2])
    emulator.store.delete("contacts", deleted)
    emulator.store.forget("contacts", forgotten)
    connector.sync()
    rows = connector.reader.by_id("contacts")
    for gone, reason in ((deleted, "recycle_bin"), (forgotten, "vanished")):
        assert (rows[gone]["_deleted_reason"], rows[gone]["email"]) == (reason, before[gone]["email"])


def test_what_is_protected_later_is_so_after_a_full_refresh_and_in_rows_that_vanish(tmp_path: Path) -> None:
    emulator = company()
    plain = syncing(emulator, tmp_path)
    emails = {id_: row["email"] for id_, row in plain.reader.by_id("contacts").items()}
    amounts = [row["amount"] for row in plain.reader.rows("deals")]
    assert any(amounts)
    emulator.store.forget("contacts", int(emulator.store.live("contacts")[0]["id"]))
    emulator.store.forget("deals", int(emulator.store.live("deals")[0]["id"]))
    flags = {"drop_columns": ["deals.amount"], "hash_columns": ["contacts.email"], "hash_key": KEY}
    later = connect_swiftly(emulator, tmp_path, objects=CORE, **flags)
    assert set(verdicts(later.sync(full_refresh=CORE)).values()) == {"matched"}
    assert [row["amount"] for row in later.reader.rows("deals")] == [None] * len(amounts)
    for id_, row in later.reader.by_id("contacts").items():
        assert row["_deleted_reason"] == "vanished" or row["email"] == (emails[id_] and digest(emails[id_]))


@pytest.mark.parametrize("how", ["dropped", "hashed"])
def test_a_value_that_does_not_fit_leaves_no_text_beside_its_column(how: str) -> None:
    names = {"dropped": (), "hashed": (), how: ("contacts.cf_salary",)}
    (entity,) = protected([CONTACTS], hash_key=Secret(KEY), **names)
    layout = Layout.of(entity, [custom("cf_salary", ColumnType.DECIMAL)])
    for value in (12.5, "about 12", None):
        page = decode(contact(custom_field={"cf_salary": value}), layout=layout)
        assert page.misfits == {}
        row = row_of(page)
        assert "cf_salary__raw" not in row
        # A field of numbers is left out in both cases: its column would take no text.
        assert "cf_salary" not in row
        assert page.unknown == ()


def test_what_is_not_named_is_left_as_it_is() -> None:
    (entity,) = protected([CONTACTS], dropped=["contacts.job_title"], hashed=(), hash_key=None)
    layout = Layout.of(entity, [custom("cf_salary", ColumnType.DECIMAL)])
    assert row_of(decode(contact(custom_field={"cf_salary": 12.5}), layout=layout))["cf_salary"] == Decimal(
        "12.5"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"drop_columns": ["contacts.jobtitle"]}, "Did you mean `contacts.job_title`"),
        ({"drop_columns": ["contact.job_title"]}, "is no column"),
        ({"drop_columns": ["job_title"]}, "is no column"),
        ({"drop_columns": ["contcats.email"]}, "Did you mean `contacts.email`"),
        ({"drop_columns": ["contacts.nosuch"]}, "Write `table.column`"),
        ({"drop_columns": ["owners.cf_x"]}, "is no column"),
        ({"drop_columns": ["contacts.updated_at"]}, "cannot do without"),
        ({"drop_columns": ["contacts__emails.contact_id"]}, "cannot do without"),
        ({"drop_columns": ["tasks.status"]}, "cannot do without"),
        ({"drop_columns": ["deals._synced_at"]}, "cannot do without"),
        ({"hash_columns": ["contacts.email"]}, "`hash_key` is not set"),
        ({"hash_columns": ["deals.amount"], "hash_key": KEY}, "holds no text"),
        ({"hash_columns": ["contacts.email"], "hash_key": "short"}, "is too short"),
        (
            {"hash_columns": ["contacts.email"], "drop_columns": ["contacts.email"], "hash_key": KEY},
            "Name it in one",
        ),
    ],
)
def test_a_name_that_would_protect_nothing_is_refused(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        entities_of(**flags)
    assert words in str(refusal.value)
    assert KEY not in str(refusal.value)


def test_every_column_of_every_table_can_be_left_out_or_is_refused() -> None:
    names = [
        f"{table.name}.{column.name}"
        for entity in ENTITIES
        for table in entity.tables()
        for column in table.columns
    ]
    allowed = []
    for name in names:
        try:
            protected(ENTITIES, dropped=[name], hashed=(), hash_key=None)
        except ConfigurationError:
            continue
        allowed.append(name)
    assert len(allowed) > 400
    for entity in protected(ENTITIES, dropped=allowed, hashed=(), hash_key=None):
        layout = Layout.of(entity)
        assert not {f"{t.name}.{c.name}" for t in layout.tables for c in t.columns} & set(allowed)
