"""Where the rows of a warehouse are, as it is said to a person: the file or the host, and never who logs in there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from freshsales_source.warehouse.warehouse import Warehouse

_HOST = re.compile(r"[\w.:-]+")
"""A name or an address. What else stands there is a socket, or part of a password with an `@`."""
_IN_MEMORY = ("", ":memory:")


def place_of(warehouse: Warehouse) -> str:
    """The database file, or the host, of a warehouse in words; no more than the destination's name where not known."""
    destination, dataset = warehouse.target.destination, warehouse.target.dataset
    if destination == "sqlite":
        database = str(_credentials(warehouse).database or "")
        return destination if database in _IN_MEMORY else f"sqlite file {_file(Path(database), dataset)}"
    if destination == "postgres":
        host = str(_credentials(warehouse).host)
        return f"postgres at {host}" if _HOST.fullmatch(host) else destination
    return warehouse.target.place


def _credentials(warehouse: Warehouse) -> Any:
    return warehouse.pipeline.destination_client().config.credentials


def _file(database: Path, dataset: str) -> Path:
    """The file in which dlt keeps a dataset (sqlite_destination.py)."""
    return database.with_name(f"{database.stem}__{dataset}{database.suffix}").resolve()
