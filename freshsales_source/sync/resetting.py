"""Forgetting what was read of objects, so that the next sync reads them whole, as a first one does.

Rows stay, and are merged with what is read; or their tables go, too, and are made anew. The history of deals stays in
either case, for nothing in the CRM gives it again, and so does the memory of forgotten records.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.entities.module_tables import Directory
from freshsales_source.errors import ConfigurationError
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.warehouse.audit_tables import SYNC_RUNS
from freshsales_source.warehouse.dropping import tables_of
from freshsales_source.warehouse.own_tables import no_rows
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.recovery import proof_of
from freshsales_source.warehouse.warehouse import Warehouse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """What `reset` did: the objects that are read whole next time, those of which nothing was known, and the rows
    that went with their tables, by table.
    """

    objects: tuple[str, ...]
    unknown: tuple[str, ...]
    dropped: Mapping[str, int]


def reset(warehouse: Warehouse, names: Sequence[str], now: datetime, *, drops: bool = False) -> Reset:
    """Forget what was read of these objects (tables, or keys of custom modules), or of all where none is named.

    Raises ConfigurationError where no sync was ever run there, or tables are to be dropped where that cannot be done,
    with nothing touched; Locked while a run is at work; WarehouseRefused.
    """
    with warehouse.lock(now), ours_unwrapped():
        if drops:
            warehouse.check_erasable("`freshsales reset --drop`")
        if warehouse.exists():
            warehouse.prepare()
        states = warehouse.states()
        if not proof_of(warehouse.pipeline.state):
            raise ConfigurationError(
                f"no sync was ever run into {place_of(warehouse)}, schema {warehouse.target.dataset}",
                remedy="Name the warehouse that was synced (`--duckdb`, `--dataset`).",
            )
        wanted = _expanded(names, states) or list(states)
        tables = tables_of(wanted, warehouse.columns()) if drops else []
        counts = warehouse.row_counts(tables)
        known = [name for name in wanted if states.get(name)]
        if known or tables:
            warehouse.load_reset(no_rows(SYNC_RUNS), known, tables)
    _LOG.info("reset objects=%d tables_dropped=%d", len(known), len(tables))
    return Reset(
        objects=tuple(known),
        unknown=tuple(name for name in wanted if name not in known),
        dropped={table: number or 0 for table, number in counts.items()},
    )


def _expanded(names: Iterable[str], states: Mapping[str, Any]) -> list[str]:
    """The tables of these objects: that of a module in place of its key, all modules with their directory."""
    modules = Directory.from_json(states.get(CUSTOM_MODULES.name, {}).get("found")).modules
    tables = {module.key: module.table for module in modules}
    found: dict[str, None] = {}
    for name in names:
        found[tables.get(name, name)] = None
        if name == CUSTOM_MODULES.name:
            found |= dict.fromkeys(module.table for module in modules)
    return list(found)
