"""The saved views of an account: the system ones under all their possible names, and what users saved
themselves.

View ids differ between accounts and are stable within one. A view's condition is a rule by name (see
`views.py`) or, for a user's own view, a function of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.objects import OBJECTS
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record

FIRST_VIEW_ID = 402_000_591_801
_ROOM_PER_OBJECT = 100
_FIRST_MODULE_VIEW_ID = FIRST_VIEW_ID + 1_000_000

# Dutch, since the one localised text on record is Dutch; the names themselves are assumed.
_DUTCH: Mapping[str, str] = {
    "All Contacts": "Alle contactpersonen",
    "My Contacts": "Mijn contactpersonen",
    "New Contacts": "Nieuwe contactpersonen",
    "All Accounts": "Alle accounts",
    "My Accounts": "Mijn accounts",
    "My Territory Accounts": "Accounts in mijn gebied",
    "My Deals": "Mijn deals",
    "Open Deals": "Lopende deals",
    "Won Deals": "Gewonnen deals",
    "Lost Deals": "Verloren deals",
    "All Leads": "Alle leads",
    "My Leads": "Mijn leads",
    "Recycle Bin": "Prullenbak",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One entry of `/{object}/filters`; `rule` is a name in `views.RULES` unless `where` is given."""

    id: int
    object: str
    name: str
    rule: str
    is_default: bool = True
    where: Callable[[Record], bool] | None = None


class SavedViews:
    """All saved views of one account."""

    def __init__(self, kinds: Mapping[str, ObjectKind]) -> None:
        self._kinds = kinds
        self._own: list[SavedView] = []

    def add(self, object_name: str, name: str, where: Callable[[Record], bool]) -> int:
        """Save a user's own view of live records and return its id; `where` sees records in exact types."""
        view = SavedView(
            id=FIRST_VIEW_ID + len(OBJECTS) * _ROOM_PER_OBJECT + len(self._own),
            object=object_name,
            name=name,
            rule="own",
            is_default=False,
            where=where,
        )
        self._own.append(view)
        return view.id

    def of(self, object_name: str, switches: Switches) -> list[SavedView]:
        """Return the views of one object that this key has, in the order of `/filters`."""
        views: list[SavedView] = []
        for system in _system_views(self._kinds[object_name]):
            if not _is_there(system, switches, is_module=bool(self._kinds[object_name].module)):
                continue
            named = _named(system, switches)
            if switches.several_views_of_one_name:
                views.append(_twin(named))
            views.append(named)
        return views + [view for view in self._own if view.object == object_name]

    def find(self, object_name: str, view_id: int, switches: Switches) -> SavedView | None:
        """Return the view with that id, if this key has it."""
        return next((view for view in self.of(object_name, switches) if view.id == view_id), None)

    def id_of(self, object_name: str, name: str) -> int:
        """Return the id of a system view by its English name, whatever it is called now."""
        return next(view.id for view in _system_views(self._kinds[object_name]) if view.name == name)


def _system_views(kind: ObjectKind) -> list[SavedView]:
    first = _FIRST_MODULE_VIEW_ID + kind.module * _ROOM_PER_OBJECT
    if not kind.module:
        first = FIRST_VIEW_ID + list(OBJECTS).index(kind.name) * _ROOM_PER_OBJECT
    return [
        SavedView(id=first + number, object=kind.name, name=system.name, rule=system.rule)
        for number, system in enumerate(kind.views)
    ]


def _is_there(view: SavedView, switches: Switches, *, is_module: bool) -> bool:
    if view.rule == "bin" and (switches.recycle_bin_missing or (is_module and not switches.module_bin)):
        return False
    return view.name not in switches.missing_views


def _named(view: SavedView, switches: Switches) -> SavedView:
    name = view.name
    if switches.view_names == "localised":
        name = _DUTCH.get(name, name)
    elif switches.view_names == "renamed":
        name = f"Team {name.lower()}"
    return SavedView(id=view.id, object=view.object, name=name, rule=view.rule)


def _twin(view: SavedView) -> SavedView:
    twin_id = view.id + _ROOM_PER_OBJECT // 2
    return SavedView(id=twin_id, object=view.object, name=view.name, rule="none", is_default=False)
