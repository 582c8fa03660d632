"""The lists in which the records of an object stand: views, filters, or the one list there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Views
from freshsales_source.state.object_state import ObjectState

ListRead = Views | Filters | FlatList

SEARCH = "search"
"""The key under which the walk through search results is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One list that is walked.

    key            the name under which its walk is remembered
    title          its name for people
    path, query    where its pages are, below the API's base, and what is asked of each
    is_ordered     whether newest-first order is worth asking; else it is read whole
    is_order_known whether lists of this kind were seen to honour it; else the rows must show it first
    is_bin         whether it is the recycle bin
    is_watched     whether a record that leaves it is then fetched alone
    is_read_once   whether it is read to its end once, and then left to counts and refresh
    is_search      whether its pages are those of a search
    """

    key: str
    title: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    is_ordered: bool = False
    is_order_known: bool = False
    is_bin: bool = False
    is_watched: bool = False
    is_read_once: bool = False
    is_search: bool = False


def listings(entity: Entity, read: ListRead, state: ObjectState) -> tuple[Listing, ...]:
    """The lists of an object; of one that lives in views, those that were looked up before."""
    match read:
        case Views():
            return _of_views(entity, read, state)
        case FlatList():
            return (_of_list(entity, read),)
        case Filters():
            return _of_filters(entity, read)


def read_each_run(read: ListRead, state: ObjectState) -> list[str]:
    """The names of the lists that each run reads, of those that were begun; one that is read once counts until then."""
    once = read.settled if isinstance(read, Filters) else ()
    return [key for key, walk in state.walks.items() if not (key in once and walk.is_complete)]


def _of_views(entity: Entity, read: Views, state: ObjectState) -> tuple[Listing, ...]:
    if read.or_search and not state.live:
        return (_of_search(entity, read),)
    bins = [state.bin] if state.bin is not None else []
    return tuple(
        Listing(
            key=str(view.id),
            title=view.name,
            path=f"{entity.path}/view/{view.id}",
            query=_newest_first("updated_at") | _including(read.include),
            is_ordered=True,
            is_order_known=not read.or_search,
            is_bin=view in bins,
        )
        for view in (*state.live, *bins)
    )


def _of_search(entity: Entity, read: Views) -> Listing:
    return Listing(
        key=SEARCH,
        title=SEARCH,
        path=f"filtered_search/{entity.singular}",
        query=_newest_first("updated_at") | _including(read.include),
        is_ordered=True,
        is_search=True,
    )


def _of_list(entity: Entity, read: FlatList) -> Listing:
    order = {} if read.sort is None else _newest_first(read.sort)
    return Listing(
        key="all",
        title="all",
        path=entity.path,
        query=order | _including(read.include),
        is_ordered=read.sort is not None,
    )


def _of_filters(entity: Entity, read: Filters) -> tuple[Listing, ...]:
    return tuple(
        Listing(
            key=name,
            title=name,
            path=entity.path,
            query={"filter": name} | _including(read.include),
            is_watched=name in read.live,
            is_read_once=name in read.settled,
        )
        for name in (*read.live, *read.settled)
    )


def _newest_first(column: str) -> dict[str, str]:
    return {"sort": column, "sort_type": "desc"}


def _including(include: tuple[str, ...]) -> dict[str, str]:
    return {"include": ",".join(include)} if include else {}
