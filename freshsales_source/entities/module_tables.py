"""Which custom modules an account has, and under which table each of them lands.

The directory names them by the API's key, such as `cm_contracts`. A key that would meet another one after the
destination's naming gets a name of its own, once and for ever, as columns do (schema/column_names.py). A module that
leaves the directory stays known: its records are asked for, so that its end is seen and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from freshsales_source.entities.custom_modules import PREFIX, module_entity
from freshsales_source.schema.column_names import assign_names, plain_name
from freshsales_source.schema.entity_types import Entity

Row: TypeAlias = Mapping[str, Any]
"""A row of table `custom_modules`."""

_ASKABLE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModule:
    """One custom module: its key in the API, its table, and what people call its records."""

    key: str
    table: str
    plural_name: str

    @property
    def entity(self) -> Entity:
        """Its row of the entity table."""
        return module_entity(self.key, self.table, self.plural_name)

    def to_json(self) -> dict[str, str]:
        """The module as plain JSON, for the state."""
        return {"key": self.key, "table": self.table, "plural_name": self.plural_name}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> CustomModule:
        """Read what `to_json` wrote."""
        return cls(key=data["key"], table=data["table"], plural_name=data["plural_name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The modules known, in the order in which they were met; `odd` are keys that no address can hold."""

    modules: tuple[CustomModule, ...] = ()
    odd: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The directory as plain JSON, for the state."""
        return {"modules": [module.to_json() for module in self.modules], "odd": list(self.odd)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Directory:
        """Read what `to_json` wrote; nothing, for an account never asked."""
        if not data:
            return cls()
        return cls(modules=tuple(map(CustomModule.from_json, data["modules"])), odd=tuple(data["odd"]))


def read_directory(rows: Iterable[Row], *, known: Iterable[CustomModule]) -> Directory:
    """The modules `known` and those that rows of the directory list beside them, the lowest id first.

    Modules that every account has (contacts, deals) are marked `custom: false` (one client); where nothing is
    marked, the key tells.
    """
    before = {module.key: module for module in known}
    custom = sorted(filter(_is_custom, rows), key=lambda row: (row["id"], row["entity_name"]))
    listed = {str(row["entity_name"]): row for row in custom}
    tables = assign_names(
        (_prefixed(key) for key in listed if _ASKABLE.fullmatch(key)),
        known={_prefixed(key): module.table for key, module in before.items()},
        reserved=(),
    )
    found = {
        key: CustomModule(
            key=key, table=tables[_prefixed(key)], plural_name=str(row.get("plural_name") or key)
        )
        for key, row in listed.items()
        if _ASKABLE.fullmatch(key)
    }
    return Directory(
        modules=tuple((before | found).values()),
        odd=tuple(key for key in listed if not _ASKABLE.fullmatch(key)),
    )


def _is_custom(row: Row) -> bool:
    key, custom = row["entity_name"], row["custom"]
    return bool(key) and bool(key.startswith(PREFIX) if custom is None else custom)


def _prefixed(key: str) -> str:
    return key if plain_name(key).startswith(PREFIX) else PREFIX + key
