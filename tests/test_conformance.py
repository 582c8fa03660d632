"""Every destination does what the README's table says of it.

Any other destination of dlt, set up in its settings or environment, is tried with
`python -m pytest tests/test_conformance.py --destination NAME`: what holds of it is printed at the end.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from freshsales_source.schema.columns import EMPTIED_MARKER
from tests.command import Command
from tests.conformance import CHECKS, WANTED, examine, latest_query
from tests.postgres_server import CREDENTIALS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    named = metafunc.config.getoption("--destination")
    if "destination" in metafunc.fixturenames:
        metafunc.parametrize("destination", [named] if named else list(WANTED))


def test_a_destination_does_what_the_readme_says(
    destination: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = request.config.getoption("--destination")
    if not named:
        monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", (tmp_path / "bucket").as_uri())
        monkeypatch.setenv("DESTINATION__SQLITE__CREDENTIALS", f"sqlite:///{tmp_path}/crm.db")
        if destination == "postgres":
            monkeypatch.setenv(CREDENTIALS, request.getfixturevalue("postgres").url)
    found = examine(destination, tmp_path, dataset=f"conformance_{secrets.token_hex(4)}")
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if named and isinstance(reporter, pytest.TerminalReporter):
        reporter.write_line(f"\nDestination {named}:")
        for name, about in CHECKS.items():
            reporter.write_line(f"{'yes' if found[name] else 'no':>5}  {about}")
    assert found["rows"]
    assert named or {name for name, holds in found.items() if holds} == WANTED[destination]


def test_the_queries_of_the_document_are_those_that_were_tried() -> None:
    text = (Path(__file__).resolve().parent.parent / "docs" / "destinations.md").read_text(encoding="utf-8")
    folder = "/data/crm/freshsales"
    for table, key, markers in (("deals", "id", []), ("deals__tags", "deal_id", [EMPTIED_MARKER])):
        assert f"```sql\n{latest_query(folder, table, [key], markers)};\n```" in text


def test_a_folder_of_files_says_that_it_cannot_be_asked_and_is_read_again_whole_when_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    freshsales = Command(tmp_path, monkeypatch, capsys)
    freshsales.set(DESTINATION__FILESYSTEM__BUCKET_URL=(tmp_path / "bucket").as_uri())
    into = ("--destination", "filesystem")
    with freshsales.account(contacts=3):
        early = freshsales("reset", "sales_accounts", *into)
        ran = freshsales("sync", "sales_accounts", *into, "--json")
        strict = freshsales("sync", "sales_accounts", *into, "--strict", "--json")
        status = freshsales("status", *into)
        reset = freshsales("reset", "sales_accounts", *into)
        again = freshsales("sync", "sales_accounts", *into, "--json")
    assert (early.code, "no sync was ever run into filesystem" in early.err) == (3, True)
    (found,) = ran.json["objects"]
    assert (ran.code, ran.err, found["verdict"], found["loaded_count"]) == (0, "", "unchecked", None)
    assert found["expected_count"] == 6
    assert "destination `filesystem` cannot be asked what it holds" in found["reason"]
    assert strict.code == 4
    assert status.out.startswith("Not known: filesystem, schema freshsales, cannot be asked. ")
    assert reset.code == 0
    changed = [run.json["objects"][0]["rows_changed"] for run in (ran, strict, again)]
    assert changed == [8, 0, 8]
