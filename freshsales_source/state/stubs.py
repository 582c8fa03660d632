"""What is left of a forgotten record that the CRM still shows: as much as counting needs, and nothing it says.

The CRM's lists go on counting such a record, so our side must, too: where it stands, and at which place in the order
of its lists. That is learned from each page that shows it, while its rows are kept out of the load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from freshsales_source.clock import as_utc
from freshsales_source.schema.entity_types import IS_DELETED, SYNCED_AT, Entity, Filters, Views

Stubs: TypeAlias = Mapping[int, "Stub"]
"""Stubs by the number of their record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """`is_deleted` and `reason` are those that its row would have. Times are in whole seconds since 1970.

    `placed_at` is the time by which its lists are ordered (see `place_column`), `synced_at` when it was last shown.
    `live_by` is what tells an object's live lists from the others (see `Filters`): a whole number, or a time.
    `pipeline_id` is the pipeline of a deal.
    """

    is_deleted: bool
    reason: str | None
    placed_at: int | None
    live_by: int | None
    synced_at: int
    pipeline_id: int | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any], entity: Entity) -> Stub:
        """The stub of a row that has the columns `stub_columns`."""
        read = entity.read
        return cls(
            is_deleted=bool(row[IS_DELETED.name]),
            reason=row["_deleted_reason"],
            placed_at=_seconds(row[place_column(entity)]),
            live_by=_seconds(row[read.live_by]) if isinstance(read, Filters) else None,
            synced_at=_seconds(row[SYNCED_AT.name]) or 0,
            pipeline_id=row[pipeline[0]] if (pipeline := _pipeline_columns(entity)) else None,
        )

    def to_json(self) -> list[Any]:
        """The stub as plain JSON."""
        return list(astuple(self))

    @classmethod
    def from_json(cls, data: list[Any]) -> Stub:
        """Read what `to_json` wrote."""
        return cls(**dict(zip(cls.__slots__, data, strict=True)))


def place_column(entity: Entity) -> str:
    """The column by which an object's lists are compared with its rows."""
    return entity.read.settled_by if isinstance(entity.read, Filters) else "created_at"


def stub_columns(entity: Entity) -> list[str]:
    """The columns that a stub is made of, each once, the id first."""
    own = [entity.read.live_by] if isinstance(entity.read, Filters) else _pipeline_columns(entity)
    names = ["id", IS_DELETED.name, "_deleted_reason", place_column(entity), *own, SYNCED_AT.name]
    return list(dict.fromkeys(names))


def stubs_to_json(stubs: Stubs) -> dict[str, list[Any]]:
    """Stubs as plain JSON."""
    return {str(record_id): stub.to_json() for record_id, stub in stubs.items()}


def stubs_from_json(data: Mapping[str, list[Any]] | None) -> dict[int, Stub]:
    """Read what `stubs_to_json` wrote."""
    return {int(record_id): Stub.from_json(stub) for record_id, stub in (data or {}).items()}


def _pipeline_columns(entity: Entity) -> list[str]:
    pipelines = entity.read.pipelines if isinstance(entity.read, Views) else None
    return [] if pipelines is None else [pipelines.column]


def _seconds(value: datetime | int | None) -> int | None:
    """A time in whole seconds, rounded down; a number as it is."""
    if not isinstance(value, datetime):
        return value
    return int(as_utc(value).timestamp() // 1)
