"""DuckDB as dlt loads into it, with two of its traits taken care of.

1. DuckDB calls a database by its file: in `freshsales.duckdb` the name `freshsales.contacts` could mean the schema or
   the database, and is refused as ambiguous. There, and only there, dlt must write `freshsales.freshsales.contacts`.
2. One process has the file at a time. Where another one has it open, even for reading only, we wait a while. All of
   dlt opens the file through `_SqlClient`, so nothing can bypass the wait.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination.capabilities import DestinationCapabilitiesContext
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from freshsales_source.clock import Clock, Stop, pause
from freshsales_source.errors import ConfigurationError, Locked
from freshsales_source.warehouse.duckdb_connections import TAKEN_NAMES, FileConnections, database_name

WAIT_S = 60
"""How long a file that another program has open is waited for."""
_GLANCE_S = 1.0
_HOLDER = re.compile(r"lock is held in (.+ \(PID \d+\))")

_LOG = logging.getLogger(__name__)


class Patience:
    """Waits for a file that another program has open: once for `WAIT_S`, and not again before it was free."""

    def __init__(self, clock: Clock, stop: Stop | None = None) -> None:
        self._clock = clock
        self._stop = stop
        self._is_spent = False

    def open(self, attempt: Callable[[], Any]) -> Any:
        """What `attempt` returns, tried again each second as long as the file is locked.

        Raises Locked, with who has the file, after a minute; Interrupted when asked to stop; ConfigurationError where
        the file cannot be opened at all.
        """
        deadline: float | None = None
        while True:
            try:
                opened = attempt()
            except DestinationConnectionError as error:
                if not _is_lock(error.inner_exc):
                    raise _unusable(error.inner_exc) from error
                if deadline is None:
                    deadline = self._begin(error.inner_exc)
                if self._clock.monotonic() >= deadline:
                    self._is_spent = True
                    raise _locked(error.inner_exc) from error
                pause(self._clock, _GLANCE_S, self._stop)
            else:
                self._is_spent = False
                return opened

    def _begin(self, error: Exception) -> float:
        """When waiting ends. At once for the later jobs of a load whose first one has waited in vain."""
        if self._is_spent:
            return self._clock.monotonic()
        _LOG.warning("warehouse_locked holder=%r waiting_s=%d", _holder(error), WAIT_S)
        return self._clock.monotonic() + WAIT_S


class DuckDb(dlt.destinations.duckdb):
    """DuckDB in one file; `patience` is asked whenever it is opened."""

    def __init__(self, path: Path, patience: Patience) -> None:
        super().__init__(str(path.resolve()))
        self._patience = patience
        self._resolving = threading.Lock()
        self._resolved: dict[str, Any] = {}
        self._connections: FileConnections | None = None

    @property
    def client_class(self) -> type[DuckDbClient]:
        """The client of this destination."""
        return _JobClient

    def configuration(self, initial_config: Any, accept_partial: bool = False) -> Any:
        """The resolved configuration, whose connections to the file come from one pool.

        Settings are looked up once, though dlt asks for a client, and with it for them, some ten times a load.
        """
        asked = "" if initial_config is None else repr(vars(initial_config))
        with self._resolving:
            if asked not in self._resolved:
                resolved = super().configuration(initial_config, accept_partial)
                self._connections = self._connections or FileConnections(resolved.credentials)
                resolved.credentials.conn_pool = self._connections
                self._resolved[asked] = resolved
            return copy(self._resolved[asked])

    def capabilities(self, config: Any = None, naming: Any = None) -> DestinationCapabilitiesContext:
        """What DuckDB can do. No setting changes that, so none is looked up: dlt asks some 30 times in a run."""
        return super().capabilities(config or self.spec(), naming)

    def client(self, schema: Any, initial_config: Any = None) -> Any:
        """A client that opens the file with patience."""
        made: Any = super().client(schema, initial_config)
        made.sql_client.patience = self._patience
        return made


class _SqlClient(DuckDbSqlClient):
    patience: Patience

    def open_connection(self) -> Any:
        return self.patience.open(super().open_connection)

    def catalog_name(self, quote: bool = True, casefold: bool = True) -> str | None:
        name = database_name(self.credentials.database)
        if name.casefold() != self.dataset_name.casefold() or name.casefold() in TAKEN_NAMES:
            return super().catalog_name(quote, casefold)
        return self.escape_column_name(name, casefold=False) if quote else name

    def place_in_view(self, table: str) -> str:
        """How a view names a table of this dataset.

        DuckDB keeps a view's query without the database's name, so that `freshsales.freshsales.deals` would be
        `freshsales.deals` and refused as ambiguous. A text is kept as it is; this one holds in a copy of the file
        under another name, and where a session in memory has attached the file under its own.
        """
        if self.catalog_name(quote=False) is None:
            return self.make_qualified_table_name(table)
        own = self.catalog_name(quote=False)
        database = f"CASE current_database() WHEN 'memory' THEN '{own}' ELSE current_database() END"
        return f"""query_table('"' || {database} || '"."{self.dataset_name}"."{table}"')"""

    def warn_if_catalog_equals_dataset_name(self) -> None:
        """Stay silent: it is taken care of."""


class _JobClient(DuckDbClient):
    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        names = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = _SqlClient(*names, config.credentials, capabilities)


def _is_lock(error: Exception) -> bool:
    """Whether DuckDB refused the file for another process's sake (its texts on POSIX and on Windows)."""
    return "Could not set lock on file" in str(error) or "used by another process" in str(error)


def _holder(error: Exception) -> str:
    found = _HOLDER.search(str(error))
    return found[1] if found else "another program"


def _unusable(error: Exception) -> ConfigurationError:
    why = next(iter(str(error).strip().splitlines()), "")
    return ConfigurationError(
        f"the DuckDB file cannot be opened: {why}",
        remedy="Name another with --duckdb, or see to it that it is a DuckDB file which this user may read and write.",
    )


def _locked(error: Exception) -> Locked:
    return Locked(
        f"the DuckDB file is open in {_holder(error)}, and was still after {WAIT_S} s",
        remedy="Close it there and run the same command again: nothing read is lost.",
    )
