"""The words a table of the warehouse is described in: columns, children, bridges, tables.

Everything here is a value; nothing knows Freshsales, Arrow or dlt. `entities.py` writes the facts down in
these words, `decode/` turns them into Arrow schemas, and `dlt_columns` into the plain dicts that dlt takes as
column hints.

Two rules hold for every table built here:
- ids are 64-bit, times are UTC with microseconds, money is a decimal: no value ever passes through a float;
- the columns of a table are known before its first row, so an always empty column still exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeAlias

DECIMAL_PRECISION = 38
DECIMAL_SCALE = 9
"""decimal(38, 9): what dlt and BigQuery's NUMERIC use by default, so every destination holds it unchanged.

29 digits before the point and 9 after it hold any sum of money in any currency, and the exchange rates beside
it. A number that needs more is kept as text in `<column>__raw`; it is never rounded.
"""

TIMESTAMP_PRECISION = 6
"""Digits after the second. The API was only ever seen to send whole seconds; DuckDB and dlt like
microseconds."""

EMPTIED_MARKER = "_is_emptied"
"""Marker column of child tables. A row that has it true carries only its parent's id and says "this list is
empty now": merged by the parent's id it removes what was there, and as dlt's `hard_delete` column it is not
inserted itself."""

RAW_SUFFIX = "__raw"
"""Ending of the text column that keeps values which did not fit their column's type."""

OTHER_KEYS = "other_keys"
"""With that ending, the column of a child table for keys of its elements that no column is for, as one JSON object."""

MET = "Key met in this account's records."
"""All that is known of a column whose key no settings tell of."""

DltHint: TypeAlias = dict[str, str | int | bool]


class ColumnType(Enum):
    """What a column holds; the value is the name used in documentation."""

    ID = "id"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"


