"""How one switch is declared: its default, its strict position, what it does and who says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


def switch(default: T, *, strict: T, says: str, source: str) -> T:
    """Declare a switch as a field of a dataclass; what is said of it travels in the field's metadata."""
    position: T = field(default=default, metadata={"strict": strict, "says": says, "source": source})
    return position


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchNote:
    """One row of the table of switches: name, the positions that matter, what it does, who says so."""

    name: str
    type: str
    default: object
    strict: object
    says: str
    source: str
