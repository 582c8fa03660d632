"""What a page of one entity is decoded into, worked out once and used for every page.

A layout is an entity with the further columns of one account: its custom fields, and keys met in records that
nobody had told of. It holds the schema of each table and the shape of a record on the wire. Frozen: a new key
makes a new layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from freshsales_source.decode.arrow_types import TEXT, arrow_type
from freshsales_source.entities.dropped import TOKENS
from freshsales_source.schema.columns import Child, Column, ColumnType, Table
from freshsales_source.schema.entity_types import IS_DELETED, Entity

CUSTOM_FIELD = "custom_field"
"""The key of the object that holds a record's custom fields; `{}` when there are none (recorded)."""

PARTIAL = "partial"
"""The key that marks side-loaded rows (recorded)."""

_READ_AS_TEXT = {ColumnType.TIMESTAMP, ColumnType.DATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLayout:
    """One child or bridge: the table it becomes, and which keys of its elements are known."""

    child: Child
    table: Table
    schema: pa.Schema
    known: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The tables of one entity in one account. Build it with `of`.

    splits     lists that are made from a column's text, which holds several values
    columns    every column of the parent that is read from a record, `is_deleted` last
    known      keys of a record that are loaded or deliberately dropped; any other is reported
    record     Arrow's type of one record on the wire, JSON columns left out
    is_exact   whether the fast reader can serve it
    """

    entity: Entity
    extra: tuple[Column, ...]
    table: Table
    schema: pa.Schema
    lists: tuple[ListLayout, ...]
    splits: tuple[ListLayout, ...]
    columns: tuple[Column, ...]
    known: frozenset[str]
    known_custom: frozenset[str]
    record: pa.DataType
    is_exact: bool

    @classmethod
    def of(cls, entity: Entity, custom: Iterable[Column] = ()) -> Layout:
        """The layout of an entity with further columns of the account, custom fields or not."""
        extra = tuple(custom)
        parent, *list_tables = entity.tables(extra)
        columns = (*entity.columns, *extra, IS_DELETED)
        lists = tuple(map(_list_layout, entity.lists, list_tables))
        splits = tuple(map(_list_layout, entity.split(extra), list_tables[len(lists) :]))
        return cls(
            entity=entity,
            extra=extra,
            table=parent,
            schema=_schema(parent),
            lists=lists,
            splits=splits,
            columns=columns,
            known=_known_keys(entity, columns),
            known_custom=frozenset(key for column in extra if column.is_custom for key in column.keys),
            record=_record_type(entity, columns),
            is_exact=all(map(_is_exact, entity.lists)),
        )

    def extended(self, columns: Iterable[Column]) -> Layout:
        """This layout with columns more, in the order given."""
        return Layout.of(self.entity, (*self.extra, *columns))

    @property
    def has_custom_fields(self) -> bool:
        """Whether records of this entity carry an object with custom fields."""
        return self.entity.has_custom_fields

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The schema of every table by name, the parent first; a page may add `<column>__raw` texts."""
        lists = {row.table.name: row.schema for row in (*self.lists, *self.splits)}
        return {self.table.name: self.schema, **lists}

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, the parent first."""
        return (self.table, *(row.table for row in (*self.lists, *self.splits)))


def member_key(object: str, member: str) -> str:
    """The key under which a member of an object inside a record is read: `company_name` for `company.name`."""
    return f"{object}_{member}"


def _is_exact(child: Child) -> bool:
    """Whether Arrow can read the list: side-loaded elements have to be looked up first, JSON has any shape."""
    return not child.ids and not any(column.type is ColumnType.JSON for column in child.columns)


def _list_layout(child: Child, table: Table) -> ListLayout:
    keys = {key for column in child.columns for key in column.keys}
    return ListLayout(
        child=child,
        table=table,
        schema=_schema(table),
        known=frozenset(keys | {row.key for row in (*child.dropped, *TOKENS)}),
    )


def _schema(table: Table) -> pa.Schema:
    return pa.schema(
        [
            pa.field(column.name, arrow_type(column.type), nullable=column.is_nullable)
            for column in table.columns
        ]
    )


def _known_keys(entity: Entity, columns: tuple[Column, ...]) -> frozenset[str]:
    keys = {key for column in columns if not column.is_custom for key in column.keys}
    keys.update(key for child in entity.lists for key in (child.key, child.ids) if key)
    keys.update(row.key for row in (*entity.dropped, *TOKENS))
    keys.update(entity.objects)
    return frozenset(keys | {PARTIAL} | ({CUSTOM_FIELD} if entity.has_custom_fields else set()))


def _record_type(entity: Entity, columns: tuple[Column, ...]) -> pa.DataType:
    fields = _wire_fields((column for column in columns if not column.is_custom), entity.objects)
    for child in entity.lists:
        fields[child.key] = pa.list_(_element_type(child))
    if entity.has_partial_rows:
        fields[PARTIAL] = pa.bool_()
    if entity.has_custom_fields:
        fields[CUSTOM_FIELD] = _struct(_wire_fields(column for column in columns if column.is_custom))
    return _struct(fields)


def _element_type(child: Child) -> pa.DataType:
    fields = _wire_fields(child.columns, child.objects)
    return next(iter(fields.values())) if child.is_plain and fields else _struct(fields)


def _wire_fields(columns: Iterable[Column], objects: tuple[str, ...] = ()) -> dict[str, pa.DataType]:
    """Types by key, as Arrow is told to read them. A JSON column may hold anything, so it is not declared.

    A key that begins with an object's name is declared in both places where it may stand.
    """
    declared = (column for column in columns if column.type is not ColumnType.JSON)
    fields = {key: _wire_type(column.type) for column in declared for key in column.keys}
    members = {name: _members(fields, member_key(name, "")) for name in objects}
    return fields | {name: _struct(types) for name, types in members.items()}


def _members(fields: Mapping[str, pa.DataType], start: str) -> dict[str, pa.DataType]:
    return {key.removeprefix(start): type_ for key, type_ in fields.items() if key.startswith(start)}


def _wire_type(type_: ColumnType) -> pa.DataType:
    return TEXT if type_ in _READ_AS_TEXT else arrow_type(type_)


def _struct(fields: Mapping[str, pa.DataType]) -> pa.DataType:
    return pa.struct([pa.field(key, type_) for key, type_ in fields.items()])
