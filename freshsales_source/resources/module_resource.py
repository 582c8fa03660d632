"""The dlt resource of all custom modules: it reads their directory, then each module, and dispatches to `cm_*` tables.

One resource, because the modules are known only once the account was asked, and building a source makes no
request. Its state holds the directory; what is remembered of a module stands under the module's own table, as with
any other object.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dlt
from dlt.sources import DltResource

from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.entities.module_tables import CustomModule, Directory, Row, read_directory
from freshsales_source.errors import ConfigurationError, FreshsalesError, MalformedPage, NotFound
from freshsales_source.reading import ObjectReader
from freshsales_source.reading.lookups import LookupReader
from freshsales_source.resources.entity_resource import SharedRun, empty_tables, rows_of
from freshsales_source.resources.gone_modules import is_to_be_flagged, read_module
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Protection
from freshsales_source.settings.protection import with_protections
from freshsales_source.state.object_state import ObjectState

_LOG = logging.getLogger(__name__)


def module_resource(
    shared: SharedRun,
    hidden: Mapping[str, Protection],
    *,
    wanted: Sequence[str] | None,
    in_slices: bool,
) -> DltResource:
    """The resource of the custom modules; of those `wanted` (by key or table), or of all where none is named.

    `hidden` are columns that are left out or hashed, by `table.column`.
    """

    def read() -> Iterator[Any]:
        state = dlt.current.resource_state(CUSTOM_MODULES.name)
        with shared.use() as run, shared.handing_over(CUSTOM_MODULES.name):
            yield from _Loading(shared, run, state, hidden, wanted).rows(in_slices=in_slices)

    return dlt.resource(read, name=CUSTOM_MODULES.name, file_format="parquet")


class _Loading:
    """One load of the directory and the modules in it."""

    def __init__(
        self,
        shared: SharedRun,
        run: Run,
        state: dict[str, Any],
        hidden: Mapping[str, Protection],
        wanted: Sequence[str] | None,
    ) -> None:
        self._shared = shared
        self._run = run
        self._state = state
        self._hidden = hidden
        self._names = [name for name in wanted or () if is_module(name)]
        self._is_all = wanted is None or CUSTOM_MODULES.name in wanted

    def rows(self, *, in_slices: bool) -> Iterator[Any]:
        """The rows of one load, or of all, with the state set beside them."""
        yield from self._directory()
        readers = [(module, self._reader(module)) for module in self._modules()]
        for _, reader in readers:
            reader.new_load()
            reader.start()
        yield None  # The other resources go on meanwhile.
        for module, reader in readers:
            if not dlt.current.resource_state(module.table):
                yield from empty_tables(reader.entity)
        while True:
            for module, reader in readers:
                yield from self._batch(module, reader, in_slices=in_slices)
            if in_slices or all(reader.is_done for _, reader in readers):
                return
            for _, reader in readers:
                reader.start()
            yield None

    def _reader(self, module: CustomModule) -> ObjectReader:
        entity, state = (
            with_protections(module.entity, self._hidden),
            dlt.current.resource_state(module.table),
        )
        reader = self._shared.reader(self._run, entity, state)
        assert isinstance(reader, ObjectReader)
        return reader

    def _batch(self, module: CustomModule, reader: ObjectReader, *, in_slices: bool) -> Iterator[Any]:
        read = read_module(self._run, module, reader)
        if in_slices:
            reader.read_ahead()
        if read.is_gone:
            self._state["found"] = self._found().with_gone(module.table).to_json()
        yield from rows_of(self._run, reader.entity, read.batch)
        state = dlt.current.resource_state(module.table)
        state.clear()
        state.update(read.batch.state.to_json())

    def _directory(self) -> Iterator[Any]:
        is_first = not self._state
        saved = self._state.get("directory", {})
        # A name that is not known may be that of a module made since.
        saved = {**saved, "read_at": None} if saved and self._unknown(self._found()) else saved
        reader = self._shared.reader(self._run, CUSTOM_MODULES, saved)
        assert isinstance(reader, LookupReader)
        reader.new_load()
        reader.start()
        yield None
        if is_first:
            yield from empty_tables(CUSTOM_MODULES)
        batch = reader.batch()
        yield from rows_of(self._run, CUSTOM_MODULES, batch)
        if batch.tables:
            rows = batch.tables[CUSTOM_MODULES.name].to_pylist()
            self._learn(rows, is_believed=not reader.tally.held_back)
        self._state["directory"] = reader.state.to_json()
        if reader.tally.error is None and reader.tally.absence is None:
            self._complain(reader, self._found())

    def _learn(self, rows: list[Row], *, is_believed: bool) -> None:
        """Note the modules that the directory lists now; one that is back is read again whole."""
        known = self._found().modules
        found = read_directory(rows, known=known, is_believed=is_believed)
        self._state["found"] = found.to_json()
        gone = {module.table for module in known if module.is_gone}
        for module in found.modules:
            if module.table in gone and not module.is_gone:
                state = dlt.current.resource_state(module.table)
                state.update(ObjectState.from_json(state).refreshed(self._run.clock.now()).to_json())
        _LOG.info("modules_listed known=%d before=%d", len(found.modules), len(known))

    def _complain(self, reader: LookupReader, found: Directory) -> None:
        """Let the directory fail where it lists a module that cannot be asked for, or where one that is wanted is gone.

        Raises ConfigurationError where one is wanted that there never was.
        """
        there = [module for module in found.modules if not module.is_gone]
        listed = ", ".join(module.key for module in there) or "none"
        if unknown := self._unknown(found):
            raise ConfigurationError(
                f"the account has no custom module {', '.join(unknown)}", remedy=f"It has: {listed}."
            )
        missing = [name for name in self._names if name not in _names_of(there)]
        self._refuse_unprotected(found)
        if found.odd:
            names = ", ".join(map(repr, found.odd))
            self._stop(reader, MalformedPage(f"no address can hold the name of custom module {names}"))
        elif missing:
            what = f"the account has no custom module {', '.join(missing)} any more; it has: {listed}"
            self._stop(reader, NotFound(what, remedy="Correct `objects`."))

    def _unknown(self, found: Directory) -> list[str]:
        """Those of the names wanted that no module has, or ever had."""
        return [name for name in self._names if name not in _names_of(found.modules)]

    def _refuse_unprotected(self, found: Directory) -> None:
        """Raise where the settings protect columns of a table that no module has: it would have been another one."""
        tables = {module.table for module in found.modules}
        for name in self._hidden:
            table = name.partition(".")[0]
            if is_module(table) and table not in tables:
                raise ConfigurationError(
                    f"`drop_columns` or `hash_columns` names `{name}`, but no custom module has that table",
                    remedy=f"Tables of custom modules are: {', '.join(sorted(tables)) or 'none'}.",
                )

    def _stop(self, reader: LookupReader, error: FreshsalesError) -> None:
        """Let the directory fail while the modules go on, where the run keeps such errors to itself."""
        if not isinstance(error, self._run.keeps):
            raise error
        reader.tally.error = error

    def _found(self) -> Directory:
        return Directory.from_json(self._state.get("found"))

    def _modules(self) -> list[CustomModule]:
        """The modules to read; of those that are gone, the ones whose rows may be flagged now."""
        return [
            module
            for module in self._found().modules
            if (self._is_all or module.table in self._names or module.key in self._names)
            and (not module.is_gone or is_to_be_flagged(self._run, module))
        ]


def _names_of(modules: Iterable[CustomModule]) -> set[str]:
    return {name for module in modules for name in (module.key, module.table)}
