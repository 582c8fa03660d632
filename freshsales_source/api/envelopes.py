"""What stands around the rows of an answer: the object, the list under its name, `meta.total`.

For the few answers that are only looked at. Pages whose rows are loaded go through the decoder.
"""

from __future__ import annotations

from freshsales_source.api.client import Answer
from freshsales_source.errors import MalformedPage

_REPORT_IT = "Run again; if it stays so, report it with this place and the version."


def document_of(answer: Answer) -> dict[str, object]:
    """The answer as a JSON object; raises MalformedPage where it is none."""
    parsed = answer.json()
    if not isinstance(parsed, dict):
        raise MalformedPage("the answer is not a JSON object", where=answer.where, remedy=_REPORT_IT)
    return parsed


def rows_of(answer: Answer, envelope: str) -> list[object]:
    """The list under that name; `a.b` means the lists `b` inside the elements of list `a`, joined.

    Raises MalformedPage where there is no such list: missing is not empty.
    """
    outer, _, inner = envelope.partition(".")
    rows = document_of(answer).get(outer)
    if not isinstance(rows, list):
        raise MalformedPage(f'the answer has no list "{outer}"', where=answer.where, remedy=_REPORT_IT)
    if not inner:
        return rows
    lists = [row.get(inner) for row in rows if isinstance(row, dict)]
    return [row for one in lists if isinstance(one, list) for row in one]


def total_of(answer: Answer) -> int | None:
    """`meta.total`: how many records the list holds; None where the answer does not say."""
    return _number(answer, "total")


def total_pages_of(answer: Answer) -> int | None:
    """`meta.total_pages`: on how many pages they stand; None where the answer does not say."""
    return _number(answer, "total_pages")


def _number(answer: Answer, name: str) -> int | None:
    meta = document_of(answer).get("meta")
    number = meta.get(name) if isinstance(meta, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
