"""The census: which records differ between the CRM's lists and the warehouse, by comparing ranks. It is pure."""

from freshsales_source.census.bisection import Bisect
from freshsales_source.census.page import (
    BEGINNING,
    END,
    NULLS_FIRST,
    NULLS_LAST,
    Fetch,
    Found,
    Outcome,
    RankedPage,
    Stored,
)
from freshsales_source.census.refresh import Refresh
from freshsales_source.census.refresh_state import RefreshState
from freshsales_source.census.turns import Claim, turns

__all__ = [
    "BEGINNING",
    "END",
    "NULLS_FIRST",
    "NULLS_LAST",
    "Bisect",
    "Claim",
    "Fetch",
    "Found",
    "Outcome",
    "RankedPage",
    "Refresh",
    "RefreshState",
    "Stored",
    "turns",
]
