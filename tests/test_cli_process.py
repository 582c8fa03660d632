"""What only a process of its own shows: signals, closed pipes, a server that runs until it is stopped."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from tests.command import Command

PATIENCE_S = 60.0


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def wait_for(happened: threading.Event, process: subprocess.Popen[str]) -> None:
    """Return once it happened; fail with what the process said when it did not within a minute."""
    if not happened.wait(PATIENCE_S):
        process.kill()
        raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_saves_what_was_read_and_the_next_run_goes_on(
    freshsales: Command, number: signal.Signals
) -> None:
    freshsales.set(SOURCES__FRESHSALES__REFRESH_PAGES="0", SOURCES__FRESHSALES__PAGE_SIZE="10")
    with freshsales.account(contacts=50, latency_s=0.05) as emulator:
        in_the_middle = threading.Event()
        emulator.before_request = lambda number: in_the_middle.set() if number > 5 else None
        process = freshsales.start("sync", "contacts", "--json")
        wait_for(in_the_middle, process)
        emulator.before_request = None
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130, err
        assert '"reason": "interrupted"' in out
        assert "Stopping after the requests under way" in err
        loaded = freshsales.warehouse.count("contacts")
        assert 0 < loaded < 50
        asked, emulator.latency_s = len(emulator.log), 0.0
        again = freshsales("sync", "contacts", "--json")
        pages = [call for call in emulator.log[asked:] if "/view/" in call.path]
    assert again.code == 0
    assert freshsales.warehouse.count("contacts") == 52
    assert again.json["objects"][0]["verdict"] == "matched"
    assert len(pages) <= 6 - loaded // 10 + 3, "it goes on and does not begin anew"


def test_a_second_signal_ends_it_at_once_without_a_traceback(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        asked = threading.Event()

        def hang(_: int) -> None:
            emulator.latency_s = 3600.0
            asked.set()

        emulator.before_request = hang
        process = freshsales.start("sync", "contacts")
        wait_for(asked, process)
        lines: list[str] = []
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            lines.append(process.stderr.readline() if process.stderr else "")
        # The answer takes an hour, and nobody waits for it.
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, "")
    assert lines[0].startswith("Stopping after the requests under way")
    assert lines[1].startswith("interrupted: what was loaded stays")
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["emulator --list-switches", "check", "sync owners"])
def test_a_reader_that_goes_away_is_no_error(freshsales: Command, command: str) -> None:
    with freshsales.account():
        process = freshsales.start(*command.split())
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")


def test_the_emulator_prints_its_address_answers_and_stops(freshsales: Command) -> None:
    process = freshsales.start("emulator", "--port", "0", "--api-key", "another-key", "--seed", "7")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(7)]
    url = lines[2].removeprefix("  export FRESHSALES_DOMAIN=").strip()
    assert lines[0] == f"A made-up Freshsales account answers at {url}. In another terminal:\n"
    assert lines[3:5] == ["  export FRESHSALES_API_KEY=another-key\n", "  freshsales sync\n"]
    freshsales.set(FRESHSALES_DOMAIN=url, FRESHSALES_API_KEY="another-key")
    checked = freshsales("check")
    headers = httpx.get(
        f"{url}/crm/sales/api/selector/owners", headers={"Authorization": "Token token=another-key"}
    ).headers
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (checked.code, process.returncode) == (0, 0)
    assert headers["X-RateLimit-Limit"] == "1000"
    assert err == "The emulator has stopped; what it held is gone.\n"


def test_the_emulator_says_that_its_port_is_taken(freshsales: Command) -> None:
    with freshsales.account():
        port = str(httpx.URL(freshsales.environment("FRESHSALES_DOMAIN")).port)
        ran = freshsales("emulator", "--port", port)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"freshsales emulator: port {port} cannot be had: Address already in use. ")


def test_the_emulator_lists_its_switches(freshsales: Command) -> None:
    ran = freshsales("emulator", "--list-switches")
    assert (ran.code, ran.err) == (0, "")
    assert (
        "tie_order=stable, with --strict reshuffled\n    rows with one sort value keep one order" in ran.out
    )
