"""Names of objects and columns in the settings: one that stands for nothing is refused, before any request.

A wrong name would have no effect, and nobody would know.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from freshsales_source.entities import ENTITIES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.entities.feeds import FEEDS
from freshsales_source.errors import ConfigurationError
from freshsales_source.schema.entity_types import Views
from freshsales_source.settings.setting_values import refused

OBJECTS = (*(entity.name for entity in ENTITIES), *(feed.name for feed in FEEDS))
"""What the setting `objects` may name, beside custom modules."""

_IN_VIEWS = tuple(
    name
    for entity in ENTITIES
    if isinstance(entity.read, Views)
    for name in (entity.name, f"{entity.name}_bin")
)


def check_objects(names: Sequence[str]) -> None:
    """Raise ConfigurationError for a name that is no object, and for a feed whose records are not wanted."""
    for name in names:
        if name not in OBJECTS and not is_module(name):
            raise ConfigurationError(
                f"`objects` names {name!r}, which is no object",
                remedy=f"{did_you_mean(name, OBJECTS)}Objects are: {', '.join(OBJECTS)}.",
            )
    for feed in FEEDS:
        if feed.name in names and not any(parent in names for parent in feed.parents):
            raise ConfigurationError(
                f"`objects` names {feed.name!r}, but nothing that has any",
                remedy=f"Name one of these, too: {', '.join(feed.parents)}.",
            )


def check_views(names: Iterable[str]) -> None:
    """Raise ConfigurationError for a key of `views` that is no object with saved views.

    Those of custom modules, only the account can tell.
    """
    for name in names:
        if name not in _IN_VIEWS and not is_module(name):
            remedy = f"{did_you_mean(name, _IN_VIEWS)}Views are chosen for: {', '.join(_IN_VIEWS)}."
            raise refused("views", f"names `{name}`, which has no saved views", remedy)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A question with the known name that is nearest, and a blank after it; empty where none is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean `{near[0]}`? " if near else ""
