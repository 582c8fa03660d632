"""Whether a warehouse holds a value as the API served it, in its column or beside it; and awkward names and values.

The comparison reads JSON the way a person would, and shares no code with the connector.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

# By case, by punctuation, by script, by length, by what the connector itself calls things.
NAMES = (
    "cf_size",
    "cf_Size",
    "cf__size",
    "cf_size_",
    "cf-size",
    "cfSize",
    "cf_size__raw",
    "cf_日本",
    "cf_中国",
    "cf_भारत",
    "cf_no-go_truck_types",
    "cf_no_go_truck_types",
    "cf_" + "long_" * 30 + "a",
    "cf_" + "long_" * 30 + "b",
)

FIELD_TYPES = (
    "text",
    "textarea",
    "number",
    "checkbox",
    "dropdown",
    "multi_select_dropdown",
    "radio",
    "date",
    "auto_complete",
)

VALUES: tuple[Any, ...] = (
    None,
    "",
    "plain",
    "=1+1",
    "x'; DROP TABLE deals; --",
    "12.50",
    "2024-02-29",
    "2024-02-29T23:30:00-06:00",
    "true",
    0,
    7,
    -1.5,
    2**53 + 1,
    2**63,
    True,
    False,
)
"""Served for a field of whatever type: an administration that changes a type leaves the old values behind."""


def holds(row: Mapping[str, Any], column: str, served: Any) -> bool:
    """Whether the row has the value that was served, in that column or in its `__raw`; null for null."""
    stored, beside = row.get(column), row.get(f"{column}__raw")
    if served is None:
        return stored is None and beside is None
    if stored is None:
        return bool(beside == (served if isinstance(served, str) else json.dumps(served)))
    return beside is None and _is_same(stored, served)


def _is_same(stored: Any, served: Any) -> bool:
    if isinstance(stored, bool) or isinstance(served, bool):
        return stored is served or stored == json.dumps(served)
    if isinstance(stored, str):
        return bool(stored == (served if isinstance(served, str) else json.dumps(served)))
    if isinstance(stored, datetime):
        return stored.astimezone(UTC) == datetime.fromisoformat(served).astimezone(UTC)
    if isinstance(stored, date):
        return str(served)[:10] == stored.isoformat()
    try:
        return Decimal(stored) == Decimal(str(served))
    except InvalidOperation:
        return False
