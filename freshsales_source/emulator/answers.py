"""Requests and answers inside the emulator, and the bodies of everything that goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from freshsales_source.emulator.switches import Switches

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call as it arrived; `path` without prefix, `segments` its parts, `number` counts from 1."""

    number: int
    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes = b""

    def whole(self, name: str) -> int | None:
        """Return a query parameter as a whole number; None if it is missing or no number."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; `envelope` is the key of its main list or record, for faults that take it away."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    envelope: str | None = None


class Refused(Exception):
    """A handler's way to answer with an error: carries the whole answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered with {answer.status}")
        self.answer = answer


# Only the Dutch 403 was recorded; the other texts are assumed.
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "forbidden": {
        "en": "You are not authorised to perform this operation.",
        "nl": "U bent niet bevoegd om deze bewerking uit te voeren.",
    },
    "not_found": {"en": "Not found", "nl": "Niet gevonden"},
    "sort": {"en": "Sort is invalid", "nl": "Sort is ongeldig"},
    "include": {"en": "Include is invalid", "nl": "Include is ongeldig"},
    "per_page": {"en": "Per page is too large", "nl": "Per page is te groot"},
    "filter": {"en": "Filter is invalid", "nl": "Filter is ongeldig"},
    "rule": {"en": "Filter rule is invalid", "nl": "Filter rule is ongeldig"},
}


def json_answer(content: Mapping[str, Any], *, envelope: str | None = None) -> Answer:
    """Return a 200 with that content."""
    return Answer(body=orjson.dumps(content), envelope=envelope)


def wrong_key(switches: Switches, *, is_blank: bool) -> Answer:
    """Return the 401 for a blank key (body seen) or a wrong one (text from one client)."""
    has_text = not is_blank and switches.wrong_key_message == "text"
    message = "Incorrect or expired API key" if has_text else None
    return Answer(status=401, body=orjson.dumps({"login": "failed", "message": message}))


def error(switches: Switches, status: int, text: str) -> Answer:
    """Return `{"errors": {"code", "message"}}` in the user's language; `text` is a key of the table above."""
    message: str | list[str] = _TEXTS[text][switches.language]
    if switches.error_message == "list":
        message = [str(message)]
    return Answer(status=status, body=orjson.dumps({"errors": {"code": status, "message": message}}))


def not_found(switches: Switches) -> Answer:
    """Return the 404 of a record or view that does not exist; JSON or HTML."""
    return (
        html_page(404, "Not found")
        if switches.not_found_body == "html"
        else error(switches, 404, "not_found")
    )


def html_page(status: int, title: str) -> Answer:
    """Return a small HTML page, as missing routes and servers in trouble send it."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status=status, body=page.encode(), content_type=HTML)


def throttled(switches: Switches, headers: Mapping[str, str]) -> Answer:
    """Return the 429; its body was never recorded."""
    match switches.throttled_body:
        case "empty":
            return Answer(status=429, content_type=TEXT, headers=headers)
        case "json":
            body = orjson.dumps({"errors": {"code": 429, "message": "Too many requests"}})
            return Answer(status=429, body=body, headers=headers)
        case "text":
            return Answer(status=429, body=b"Too many requests", content_type=TEXT, headers=headers)
        case "html":
            page = html_page(429, "Too many requests")
            return Answer(status=429, body=page.body, content_type=HTML, headers=headers)
