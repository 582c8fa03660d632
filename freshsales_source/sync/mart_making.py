"""All views of the marts at once, whenever somebody asks for them; later syncs keep them."""

from __future__ import annotations

from datetime import datetime

from freshsales_source.errors import ConfigurationError
from freshsales_source.marts import Model
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.warehouse.destinations import WITHOUT_VIEWS
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Warehouse


def make_marts(
    warehouse: Warehouse, *, time_zone: str, now: datetime, anew: bool = True
) -> tuple[Model, ...]:
    """Make all views in `<dataset>_marts`, whatever is there, with the dates of that time zone; their models.

    Not `anew`: only where one is missing or out of date. Raises ConfigurationError where the destination has no views
    for it or no sync was ever run, Locked while one is at work, WarehouseRefused where the views cannot be made.
    """
    check_marts(warehouse)
    with warehouse.lock(now), ours_unwrapped():
        made = warehouse.marts(time_zone=time_zone).make(anew=anew) if warehouse.exists() else ()
    if not made:
        raise ConfigurationError(
            f"no sync was ever run into {place_of(warehouse)}, schema {warehouse.target.dataset}",
            remedy="Name the warehouse of the tables (`--duckdb`, `--dataset`), or run `freshsales sync` first.",
        )
    return made


def check_marts(warehouse: Warehouse) -> None:
    """Raise ConfigurationError where the destination can have no marts."""
    destination = warehouse.target.destination
    if not warehouse.can_answer or destination in WITHOUT_VIEWS:
        raise ConfigurationError(
            f"destination `{destination}` has no views over the tables of another schema, so it can have no marts",
            remedy="Sync into DuckDB, Postgres or another SQL database.",
        )
