"""Numbers with their nouns, as every text for people says them."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """A number with its noun: `1 row`, `2,089 deals`, `3 activities`."""
    plural = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else plural}"
