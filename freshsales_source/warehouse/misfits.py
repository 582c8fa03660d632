"""Values that did not fit their columns: how many the warehouse holds beside them, in columns `<column>__raw`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from freshsales_source.schema.columns import RAW_SUFFIX


class Stored(Protocol):
    """A warehouse that knows its columns and answers queries."""

    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """The columns of every table that was ever loaded."""
        ...

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows; None where a table does not exist yet."""
        ...

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        ...

    def column(self, name: str) -> str:
        """A column's name as it stands in SQL."""
        ...


def count_misfits(stored: Stored) -> Counter[str]:
    """By `table.column__raw`, deleted rows too. One query for each table that ever had such a value, else none."""
    found: Counter[str] = Counter()
    for table, columns in stored.columns().items():
        raws = [name for name in columns if name.endswith(RAW_SUFFIX)]
        if raws:
            counts = ", ".join(f"count({stored.column(name)})" for name in raws)
            rows = stored.query(f"SELECT {counts} FROM {stored.name(table)}") or [(0,) * len(raws)]
            found += Counter({f"{table}.{name}": int(n) for name, n in zip(raws, rows[0], strict=True)})
    return found


def of_object(misfits: Mapping[str, int], object: str) -> list[tuple[str, int]]:
    """Those in the tables of one object, the most first."""
    own = {name: n for name, n in misfits.items() if name.startswith((f"{object}.", f"{object}__"))}
    return sorted(own.items(), key=lambda item: (-item[1], item[0]))
