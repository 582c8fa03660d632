"""The ids of lookups that an object's rows point to: told to the run's catalog, and remembered with the object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import pyarrow as pa

from freshsales_source.entities import LOOKUPS
from freshsales_source.reading.rows import referenced
from freshsales_source.schema.columns import Table
from freshsales_source.state.catalog import Catalog

_LOOKUP_TABLES = frozenset(entity.name for entity in LOOKUPS)


class MetIds:
    """The ids met in this run, by lookup table; those `known` from an earlier run are told to the catalog, too."""

    def __init__(self, catalog: Catalog, known: Mapping[str, AbstractSet[int]]) -> None:
        self._catalog = catalog
        self._met: dict[str, frozenset[int]] = {}
        for table, ids in known.items():
            catalog.meet(table, ids)

    def with_those_in(
        self, tables: Mapping[str, pa.Table], layout: Iterable[Table]
    ) -> dict[str, frozenset[int]]:
        """All ids met so far, those that these rows point to now among them."""
        for table, ids in referenced(tables, layout, _LOOKUP_TABLES).items():
            self._catalog.meet(table, ids)
            self._met[table] = self._met.get(table, frozenset()) | ids
        return dict(self._met)
