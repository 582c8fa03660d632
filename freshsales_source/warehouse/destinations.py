"""Which destinations are set up here, with traits of theirs taken care of; all others are dlt's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlt.common.destination.reference import Destination

from freshsales_source.errors import ConfigurationError
from freshsales_source.warehouse.duckdb_destination import DuckDb, Patience
from freshsales_source.warehouse.postgres_destination import postgres
from freshsales_source.warehouse.sqlite_destination import sqlite

WITHOUT_VIEWS = ("sqlite",)
"""Databases in which a view cannot show a table of another schema."""


def destination_of(name: str, *, duckdb: Path, patience: Patience) -> Any:
    """What a dlt pipeline takes as its destination; ConfigurationError where a driver is missing."""
    match name:
        case "duckdb":
            return DuckDb(duckdb, patience)
        case "postgres":
            return postgres()
        case "sqlite":
            return sqlite()
        case other:
            return _with_driver(Destination.from_reference(other))


def _with_driver(destination: Any) -> Any:
    """A destination of dlt's, once it is clear that what it needs is installed: dlt looks for that bit by bit."""
    try:
        _ = destination.client_class
    except ImportError as error:
        name = destination.destination_name
        raise ConfigurationError(
            f"the driver of destination `{name}` is not installed ({error.name or 'see its manual'})",
            remedy=f'Install it beside this package: pip install "dlt[{name}]".',
        ) from error
    return destination
