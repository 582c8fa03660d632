"""Which custom modules an account has, and under which table each of them lands.

The directory names them by the API's key, such as `cm_contracts`. A key that would meet another one after the
destination's naming gets a name of its own, once and for ever, as columns do (schema/column_names.py). A module that
leaves the directory stays known: its records are asked for, so that its end is seen and said. Once its address, too,
answers 404 it is gone, and not asked for again until the directory lists it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from freshsales_source.entities.custom_modules import PREFIX, module_entity
from freshsales_source.schema.column_names import LONGEST_OBJECT, assign_names, plain_name
from freshsales_source.schema.entity_types import Entity

Row: TypeAlias = Mapping[str, Any]
"""A row of table `custom_modules`."""

_ASKABLE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModule:
    """One custom module: its key in the API, its table, and what people call its records.

    `is_listed`: by the directory, when that was last read. `is_gone`: its records could not be found, either.
    """

    key: str
    table: str
    plural_name: str
    is_listed: bool = True
    is_gone: bool = False

    @property
    def entity(self) -> Entity:
        """Its row of the entity table."""
        return module_entity(self.key, self.table, self.plural_name)

    def to_json(self) -> dict[str, Any]:
        """The module as plain JSON, for the state."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CustomModule:
        """Read what `to_json` wrote."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The modules known, in the order in which they were met; `odd` are keys that no address can hold."""

    modules: tuple[CustomModule, ...] = ()
    odd: tuple[str, ...] = ()

    def with_gone(self, table: str) -> Directory:
        """The directory with the module of that table known to be gone."""
        modules = (
            replace(module, is_gone=True) if module.table == table else module for module in self.modules
        )
        return replace(self, modules=tuple(modules))

    def to_json(self) -> dict[str, Any]:
        """The directory as plain JSON, for the state."""
        return {"modules": [module.to_json() for module in self.modules], "odd": list(self.odd)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Directory:
        """Read what `to_json` wrote; nothing, for an account never asked."""
        if not data:
            return cls()
        return cls(modules=tuple(map(CustomModule.from_json, data["modules"])), odd=tuple(data["odd"]))


def read_directory(
    rows: Iterable[Row], *, known: Iterable[CustomModule], is_believed: bool = True
) -> Directory:
    """The modules `known` and those that rows of the directory list beside them, the lowest id first.

    Unless it `is_believed`, a module that it does not list any more may still be listed.
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
        longest=LONGEST_OBJECT,
    )
    found = {
        key: CustomModule(
            key=key, table=tables[_prefixed(key)], plural_name=str(row.get("plural_name") or key)
        )
        for key, row in listed.items()
        if _ASKABLE.fullmatch(key)
    }
    kept = {
        key: replace(module, is_listed=module.is_listed and not is_believed) for key, module in before.items()
    }
    return Directory(
        modules=tuple((kept | found).values()),
        odd=tuple(key for key in listed if not _ASKABLE.fullmatch(key)),
    )


def _is_custom(row: Row) -> bool:
    key, custom = row["entity_name"], row["custom"]
    return bool(key) and bool(key.startswith(PREFIX) if custom is None else custom)


def _prefixed(key: str) -> str:
    return key if plain_name(key).startswith(PREFIX) else PREFIX + key
