"""Dropping tables, so that the next load of their rows makes them anew.

dlt looks at the tables of a database only for a version of its schema that is not noted there, and a table made anew
gives the very version that was there before. So a table leaves the schema first, all versions but that one are struck
out next, and what stands in the database goes last: wherever this is cut, no load finds a table missing that dlt
believes to be there. What is to be dropped stands in the state until it is, so that the next run can go on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any, Protocol

import dlt

from freshsales_source.warehouse.packages import SOURCE

_VERSIONS = "_dlt_version"
_DOOMED = "to_be_dropped"  # in dlt's state, beside the objects

_LOG = logging.getLogger(__name__)


class Droppable(Protocol):
    """A warehouse whose tables can be dropped."""

    @property
    def pipeline(self) -> dlt.Pipeline:
        """The pipeline that it is fed by."""
        ...

    def name(self, table: str) -> str:
        """The table's name as it stands in SQL."""
        ...

    def staged_name(self, table: str) -> str:
        """The same of the table in which dlt prepares its loads."""
        ...

    def execute(self, sql: str) -> None:
        """Run a statement; nothing happens where a table does not exist."""
        ...

    def drop_views(self) -> None:
        """Drop the views that may stand on tables."""
        ...


def tables_of(objects: Collection[str], loaded: Iterable[str]) -> list[str]:
    """The tables of these objects and of their lists; not the history of deals."""
    # No name of an object holds two underscores (schema/column_names.py).
    return sorted(table for table in loaded if table.partition("__")[0] in objects)


def leave_out(pipeline: dlt.Pipeline, tables: Collection[str]) -> None:
    """Take tables out of dlt's schema, and note that they are to be dropped; the next load tells the warehouse."""
    schema = pipeline.schemas.get(SOURCE)
    known = [] if schema is None else [name for name in tables if name in schema.tables]
    if schema is None or not known:
        return
    schema.drop_tables(known)
    pipeline.schemas.save_schema(schema)
    with pipeline.managed_state() as state:
        state.setdefault("sources", {}).setdefault(SOURCE, {})[_DOOMED] = known


def finish_dropping(warehouse: Droppable) -> None:
    """Drop what was left out and is still there, and what dlt has prepared for it."""
    ours: dict[str, Any] = warehouse.pipeline.state.get("sources", {}).get(SOURCE, {})
    if not ours.get(_DOOMED):
        return
    version = warehouse.pipeline.schemas[SOURCE].version_hash
    for versions in (warehouse.staged_name(_VERSIONS), warehouse.name(_VERSIONS)):
        others = f"schema_name = '{SOURCE}' AND version_hash <> '{version}'"
        warehouse.execute(f"DELETE FROM {versions} WHERE {others}")
    warehouse.drop_views()
    for table in ours[_DOOMED]:
        for name in (warehouse.staged_name(table), warehouse.name(table)):
            warehouse.execute(f"DROP TABLE IF EXISTS {name}")
    _LOG.info("tables_dropped count=%d", len(ours[_DOOMED]))
    with warehouse.pipeline.managed_state() as state:
        del state["sources"][SOURCE][_DOOMED]
