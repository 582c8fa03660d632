"""What one point of the table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freshsales_source.probe.list_settling import Settle

CHECKS_ITSELF = "A sync goes on checking as it reads."


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that the API's notes leave open; `assumption` is the position taken until it is settled."""

    name: str
    question: str
    assumption: str
    settle: Settle
    consequences: Mapping[str, str]

    def consequence(self, position: str) -> str:
        """What a position means for a sync."""
        text = self.consequences.get(position) or self.consequences.get("*", CHECKS_ITSELF)
        return text.format(position=position)
