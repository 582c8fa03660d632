"""What dlt's destinations ask for, told in one line; and what a kill may do to a package that waits for one."""

from __future__ import annotations

import errno
from pathlib import Path

import dlt
import pytest
from dlt.common.configuration.exceptions import ConfigurationException

from freshsales_source.warehouse.credentials import causes_of, configuration_error
from freshsales_source.warehouse.disk import disk_error
from tests.command import KEY, Command
from tests.connector import Connector, company, connect

COMMANDS = (["status"], ["sync", "owners"], ["marts"], ["report"], ["reset"], ["forget", "contacts", "1"])


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize("name", ["snowflake", "clickhouse"])
def test_a_driver_that_is_not_installed_is_named(
    freshsales: Command, name: str, arguments: list[str]
) -> None:
    freshsales.set(FRESHSALES_API_KEY=KEY, FRESHSALES_DOMAIN="acme")
    ran = freshsales(*arguments, "--destination", name)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"configuration_error: the driver of destination `{name}` is not installed (")
    assert ran.err.endswith(f'pip install "dlt[{name}]".\n')
    assert ran.err.count("\n") == 1


def test_an_error_that_is_its_own_cause_has_an_end() -> None:
    error = ConfigurationException("no credentials")
    error.__cause__ = error
    assert list(causes_of(error)) == [error]
    assert "no credentials" in str(configuration_error(error))


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_full_disk_under_dlts_folder_is_known_by_its_file_whatever_the_path_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_linked: bool
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / ("link" if is_linked else "there")))
    below = tmp_path / "there" / "pipelines" / "freshsales" / "state.json"
    full = OSError(errno.ENOSPC, "No space left on device", str(below))
    assert "No space left on device" in str(disk_error(full))
    assert disk_error(OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "elsewhere"))) is None


@pytest.mark.parametrize(("destination", "rows_before_it_is_safe"), [("duckdb", 0), ("sqlite", 3)])
def test_pages_of_the_next_load_are_read_once_no_kill_can_lose_those_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str, rows_before_it_is_safe: int
) -> None:
    monkeypatch.setenv("DESTINATION__SQLITE__CREDENTIALS", f"sqlite:///{tmp_path}/crm.db")
    connector: Connector = connect(company(accounts=0, contacts=0, deals=0), tmp_path / "made")
    connector.destination = destination
    connector.folder.mkdir(exist_ok=True)
    warehouse = connector.warehouse(connector.settings())
    seen: list[int] = []

    @dlt.source(name="freshsales")
    def source() -> dlt.sources.DltResource:
        return dlt.resource([{"id": n} for n in range(3)], name="numbers")

    warehouse.load(source(), on_disk=lambda: seen.append(warehouse.count("numbers", "true") or 0))
    assert seen == [rows_before_it_is_safe]
    assert warehouse.count("numbers", "true") == 3
