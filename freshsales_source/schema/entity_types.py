"""What a row of THE TABLE is: an entity, how it is read, and the tables that follow from it.

The rows themselves stand in `entities.py`. Every table gets the connector's own columns here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from freshsales_source.schema.column_names import list_table_name, plain_name
from freshsales_source.schema.columns import (
    EMPTIED_MARKER,
    Bridge,
    Child,
    Column,
    ColumnType,
    Confidence,
    Dropped,
    Table,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipelines:
    """How records that the default views leave out are found: by pipeline, through the search.

    path, envelope    the lookup of all pipelines
    column            of a record: the pipeline it is in; also the name of it in a rule of the search
    whole             keys that every row has which is not thin: of a thin one, a missing key is not a null
    """

    path: str
    envelope: str
    column: str
    whole: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """An object read from saved views: their names, and the `include` that brings its foreign keys.

    `live` views together show every record that is not deleted; `bin` shows the deleted ones, for 90 days
    (documented). Names are those of an English account; settings override them by id or name. Where `pipelines`
    is given, the default views may show the records of one pipeline only.

    has_bin      whether an object without a bin lacks something; else it may have one or none
    or_search    whether an object without a list of views is read through filtered_search
    """

    live: tuple[str, ...]
    bin: str = "Recycle Bin"
    include: tuple[str, ...] = ()
    pipelines: Pipelines | None = None
    has_bin: bool = True
    or_search: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """An object read from fixed filters, `?filter=<name>` at its own path; one value a request (documented).

    The same record may stand in several filters (recorded), so a filter tells nothing of a record. No order is
    honoured, whatever is asked for, and there is no `total_pages` (both recorded).

    live       filters that are read whole in each run: what people still work on
    settled    filters that are read whole once; after that only where a count or the refresh finds a change,
               and record by record when one leaves the live ones
    settled_by    the column that the settled lists are ordered by, whatever is asked for; newest first if
                  `settled_descends`
    live_by    the column by which a record alone shows that it belongs to the live ones: it holds `live_value`,
               or, where that is None, a time that is not over
    """

    live: tuple[str, ...]
    settled: tuple[str, ...]
    live_by: str
    settled_by: str
    settled_descends: bool = False
    live_value: int | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatList:
    """An object read from one paged list at its own path, without views or filters.

    `sort` is the column to order by, newest first, where it is worth asking; whether the order was honoured
    must be seen from the rows, else the list is read whole. It shows no recycle bin.
    """

    include: tuple[str, ...] = ()
    sort: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """An object read whole each time, as a rule in one answer without pages.

    `envelope` names the list in the answer; `a.b` means the lists `b` inside the elements of list `a`. `also`
    names further answers with rows of the same table: where one id comes in several, the row of the later
    answer is the one to keep. `is_paged`: the answer comes in pages after all.
    """

    path: str
    envelope: str
    is_paged: bool = False
    also: tuple[Selector, ...] = ()


HowRead: TypeAlias = Views | Filters | FlatList | Selector


_LONGEST_STEM = 55

_VALUE = Column(
    name="value", type=ColumnType.TEXT, description="One of the values.", confidence=Confidence.COLUMN_LIST
)

TEXTS = frozenset({ColumnType.TEXT, ColumnType.JSON})
"""Types that are stored as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What is done to a column of personal data: left out, or, where `digest` is given, its texts replaced by it.

    Only texts are: a table that has a column of numbers takes no hashes in it. Other columns are left out.
    """

    digest: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One object of the API and the tables it becomes.

    name            the table, and the list's key in an answer (its envelope) unless `key` or a Selector says
                    otherwise
    singular        the envelope of a single record, the name in filtered_search, and the stem of children's
                    foreign key
    path            the API path below the base URL: of views, filters, lists and single records
    read            how its records are found
    objects         keys of objects inside a record, whose members are read as keys of the record itself:
                    member `name` of `company` as `company_name`
    cursor          the column that orders changes; None for objects without one, which are always read whole
    settings        the object's name in `settings/{name}/fields`; None when no such list is known
    has_forms       whether its fields stand in `settings/{name}/forms` instead
    has_custom_fields    whether its records carry an object `custom_field`
    is_optional     whether an account without it is normal: 404 or 403 then means "not available here"
    protected       columns that the user wants left out or hashed, by `table.column`
    """

    name: str
    singular: str
    path: str
    description: str
    read: HowRead
    columns: tuple[Column, ...]
    children: tuple[Child, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    objects: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    cursor: str | None = None
    settings: str | None = None
    has_forms: bool = False
    has_custom_fields: bool = False
    is_optional: bool = False
    key: str = ""
    protected: Mapping[str, Protection] = field(default_factory=dict)

    @property
    def envelope(self) -> str:
        """The key under which an answer holds the list of records."""
        return self.read.envelope if isinstance(self.read, Selector) else self.key or self.name

    @property
    def foreign_key(self) -> str:
        """The column by which children and bridges point to this entity."""
        # The key of a custom module may be any name.
        return f"{plain_name(self.singular)[:_LONGEST_STEM]}_id"

    @property
    def include(self) -> tuple[str, ...]:
        """What is asked for beside the bare records; nothing for selectors."""
        return () if isinstance(self.read, Selector) else self.read.include

    @property
    def lists(self) -> tuple[Child, ...]:
        """Children and bridges, in the order of their tables."""
        return (*self.children, *self.bridges)

    @property
    def has_partial_rows(self) -> bool:
        """Whether a row marked `partial` is a side-load; in selectors all are marked (column lists)."""
        return not isinstance(self.read, Selector)

    @property
    def volatile(self) -> frozenset[str]:
        """Columns computed by the server at read time: never compared, never a change."""
        return frozenset(column.name for column in self.columns if column.is_volatile)

    def tables(self, custom: tuple[Column, ...] = ()) -> tuple[Table, ...]:
        """The tables of this entity as they are stored: itself with its custom columns, its lists, and theirs."""
        lists = (*self.lists, *self.split(custom))
        tables = (self._table(custom), *(self._list_table(child) for child in lists))
        return tuple(as_stored(table, self.protected) for table in tables)

    def split(self, custom: Iterable[Column]) -> tuple[Child, ...]:
        """The lists that are made of columns which hold several values; of none that is left out or hashed."""
        return tuple(
            Child(
                name=column.name,
                columns=(_VALUE,),
                description=f"The single values of `{self.name}.{column.name}`. {column.description}",
                confidence=column.confidence,
                is_plain=True,
            )
            for column in custom
            if column.is_multiple and self.protection(self.name, column.name) is None
        )

    def protection(self, table: str, column: str) -> Protection | None:
        """What is done to a column of one of the entity's tables; None where it is stored as it is."""
        return self.protected.get(f"{table}.{column}")

    def _table(self, custom: tuple[Column, ...]) -> Table:
        return Table(
            name=self.name,
            description=self.description,
            columns=(*self.columns, *custom, *SYSTEM_COLUMNS),
            primary_key=("id",),
            references=self.references,
        )

    def _list_table(self, child: Child) -> Table:
        return Table(
            name=list_table_name(self.name, child.name),
            description=child.description,
            columns=_list_columns(self, child),
            merge_key=(self.foreign_key,),
            marker=EMPTIED_MARKER,
            parent=self.name,
            grain=() if child.has_position else (self.foreign_key, child.columns[0].name),
            references=((self.foreign_key, self.name), *child.references),
        )


def as_stored(table: Table, protected: Mapping[str, Protection]) -> Table:
    """A table without the columns that are left out, and with hashes in those that are hashed."""
    if not protected:
        return table
    protections = [protected.get(f"{table.name}.{column.name}") for column in table.columns]
    return replace(
        table,
        columns=tuple(
            column if protection is None else _hashed(column)
            for column, protection in zip(table.columns, protections, strict=True)
            if protection is None or (protection.digest is not None and column.type in TEXTS)
        ),
        references=tuple(row for row in table.references if f"{table.name}.{row[0]}" not in protected),
    )


def _hashed(column: Column) -> Column:
    description = f"{column.description} Its keyed hash (HMAC-SHA256), not the value."
    return replace(column, type=ColumnType.TEXT, description=description)


def _ours(name: str, type_: ColumnType, description: str, *, is_nullable: bool = True) -> Column:
    return Column(
        name=name, type=type_, description=description, confidence=Confidence.OURS, is_nullable=is_nullable
    )


SYNCED_AT = _ours(
    "_synced_at", ColumnType.TIMESTAMP, "When this row was read from the API (UTC).", is_nullable=False
)

IS_DELETED = Column(
    name="is_deleted",
    type=ColumnType.BOOLEAN,
    description="True while the record is in the recycle bin or gone; false where the API does not say.",
    confidence=Confidence.RECORDED,
    is_nullable=False,
)

SYSTEM_COLUMNS = (
    IS_DELETED,
    _ours("_deleted_reason", ColumnType.TEXT, "`recycle_bin` or `vanished`; null while the record is live."),
    _ours(
        "_deleted_at",
        ColumnType.TIMESTAMP,
        "When it was deleted (UTC): its `updated_at` in the recycle bin, or the time it was found gone.",
    ),
    SYNCED_AT,
)
"""Columns of every parent table, after its own. `is_deleted` is also a key of the API (recorded), but not
everywhere."""


def _list_columns(entity: Entity, child: Child) -> tuple[Column, ...]:
    parent_id = _ours(
        entity.foreign_key,
        ColumnType.ID,
        f"The row of `{entity.name}` this belongs to.",
        is_nullable=False,
    )
    position = _ours(
        "position", ColumnType.INTEGER, "Place in the record's list, from 0; null in a marker row."
    )
    marker = _ours(
        EMPTIED_MARKER,
        ColumnType.BOOLEAN,
        "True in a marker row, which only empties the parent's list and is not kept; null in all others.",
    )
    places = (position,) if child.has_position else ()
    return (parent_id, *places, *child.columns, marker, SYNCED_AT)
