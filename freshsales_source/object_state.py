"""What the connector remembers of one object between runs; it travels in dlt's state, in the same load as the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from freshsales_source.columns import Column
from freshsales_source.views import View
from freshsales_source.walk import WalkState

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectState:
    """The memory of one object.

    `walks`: by view id, as text. `live`, `bin`: the views in use, read at `looked_up_at`. `names`: internal field
    name -> column, which never changes once given. `columns`: those of the account, beyond the entity table.
    """

    walks: Mapping[str, WalkState] = field(default_factory=dict)
    live: tuple[View, ...] = ()
    bin: View | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    looked_up_at: datetime | None = None

    def is_fresh(self, now: datetime, every_s: int) -> bool:
        """Whether views and fields were looked up less than `every_s` seconds ago."""
        return self.looked_up_at is not None and timedelta() <= now - self.looked_up_at < timedelta(
            seconds=every_s
        )

    @property
    def is_complete(self) -> bool:
        """Whether every live view was read to its end at least once, so that the counts must agree."""
        ids = [str(view.id) for view in self.live]
        return bool(ids) and all(i in self.walks and self.walks[i].is_complete for i in ids)

    @property
    def watermark(self) -> int | None:
        """The oldest watermark of the live views, in seconds; None before the first page was read."""
        marks = [
            walk.watermark for i, walk in self.walks.items() if i in {str(view.id) for view in self.live}
        ]
        known = [mark for mark in marks if mark is not None]
        return min(known) if known and len(known) == len(self.live) else None

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "version": VERSION,
            "walks": {i: state.to_json() for i, state in self.walks.items()},
            "live": [_view_to_json(view) for view in self.live],
            "bin": _view_to_json(self.bin) if self.bin else None,
            "names": dict(self.names),
            "columns": [column.as_state() for column in self.columns],
            "looked_up_at": self.looked_up_at.isoformat() if self.looked_up_at else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> ObjectState:
        """Read what `to_json` wrote; nothing, for an object that was never read."""
        if not data or "version" not in data:
            return cls()
        return cls(
            walks={i: WalkState.from_json(state) for i, state in data["walks"].items()},
            live=tuple(_view_from_json(view) for view in data["live"]),
            bin=_view_from_json(data["bin"]) if data["bin"] else None,
            names=dict(data["names"]),
            columns=tuple(Column.from_state(column) for column in data["columns"]),
            looked_up_at=datetime.fromisoformat(data["looked_up_at"]) if data["looked_up_at"] else None,
        )


def _view_to_json(view: View) -> dict[str, Any]:
    return {"id": view.id, "name": view.name}


def _view_from_json(data: Mapping[str, Any]) -> View:
    return View(id=data["id"], name=data["name"])
