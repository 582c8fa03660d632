"""SQLite as dlt loads into it, through SQLAlchemy, with its values exact (sqlite_client.py).

dlt keeps each dataset in a file of its own: with `sqlite:///crm.db` and dataset `freshsales` the rows stand in
`crm__freshsales.db`. Views over two files cannot be, so there are none.
"""

from __future__ import annotations

import sqlite3
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import dlt

from freshsales_source.errors import ConfigurationError

if TYPE_CHECKING:
    from freshsales_source.warehouse.sqlite_client import SqliteClient


class Sqlite(dlt.destinations.sqlalchemy):
    """The SQLite file that dlt finds in its settings."""

    @property
    def client_class(self) -> type[SqliteClient]:
        """The client of this destination."""
        # Here, because it imports SQLAlchemy, which is an extra.
        from freshsales_source.warehouse.sqlite_client import SqliteClient

        return SqliteClient

    def _raw_capabilities(self) -> Any:
        capabilities: Any = super()._raw_capabilities()
        # One writer at a time: others would wait for it and give up.
        capabilities.loader_parallelism_strategy = "sequential"
        capabilities.max_parallel_load_jobs = 1
        return capabilities

    @classmethod
    def adjust_capabilities(cls, caps: Any, config: Any, naming: Any) -> Any:
        """What SQLite can do, with column types of ours."""
        from freshsales_source.warehouse.sqlite_client import SqliteTypes

        adjusted: Any = super().adjust_capabilities(caps, config, naming)
        adjusted.type_mapper = SqliteTypes
        return adjusted


def sqlite() -> Sqlite:
    """The destination, set up as `[destination.sqlite]` says; ConfigurationError where its packages are missing."""
    if find_spec("sqlalchemy") is None or find_spec("alembic") is None:
        raise ConfigurationError(
            "destination sqlite needs the packages sqlalchemy and alembic",
            remedy="Install them with: pip install sqlalchemy alembic",
        )
    # Columns tell how their values are read.
    kwargs = {"connect_args": {"detect_types": sqlite3.PARSE_DECLTYPES}}
    return Sqlite(destination_name="sqlite", engine_kwargs=kwargs)
