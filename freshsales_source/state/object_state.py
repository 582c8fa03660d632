"""What the connector remembers of one object between runs; it travels in dlt's state, in the same load as the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from freshsales_source.census import RefreshState
from freshsales_source.pages.pipelines import PipelinesState
from freshsales_source.pages.views import View
from freshsales_source.schema.columns import Column
from freshsales_source.schema.fields import Field, field_from_state, field_to_state
from freshsales_source.state.out_of_sight import OutOfSight
from freshsales_source.state.refresh import Refresh, begun_anew
from freshsales_source.state.stubs import Stubs, stubs_from_json, stubs_to_json
from freshsales_source.walk import TOP, Span, WalkState

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LongWalk:
    """A walk of several pages from `began` to `ended` over stamps from `low` on; in seconds, by the server's clock."""

    began: int
    ended: int
    low: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectState:
    """The memory of one object.

    `walks`: by list, for views their id as text. `live`, `bin`: the views in use, read at `looked_up_at`. `columns`:
    those of the account, beyond the entity table; a column once given never changes. `fields`: the account's custom
    fields as the settings last told of them, None where they never did. `watched`: ids that stood in a list whose
    records are followed when they leave it. `met`: ids that its records point to in the newest run, by lookup table.
    `begun`: by list, when its last reading from the top began, in seconds by the server's clock. `refresh`: a full
    refresh that is under way. `settled`: the last such time of all lists for which every row that they no longer
    showed was asked for. `differing`: by how much the counts differed when the newest was last read again for that;
    `futile`: the same for everything. `pipelines`: what is known of those that the views leave out. `rolling`: how
    far the rolling refresh has come, by the part of the rows. `long_walks`: by list, walks of the last run during
    which a removal may have gone unseen. `stubs`: what is left of forgotten records that the CRM still shows. `waited`:
    whether the last run had no call left for what earlier runs had left open; the next one does not let it wait.
    `hidden_since`: the watermark before the first of the runs whose lists hid records that rows tell of;
    `out_of_sight`: what the last one found that asked for these alone.
    """

    walks: Mapping[str, WalkState] = field(default_factory=dict)
    live: tuple[View, ...] = ()
    bin: View | None = None
    columns: tuple[Column, ...] = ()
    fields: tuple[Field, ...] | None = None
    watched: frozenset[int] = frozenset()
    met: Mapping[str, frozenset[int]] = field(default_factory=dict)
    looked_up_at: datetime | None = None
    begun: Mapping[str, int] = field(default_factory=dict)
    refresh: Refresh | None = None
    settled: int | None = None
    differing: tuple[int, ...] = ()
    futile: tuple[int, ...] = ()
    pipelines: PipelinesState = field(default_factory=PipelinesState)
    rolling: Mapping[str, RefreshState] = field(default_factory=dict)
    long_walks: Mapping[str, LongWalk] = field(default_factory=dict)
    stubs: Stubs = field(default_factory=dict)
    waited: bool = False
    hidden_since: int | None = None
    out_of_sight: OutOfSight | None = None

    def refreshed(self, at: datetime) -> ObjectState:
        """The state in which all lists are read from the top and to their ends, views and fields looked up anew."""
        return replace(
            self,
            walks={key: begun_anew(walk) for key, walk in self.walks.items()},
            looked_up_at=None,
            refresh=Refresh(asked_at=at),
            out_of_sight=None,
        )

    def shown(self, *, lookback_s: int) -> ObjectState:
        """The state in which the lists show all again, and what changed while they did not is read once more."""
        if self.hidden_since is None:
            return self
        meanwhile = Span(low=self.hidden_since - lookback_s, high=TOP)
        walks = {key: replace(walk, owed=(meanwhile, *walk.owed)) for key, walk in self.walks.items()}
        return replace(self, walks=walks, hidden_since=None, out_of_sight=None)

    def are_ordered(self, lists: Iterable[str]) -> bool:
        """Whether none of these lists is known to keep no order."""
        return not any(key in self.walks and self.walks[key].unordered for key in lists)

    def without_order(self, lists: Iterable[str]) -> ObjectState:
        """The state in which these lists are known to keep no order, so that each run reads them whole."""
        known = {key: replace(self.walks[key], unordered=True) for key in lists if key in self.walks}
        return replace(self, walks={**self.walks, **known})

    def is_fresh(self, now: datetime, every_s: int) -> bool:
        """Whether views and fields were looked up less than `every_s` seconds ago."""
        return self.looked_up_at is not None and timedelta() <= now - self.looked_up_at < timedelta(
            seconds=every_s
        )

    def is_complete(self, lists: Iterable[str]) -> bool:
        """Whether each of these lists was read to its end at least once, so that the counts must agree."""
        return all(key in self.walks and self.walks[key].is_complete for key in lists)

    def watermark(self, lists: Iterable[str]) -> int | None:
        """The oldest watermark of these lists, in seconds; None before the first page of each was read."""
        marks = [self.walks[key].watermark if key in self.walks else None for key in lists]
        known = [mark for mark in marks if mark is not None]
        return min(known) if known and len(known) == len(marks) else None

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "version": VERSION,
            "walks": {i: state.to_json() for i, state in self.walks.items()},
            "live": [_view_to_json(view) for view in self.live],
            "bin": _view_to_json(self.bin) if self.bin else None,
            "watched": sorted(self.watched),
            "met": {table: sorted(ids) for table, ids in self.met.items()},
            "begun": dict(self.begun),
            "refresh": self.refresh.to_json() if self.refresh else None,
            "settled": self.settled,
            "differing": list(self.differing),
            "futile": list(self.futile),
            "pipelines": self.pipelines.to_json(),
            "long_walks": {key: asdict(walk) for key, walk in self.long_walks.items()},
            "waited": self.waited,
            "hidden_since": self.hidden_since,
            "out_of_sight": self.out_of_sight.to_json() if self.out_of_sight else None,
            "rolling": {part: state.to_json() for part, state in self.rolling.items()},
            "stubs": stubs_to_json(self.stubs),
            "columns": [column.as_state() for column in self.columns],
            "fields": None if self.fields is None else [field_to_state(one) for one in self.fields],
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
            watched=frozenset(data["watched"]),
            met={table: frozenset(ids) for table, ids in data["met"].items()},
            begun=dict(data.get("begun", {})),
            refresh=Refresh.from_json(data.get("refresh")),
            settled=data.get("settled"),
            differing=tuple(data.get("differing") or ()),
            futile=tuple(data.get("futile") or ()),
            pipelines=PipelinesState.from_json(data.get("pipelines")),
            long_walks={key: LongWalk(**walk) for key, walk in data.get("long_walks", {}).items()},
            waited=bool(data.get("waited")),
            hidden_since=data.get("hidden_since"),
            out_of_sight=OutOfSight.from_json(data.get("out_of_sight")),
            rolling={part: RefreshState.from_json(one) for part, one in data.get("rolling", {}).items()},
            stubs=stubs_from_json(data.get("stubs")),
            columns=tuple(Column.from_state(column) for column in data["columns"]),
            fields=_fields_from_json(data.get("fields")),
            looked_up_at=datetime.fromisoformat(data["looked_up_at"]) if data["looked_up_at"] else None,
        )


def _fields_from_json(data: Iterable[dict[str, Any]] | None) -> tuple[Field, ...] | None:
    return None if data is None else tuple(map(field_from_state, data))


def _view_to_json(view: View) -> dict[str, Any]:
    return {"id": view.id, "name": view.name}


def _view_from_json(data: Mapping[str, Any]) -> View:
    return View(id=data["id"], name=data["name"])
