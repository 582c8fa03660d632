"""Which columns a record of an object can hold."""

from __future__ import annotations

from collections.abc import Mapping

from freshsales_source.emulator.links import LINKS
from freshsales_source.emulator.object_kind import ObjectKind

# Columns that no row shows, but an include does.
_BEHIND_INCLUDES: Mapping[str, frozenset[str]] = {"appointments": frozenset({"appointment_attendees"})}


def columns_of(kind: ObjectKind) -> frozenset[str]:
    """Return every column that a record can hold, foreign keys included, custom fields not."""
    return (
        frozenset(kind.row)
        | frozenset(kind.newer)
        | frozenset(include.key for include in kind.includes if include.key)
        | frozenset(link.column for link in LINKS if link.object == kind.name)
        | _BEHIND_INCLUDES.get(kind.name, frozenset())
    )
