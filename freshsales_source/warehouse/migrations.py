"""What later versions change in the tables of a warehouse, and how one that is older gets there.

A warehouse's layout is a number in its state; 1 where none stands there. A version that gives a column another type
adds a line to `MIGRATIONS`: the next sync drops the tables of these objects and reads them whole, for the CRM has the
values and old columns do not. New columns and tables need no line, dlt makes them. A warehouse of a layout that this
version does not know was written by a later one, whose state it could misread.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dlt

from freshsales_source.errors import ConfigurationError
from freshsales_source.warehouse.audit_tables import SYNC_RUNS
from freshsales_source.warehouse.dropping import tables_of
from freshsales_source.warehouse.own_tables import no_rows
from freshsales_source.warehouse.packages import SOURCE
from freshsales_source.warehouse.recovery import Finding

_LAYOUT = "layout"  # in dlt's state, beside the objects
_FIRST = 1

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A change of tables: the `layout` that it leads to, what is other there, and the objects whose tables it is in."""

    layout: int
    about: str
    objects: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = ()
"""All changes so far, the oldest first: none. CHANGELOG.md opens a release that has one with a table of it."""


class Migratable(Protocol):
    """A warehouse whose objects can be read again into new tables."""

    @property
    def pipeline(self) -> dlt.Pipeline:
        """The pipeline that it is fed by."""
        ...

    @property
    def can_answer(self) -> bool:
        """Whether there are tables that can be dropped."""
        ...

    def columns(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """The columns of every table that was ever loaded."""
        ...

    def load_reset(self, source: Any, objects: Collection[str], tables: Collection[str]) -> None:
        """Let objects be read again whole, and drop these tables."""
        ...


def migrate(warehouse: Migratable, migrations: Sequence[Migration]) -> tuple[Finding, ...]:
    """Bring a warehouse to the layout of the last of these migrations; what was done, if anything was.

    A kill leaves it to be done again. Raises ConfigurationError where a later version has written the warehouse.
    """
    known = max((one.layout for one in migrations), default=_FIRST)
    ours: Mapping[str, Any] = warehouse.pipeline.state.get("sources", {}).get(SOURCE, {})
    noted = ours.get(_LAYOUT, _FIRST)
    if noted > known:
        raise ConfigurationError(
            f"this warehouse was written by a later version of the connector (layout {noted}, known is {known})",
            remedy="Install that version (`version` in `_sync_runs`), or load into a schema of its own (`--dataset`).",
        )
    due = [one for one in migrations if one.layout > noted] if ours.get("resources") else []
    if due:
        objects = tuple(dict.fromkeys(name for one in due for name in one.objects))
        tables = tables_of(objects, warehouse.columns()) if warehouse.can_answer else ()
        warehouse.load_reset(no_rows(SYNC_RUNS), objects, tables)
    if noted != known:
        # Not before: a table that is still to be dropped must be found so by the next run.
        with warehouse.pipeline.managed_state() as state:
            state.setdefault("sources", {}).setdefault(SOURCE, {})[_LAYOUT] = known
    return tuple(map(_told, due))


def _told(migration: Migration) -> Finding:
    _LOG.info("migrated layout=%d about=%r", migration.layout, migration.about)
    text = f"{migration.about}: {', '.join(migration.objects)} read again whole, into new tables"
    return Finding(reason="migrated", text=text, is_usual=True)
