"""`freshsales forget`: what it says of each record, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Command
from tests.other_objects import live


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_the_command_says_what_became_of_each_record_and_may_be_run_again(freshsales: Command) -> None:
    with freshsales.account(contacts=6) as emulator:
        early = freshsales("forget", "contacts", "99")
        assert freshsales("sync", "contacts").code == 0
        calls, (first, second, *_) = len(emulator.log), live(emulator, "contacts")
        ran = freshsales("forget", "contacts", str(first), str(second), "4711", str(first), "99")
        again = freshsales("forget", "contacts", str(first), "99")
        assert len(emulator.log) == calls
        freshsales.set(FRESHSALES_API_KEY="", SOURCES__FRESHSALES__HASH_COLUMNS='["contacts.city"]')
        without_key = freshsales("forget", "contacts", "99"), freshsales("status")
        assert [(one.code, one.err) for one in without_key] == [(0, "")] * 2, "no call, no key"
        assert freshsales("sync", "contacts").code == 3
        freshsales.set(FRESHSALES_API_KEY="demo-key", SOURCES__FRESHSALES__HASH_COLUMNS="")
        synced = freshsales("sync", "contacts", "--json")
    unknown = "not in the warehouse; recorded, so it will never be loaded"
    assert (early.code, early.out) == (3, "")
    assert "no sync was ever run into" in early.err
    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert lines[:3] == [
        f"contacts {first}: forgotten",
        f"contacts {second}: forgotten",
        f"contacts 4711: {unknown}",
    ]
    assert " rows deleted (contacts 2, " in lines[4]
    assert again.out.splitlines()[:3] == [
        f"contacts {first}: was forgotten before",
        "contacts 99: was forgotten before",
        "0 rows deleted",
    ]
    assert (synced.code, synced.json["objects"][0]["expected_count"]) == (0, 4)
    assert freshsales.warehouse.query("SELECT DISTINCT object, id FROM _forgotten ORDER BY id") == [
        ("contacts", number) for number in (99, 4711, *sorted((first, second)))
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["contacts"], 2, "the following arguments are required: ID"),
        (["contacts", "-5"], 2, "forget"),
        (["contacts", "x1"], 2, "'x1' is no number of a record"),
        (["contacts", str(2**63)], 2, "is no number of a record"),
        (["notes", "5"], 2, "'notes' has no records to forget. Objects are: contacts, sales_accounts, "),
        (["owner", "5"], 2, "'owner' has no records to forget. Did you mean `owners`? "),
        (["cm_unheard_of", "5"], 3, "configuration_error: no sync was ever run into"),
        (["contacts", "5", "--destination", "filesystem"], 3, "`filesystem` can only append"),
    ],
)
def test_what_cannot_be_forgotten_is_refused_and_nothing_is_made(
    freshsales: Command, arguments: list[str], code: int, says: str
) -> None:
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="k" * 20)
    freshsales.set(DESTINATION__FILESYSTEM__BUCKET_URL=(freshsales.folder / "bucket").as_uri())
    ran = freshsales("forget", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert not (freshsales.folder / "bucket").exists()
    assert not freshsales.database.exists()
