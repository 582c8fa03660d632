"""Adding values to a TOML text without touching the rest of it: comments, order and other tables stay.

The text is changed line by line, which cannot be right for every way to write TOML. So the result is parsed and
compared with what it must mean; where it does not, the text is left alone and the caller told.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Value: TypeAlias = str | int | Sequence[str | int]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def with_values(
    text: str, table: Sequence[str], values: Mapping[str, Value], *, notes: Mapping[str, str] | None = None
) -> str | None:
    """The text with these values in that table, in place of others of the same name; None where it cannot be done.

    `notes` are put behind a value as its comment. Raises tomllib.TOMLDecodeError where `text` is no TOML.
    """
    wanted = _merged(tomllib.loads(text), table, values)
    lines = [_line(name, value, (notes or {}).get(name, "")) for name, value in values.items()]
    changed = _insert(text.splitlines(keepends=True), table, dict(zip(values, lines, strict=True)))
    try:
        return changed if tomllib.loads(changed) == wanted else None
    except tomllib.TOMLDecodeError:
        return None


def literal(value: Value) -> str:
    """The value as TOML writes it."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    return f"[{', '.join(map(literal, value))}]"


def _insert(lines: list[str], table: Sequence[str], entries: dict[str, str]) -> str:
    header = _place_of(table, lines)
    if header is None:
        gap = "\n" if lines else ""
        end = "" if not lines or lines[-1].endswith("\n") else "\n"
        return "".join([*lines, end, gap, f"[{'.'.join(map(_key, table))}]\n", *entries.values()])
    if not lines[header].endswith("\n"):
        lines[header] += "\n"
    last = next(
        (place for place in range(header + 1, len(lines)) if lines[place].lstrip().startswith("[")),
        len(lines),
    )
    for place in range(header + 1, last):
        for name in list(entries):
            if re.match(rf"\s*{re.escape(_key(name))}\s*=", lines[place]):
                lines[place] = entries.pop(name)
                break
    lines[header + 1 : header + 1] = entries.values()
    return "".join(lines)


def _place_of(table: Sequence[str], lines: Sequence[str]) -> int | None:
    dotted = r"\s*\.\s*".join(map(re.escape, table))
    header = re.compile(rf"\s*\[\s*{dotted}\s*\]\s*(#.*)?")
    return next((place for place, line in enumerate(lines) if header.fullmatch(line.rstrip("\r\n"))), None)


def _merged(document: dict[str, Any], table: Sequence[str], values: Mapping[str, Value]) -> dict[str, Any]:
    if not table:
        return document | {
            name: value if isinstance(value, str | int) else list(value) for name, value in values.items()
        }
    inner = document.get(table[0], {})
    return document | {table[0]: _merged(inner if isinstance(inner, dict) else {}, table[1:], values)}


def _line(name: str, value: Value, note: str) -> str:
    # Quoted, a note is one line whatever people named their views.
    return f"{_key(name)} = {literal(value)}{f'  # {_quoted(note)}' if note else ''}\n"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape(char) for char in escaped) + '"'


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
