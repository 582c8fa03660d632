"""Columns of custom modules and of feeds that the warehouse does not get, or gets as keyed hashes only."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from freshsales_source.emulator import Emulator, add_note, generate_company
from freshsales_source.errors import ConfigurationError
from freshsales_source.exit_codes import ExitCode
from tests.connector import company, connect_swiftly, emulate
from tests.fake_clock import FakeClock

KEY = "sixteen or more random letters"
CONTRACTS = "cm_contracts"


def digest(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def account() -> Emulator:
    clock = FakeClock()
    return emulate(generate_company(clock, accounts=1, contacts=1, deals=1, in_bin=0, contracts=4), clock)


def test_columns_of_a_module_are_left_out_and_hashed(tmp_path: Path) -> None:
    emulator = account()
    names = {record["id"]: record["name"] for record in emulator.store.live(CONTRACTS)}
    connector = connect_swiftly(
        emulator,
        tmp_path,
        objects=["custom_modules"],
        drop_columns=[f"{CONTRACTS}.recent_note", f"{CONTRACTS}.cf_revenue"],
        hash_columns=[f"{CONTRACTS}.name"],
        hash_key=KEY,
    )
    assert connector.sync().exit_code is ExitCode.DONE
    columns = connector.reader.columns(CONTRACTS)
    assert not {"recent_note", "cf_revenue", "cf_revenue__raw"} & set(columns)
    rows = connector.reader.by_id(CONTRACTS)
    assert {id_: rows[id_]["name"] for id_ in names} == {id_: digest(name) for id_, name in names.items()}


def test_texts_of_notes_are_left_out_and_hashed(tmp_path: Path) -> None:
    emulator = company(accounts=0, contacts=2, deals=0, in_bin=0)
    contact = int(emulator.store.live("contacts")[0]["id"])
    note = add_note(emulator.store, "contacts", contact, "Zanzibar-Canary")
    connector = connect_swiftly(
        emulator,
        tmp_path,
        objects=["contacts", "notes"],
        drop_columns=["notes.html_content"],
        hash_columns=["notes.description"],
        hash_key=KEY,
    )
    connector.clock.advance(600)
    assert connector.sync().exit_code is ExitCode.DONE
    (row,) = connector.reader.rows("notes")
    assert (row["id"], row["description"]) == (note, digest("Zanzibar-Canary"))
    assert "html_content" not in row


@pytest.mark.parametrize("name", ["notes.text", "notes.targetable_id", "notes.position", f"{CONTRACTS}.nam"])
def test_a_name_that_would_protect_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no column|cannot do without"):
        connect_swiftly(account(), tmp_path, drop_columns=[name]).sync()


def test_a_table_that_no_module_has_is_refused_before_a_record_is_loaded(tmp_path: Path) -> None:
    connector = connect_swiftly(
        account(), tmp_path, objects=["custom_modules"], drop_columns=["cm_contract.cf_revenue"]
    )
    with pytest.raises(ConfigurationError, match=r"no custom module has that table.*cm_contracts"):
        connector.sync()
    assert CONTRACTS not in connector.reader.tables()
