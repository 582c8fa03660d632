"""Elements of HTML and SVG as values that write themselves, with every text and attribute escaped.

There is no way to put markup in as text: what people typed can only become text. Names go through `name`, which also
keeps the direction of their writing to themselves.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Node: TypeAlias = "Element | str"

_VOID = frozenset({"meta", "br", "hr"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Of the control codes HTML allows these three; the others have no glyph and no place in a page.
_ALLOWED_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its attributes, and what is in it."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Node, ...] = field(default=())

    def __str__(self) -> str:
        parts: list[str] = []
        _write(self, parts)
        return "".join(parts)


def element(tag: str, *children: Node | None, **attributes: str | int | float | None) -> Element:
    """An element; children and attributes that are None are left out.

    A `_` at the end of an attribute's name is dropped (`class_`), others become `-` (`aria_label`).
    """
    named = tuple(
        (_attribute_name(name), f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in attributes.items()
        if value is not None
    )
    return Element(tag, named, tuple(child for child in children if child is not None))


def name(text: str, *, longest: int = 120) -> Element:
    """A text that somebody typed, as it reads in its own script, and only so many letters of it.

    Nothing beside it turns around, whatever it holds. Marks that turn the letters themselves stand there as escapes.
    """
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return element("bdi", "".join(ascii(letter)[1:-1] if letter in _TURNING else letter for letter in short))


def prose(text: str, kind: str) -> Element:
    """A paragraph of ours, what stands in backticks set as code."""
    parts = enumerate(text.split("`"))
    return element("p", *(element("code", part) if n % 2 else part for n, part in parts), class_=kind)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Node]],
    *,
    caption: str,
    numbers: frozenset[int] = frozenset(),
) -> Element:
    """A table; the columns in `numbers` (from 0) stand to the right, and the first cell of a row is its header."""

    def kind(place: int) -> str | None:
        return "number" if place in numbers else None

    head = element("tr", *(element("th", h, scope="col", class_=kind(n)) for n, h in enumerate(headers)))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=kind(0)),
            *(element("td", cell, class_=kind(n)) for n, cell in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption, class_="unseen"),
            element("thead", head),
            element("tbody", *body),
        ),
        class_="scroll",
        # What scrolls must be within reach of the keyboard.
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def visible(text: str) -> str:
    """The text without what HTML does not allow: NUL, other control codes and lone surrogates become U+FFFD."""
    return "".join(letter if _is_allowed(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _attribute_name(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")


def _write(node: Node, parts: list[str]) -> None:
    if isinstance(node, str):
        parts.append(html.escape(visible(node), quote=False))
        return
    attributes = "".join(f' {name}="{html.escape(visible(value))}"' for name, value in node.attributes)
    parts.append(f"<{node.tag}{attributes}>")
    if node.tag in _VOID:
        return
    for child in node.children:
        _write(child, parts)
    parts.append(f"</{node.tag}>")


def _is_allowed(letter: str) -> bool:
    code = ord(letter)
    if code < 0x20:
        return letter in _ALLOWED_CONTROLS
    is_no_character = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return not (0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or is_no_character)
