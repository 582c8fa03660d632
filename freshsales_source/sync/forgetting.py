"""Forgetting records for good: out of every table, and never loaded again.

What is forgotten is recorded first, with the numbers of rows that will then be left; the rows are deleted after that.
A kill before the record was loaded leaves everything as it was; after it, the next run deletes what is left. So the
warehouse is never found short of rows, and what it lacks is not read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freshsales_source.entities import CUSTOM_MODULES, ENTITIES
from freshsales_source.entities.module_tables import Directory
from freshsales_source.errors import ConfigurationError
from freshsales_source.schema.entity_types import Entity, Selector
from freshsales_source.state.stubs import Stub, stub_columns
from freshsales_source.sync.report import SYNC_RUNS
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.warehouse.deletions import VANISHED
from freshsales_source.warehouse.erasing import Eraser, finish_forgetting
from freshsales_source.warehouse.forgotten import FORGOTTEN, forgotten_source
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.stored_rows import batched_ids
from freshsales_source.warehouse.warehouse import Warehouse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenRecord:
    """What became of a record: whether the warehouse had it, and whether it had been forgotten before."""

    id: int
    was_stored: bool
    was_forgotten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What `forget` did: the object's table, its records one by one, and the rows deleted, by table."""

    object: str
    records: tuple[ForgottenRecord, ...]
    rows: Mapping[str, int]


def forget(warehouse: Warehouse, object: str, ids: Iterable[int], now: datetime) -> Forgotten:
    """Forget these records of an object (its table, or the key of a custom module); any number of times.

    Raises ConfigurationError where rows cannot be deleted or there is no such custom module, with nothing touched;
    Locked while a run is at work; WarehouseRefused.
    """
    with warehouse.lock(now), ours_unwrapped():
        warehouse.check_erasable("`freshsales forget`")
        if not warehouse.exists() or warehouse.rows(SYNC_RUNS.name, ["run_id"]) is None:
            raise ConfigurationError(
                f"no sync was ever run into {place_of(warehouse)}, schema {warehouse.target.dataset}",
                remedy="Name the warehouse that holds the records (`--duckdb`, `--dataset`), or run `freshsales sync`"
                " first.",
            )
        warehouse.prepare()
        entity = _entity(object, warehouse.states())
        if entity.name not in warehouse.columns() and warehouse.count(entity.name, "true"):
            raise ConfigurationError(
                f"nothing is known here of the tables that hold {entity.name}: no sync was run with these settings",
                remedy="Run `freshsales sync` once, then the same command again.",
            )
        before = finish_forgetting(warehouse).get(entity.name, frozenset())
        wanted = list(dict.fromkeys(ids))
        stored = _stored(warehouse, entity, wanted)
        eraser = Eraser(warehouse)
        doomed = eraser.rows(entity.name, wanted)
        new = [i for i in wanted if i not in before]
        changes = {FORGOTTEN.name: len(new)} | {table: -number for table, number in doomed.items()}
        if new:
            stubs = {i: stub for i, stub in stored.items() if stub is not None}
            warehouse.load_between_runs(forgotten_source(entity.name, new, now), changes, entity.name, stubs)
        eraser.delete(entity.name, wanted)
    _LOG.info("forgotten object=%s records=%d rows=%d", entity.name, len(new), sum(doomed.values()))
    return Forgotten(
        object=entity.name,
        records=tuple(
            ForgottenRecord(id=i, was_stored=i in stored, was_forgotten=i in before) for i in wanted
        ),
        rows=doomed,
    )


def _entity(name: str, states: Mapping[str, Any]) -> Entity:
    """The entity of an object, or of a custom module that a sync has met."""
    for entity in ENTITIES:
        if entity.name == name:
            return entity
    directory = Directory.from_json(states.get(CUSTOM_MODULES.name, {}).get("found"))
    for module in directory.modules:
        if name in (module.table, module.key):
            return module.entity
    known = ", ".join(module.table for module in directory.modules) or "none"
    raise ConfigurationError(
        f"no sync has met a custom module {name!r}", remedy=f"Name its table. Known modules: {known}."
    )


def _stored(warehouse: Warehouse, entity: Entity, ids: Sequence[int]) -> dict[int, Stub | None]:
    """Those of the records that have a row, each with what is to be remembered of it; None where that is nothing."""
    is_counted = not isinstance(entity.read, Selector)
    columns = stub_columns(entity) if is_counted else ["id"]
    found: dict[int, Stub | None] = {}
    for some in batched_ids(ids):
        for row in warehouse.rows(entity.name, columns, where=f"id IN ({some})") or []:
            is_there = is_counted and row["_deleted_reason"] != VANISHED
            found[int(row["id"])] = Stub.of_row(row, entity) if is_there else None
    return found