class Confidence(Enum):
    """How well a fact about the API is known, best first."""

    RECORDED = "seen in a recorded response"
    DOCUMENTED = "documented by the vendor"
    SEVERAL_CLIENTS = "several independent clients rely on it"
    COLUMN_LIST = "in the column list of a production account"
    ONE_CLIENT = "one client relies on it"
    ASSUMED = "assumed"
    OURS = "made by this connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table, and the JSON key that its values come from.

    `key` is the name in the record (the column's name unless given); `other_keys` are names that some
    accounts use instead. Keys of custom fields are looked up inside the record's `custom_field` object. A
    volatile column is computed by the server at read time: it moves while `updated_at` stands still, and is
    never compared. The text of one that `is_multiple` holds several values, separated by `;`: each is also a row of
    a table of its own.
    """

    name: str
    type: ColumnType
    description: str
    confidence: Confidence
    key: str = ""
    other_keys: tuple[str, ...] = ()
    is_custom: bool = False
    is_nullable: bool = True
    is_volatile: bool = False
    is_multiple: bool = False

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.name)

    @classmethod
    def ours(cls, name: str, type: ColumnType, description: str, *, is_nullable: bool = True) -> Column:
        """A column that no record of the CRM has: the connector writes it."""
        return cls(
            name=name, type=type, description=description, confidence=Confidence.OURS, is_nullable=is_nullable
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key the value may stand under, the usual one first."""
        return (self.key, *self.other_keys)

    @property
    def raw_name(self) -> str:
        """The text column that keeps values which do not fit."""
        return self.name + RAW_SUFFIX

    def as_state(self) -> dict[str, str | bool]:
        """What must be remembered of a column that an account brought, as plain JSON."""
        return {
            "name": self.name,
            "key": self.key,
            "type": self.type.value,
            "is_custom": self.is_custom,
            "description": self.description,
            "is_multiple": self.is_multiple,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, str | bool]) -> Column:
        """The column that `as_state` described."""
        return cls(
            name=str(state["name"]),
            key=str(state["key"]),
            type=ColumnType(state["type"]),
            is_custom=bool(state["is_custom"]),
            description=str(state.get("description", MET)),
            is_multiple=bool(state.get("is_multiple")),
            confidence=Confidence.RECORDED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A key of the record that is known and deliberately not loaded, with the reason."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A list inside a record that becomes a table of its own, `<entity>__<name>`.

    `is_plain` lists hold bare values, which land in the one column given (`value`); otherwise each element is
    an object and `columns` name its keys. The parent's id and the element's position are added to every row.

    objects      keys of objects inside an element, whose members are read as keys of the element itself:
                 member `type` of `attendee` as `attendee_type`
    ids          where the elements are side-loaded: the record's key that lists their ids, while the elements
                 stand under `key` at the top of the answer; a record that holds them itself is read as usual
    references   (column, table it points to), beside the parent
    is_link      whether an element stands for another record: what else it says of that is in the record's own row,
                 and is not kept a second time
    """

    has_position: ClassVar[bool] = True

    name: str
    columns: tuple[Column, ...]
    description: str
    confidence: Confidence
    key: str = ""
    is_plain: bool = False
    dropped: tuple[Dropped, ...] = ()
    objects: tuple[str, ...] = ()
    ids: str = ""
    references: tuple[tuple[str, str], ...] = ()
    is_link: bool = False

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge(Child):
    """A child whose rows only link two entities; the order of the list means nothing, so there is no
    position.

    The first of `columns` is the id of the other side.
    """

    has_position: ClassVar[bool] = False

    is_link: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the warehouse, ready to be created: its columns and how its rows are merged.

    A parent is merged by its primary key. A child or bridge is merged by `merge_key`, the parent's id, so
    that one load replaces the whole list; it has no primary key, because its marker rows carry nothing but
    the parent's id.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    merge_key: tuple[str, ...] = ()
    marker: str | None = None
    parent: str | None = None
    grain: tuple[str, ...] = ()
    """The columns that tell rows apart, where these are neither the primary key nor a place in a list."""
    references: tuple[tuple[str, str], ...] = ()
    """(column, table it points to), for documentation and joins; always to that table's `id`.

    The record may be gone: a deleted user, or a row of a table this account does not have."""

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns by which one row differs from every other: one row for each of their values."""
        return self.grain or self.primary_key or (*self.merge_key, "position")

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def dlt_columns(table: Table, beside: Iterable[str] = ()) -> dict[str, DltHint]:
    """The table's columns as dlt column hints, by name, in order; plain dicts, dlt is not imported.

    `beside` are names of columns, of which those that keep what did not fit are told, too.
    """
    raws = (raw_column(name) for name in beside if name.endswith(RAW_SUFFIX))
    return {column.name: _dlt_hint(table, column) for column in (*table.columns, *raws)}


def raw_column(name: str) -> Column:
    """The column that keeps the values of another one which did not fit its type."""
    of = name.removesuffix(RAW_SUFFIX)
    description = f"Values of `{of}` that did not fit its type, as they were sent; null where they did."
    if of == OTHER_KEYS:
        description = "What the element holds under keys that no column is for, as one JSON object."
    return Column(name=name, type=ColumnType.TEXT, description=description, confidence=Confidence.OURS)


_DLT_TYPES: dict[ColumnType, DltHint] = {
    ColumnType.ID: {"data_type": "bigint"},
    ColumnType.INTEGER: {"data_type": "bigint"},
    ColumnType.DECIMAL: {"data_type": "decimal", "precision": DECIMAL_PRECISION, "scale": DECIMAL_SCALE},
    ColumnType.TEXT: {"data_type": "text"},
    ColumnType.BOOLEAN: {"data_type": "bool"},
    ColumnType.TIMESTAMP: {"data_type": "timestamp", "precision": TIMESTAMP_PRECISION, "timezone": True},
    ColumnType.DATE: {"data_type": "date"},
    # Not dlt's "json": that type differs from one destination to the next, text is the same everywhere.
    ColumnType.JSON: {"data_type": "text"},
}


def same_storage(one: ColumnType, other: ColumnType) -> bool:
    """Whether a destination stores both types alike."""
    return _DLT_TYPES[one] == _DLT_TYPES[other]


def type_of_storage(data_type: str | None) -> ColumnType | None:
    """The column type that a destination stores under this data type of dlt's; None for one that no column has."""
    return next((type_ for type_, hint in _DLT_TYPES.items() if hint["data_type"] == data_type), None)


def _dlt_hint(table: Table, column: Column) -> DltHint:
    hint: DltHint = {"name": column.name, **_DLT_TYPES[column.type], "nullable": column.is_nullable}
    if column.name in table.primary_key:
        hint["primary_key"] = True
    if column.name in table.merge_key:
        hint["merge_key"] = True
    if column.name == table.marker:
        hint["hard_delete"] = True
    hint["description"] = column.description
    return hint
