"""`--log-format json`: every line on stderr is an object of its schema, and docs/logs.md tells of all events.

`python -m tests.test_json_logs` writes the table of events anew; what they mean stands there by hand.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.cli.main import _stumbled
from freshsales_source.cli.stderr_lines import SCHEMA, JsonLines, log_to_stderr
from freshsales_source.cli.sync import _said
from freshsales_source.emulator import Fault
from tests.command import KEY, Command

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "logs.md"
KEYS = {"schema", "at", "level", "logger", "event", "run_id", "message", "fields"}
MARKER = "<!-- generated: events -->\n"
SPOKEN = {"say": "warning", "stderr_line": "warning", "_said": "warning"}
"""Functions that say an event without the log, and its level where the call does not tell."""


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def lines(err: str) -> list[dict[str, Any]]:
    """The objects on stderr; fails where a line is none, or is not of the schema."""
    found: list[dict[str, Any]] = [json.loads(line) for line in err.splitlines()]
    for line in found:
        assert set(line) - {"exception"} == KEYS
        assert line["schema"] == SCHEMA
        assert line["at"].endswith("Z")
        assert datetime.fromisoformat(line["at"]).tzinfo is not None
        assert line["event"] in {event for event, *_ in documented()}
    return found


def test_every_line_of_a_run_is_an_object_with_its_run_and_stdout_is_as_ever(freshsales: Command) -> None:
    with freshsales.account():
        ran = freshsales("sync", "contacts", "owners", "--json", "--log-format", "json")
    told = lines(ran.err)
    assert ran.code == 0
    assert told[0]["event"] == "run_started"
    assert {line["run_id"] for line in told} == {ran.json["run_id"]}
    judged = {line["fields"]["object"]: line["fields"] for line in told if line["event"] == "object_judged"}
    assert judged["contacts"] == {
        "object": "contacts",
        "verdict": "matched",
        "expected": 20,
        "loaded": 20,
        "calls": ran.json["objects"][0]["calls"],
    }
    assert judged["owners"]["expected"] is None
    end = told[-1]
    assert (end["event"], end["level"], end["logger"]) == (
        "run_finished",
        "info",
        "freshsales_source.sync.syncing",
    )
    assert (end["fields"]["exit_code"], end["fields"]["reason"]) == (0, "")
    assert end["message"].startswith("run_finished run_id=")
    assert KEY not in ran.err


def test_an_error_is_an_object_too_and_names_its_run(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        emulator.faults.add(Fault(kind="status", status=401, times=1))
        ran = freshsales("sync", "owners", "--log-format", "json")
        assert not emulator.faults.unfired()
    told = lines(ran.err)
    assert ran.code == 3
    assert [line["event"] for line in told] == ["run_started", "run_failed"]
    assert told[1]["fields"] == {"reason": "wrong_key", "exit_code": 3}
    assert told[1]["run_id"] == told[0]["fields"]["run_id"]
    assert told[1]["message"].startswith("wrong_key: ")


def test_before_a_run_begins_there_is_none_to_name(freshsales: Command) -> None:
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="k\x07")
    told = lines(freshsales("sync", "--log-format", "json").err)
    assert [(line["event"], line["run_id"]) for line in told] == [("run_failed", None)]


def test_a_bug_is_one_object_with_its_traceback_and_exit_1(
    freshsales: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr("json", is_verbose=False)
    try:
        raise ZeroDivisionError("a bug\nwith two lines and auth_token=abcdef")
    except ZeroDivisionError as error:
        end = _stumbled(error)
    (line,) = lines(capsys.readouterr().err)
    assert (end.code, line["event"], line["level"]) == (1, "unexpected", "error")
    assert line["exception"].startswith("Traceback")
    assert "abcdef" not in str(line)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("run_finished n=5 share=0.5 ok=True not=False none=None", (5, 0.5, True, False, None)),
        (
            r"views_not_made why='it\'s \"so\"' id=12345678901234567890",
            ('it\'s "so"', "12345678901234567890"),
        ),
        ('views_not_made why="it\'s so" empty= list=live:7', ("it's so", "", "live:7")),
        ("No event, but a=1", ()),
    ],
)
def test_fields_have_the_types_they_were_logged_with(message: str, fields: tuple[object, ...]) -> None:
    record = logging.LogRecord("freshsales_source.x", logging.INFO, "", 0, message, None, None)
    line = json.loads(JsonLines().format(record))
    assert tuple(line["fields"].values()) == fields
    assert line["message"] == message
    assert (line["event"] == "message") == (not fields)


def test_a_traceback_and_what_other_libraries_say_stay_on_their_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("py.warnings", logging.WARNING, "", 0, "%s\nb", ("a",), sys.exc_info())
    text = JsonLines().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["event"], line["message"], line["fields"]) == ("message", "a\nb", {})
    assert line["exception"].startswith("Traceback")


def test_what_a_signal_makes_it_say_is_an_object_too(freshsales: Command) -> None:
    log_to_stderr("json", is_verbose=False)
    (line,) = lines(_said("Stopping after the requests under way.", "stop_asked").decode())
    assert (line["event"], line["level"], line["message"]) == (
        "stop_asked",
        "warning",
        "Stopping after the requests under way.",
    )


# The document


def documented() -> list[tuple[str, ...]]:
    """The rows of the table of events."""
    table = DOCUMENT.read_text(encoding="utf-8").partition(MARKER)[2].splitlines()
    rows = [line for line in table if line.startswith("| `")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return [(event.strip("`"), *others) for event, *others in cells]


def events() -> dict[str, tuple[str, str]]:
    """Every event in the source: its levels, and its fields."""
    found: dict[str, tuple[set[str], list[str]]] = {}
    for path in sorted((ROOT / "freshsales_source").rglob("*.py")):
        for level, event, fields in _events(ast.parse(path.read_text(encoding="utf-8"))):
            levels, known = found.setdefault(event, (set(), []))
            levels.add(level)
            known += [name for name in fields if name not in known]
    return {event: (", ".join(sorted(levels)), ", ".join(names)) for event, (levels, names) in found.items()}


def _events(tree: ast.AST) -> Iterator[tuple[str, str, list[str]]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call.func:
            case ast.Attribute(value=ast.Name(id="_LOG"), attr=level):
                arguments = call.args[1:] if level == "log" else call.args
                told = "info, warning" if level == "log" else level
                for text in _texts(arguments[0]):
                    event, _, rest = text.partition(" ")
                    yield told, event, re.findall(r"\b(\w+)=", rest)
            case ast.Name(id=name) if name in SPOKEN:
                yield from _spoken(call, SPOKEN[name])


def _texts(argument: ast.expr) -> list[str]:
    """The message; where it is chosen among several, each of them."""
    constants = (node.value for node in ast.walk(argument) if isinstance(node, ast.Constant))
    return [text for text in constants if isinstance(text, str)]


def _spoken(call: ast.Call, level: str) -> Iterator[tuple[str, str, list[str]]]:
    given = {word.arg: word.value for word in call.keywords}
    match given.get("event") or (call.args[1] if len(call.args) > 1 else None):
        case ast.Constant(value=str(event)):
            match given.get("level"):
                case ast.Constant(value=str(said)):
                    level = said
            yield level, event, [str(n) for n in given if n not in ("event", "level", "exception")]


def with_events(text: str) -> str:
    meanings = {event: about for event, *_, about in documented()}
    rows = [
        f"| `{event}` | {level} | {', '.join(f'`{name}`' for name in names.split(', ') if name)} "
        f"| {meanings.get(event, '')} |"
        for event, (level, names) in sorted(events().items())
    ]
    before, marker, rest = text.partition(MARKER)
    head = ["| event | level | fields | meaning |", "|---|---|---|---|"]
    return (
        f"{before}{marker}\n"
        + "\n".join([*head, *rows])
        + f"\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    )


def test_every_event_stands_in_the_document_with_its_level_and_fields_and_a_meaning() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_events(text) == text, "run `python -m tests.test_json_logs`, then tell what new events mean"
    assert [event for event, *_, about in documented() if len(about) < 9] == []
    assert len(documented()) > 30


def test_every_message_of_the_log_can_be_taken_apart() -> None:
    for path in sorted((ROOT / "freshsales_source").rglob("*.py")):
        for _, event, _ in _events(ast.parse(path.read_text(encoding="utf-8"))):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", event), f"{path.name}: {event}"


def test_every_key_of_an_object_stands_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    keys = re.findall(r"^\| `(\w+)` \|", text.partition(MARKER)[0], re.MULTILINE)
    assert set(keys) == {*KEYS, "exception"}
    assert f"`schema` is {SCHEMA}" in text


if __name__ == "__main__":
    DOCUMENT.write_text(with_events(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
