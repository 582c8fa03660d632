"""`sync --on-finish`: whoever waits for the end of a run gets its summary, and cannot spoil the run."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Fault
from freshsales_source.errors import ConfigurationError
from freshsales_source.sync.notification import Program, Webhook, notify, recipient_of
from tests.command import KEY, Command

SUMMARY = {"exit_code": 0, "reason": ""}
KEEP = (
    "import os, sys; open('kept.json', 'w').write(sys.stdin.read()); open('env', 'w').write(repr(os.environ))"
)


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@dataclass(kw_only=True)
class Hook:
    """A web address that notes what it is sent."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def hook(status: int = 200) -> Iterator[Hook]:
    made = Hook(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(made.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/secret-path"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_address_gets_what_json_prints_and_no_record(freshsales: Command) -> None:
    with freshsales.account(contacts=3) as emulator, hook() as address:
        ran = freshsales("sync", "contacts", "--json", "--on-finish", address.url)
        names = [str(row["email"]) for row in emulator.store.live("contacts")]
    (body,) = address.bodies
    assert (ran.code, json.loads(body)) == (0, ran.json)
    assert ran.err == ""
    assert not [name for name in (*names, KEY) if name in body.decode()]


def test_a_program_gets_it_without_a_shell_and_without_secrets(freshsales: Command) -> None:
    freshsales.write("tell.py", KEEP)
    freshsales.set(FRESHSALES_API_KEY=KEY, SOURCES__FRESHSALES__HASH_KEY=KEY)
    notify(recipient_of(f"{sys.executable} tell.py '$HOME; ls'"), SUMMARY)
    assert json.loads((freshsales.folder / "kept.json").read_text()) == SUMMARY
    environment = (freshsales.folder / "env").read_text()
    assert "API_KEY" not in environment
    assert KEY not in environment
    assert "HOME" in environment


def test_a_run_that_an_error_ends_is_told_too(freshsales: Command) -> None:
    with freshsales.account() as emulator, hook() as address:
        emulator.faults.add(Fault(kind="status", status=401, times=1))
        ran = freshsales("sync", "owners", "--dataset", "mine", "--on-finish", address.url)
        assert not emulator.faults.unfired()
    (told,) = map(json.loads, address.bodies)
    message = told.pop("message")
    assert (ran.code, ran.err) == (3, f"wrong_key: {message}\n")
    where = {"destination": "duckdb", "dataset": "mine"}
    assert told == {"exit_code": 3, "reason": "wrong_key", "retry_at": None, **where}


def test_nobody_can_spoil_a_run_by_not_listening(freshsales: Command) -> None:
    freshsales.write("fail.py", f"import sys; print('no {KEY}', file=sys.stderr); sys.exit(9)")
    failing = Program(words=(sys.executable, "fail.py"))
    with freshsales.account(contacts=3), hook(status=302) as address:
        redirects = freshsales("sync", "owners", "--on-finish", address.url, "--log-format", "json")
    assert len(address.bodies) == 1, "redirects are not followed"
    assert redirects.code == 0
    last = json.loads(redirects.err.splitlines()[-1])
    assert (last["event"], last["level"]) == ("finish_not_told", "warning")
    assert last["fields"] == {"to": "127.0.0.1", "why": "status 302"}
    assert "secret-path" not in redirects.err
    assert failing.take(b"{}") == "exit 9: no ***"


def test_what_hangs_or_is_not_there_is_given_up() -> None:
    assert Webhook(url="http://127.0.0.1:9/x").take(b"{}") == "ConnectError"
    assert Program(words=("/no/such/program",)).take(b"{}") == "No such file or directory"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://hooks.example.com/T0/B1", Webhook(url="https://hooks.example.com/T0/B1")),
        ("http://localhost:8080/x", Webhook(url="http://localhost:8080/x")),
        ("http://[::1]:8080/x", Webhook(url="http://[::1]:8080/x")),
        ("sh -c 'cat >x'", Program(words=("sh", "-c", "cat >x"))),
    ],
)
def test_an_address_or_a_command_is_told_from_its_beginning(text: str, expected: Any) -> None:
    assert recipient_of(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://hooks.example.com/x", "is not one with https. Plain http is for this machine only"),
        ("http://127.0.0.1.example.com/x", "is not one with https"),
        ("https:///x", "is not one with https"),
        ("sh -c 'oops", "the command cannot be read"),
        ("no-such-program --now", "there is no program 'no-such-program'"),
        ("", "there is no program ''"),
    ],
)
def test_what_cannot_be_told_anything_is_refused_at_once(freshsales: Command, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        recipient_of(text)
    ran = freshsales("sync", "--on-finish", text)
    assert (ran.code, ran.out) == (2, "")
    assert says.partition(". ")[0] in ran.err
