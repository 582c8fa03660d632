"""What the table of objects is made of: one kind of object, its includes, its views or its lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from freshsales_source.emulator.links import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One value of the `include` parameter: the key it adds to rows and the list it adds to the body.

    `rows` names the selector or object that holds the side-loaded rows; None for objects that are not kept
    here, whose ids and lists are empty. The ids stand in the record under `column` (default: `key`), or are
    found from the other side of a link: `inverse` is that side's object and the link's key. `shape` is how
    the key looks: one id, several, embedded rows of accounts, a value that the record holds as it is sent,
    the first target of an activity, its attendees, or the notes on a record of the object that `rows` names.
    Source: API notes 2.2 to 2.4, 2.7 (seen, and one client each for the less usual ones).
    """

    name: str
    key: str | None = None
    array: str | None = None
    rows: str | None = None
    column: str | None = None
    inverse: tuple[str, str] | None = None
    shape: Literal["id", "ids", "accounts", "value", "target", "attendees", "notes"] = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """A saved view that every account has; `rule` names its condition in `views.RULES`."""

    name: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """One value of a list's `filter` parameter.

    `rule` names its condition in `views.RULES`; `span` is the part of the list's order that it shows,
    against the clock: all of it, one day in the account's zone, or what lies before or after this second.
    """

    name: str
    rule: str
    span: Literal["all", "today", "tomorrow", "before_now", "from_now"] = "all"
    newest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatList:
    """A list without saved views: `GET /tasks?filter=open`, `GET /sales_activities`.

    `order` is the column it is sorted by, ascending, whatever `sort` says (unless `sort_switch` names a
    switch that lets `sort` be honoured). With `filters`, one of them must be asked for. `meta` tells what
    the list says of its size: as views do, the total alone, or what the switch `products_meta` says.
    """

    order: str
    filters: tuple[ListFilter, ...] = ()
    meta: Literal["as_views", "total", "as_products"] = "as_views"
    sort_switch: str | None = None
    ends_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKind:
    """One object of the API.

    `name` is the envelope of a list and `path` where it lies (default: the name); `singular` is the envelope
    of one record and the path segment of filtered_search. `row` holds the columns of a bare row in wire
    order, each with the value of an empty record; `single` what only a single record has, `newer` what
    accounts gained since 2023. `owner` is the column by which a restricted key sees a record (None: everyone
    sees all), `creator` that of the user who made it. An object has `views` or a `flat` list. `is_single_served`
    tells whether one record can be asked for alone. `module` is the place of a custom module among its like,
    0 for any other object.
    """

    name: str
    singular: str
    model: str
    id_base: int
    row: Mapping[str, object]
    single: Mapping[str, object] = field(default_factory=dict)
    newer: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[Include, ...] = ()
    views: tuple[SystemView, ...] = ()
    flat: FlatList | None = None
    thin: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    name_column: str = "name"
    owner: str | None = "owner_id"
    has_bin: bool = True
    is_classic: bool = False
    is_single_served: bool = True
    creator: str = "creater_id"
    module: int = 0

    @property
    def segments(self) -> tuple[str, ...]:
        """The path of the object below the API's prefix."""
        return self.path or (self.name,)


def one(name: str, rows: str, *, key: str | None = None, array: str | None = None) -> Include:
    """Return an include of one record or choice: `X` adds `X_id` and the list of what it points to."""
    return Include(name=name, key=key or f"{name}_id", array=array or rows, rows=rows)


def several(name: str, rows: str, *, key: str, array: str | None = None) -> Include:
    """Return an include of several records or choices whose ids stand in the record under `key`."""
    return Include(name=name, key=key, array=array or rows, rows=rows, shape="ids")


def pointing_here(name: str, key: str, link: Link) -> Include:
    """Return an include of the records that point to this one through `link`."""
    return Include(
        name=name, key=key, array=link.object, rows=link.object, inverse=(link.object, link.key), shape="ids"
    )


def not_kept(name: str, key: str, *, array: str | None = None) -> Include:
    """Return an include of something that the emulator does not keep: always empty."""
    return Include(name=name, key=key, array=array or name, shape="ids")


# Everyone whose name stands in a record is listed under `users`, once.
USERS = tuple(one(name, "owners", array="users") for name in ("owner", "creater", "updater"))
