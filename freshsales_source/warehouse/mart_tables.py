"""The tables that models may read, with the columns that they may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from freshsales_source.entities import ENTITIES, entity
from freshsales_source.schema.columns import ColumnType, Table
from freshsales_source.warehouse.audit_tables import SYNC_OBJECTS, SYNC_RUNS
from freshsales_source.warehouse.deletions import DELETIONS
from freshsales_source.warehouse.history import OBJECT, history_table


@cache
def mart_tables() -> Mapping[str, Mapping[str, ColumnType]]:
    """Column types by table and column; a warehouse may lack any table, and any column of one."""
    of_objects = (table for one in ENTITIES for table in one.tables())
    history = history_table(entity(OBJECT).tables()[0], is_readable=True)
    return {table.name: _types(table) for table in (*of_objects, history, DELETIONS, SYNC_RUNS, SYNC_OBJECTS)}


def _types(table: Table) -> Mapping[str, ColumnType]:
    return {column.name: column.type for column in table.columns}
