"""From a row of the entity table to a dlt resource.

A resource hands over Arrow tables with their hints and sets its state in the same breath: dlt commits both in one
package. All resources of a source start before any of them is waited for, so that objects are read side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from freshsales_source.decode import Layout
from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.feeds.reader import FeedReader
from freshsales_source.reading import Batch, ObjectReader
from freshsales_source.reading.lookups import LookupReader, LookupState
from freshsales_source.run import Run
from freshsales_source.schema.columns import Table, dlt_columns
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Selector, Views
from freshsales_source.state.object_state import ObjectState
from freshsales_source.warehouse import history
from freshsales_source.warehouse.deletions import DELETIONS, deletions, flagged
from freshsales_source.warehouse.metadata import METADATA

Reader: TypeAlias = ObjectReader | LookupReader | FeedReader


class SharedRun:
    """The run that the resources of one source share: opened by the first to be pulled, closed by the last.

    While `holds_feeds`, the feeds of single records, which take a call for each, are not read.
    """

    def __init__(self, open_run: Callable[[], Run]) -> None:
        self.readers: dict[str, Reader] = {}
        self.holds_feeds = False
        self._open_run = open_run
        self._run: Run | None = None
        self._users = 0
        self._handing_over: set[str] = set()

    @contextmanager
    def use(self) -> Iterator[Run]:
        """Hold the run open; readers live as long as anybody does."""
        if self._run is None:
            self._run = self._open_run()
        self._users += 1
        try:
            yield self._run
        finally:
            self._users -= 1
            if not self._users:
                self._run.close()
                self._run = None
                self.readers.clear()

    def reader(self, run: Run, entity: Entity, state: dict[str, Any]) -> ObjectReader | LookupReader:
        """The reader of an object: the one at work, else a new one that goes on from the saved state."""
        if entity.name not in self.readers:
            self.readers[entity.name] = self._new_reader(run, entity, state)
        reader = self.readers[entity.name]
        assert not isinstance(reader, FeedReader)
        return reader

    @property
    def is_ahead(self) -> bool:
        """Whether objects are being read already that only the next load takes."""
        return any(reader.is_ahead for reader in self.readers.values() if isinstance(reader, ObjectReader))

    def read_ahead(self) -> None:
        """Let the walks of all objects read on while the load is on its way that they gave everything to."""
        for reader in self.readers.values():
            if isinstance(reader, ObjectReader):
                reader.read_ahead()

    @contextmanager
    def handing_over(self, name: str) -> Iterator[None]:
        """Hold as long as an object has not handed over all that it brings to this load."""
        self._handing_over.add(name)
        try:
            yield
        finally:
            self._handing_over.discard(name)

    def is_handing_over(self, names: Iterable[str]) -> bool:
        """Whether one of these objects has not handed over all that it brings to this load."""
        return not self._handing_over.isdisjoint(names)

    def _new_reader(self, run: Run, entity: Entity, state: dict[str, Any]) -> ObjectReader | LookupReader:
        is_outdated = _is_refreshed(entity, run.full_refresh)
        match entity.read:
            case Views() | Filters() | FlatList() as read:
                saved = ObjectState.from_json(state)
                saved = saved.refreshed(run.clock.now()) if is_outdated else saved
                return ObjectReader(run, entity, read, saved)
            case Selector() as selector:
                known = LookupState.from_json(state)
                known = known.outdated() if is_outdated else known
                return LookupReader(run, entity, selector, known, is_waiting=self._is_reading)

    def _is_reading(self) -> bool:
        """Whether records are still to come, which may point to new ids of the lookups."""
        if self.is_handing_over([CUSTOM_MODULES.name]):
            # Which modules there are may not be known yet.
            return True
        readers = list(self.readers.values())
        objects = [reader for reader in readers if isinstance(reader, ObjectReader)]
        return any(not (reader.is_done and reader.intake.is_empty) for reader in objects)


def _is_refreshed(entity: Entity, names: Collection[str]) -> bool:
    """Whether these are to be read again whole and the entity is one of them: by table, by key, or as a module."""
    named = entity.name in names or entity.key in names
    return named or (bool(entity.key) and CUSTOM_MODULES.name in names)


def object_resource(entity: Entity, shared: SharedRun, *, in_slices: bool) -> DltResource:
    """The dlt resource of one object. `in_slices` ends it after one batch; the next load goes on."""

    def read() -> Iterator[Any]:
        state = dlt.current.resource_state(entity.name)
        with shared.use() as run, shared.handing_over(entity.name):
            reader = shared.reader(run, entity, state)
            is_first = not state
            reader.new_load()
            reader.start()
            yield None  # dlt passes over it and pulls the next resource, which starts, too
            if is_first:
                yield from empty_tables(entity)
                yield from _empty_history(run, entity)
            while True:
                batch = reader.batch()
                if in_slices and isinstance(reader, ObjectReader):
                    reader.read_ahead()
                yield from rows_of(run, entity, batch)
                state.clear()
                state.update(batch.state.to_json())
                if in_slices or reader.is_done:
                    return
                reader.start()
                yield None  # a lookup waits for the records, and must not keep them waiting

    return dlt.resource(read, name=entity.name, file_format="parquet")


def empty_tables(entity: Entity) -> Iterator[Any]:
    """Tables without a row, so that all exist from the first load on, whatever the account holds."""
    layout = Layout.of(entity)
    yield from _hinted({name: schema.empty_table() for name, schema in layout.schemas.items()}, layout)


def rows_of(run: Run, entity: Entity, batch: Batch) -> Iterator[Any]:
    """Everything that a batch brings, with the hints of its tables."""
    yield from _hinted(batch.tables, batch.layout)
    if entity.name == history.OBJECT and run.settings.history and entity.name in batch.tables:
        yield _changes(run, batch.tables[entity.name], batch.layout)
    yield from _gone(run, entity, batch)
    if batch.settings:
        # The columns of fields that no record fills yet; `fields` names them. And the tables of their choices.
        schemas = batch.layout.schemas
        names = (entity.name, *(row.table.name for row in batch.layout.splits))
        yield from _hinted({name: schemas[name].empty_table() for name in names}, batch.layout)
    for table in METADATA:
        if table.name in batch.settings:
            yield marked(batch.settings[table.name], table)


def _gone(run: Run, entity: Entity, batch: Batch) -> Iterator[Any]:
    """The rows of records that are gone, flagged; or a row each in `_deletions`."""
    if not batch.gone:
        return
    at = run.clock.now()
    if run.stored is None:
        yield marked(deletions(entity.name, batch.gone, at), DELETIONS)
        return
    rows = flagged(run.stored.rows_of(entity.name, batch.layout.schema, batch.gone), at)
    yield from _hinted({entity.name: rows}, batch.layout)
    if entity.name == history.OBJECT and run.settings.history:
        yield _changes(run, rows, batch.layout)


def _empty_history(run: Run, entity: Entity) -> Iterator[Any]:
    """The history without a row, for the same reason."""
    if entity.name == history.OBJECT and run.settings.history:
        layout = Layout.of(entity)
        yield _changes(run, layout.schema.empty_table(), layout)


def _changes(run: Run, deals: pa.Table, layout: Layout) -> Any:
    """The rows that these deals add to their history."""
    table = history.history_table(layout.table, is_readable=run.stored is not None)
    ids = deals["id"].to_pylist()
    last = None if run.stored is None else history.last_changes(run.stored, ids)
    started = datetime.fromtimestamp(run.started_at(run.clock.now().timestamp()), UTC)
    return marked(history.changes(deals, table, last, started), table)


def _hinted(tables: Mapping[str, pa.Table], layout: Layout) -> Iterator[Any]:
    by_name = {table.name: table for table in layout.tables}
    for name, rows in tables.items():
        yield marked(rows, by_name[name])


def marked(rows: pa.Table, table: Table) -> Any:
    """Rows with the hints of the table they belong to."""
    return dlt.mark.with_hints(rows, _hints(table, rows.schema.names), create_table_variant=True)


def _hints(table: Table, names: Sequence[str]) -> Any:
    return dlt.mark.make_hints(
        table_name=table.name,
        # delete-insert: dlt's upsert leaves duplicates or stuck packages on DuckDB when an id comes twice.
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns=dlt_columns(table, beside=names),
        additional_table_hints={"description": table.description},
    )
