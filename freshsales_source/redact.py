"""The one redactor: every log line and every exception text passes it before anybody can read it.

Secrets become known while a run is being set up (`register`), so the redactor is state of the process. It
lives where logging keeps such state already: on a handler of the package's logger, put there by
`installed_redactor()`. That handler stands before those of the root logger and cleans each record in place,
whoever prints it in the end (dlt, Airflow, a file). A filter would not do: one on a logger is not asked about
the records of its children.

Hidden are the registered secrets, also URL-encoded, in base64 (alone or inside a longer text), escaped by
`repr` or JSON; and, known or not, Authorization values, the tokens Freshsales puts into records
(`convo_token`, `auth_token`, `encoded_jwt_token`: seen in recorded responses), JSON web tokens, user and
password in URLs.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"
PACKAGE_LOGGER = "freshsales_source"
_SHORTEST_BASE64 = 6  # shorter pieces of base64 would match ordinary words

_TOKEN_SHAPES = (
    (re.compile(r"(?i)\b((?:token\s+token|authtoken|auth-token)\s*=\s*)[^\s\"',;}\])]+"), rf"\1{MASK}"),
    (
        re.compile(
            r"(?i)(authorization\W{1,8})(?!token\s+token)(?:(?:basic|bearer|token)\s+)?[^\s\"',;}\])]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)(\b\w*_token\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\s\"',;&}\])\\]+"), rf"\1{MASK}"),
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?"), MASK),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s?#@\"']*@"), rf"\1{MASK}@"),
)


class Secret:
    """A text that shows itself only to `reveal()`: not in repr, str, f-strings, pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself; call this only where it leaves for the server."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled: it would land in a file in clear text")


class Redactor:
    """Hides what it was told to hide, and what looks like a token; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def register(self, secret: Secret | str) -> None:
        """Hide this text from now on, in every form it may be wrapped in; an empty text is ignored."""
        text = secret.reveal() if isinstance(secret, Secret) else secret
        if not text.strip():
            return
        with self._lock:
            self._forms |= frozenset(_forms(text))
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            # Case is ignored because host names are lower-cased, and a key can be pasted into `domain`.
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def redact(self, text: str) -> str:
        """Return the text with every secret and token replaced by `***`."""
        pattern = self._pattern
        if pattern is not None:
            text = pattern.sub(MASK, text)
        for shape, replacement in _TOKEN_SHAPES:
            text = shape.sub(replacement, text)
        return text

    def traceback(self, error: BaseException) -> str:
        """Return the full traceback with causes and contexts, redacted."""
        return self.redact("".join(traceback.format_exception(error)))

    def scrub(self, error: BaseException) -> None:
        """Redact an exception in place: texts and notes, its own and of its causes, contexts, groups."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            current = waiting.pop()
            if current is None or id(current) in seen:
                continue
            seen.add(id(current))
            self._scrub_one(current)
            waiting += [current.__cause__, current.__context__]
            waiting += [value for value in vars(current).values() if isinstance(value, BaseException)]
            if isinstance(current, BaseExceptionGroup):
                waiting += current.exceptions

    def clean_record(self, record: logging.LogRecord) -> None:
        """Redact a log record in place: message, traceback and extra fields."""
        record.msg = self.redact(record.getMessage())
        record.args = None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = self.traceback(record.exc_info[1]).rstrip("\n")
        elif record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        record.exc_info = None
        for name, value in list(vars(record).items()):
            if name not in _RECORD_FIELDS and value is not None:
                setattr(record, name, self._clean(value))

    def _scrub_one(self, error: BaseException) -> None:
        error.args = tuple(self._clean(argument) for argument in error.args)
        for name, value in list(vars(error).items()):
            if isinstance(value, str):
                vars(error)[name] = self.redact(value)
        if isinstance(error, OSError):  # shows slots of its own, not its args
            error.strerror = self.redact(error.strerror) if error.strerror else error.strerror
            error.filename = self._clean(error.filename)
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list):
            notes[:] = [self.redact(str(note)) for note in notes]

    def _clean(self, value: object) -> object:
        """The value itself unless its text shows a secret; numbers and clean objects keep their type."""
        if value is None or isinstance(value, bool | int | float | BaseException):
            return value
        if isinstance(value, str):
            return self.redact(value)
        shown = repr(value)
        cleaned = self.redact(shown)
        return value if cleaned == shown else cleaned


class RedactingHandler(logging.Handler):
    """Prints nothing; cleans each record before the handlers above it see it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self.redactor = redactor

    def emit(self, record: logging.LogRecord) -> None:
        """Redact the record in place."""
        self.redactor.clean_record(record)


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line: for handlers that also print what other libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted line, redacted."""
        return redact(super().format(record))


def installed_redactor() -> Redactor:
    """Return the redactor of this process; the first call puts it on the package's logger."""
    logger = logging.getLogger(PACKAGE_LOGGER)
    for handler in logger.handlers:
        if isinstance(handler, RedactingHandler):
            return handler.redactor
    handler = RedactingHandler(Redactor())
    logger.handlers.insert(0, handler)
    return handler.redactor


def redact(text: str) -> str:
    """Return the text as it may be shown to anybody, by the redactor of this process."""
    return installed_redactor().redact(text)


_RECORD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime"}


def _forms(secret: str) -> Iterator[str]:
    once = {escape(secret) for escape in _ESCAPES}
    yield secret
    yield from once
    yield from (escape(text) for text in once for escape in _ESCAPES)
    yield from _base64_forms(secret.encode())
    yield secret.encode().hex()


def _within_single_quotes(text: str) -> str:
    """Escape as repr does where the whole text, not the secret alone, holds both kinds of quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


_ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: repr(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    _within_single_quotes,
    html.escape,
    quote,
    lambda text: quote(text, safe=""),
    quote_plus,
)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The secret's own base64, and the part of it that stays the same inside a longer encoded text."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
        for before in range(3):
            # Characters that share bits with a neighbour byte change with it: drop them at both ends.
            start = -(-before * 8 // 6)
            end = (before + len(raw)) * 8 // 6
            stable = encode(bytes(before) + raw + bytes(3)).decode()[start:end]
            if len(stable) >= _SHORTEST_BASE64:
                yield stable
