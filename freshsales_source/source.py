"""The dlt source. Building it makes no request: schedulers list its resources without a network."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.sources import DltResource

from freshsales_source.api.client import build_client
from freshsales_source.clock import SystemClock
from freshsales_source.entities import CUSTOM_MODULES, ENTITIES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.entities.feeds import FEEDS
from freshsales_source.errors import CallCeilingReached, QuotaExhausted
from freshsales_source.resources.entity_resource import SharedRun, object_resource
from freshsales_source.resources.feed_resource import feed_resource
from freshsales_source.resources.module_resource import module_resource
from freshsales_source.run import Run
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.settings.known_names import OBJECTS
from freshsales_source.settings.protection import protected_feeds, protections, with_protections

_FEEDS = frozenset(feed.name for feed in FEEDS)


@dlt.source(name="freshsales", section="freshsales")
def freshsales(
    # Optional, so that dlt leaves a missing one to us, who know the short forms in the environment.
    domain: str | None = dlt.config.value,
    api_key: TSecretStrValue | None = dlt.secrets.value,
    plan: str = "growth",
    rate_limits: list[Any] | None = None,
    reserve: float = 0.1,
    on_quota: str = "wait",
    max_calls: int | None = None,
    budget_store: str | None = None,
    concurrency: int = 4,
    page_size: int = 100,
    timeout_s: float = 60.0,
    retries: int = 5,
    start_date: str | None = None,
    lookback_s: int = 300,
    lookups_every_s: int = 3600,
    objects: list[str] | None = None,
    views: dict[str, Any] | None = None,
    refresh_pages: int = 10,
    max_vanished_share: float = 0.02,
    on_erase: str = "keep",
    time_zone: str = "UTC",
    history: bool = True,
    drop_columns: list[str] | None = None,
    hash_columns: list[str] | None = None,
    hash_key: TSecretStrValue | None = None,
    timelines: bool = False,
) -> Iterable[DltResource]:
    """Contacts, accounts, deals and the lookups they point to, incremental by `updated_at`.

    Every argument is a setting of the README, read by dlt from the environment, secrets.toml or config.toml where
    it is not given; FRESHSALES_DOMAIN and FRESHSALES_API_KEY are looked at last. One run is one load: interrupted,
    it repeats itself. A quota that is gone with `on_quota="stop"`, or `max_calls` reached, ends the load cleanly
    with what was read; anything else that keeps an object from being read whole is raised. Raises
    ConfigurationError for a bad value, before any request.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    settings = read_settings(flags=given, environment=os.environ)
    return source_resources(settings, SharedRun(lambda: _open(settings)), in_slices=False)


def source_resources(settings: Settings, shared: SharedRun, *, in_slices: bool) -> list[DltResource]:
    """The resources of all objects, those that the setting `objects` leaves out aside."""
    wanted = settings.objects or [name for name in OBJECTS if settings.timelines or name not in _FEEDS]
    hidden = protections(
        ENTITIES, dropped=settings.drop_columns, hashed=settings.hash_columns, hash_key=settings.hash_key
    )
    entities = [with_protections(entity, hidden) for entity in ENTITIES]
    chosen = [entity for entity in entities if entity.name in wanted and entity.name != CUSTOM_MODULES.name]
    resources = [object_resource(entity, shared, in_slices=in_slices) for entity in chosen]
    if CUSTOM_MODULES.name in wanted or any(map(is_module, wanted)):
        resources.append(module_resource(shared, hidden, wanted=settings.objects, in_slices=in_slices))
    for feed in protected_feeds(FEEDS, hidden):
        if feed.name in wanted:
            objects = [name for name in feed.parents if name in wanted]
            resources.append(feed_resource(feed, shared, objects=objects, in_slices=in_slices))
    return resources


def _open(settings: Settings) -> Run:
    clock = SystemClock()
    client = build_client(settings, clock=clock)
    return Run(settings, client, clock, keeps=(CallCeilingReached, QuotaExhausted))
