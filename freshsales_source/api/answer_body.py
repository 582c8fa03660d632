"""One answer: where it came from, and its body read to the end within bounds, whole JSON told from cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx

from freshsales_source.errors import CutAnswer, OversizedAnswer

BODY_CAP = 64 * 1024 * 1024  # bytes after decompression
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_REQUEST_ID_HEADERS = ("x-request-id", "x-trace-id", "x-correlation-id")  # assumed: none is documented
_BRACKETS = ((b"{", b"}"), (b"[", b"]"))
_LATER = "Run again later."
_READING_S = 900.0  # a server that drips bytes keeps every read time-out happy


def read_whole(response: httpx.Response, *, where: str, monotonic: Callable[[], float]) -> bytes:
    """Return the decoded body; the response is closed in any case.

    Raises OversizedAnswer above 64 MB, CutAnswer after 15 minutes or where JSON ends too early, and whatever
    the transport raises for a body shorter than announced.
    """
    chunks: list[bytes] = []
    size = 0
    started = monotonic()
    try:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > BODY_CAP:
                remedy = "Set page_size to a smaller number."
                raise OversizedAnswer(
                    f"the answer is larger than {BODY_CAP} bytes", where=where, remedy=remedy
                )
            if monotonic() - started > _READING_S:
                raise CutAnswer(
                    f"the answer did not end within {_READING_S:.0f} s", where=where, remedy=_LATER
                )
            chunks.append(chunk)
    finally:
        response.close()
    body = b"".join(chunks)
    if response.is_success and is_json(response) and not _is_whole_json(body):
        raise CutAnswer("the answer ends in the middle of its JSON", where=where, remedy=_LATER)
    return body


def place_of(request: httpx.Request, response: httpx.Response | None = None) -> str:
    """Return method, path, page and request id for an error or a log line; no other part of the query."""
    page = request.url.params.get("page", "")
    place = f"{request.method} {request.url.path}" + (f"?page={page}" if page.isdigit() else "")
    for name in _REQUEST_ID_HEADERS:
        request_id = "" if response is None else response.headers.get(name, "")
        if _REQUEST_ID.fullmatch(request_id):
            return f"{place}, request id {request_id}"
    return place


def is_json(response: httpx.Response) -> bool:
    """Whether the answer says that it is JSON."""
    media_type: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _is_whole_json(body: bytes) -> bool:
    """Whether nothing is missing at the end.

    Counting brackets and quotes costs a hundredth of parsing and settles nearly every answer; the parser
    settles the rest, for instance texts that contain brackets. (A cut that balances by accident is refused by
    the decoder.)
    """
    text = body.strip()
    closed = text[:1] + text[-1:] in (b"{}", b"[]")
    quotes = text.count(b'"') - text.count(b'\\"')
    if closed and quotes % 2 == 0 and all(text.count(a) == text.count(b) for a, b in _BRACKETS):
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:  # too deep for this parser; the decoder folds it
        return closed
    return True
