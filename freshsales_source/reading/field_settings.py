"""The custom fields of one object during a run: read from its settings, recalled from the warehouse, met in records.

The settings are read before the first page where that was not done lately, and once more in the middle of a run when
records bring a custom field that nobody told of: so it gets its column by its field id and its own type, like any
other. Where no settings can be read, a field gets its column by what its values look like.

Where the memory of an object is lost, table `fields` tells which field has which column, and the warehouse itself
which types these have. Without that a field might come back under another name, or under its own with a type that
the warehouse refuses, load after load.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from freshsales_source.api.client import Client
from freshsales_source.decode import Layout
from freshsales_source.pages.field_settings import ask_fields, reserved_names
from freshsales_source.pages.paging import Shape, server_time
from freshsales_source.run import Run
from freshsales_source.schema.account_fields import AccountFields, changes
from freshsales_source.schema.columns import Column, ColumnType
from freshsales_source.schema.entity_types import Entity
from freshsales_source.schema.fields import Field
from freshsales_source.state.object_state import ObjectState
from freshsales_source.warehouse.metadata import FIELD_CHOICES, FIELDS, choices_table, fields_table
from freshsales_source.warehouse.stored_fields import stored_fields

_LOG = logging.getLogger(__name__)


class FieldSettings:
    """What is known of an object's fields, and the shape of its pages that follows from it.

    `note` takes lines for the report.
    """

    def __init__(
        self, run: Run, client: Client, entity: Entity, state: ObjectState, note: Callable[[str], None]
    ) -> None:
        self._run = run
        self._client = client
        self._entity = entity
        self._note = note
        self._known = AccountFields(columns=state.columns, fields=state.fields)
        self._is_new = not state.walks and not state.columns
        self._told: tuple[Field, ...] | None = None
        self._told_at: datetime | None = None
        self._has_asked_again = False
        self._stored: Mapping[str, ColumnType] = {}
        self._tables: dict[str, pa.Table] = {}
        self.shape = Shape(Layout.of(entity, state.columns), self._explain)

    def read(self) -> None:
        """Read the settings, unless the object has none or the key may not read them."""
        self._recall()
        self._ask()
        if self._known.columns != self.shape.layout.extra:
            self.shape.layout = Layout.of(self._entity, self._known.columns)

    def noted(self, state: ObjectState) -> ObjectState:
        """The state with what is known of the fields now."""
        return replace(state, columns=self.shape.layout.extra, fields=self._known.fields)

    def take_tables(self) -> dict[str, pa.Table]:
        """Rows of the metadata tables, where they changed; each is told once."""
        tables, self._tables = self._tables, {}
        return tables

    def _recall(self) -> None:
        """Take what the warehouse remembers of an object that nothing else is remembered of."""
        if not self._is_new or self._run.stored is None:
            return
        self._is_new = False
        self._stored = self._run.stored.column_types(self._entity.name)
        if not self._stored:
            return  # It was never loaded.
        self._known = stored_fields(self._run.stored, self._entity.name)
        _LOG.info("fields_recalled object=%s columns=%d", self._entity.name, len(self._known.columns))

    def _explain(self, met: Sequence[Column]) -> Layout:
        """The layout with columns for keys that were met in records; called by one thread at a time."""
        if not self._has_asked_again and any(column.is_custom for column in met):
            self._has_asked_again = True
            self._ask()
        self._known = self._known.with_met(met, stored=self._stored)
        self._show()
        return Layout.of(self._entity, self._known.columns)

    def _ask(self) -> None:
        """Read the settings, where there are any that this key may read."""
        told = ask_fields(self._client, self._entity)
        if told is not None:
            self._learn(told.fields)
            self._told_at = server_time(told.answer, self._run.clock)
            self._show()

    def _learn(self, told: tuple[Field, ...]) -> None:
        before, self._told = self._known, told
        self._known = before.with_settings(told, reserved=reserved_names(self._entity), stored=self._stored)
        for line in changes(before, self._known):
            self._note(line)
        if before.fields != self._known.fields:
            _LOG.info("fields_changed object=%s fields=%d", self._entity.name, len(self._known.fields or ()))

    def _show(self) -> None:
        """Have the metadata tables tell what is known now, unless only the settings could: their rows go together."""
        name, known = self._entity.name, self._known
        if self._told is None and (known.fields is not None or not known.met):
            return
        at = self._told_at or self._run.clock.now()
        gone = [field for field in known.fields or () if field.is_deleted]
        more = [replace(field, object=name) for field in (*gone, *known.met)]
        columns = Layout.of(self._entity, known.columns).table.columns
        self._tables[FIELDS.name] = fields_table((*(self._told or ()), *more), columns=columns, synced_at=at)
        if self._told is not None:
            self._tables[FIELD_CHOICES.name] = choices_table(name, self._told, synced_at=at)
