"""Whose records a warehouse holds: those of one account, for the ids of two may be equal.

dlt keeps the state of each account and place under a name of its own, so another account would begin from nothing and
load its rows over those that are there. Every state names the account that it is of; a warehouse that only knows of
others is refused before anything is loaded.
"""

from __future__ import annotations

from typing import Any

import dlt
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from freshsales_source.errors import ConfigurationError
from freshsales_source.warehouse.recovery import proof_of
from freshsales_source.warehouse.stored_rows import Tables


def refuse_another(pipeline: dlt.Pipeline, tables: Tables, account: str) -> None:
    """Raise ConfigurationError where all that the warehouse holds is of other accounts than this."""
    states = tables.name("_dlt_pipeline_state")
    newest_first = "GROUP BY pipeline_name ORDER BY max(created_at) DESC"
    names = [str(row[0]) for row in tables.query(f"SELECT pipeline_name FROM {states} {newest_first}") or ()]
    if not names or pipeline.pipeline_name in names:
        return
    with pipeline.destination_client() as client:
        holders = [_holder(name, client) for name in names]
    known = [holder for holder in holders if holder]
    if known and account not in known:
        raise ConfigurationError(
            f"this warehouse holds the records of {known[0]}, not of {account}",
            remedy="Load each account into a file or schema of its own (`--duckdb`, `--dataset`). If it is the same"
            f" account under a new address, delete the rows of {states} first: everything is read once more.",
        )


def _holder(name: str, client: Any) -> str | None:
    holder = proof_of(load_pipeline_state_from_destination(name, client)).get("account")
    return str(holder) if holder else None
