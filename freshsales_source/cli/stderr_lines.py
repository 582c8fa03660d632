"""What the command says on stderr: lines for people, or one JSON object per line for a log collector.

Which of the two it is, the handler of the package's logger knows, where logging keeps such state already; so every
part of the command speaks through `say`, and no line of text gets between the objects. docs/logs.md documents the
objects. Within one `SCHEMA` keys and events are only added.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from freshsales_source.clock import SystemClock
from freshsales_source.redact import PACKAGE_LOGGER, RedactingFormatter, installed_redactor, redact

SCHEMA = 1
"""Version of the objects; a change that could break a reader makes it another."""
INTERRUPTED = "interrupted: what was loaded stays, and the next run goes on from there."

Value: TypeAlias = str | int | float | bool | None

_FIELD = re.compile(r"""\b(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S*)""")
_EVENT = re.compile(r"[a-z][a-z0-9_]*")
_WORDS: Mapping[str, Value] = {"True": True, "False": False, "None": None}


class JsonLines(logging.Formatter):
    """Log records as JSON objects; knows the run at work from the event that starts it."""

    def __init__(self) -> None:
        super().__init__()
        self._run_id: str | None = None

    def format(self, record: logging.LogRecord) -> str:
        """One line; the fields of an event are those of its `event key=value ...`, with their types."""
        message = redact(record.getMessage())
        event, _, rest = message.partition(" ")
        is_event = _EVENT.fullmatch(event) is not None and record.name.startswith(PACKAGE_LOGGER)
        fields = _fields(rest) if is_event else {}
        if event == "run_started":
            self._run_id = str(fields.get("run_id"))
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        return self.line(
            event if is_event else "message",
            message,
            level=record.levelname.lower(),
            logger=record.name,
            at=datetime.fromtimestamp(record.created, UTC),
            fields=fields,
            exception=trace,
        )

    def line(
        self,
        event: str,
        message: str,
        *,
        level: str,
        logger: str,
        at: datetime,
        fields: Mapping[str, Value],
        exception: str | None = None,
    ) -> str:
        """One object, without a line break; nothing in it shows a secret."""
        document: dict[str, object] = {
            "schema": SCHEMA,
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "logger": logger,
            "event": event,
            "run_id": self._run_id,
            "message": redact(message),
            "fields": {name: redact(v) if isinstance(v, str) else v for name, v in fields.items()},
        }
        if exception is not None:
            document["exception"] = redact(exception)
        return json.dumps(document, ensure_ascii=True)


def log_to_stderr(format_: str, *, is_verbose: bool) -> None:
    """Send the package's log to stderr. As JSON it tells every decision: readers choose by `level`."""
    installed_redactor()
    is_json = format_ == "json"
    handler = logging.StreamHandler()
    text = RedactingFormatter("%(levelname)s %(name)s %(message)s")
    handler.setFormatter(JsonLines() if is_json else text)
    logger = logging.getLogger(PACKAGE_LOGGER)
    logger.handlers[1:] = [handler]  # the first is the redactor
    logger.setLevel(logging.INFO if is_verbose or is_json else logging.WARNING)
    logger.propagate = False
    if is_json:
        logging.captureWarnings(True)
        logging.getLogger("py.warnings").handlers[:] = [handler]


def is_json() -> bool:
    """Whether stderr takes JSON objects and nothing else."""
    return _json_lines() is not None


def say(
    text: str, *, event: str, level: str = "warning", exception: str | None = None, **fields: Value
) -> None:
    """A line that is said whatever the log's level: the text alone, or an object with its event."""
    line = stderr_line(text, event=event, level=level, exception=exception, **fields)
    print(line, file=sys.stderr)


def stderr_line(
    text: str, *, event: str, level: str = "warning", exception: str | None = None, **fields: Value
) -> str:
    """What `say` prints, for a place that cannot: the handler of a signal."""
    lines = _json_lines()
    if lines is None:
        return text if exception is None else f"{text}\n{exception}"
    return lines.line(
        event,
        text,
        level=level,
        logger=f"{PACKAGE_LOGGER}.cli",
        at=SystemClock().now(),
        fields=fields,
        exception=exception,
    )


def _json_lines() -> JsonLines | None:
    for handler in logging.getLogger(PACKAGE_LOGGER).handlers:
        if isinstance(handler.formatter, JsonLines):
            return handler.formatter
    return None


def _fields(text: str) -> dict[str, Value]:
    return {match[1]: _value(match[2]) for match in _FIELD.finditer(text)}


def _value(text: str) -> Value:
    """A value as it was before `%s`, `%d` or `%r` made a text of it."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 1 and text[0] in ("'", '"') and text[0] == text[-1]:
        return _unquoted(text)
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d+", text) else text


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):  # What was hidden in it took an escape in two.
        return text[1:-1]
