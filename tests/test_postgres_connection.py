"""A Postgres that is away, that refuses, or that cannot be asked: one line says why, and nothing read is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from freshsales_source.errors import ConfigurationError, WarehouseUnreachable
from freshsales_source.exit_codes import ExitCode
from freshsales_source.warehouse.postgres_destination import postgres as postgres_destination
from tests.connector import asked, company, connect, of
from tests.postgres_reader import PostgresReader
from tests.postgres_server import CREDENTIALS, PostgresServer


@pytest.mark.parametrize(
    ("database", "port", "error", "told"),
    [
        ("nowhere", 5432, ConfigurationError, 'database "nowhere" does not exist'),
        ("postgres", 1, WarehouseUnreachable, "cannot be reached"),
        ("latin", 5432, ConfigurationError, "texts as LATIN1"),
    ],
)
def test_a_server_that_refuses_or_is_not_there_ends_in_one_line_without_the_password(
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    port: int,
    error: type[Exception],
    told: str,
) -> None:
    postgres.make_database("latin", encoding="LATIN1")
    connector = connect(company(contacts=0, accounts=0, deals=0, in_bin=0), tmp_path, objects=["contacts"])
    connector.destination = "postgres"
    url = postgres.url.replace("unused@", "s3cret-word@").replace("5432/postgres", f"{port}/{database}")
    monkeypatch.setenv(CREDENTIALS, url)
    with pytest.raises(error, match=told) as caught:
        connector.sync()
    assert "s3cret-word" not in str(caught.value)


def test_what_was_read_while_the_server_went_away_is_loaded_by_the_next_run(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = company(contacts=12, accounts=0, deals=0, in_bin=0)
    connector = connect(emulator, tmp_path, objects=["contacts"], page_size=5)
    connector.destination, connector.dataset = "postgres", "away"
    gone = postgres.url.replace("5432", "1")
    monkeypatch.setenv(CREDENTIALS, postgres.url)

    def leave_when_pages_come(_: int) -> None:
        if asked(emulator, "/contacts/view/"):
            monkeypatch.setenv(CREDENTIALS, gone)

    emulator.before_request = leave_when_pages_come
    with pytest.raises(WarehouseUnreachable):
        connector.sync()
    assert asked(emulator, "/contacts/view/")
    emulator.before_request = None
    monkeypatch.setenv(CREDENTIALS, postgres.url)
    calls = len(emulator.log)
    report = connector.sync()
    assert (report.exit_code, of(report, "contacts").loaded_count) == (ExitCode.DONE, 12)
    assert len(asked(emulator, "page=2", since=calls)) == 0, "read before, and kept"
    assert len(PostgresReader(postgres, "away").ids("contacts")) == 12


def test_credentials_that_cannot_be_read_are_told_of_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connect(company(contacts=0, accounts=0, deals=0, in_bin=0), tmp_path, objects=["contacts"])
    connector.destination = "postgres"
    monkeypatch.setenv(CREDENTIALS, "postgres:s3cret-word@host")
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        connector.sync()
    assert "s3cret-word" not in str(caught.value)


def test_a_missing_driver_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ConfigurationError, match="pip install psycopg2-binary"):
        postgres_destination()
