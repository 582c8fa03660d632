"""Keys that are known and deliberately not loaded, with the reason; written once for all objects."""

from __future__ import annotations

from freshsales_source.schema.columns import Dropped

LINKS = Dropped(key="links", reason="Paths that can be written down from the record's id (recorded).")
COLLABORATION = Dropped(
    key="collaboration", reason="Holds `convo_token`, which changes at every read (recorded); also a secret."
)
WIDGET = Dropped(
    key="fc_widget_collaboration",
    reason="Holds `convo_token`, `auth_token` and a JWT, new at every read (production column list).",
)
PARTIAL = Dropped(
    key="partial", reason="Says that a row is a side-load or a selector's; no property of the record."
)
DESTROY = Dropped(key="_destroy", reason="A flag for writing, always false when read (recorded).")

TOKENS = (COLLABORATION, WIDGET)
"""What is loaded of no object, whether its row of the entity table says so or not."""

VOLATILE = (LINKS, *TOKENS, PARTIAL)
"""What no object that lives in saved views may bring along."""


def side_loads(*keys: str) -> tuple[Dropped, ...]:
    """Keys of other records, or of their ids, that stand inside this one."""
    reason = (
        "A side-loaded object or list of ids, read in full from its own table (seen in one client's records)."
    )
    return tuple(Dropped(key=key, reason=reason) for key in keys)


def only_in_single_records() -> tuple[Dropped, ...]:
    """Keys that only the answer to one record's path has, on contacts and accounts."""
    reason = (
        "Only in single-record answers (masked recording): rows read from a view would blank it. "
        "It tells of today's duplicate search, not of the record."
    )
    keys = ("has_duplicates", "duplicates_searched_today", "has_connections", "connections_searched_today")
    return tuple(Dropped(key=key, reason=reason) for key in keys)
