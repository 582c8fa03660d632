"""Custom modules: their directory, and the row of the entity table that each of them gets.

Source: `GET settings/module_customizations` answers all modules, the custom ones marked (documented, one client);
`custom_module/{name}/view/{id}` answers list and record under one key, the module's name (verified by one client).
That `custom_module/{name}/filters` lists the views, and that these are called like those of other objects, is
assumed. Without that list a module is read through `filtered_search/{name}` (one client) with `detail` (one client,
for other objects).
"""

from __future__ import annotations

from freshsales_source.entities.dropped import PARTIAL, VOLATILE, side_loads
from freshsales_source.schema.entity_columns.custom_modules import DIRECTORY_COLUMNS, MODULE_COLUMNS
from freshsales_source.schema.entity_types import Entity, Selector, Views

PREFIX = "cm_"
"""How the keys of custom modules begin (documented sample, five modules of one account), and all their tables."""

_DIRECTORY = "/settings/module_customizations"

CUSTOM_MODULES = Entity(
    name="custom_modules",
    singular="module_customization",
    path=_DIRECTORY,
    description="The account's modules: those of its own, `cm_*`, and the ones that every account has.",
    read=Selector(path=_DIRECTORY, envelope="module_customizations"),
    columns=DIRECTORY_COLUMNS,
    dropped=(PARTIAL,),
    is_optional=True,
)


def is_module(name: str) -> bool:
    """Whether a name in the setting `objects` is that of a custom module, by key or table."""
    return name.startswith(PREFIX)


def module_entity(key: str, table: str, plural_name: str) -> Entity:
    """The row of a custom module: `key` is its name in the API, `table` that in the warehouse."""
    return Entity(
        name=table,
        key=key,
        singular=key,
        path=f"/custom_module/{key}",
        description=f"Records of the custom module {plural_name!r}.",
        # Rows carry their foreign keys without any include (column list of one production account).
        read=Views(live=(f"All {plural_name}",), has_bin=False, or_search=True),
        columns=MODULE_COLUMNS,
        dropped=(*VOLATILE, *side_loads("owner", "creator", "updater", "notes", "note_ids")),
        references=(("owner_id", "owners"), ("creator_id", "owners"), ("updater_id", "owners")),
        cursor="updated_at",
        settings=key,
        has_forms=True,
        has_custom_fields=True,
        is_optional=True,
    )
