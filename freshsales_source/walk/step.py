"""What a walk hands over for every page it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from freshsales_source.walk.page import Content, Page
from freshsales_source.walk.state import WalkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[Content]):
    """One answered page: the indexes of its rows to load, and the state that holds once they are loaded."""

    page: Page[Content]
    keep: tuple[int, ...]
    state: WalkState
