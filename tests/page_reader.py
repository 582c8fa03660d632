"""Reads a page as a browser's parser would see it: its text, its elements, its tables by their captions.

Knows nothing of how the page was made, so that it can judge that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})


@dataclass(kw_only=True)
class Table:
    """A table: its headers, and its rows as texts."""

    headers: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """One document, read whole."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        """Every attribute: tag, name, value."""
        self.policy = ""
        self.style = ""
        self.tables: dict[str, Table] = {}
        self._open: list[str] = []
        self._texts: list[str] = []
        self._table = Table()
        self._cell: list[str] = []
        self._caption: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "an element is not closed"

    @property
    def text(self) -> str:
        """All that is to be read, its blanks as one."""
        return " ".join("".join(self._texts).split())

    def column(self, caption: str, name: str) -> list[str]:
        """The cells of one column of a table."""
        table = self.tables[caption]
        place = table.headers.index(name)
        return [row[place] for row in table.rows]

    def rows(self, caption: str) -> list[list[str]]:
        """The rows of a table."""
        return self.tables[caption].rows

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Go into an element."""
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs).get("content") or ""
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "table":
            self._table, self._caption = Table(), []
        elif tag == "tr":
            self._table.rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        self._texts.append(" ")
        if tag in ("td", "th"):
            self._table.rows[-1].append(" ".join("".join(self._cell).split()))
        elif tag == "table":
            self._table.headers = self._table.rows.pop(0)
            self.tables["".join(self._caption)] = self._table

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if "style" in self._open:
            self.style += data
            return
        if "caption" in self._open:
            self._caption.append(data)
        elif self._open and {"td", "th"} & set(self._open):
            self._cell.append(data)
        self._texts.append(data)
