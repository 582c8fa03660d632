"""A settings file of the project: what it says, and what it is to say, until somebody writes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from freshsales_source.cli.project_files import read_text
from freshsales_source.cli.toml_text import Value, literal, with_values
from freshsales_source.errors import ConfigurationError

_PLACEHOLDER = "configure me"  # what `dlt init` writes for a value that is to be filled in


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A file's text as it is to be, and the names of the settings that were added to it.

    The text may hold the key: it is in no repr and no error.
    """

    path: Path
    text: str = field(repr=False)
    added: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """The file as it is; empty where there is none. Raises ConfigurationError where it is no TOML."""
        file = cls(path=path, text=read_text(path))
        file.document()
        return file

    def document(self) -> dict[str, Any]:
        """All that the text says; raises ConfigurationError, which names the line, where it is no TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(
                f"{self.path} is not valid TOML ({error})",
                remedy="Mend the line it names; text needs quotes.",
            ) from None

    def entries(self, *table: str) -> dict[str, Any]:
        """The values of a table; placeholders count as missing."""
        found: Any = self.document()
        for name in table:
            found = found.get(name, {}) if isinstance(found, dict) else {}
        entries = found if isinstance(found, dict) else {}
        return {name: value for name, value in entries.items() if _PLACEHOLDER not in str(value)}

    def with_entries(
        self,
        table: tuple[str, ...],
        values: Mapping[str, Value],
        *,
        is_forced: bool,
        notes: Mapping[str, str] | None = None,
        hidden: bool = False,
    ) -> SettingsFile:
        """The file with these values added; raises ConfigurationError where it holds others."""
        before = self.entries(*table)
        new = {name: value for name, value in values.items() if not _is_same(before.get(name), value)}
        names = [".".join((*table, name)) for name in new]
        others = [name for name in new if name in before]
        if others and not is_forced:
            raise ConfigurationError(
                f"{self.path} already holds another {' and '.join(others)}",
                remedy="Change it there, or replace it with --force.",
            )
        if not new:
            return self
        text = with_values(self.text, table, new, notes=notes)
        if text is None:
            shown = [f"{name} = {'...' if hidden else literal(value)}" for name, value in new.items()]
            raise ConfigurationError(
                f"{self.path} is written in a way that cannot be added to",
                remedy=f"Put under [{'.'.join(table)}] by hand: {'; '.join(shown)}",
            )
        return SettingsFile(path=self.path, text=text, added=(*self.added, *names))

    def with_comment(self, table: tuple[str, ...], comment: str, *, on: str) -> SettingsFile:
        """The file with a comment below the first value of a table, unless it sets or comments `on` already."""
        header = f"[{'.'.join(table)}]\n"
        before, found, after = self.text.rpartition(header)
        if not found or re.search(rf"\b{on}\s*=", self.text):
            return self
        line, end, rest = after.partition("\n")
        return replace(self, text=f"{before}{found}{line}{end}{comment}\n{rest}")

    def check_written(self) -> None:
        """Raise ConfigurationError unless the file on disk says what it is to say."""
        if SettingsFile.read(self.path).document() != self.document():
            raise ConfigurationError(
                f"{self.path} does not hold what was written",
                remedy="Was it changed meanwhile? Run it again.",
            )


def _is_same(before: object, value: Value) -> bool:
    return before == (value if isinstance(value, str | int) else list(value))
