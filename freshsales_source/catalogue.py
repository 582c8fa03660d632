"""Every table of the warehouse as documentation: its grain, where it comes from, and each column with its origin.

It is made from the same tables that the loads are made from, so it cannot say anything else. What one account adds,
its custom fields and custom modules, is put in by `of_entity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from freshsales_source.entities import CUSTOM_MODULES, DEALS, ENTITIES
from freshsales_source.entities.custom_modules import module_entity
from freshsales_source.entities.feeds import FEEDS, Feed
from freshsales_source.schema.columns import Child, Column, Confidence, Table
from freshsales_source.schema.entity_types import IS_DELETED, Entity, Filters, FlatList, Selector, Views
from freshsales_source.sync.report import SYNC_OBJECTS, SYNC_RUNS
from freshsales_source.warehouse.deletions import DELETIONS
from freshsales_source.warehouse.forgotten import FORGOTTEN
from freshsales_source.warehouse.history import HISTORY, history_table
from freshsales_source.warehouse.metadata import FIELD_CHOICES, FIELDS, VIEWS

MADE_HERE = "made here"
"""Origin of what the API does not send."""

ANY_MODULE = module_entity("cm_*", "cm_*", "...")
"""Stands for the custom modules of an account that was not asked."""

_SETTINGS = {
    FIELDS.name: "GET /settings/{object}/fields, or /forms of a custom module",
    FIELD_CHOICES.name: "GET /settings/{object}/fields, or /forms of a custom module",
    VIEWS.name: "GET /{object}/filters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEntry:
    """One column; `origin` is the key of the answer that it is read from, `points_to` a table whose `id` it holds."""

    name: str
    type: str
    description: str
    origin: str
    confidence: Confidence
    points_to: str = ""
    is_volatile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """One table: the columns that tell its rows apart, the call that brings it, and why keys of it are left out."""

    name: str
    description: str
    grain: tuple[str, ...]
    origin: str
    columns: tuple[ColumnEntry, ...]
    left_out: Mapping[str, str]


def tables() -> tuple[TableEntry, ...]:
    """Every table that a sync of everything makes, without what one account adds."""
    found: list[TableEntry] = []
    for entity in ENTITIES:
        found += of_entity(entity)
        if entity is CUSTOM_MODULES:
            found += of_entity(ANY_MODULE)
    return (*found, *tables_beside(DEALS, FEEDS))


def objects_of_tables() -> dict[str, str]:
    """The object whose sync fills a table, by table; those that no single object fills, as `fields`, are left out."""
    found = {feed.table.name: feed.name for feed in FEEDS}
    for entity in ENTITIES:
        found |= dict.fromkeys((table.name for table in entity.tables()), entity.name)
    return {**found, ANY_MODULE.name: CUSTOM_MODULES.name, HISTORY: DEALS.name}


def of_entity(entity: Entity, custom: Iterable[Column] = ()) -> tuple[TableEntry, ...]:
    """The tables of one object, with the columns that an account adds."""
    extra = tuple(custom)
    parent, *list_tables = entity.tables(extra)
    lists, splits = list_tables[: len(entity.lists)], list_tables[len(entity.lists) :]
    call, left_out = _call(entity), {row.key: row.reason for row in entity.dropped}
    origins = {column.name: _key(column, entity.objects) for column in (*entity.columns, *extra, IS_DELETED)}
    children = (
        _entry(table, call, _in_list(child), {row.key: row.reason for row in child.dropped})
        for table, child in zip(lists, entity.lists, strict=True)
    )
    parts = (
        _entry(table, call, {"value": f"{origins[child.name]}, split at ;"})
        for table, child in zip(splits, entity.split(extra), strict=True)
    )
    return (_entry(parent, call, origins, left_out), *children, *parts)


def tables_beside(deals: Entity, feeds: Iterable[Feed]) -> tuple[TableEntry, ...]:
    """The tables that are not made from one object alone."""
    settings = (
        _entry(table, _SETTINGS[table.name], {c.name: c.key for c in table.columns})
        for table in (FIELDS, FIELD_CHOICES, VIEWS)
    )
    history = history_table(deals.tables()[0], is_readable=True)
    watched = {column.name: f"`{deals.name}.{column.name}`" for column in deals.tables()[0].columns}
    ours = (_entry(table, MADE_HERE, {}) for table in (DELETIONS, FORGOTTEN, SYNC_RUNS, SYNC_OBJECTS))
    from_deals = f"{MADE_HERE}, from `{deals.name}`"
    return (*map(_of_feed, feeds), *settings, _entry(history, from_deals, watched), *ours)


def _of_feed(feed: Feed) -> TableEntry:
    paths = " or ".join(f"/{parent}/{{id}}/{feed.path}" for parent in feed.parents)
    inner = (feed.inner,) if feed.inner else ()
    return _entry(feed.table, f"GET {paths}", {c.name: _key(c, inner) for c in feed.columns})


def _entry(
    table: Table, origin: str, origins: Mapping[str, str], left_out: Mapping[str, str] | None = None
) -> TableEntry:
    points_to = dict(table.references)
    return TableEntry(
        name=table.name,
        description=table.description,
        grain=table.row_key,
        origin=origin,
        columns=tuple(
            ColumnEntry(
                name=column.name,
                type=column.type.value,
                description=column.description,
                origin=MADE_HERE if column.confidence is Confidence.OURS else origins[column.name],
                confidence=column.confidence,
                points_to=points_to.get(column.name, ""),
                is_volatile=column.is_volatile,
            )
            for column in table.columns
        ),
        left_out=left_out or {},
    )


def _call(entity: Entity) -> str:
    """The call that brings the records of an object."""
    include = f"include={','.join(entity.include)}" if entity.include else ""
    match entity.read:
        case Views():
            return _get(f"{entity.path}/view/{{id}}", include)
        case Filters() as read:
            return _get(entity.path, f"filter={'|'.join((*read.live, *read.settled))}", include)
        case FlatList():
            return _get(entity.path, include)
        case Selector() as read:
            return " and ".join(_get(part.path) for part in (read, *read.also))


def _get(path: str, *query: str) -> str:
    given = "&".join(filter(None, query))
    return f"GET {path}?{given}" if given else f"GET {path}"


def _in_list(child: Child) -> dict[str, str]:
    """The origin of each column of a list's table, which has the parent's id beside."""
    if child.is_plain:
        return {column.name: f"{child.key}[]" for column in child.columns}
    beside = f" (beside the records, found by {child.ids})" if child.ids else ""
    return {column.name: f"{child.key}[].{_key(column, child.objects)}{beside}" for column in child.columns}


def _key(column: Column, objects: tuple[str, ...]) -> str:
    """Where in a record a column's value stands; `a.b` is the member `b` of an object `a` inside it."""
    if column.is_custom:
        return f"custom_field.{column.key}"
    inner = (name for name in objects if column.key.startswith(f"{name}_"))
    keys = [f"{name}.{column.key.removeprefix(f'{name}_')}" for name in inner] or [column.key]
    return " or ".join((*keys, *column.other_keys))
