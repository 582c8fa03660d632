"""Freshsales to your warehouse: every record, every change, every deletion.

import dlt
from freshsales_source import freshsales

dlt.pipeline("crm", destination="duckdb", dataset_name="freshsales").run(freshsales())
"""

from __future__ import annotations

from typing import Any

__all__ = ["freshsales"]


def __getattr__(name: str) -> Any:
    # dlt takes half a second to import: whoever wants the walk or the emulator alone should not pay for it.
    if name == "freshsales":
        from freshsales_source.source import freshsales

        return freshsales
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
