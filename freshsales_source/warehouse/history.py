"""`deals_history`: one row per change of a deal that was seen, from the first sync on; rows are only ever added.

The API keeps no history that could be listed (stage moves stand in per-record feeds only, verified by one client), so
it is made from what each run loads: a deal whose watched columns differ from those of its last row gets a new row. A
row that is read again, by a resumed run or a full refresh, therefore adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from freshsales_source.clock import as_utc
from freshsales_source.decode.arrow_types import arrow_type
from freshsales_source.schema.columns import Column, ColumnType, Confidence, Table
from freshsales_source.schema.entity_types import IS_DELETED, SYNCED_AT
from freshsales_source.warehouse.stored_rows import Tables, batched_ids

OBJECT = "deals"
HISTORY = f"{OBJECT}_history"
WATCHED = (
    "deal_stage_id",
    "deal_pipeline_id",
    "amount",
    "currency_id",
    "owner_id",
    "expected_close",
    "closed_date",
    "probability",
    IS_DELETED.name,
)
"""Columns of a deal whose change is a row."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """The newest row of a deal: since when it holds, and the hash of what it holds."""

    valid_from: datetime
    hash: str


def history_table(deals: Table, *, is_readable: bool) -> Table:
    """The table, with the watched columns as `deals` has them: those left out or hashed there are so here.

    `is_readable` tells whether the warehouse can be asked for a deal's last row. Where it cannot, every version that
    is loaded is a row, `valid_from` is its `updated_at`, and nobody knows which one was the first.
    """
    known = {column.name: column for column in deals.columns}
    watched = tuple(replace(known[name], key=name) for name in WATCHED if name in known)
    key = ("deal_id", "valid_from") if is_readable else ("deal_id", "updated_at", "change_hash")
    return Table(
        name=HISTORY,
        description="One row per change seen of a deal's stage, pipeline, amount, owner, dates or probability, "
        "and per deletion and restore.",
        columns=(
            _ours("deal_id", ColumnType.ID, "The deal.", is_nullable=False),
            _ours(
                "valid_from",
                ColumnType.TIMESTAMP,
                "Since when this holds (UTC): the deal's `updated_at`, the time of its deletion, or the start of the "
                "run that saw the change where that stamp had not moved.",
                is_nullable=False,
            ),
            _ours("updated_at", ColumnType.TIMESTAMP, "The deal's stamp when it was seen so (UTC)."),
            _ours("is_first_seen", ColumnType.BOOLEAN, "Whether nothing is known from before."),
            *watched,
            _ours("change_hash", ColumnType.TEXT, "Hash of the watched columns.", is_nullable=False),
            SYNCED_AT,
        ),
        primary_key=key,
        references=(("deal_id", OBJECT), *(row for row in deals.references if row[0] in WATCHED)),
    )


def changes(
    rows: pa.Table, table: Table, last: Mapping[int, LastChange] | None, run_started: datetime
) -> pa.Table:
    """Rows of the history for the deals in `rows` that differ from their `last` row; of all, where that is None."""
    watched = [name for name in WATCHED if name in rows.schema.names]
    read = rows.select(["id", "updated_at", "_deleted_at", SYNCED_AT.name, *watched]).to_pylist()
    found = [
        {**row, **change} for row in read if (change := _change(row, watched, last, run_started)) is not None
    ]
    schema = pa.schema(
        [
            pa.field(column.name, arrow_type(column.type), nullable=column.is_nullable)
            for column in table.columns
        ]
    )
    return pa.Table.from_pylist(found, schema=schema)


def last_changes(stored: Tables, deals: Sequence[int]) -> dict[int, LastChange]:
    """The newest row of each of these deals that has one."""
    newest: dict[int, LastChange] = {}
    for ids in batched_ids(deals):
        rows = stored.query(
            f"SELECT deal_id, valid_from, change_hash FROM {stored.name(HISTORY)} WHERE deal_id IN ({ids})"
        )
        for deal, valid_from, change_hash in rows or ():
            change = LastChange(valid_from=as_utc(valid_from), hash=str(change_hash))
            if deal not in newest or newest[deal].valid_from < change.valid_from:
                newest[deal] = change
    return newest


def _change(
    row: Mapping[str, Any],
    watched: Sequence[str],
    last: Mapping[int, LastChange] | None,
    run_started: datetime,
) -> dict[str, Any] | None:
    change_hash = _hash([row[name] for name in watched])
    at = row["_deleted_at"] if row[IS_DELETED.name] and row["_deleted_at"] is not None else row["updated_at"]
    change = {"deal_id": row["id"], "change_hash": change_hash, "is_first_seen": None, "valid_from": at}
    if last is None:
        return change | {"valid_from": row["updated_at"]}
    before = last.get(row["id"])
    if before is None:
        return change | {"is_first_seen": True}
    if before.hash == change_hash:
        return None
    later = next((time for time in (at, run_started) if time > before.valid_from), before.valid_from + _TICK)
    return change | {"is_first_seen": False, "valid_from": later}


def _hash(values: Sequence[Any]) -> str:
    texts = ["" if value is None else f"={value}" for value in values]
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:32]


def _ours(name: str, type_: ColumnType, description: str, *, is_nullable: bool = True) -> Column:
    return Column(
        name=name, type=type_, description=description, confidence=Confidence.OURS, is_nullable=is_nullable
    )
