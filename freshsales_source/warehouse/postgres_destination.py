"""Postgres as dlt loads into it, but for the way in which rows get there.

Left alone, dlt 1.31 hands Arrow tables to Postgres as CSV, where an empty text becomes NULL without a word (tried), or
in yet another way where an ADBC driver happens to be installed. Here Postgres gets the parquet files that DuckDB gets,
copied value by value (postgres_copy.py).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import dlt

from freshsales_source.errors import ConfigurationError

if TYPE_CHECKING:
    from freshsales_source.warehouse.postgres_copy import CopyingClient


class Postgres(dlt.destinations.postgres):
    """The Postgres whose credentials dlt finds in its settings."""

    @property
    def client_class(self) -> type[CopyingClient]:
        """The client of this destination."""
        # Here, because it imports the driver, which is an extra.
        from freshsales_source.warehouse.postgres_copy import CopyingClient

        return CopyingClient

    def _raw_capabilities(self) -> Any:
        capabilities: Any = super()._raw_capabilities()
        # It would strike out parquet where there is no ADBC driver.
        capabilities.loader_file_format_selector = None
        return capabilities


def postgres() -> Postgres:
    """The destination, set up as `[destination.postgres]` says; ConfigurationError where its driver is missing."""
    if find_spec("psycopg2") is None:
        raise ConfigurationError(
            "destination postgres needs the package psycopg2",
            remedy="Install it with: pip install psycopg2-binary",
        )
    return Postgres(destination_name="postgres")
