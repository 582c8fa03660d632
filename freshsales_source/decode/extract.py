"""What a reader takes out of a page: typed columns, lists and what was odd, before rows are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from freshsales_source.schema.columns import ColumnType

UnknownKey: TypeAlias = tuple[str, bool]
"""A key of the records, and whether it stands among the custom fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """The elements of one list over all records of a page.

    columns, raws    typed values, and texts of those that did not fit, by column name; one entry for each
                     element
    lengths          for each record of the page how many elements are its own; 0 for an empty, null or
                     missing list
    ignored          keys of the elements that are not known; the slow reader keeps them in raw `other_keys`, but for
                     links
    """

    columns: Mapping[str, pa.Array]
    raws: Mapping[str, pa.Array]
    lengths: Sequence[int]
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """The records of one page by column. `raws` holds only columns in which something did not fit.

    lists       by table name
    unknown     keys with a value that the layout does not know, and the type their values suggest
    replaced    characters that no text column can hold (NUL, lone surrogates, broken UTF-8), now U+FFFD
    """

    rows: int
    columns: Mapping[str, pa.Array]
    raws: Mapping[str, pa.Array]
    lists: Mapping[str, Elements]
    unknown: Mapping[UnknownKey, ColumnType]
    total: int | None
    total_pages: int | None
    replaced: int = 0
