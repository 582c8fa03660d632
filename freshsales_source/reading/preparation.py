"""What must be known of an object before its first page: the ids of its views, the types of its custom fields."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from freshsales_source.api.client import Client
from freshsales_source.errors import NotFound, SavedViewNotFound
from freshsales_source.pages.paging import server_time
from freshsales_source.pages.pipelines import is_of_pipeline
from freshsales_source.pages.views import View, bin_setting, choose, find, find_bin, parse_views
from freshsales_source.reading.field_settings import FieldSettings
from freshsales_source.reading.hinted import heed_absence
from freshsales_source.reading.listing import ListRead
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.settings.setting_values import ViewChoice
from freshsales_source.state.object_state import ObjectState
from freshsales_source.warehouse.metadata import VIEWS, views_table

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The state with views, and the error of a recycle bin that this key cannot see.

    `settings` holds rows about the views, where these were read.
    """

    state: ObjectState
    missing_bin: SavedViewNotFound | None = None
    settings: Mapping[str, pa.Table] = field(default_factory=dict)


def prepare(
    run: Run, client: Client, entity: Entity, read: ListRead, state: ObjectState, fields: FieldSettings
) -> Prepared:
    """Look up what must be known before the first page, unless that was done lately; at most two calls."""
    heed_absence(run, entity, state)
    if isinstance(read, Views):
        return _prepare_views(run, client, entity, read, state, fields)
    if state.is_fresh(run.clock.now(), run.settings.lookups_every_s):
        return Prepared(state=state)
    fields.read()
    return Prepared(state=replace(state, looked_up_at=run.clock.now()))


def _prepare_views(
    run: Run, client: Client, entity: Entity, views: Views, state: ObjectState, fields: FieldSettings
) -> Prepared:
    """Find the views and the custom fields.

    Walks of views that are no longer used are forgotten. Raises SavedViewNotFound where a live view is missing:
    without it the table would be short and nobody would know.
    """
    chosen = run.settings.views
    wanted, wanted_bin = (
        chosen.get(entity.name, views.live),
        chosen.get(bin_setting(entity.name), (views.bin,)),
    )
    is_fresh = state.is_fresh(run.clock.now(), run.settings.lookups_every_s)
    if is_fresh and _is_as_wanted(entity, views, state, wanted, wanted_bin):
        return Prepared(state=state)
    try:
        answer = client.get(f"{entity.path}/filters")
    except NotFound:
        if not views.or_search:
            raise
        return _without_views(run, entity, state, fields)
    at = server_time(answer, run.clock)
    run.started_at(at.timestamp())
    seen = parse_views(answer)
    live = choose(entity.name, wanted, seen)
    missing: SavedViewNotFound | None = None
    try:
        recycle_bin = find_bin(entity.name, wanted_bin[0], seen)
    except SavedViewNotFound as error:
        # The live rows are still worth reading; the object fails in the end, if it should have a bin.
        recycle_bin, missing = None, error if views.has_bin else None
    used = {str(view.id) for view in (*live, *([recycle_bin] if recycle_bin else []))}
    fields.read()
    state = replace(
        state,
        live=live,
        bin=recycle_bin,
        walks={i: walk for i, walk in state.walks.items() if i in used or is_of_pipeline(i)},
        pipelines=state.pipelines if live == state.live else state.pipelines.unsure(),
        looked_up_at=run.clock.now(),
    )
    views_of = views_table(entity.name, seen, used={int(i) for i in used}, synced_at=at)
    return Prepared(state=state, missing_bin=missing, settings={VIEWS.name: views_of})


def _without_views(run: Run, entity: Entity, state: ObjectState, fields: FieldSettings) -> Prepared:
    """Go by the views that the settings name by id; without any the object is read through the search."""
    live, bins = (
        tuple(View(id=i, name=str(i)) for i in run.settings.views.get(name, ()) if isinstance(i, int))
        for name in (entity.name, bin_setting(entity.name))
    )
    _LOG.info("views_not_listed object=%s read_by=%s", entity.name, "id" if live else "search")
    fields.read()
    # Walks of views stay: they tell that the object was there, should the search fail, too.
    state = replace(state, live=live, bin=bins[0] if live and bins else None, looked_up_at=run.clock.now())
    return Prepared(state=state)


def _is_as_wanted(
    entity: Entity, views: Views, state: ObjectState, wanted: ViewChoice, wanted_bin: ViewChoice
) -> bool:
    """Whether the views found last time are those that the settings name now."""
    if views.or_search and not state.live:
        return not any(isinstance(choice, int) for choice in wanted)
    if state.bin is None and views.has_bin:
        return False
    try:
        if state.bin is not None:
            find(entity.name, wanted_bin[0], [state.bin])
        return choose(entity.name, wanted, state.live) == state.live
    except SavedViewNotFound:
        return False
