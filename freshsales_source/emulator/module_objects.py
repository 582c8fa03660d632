"""Custom modules: objects that an account makes for itself, each with fields, saved views and records of its own.

Source: API notes 2.8. The row is the column list of five modules of one production account; list and record
stand under the same key, the module's name (verified by one client). The routes of views and single records
are used by several clients; that of the list of views, the views' names and the recycle bin are assumed to
be like those of other objects, and are switches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freshsales_source.emulator.object_kind import ObjectKind, SystemView

_FIRST_RECORD_ID = 402_100_000_000
_ROOM_FOR_RECORDS = 10_000_000

ROW: Mapping[str, object] = {
    "id": None,
    "name": None,
    "owner_id": None,
    "custom_field": {},
    "created_at": None,
    "creator_id": None,
    "updated_at": None,
    "updater_id": None,
    "avatar": None,
    "recent_note": None,
    "links": {},
    "record_type_id": None,
}
"""`creator_id`, not `creater_id`, and no `is_deleted` (column list of one production account)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One custom module; `entity_name` (`cm_contracts`) is its key everywhere, `number` its place (from 1)."""

    id: int
    number: int
    entity_name: str
    singular_name: str
    plural_name: str
    created_at: datetime


def kind_of_module(module: Module) -> ObjectKind:
    """Return the module as an object like any other."""
    return ObjectKind(
        name=module.entity_name,
        singular=module.entity_name,
        model="CustomModule",
        id_base=_FIRST_RECORD_ID + module.number * _ROOM_FOR_RECORDS,
        path=("custom_module", module.entity_name),
        row=ROW,
        links={"document_associations": "/document_associations", "notes": "/notes"},
        views=(
            SystemView(name=f"All {module.plural_name}", rule="all"),
            SystemView(name=f"My {module.plural_name}", rule="mine"),
            SystemView(name="Recycle Bin", rule="bin"),
        ),
        thin=("id", "name", "created_at", "updated_at"),
        creator="creator_id",
        module=module.number,
    )


def module_row(module: Module) -> dict[str, Any]:
    """Return the module as `settings/module_customizations` lists it; stamps in exact types."""
    return {
        "id": module.id,
        "entity_name": module.entity_name,
        "singular_name": module.singular_name,
        "plural_name": module.plural_name,
        "custom": True,
        "status": 1,
        "position": module.number,
        "table_name": module.entity_name,
        "description": None,
        "icon": None,
        "coll_id": None,
        "configs": {"filters_v2_enabled": True},
        "show_in_navigation_menu": True,
        "resource_path_for_navigation": None,
        "created_at": module.created_at,
        "updated_at": module.created_at,
    }


def standard_row(kind: ObjectKind, number: int, at: datetime) -> dict[str, Any]:
    """Return a standard object as the same list shows it: one client leaves out rows whose `custom` is false."""
    words = kind.name.replace("_", " ").capitalize()
    return {
        **module_row(
            Module(
                id=402_000_020_000 + number,
                number=number,
                entity_name=kind.singular,
                singular_name=words.removesuffix("s"),
                plural_name=words,
                created_at=at,
            )
        ),
        "custom": False,
        "table_name": kind.name,
    }
