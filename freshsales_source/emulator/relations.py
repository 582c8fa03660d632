"""What happens to the records around one that is deleted, erased, restored or merged.

Links are cut or moved. Tasks, appointments and sales activities belong to the records they point to: they
are hidden while these lie in the bin and erased with them, as far as the switches say. A hidden activity is
in no list and GET does not find it; it comes back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from freshsales_source.emulator.links import LINKS, Link, links_to
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record, Table

Write: TypeAlias = Callable[[Link, Record, Mapping[str, Any]], None]

ACTIVITIES = ("tasks", "appointments", "sales_activities")
# Documented: what goes when a contact or an account is forgotten (API notes 9). Leads: assumed like contacts.
_ERASED_WITH: Mapping[str, tuple[str, ...]] = {
    "contacts": ACTIVITIES,
    "leads": ACTIVITIES,
    "sales_accounts": ("tasks",),
}
# Documented: restoring a contact restores its sales activities, so deleting it took them away.
_HIDDEN_WITH: Mapping[str, tuple[str, ...]] = {
    "contacts": ("sales_activities",),
    "leads": ("sales_activities",),
}


class Relations:
    """The links between the records of all tables; `write` puts a record whose link has changed."""

    def __init__(self, tables: Mapping[str, Table], write: Write) -> None:
        self._tables = tables
        self._write = write

    def cut(self, object_name: str, record_id: int, *, only: tuple[str, ...] | None = None) -> None:
        """Take a record out of the links of all others (or of those objects only)."""
        for link in links_to(object_name):
            if only is None or link.object in only:
                self._relink(link, record_id, None)

    def move(self, object_name: str, record_id: int, to: int) -> None:
        """Let everything that points to a record point to another one."""
        for link in links_to(object_name):
            self._relink(link, record_id, to)

    def hide_activities(self, object_name: str, record_id: int, switches: Switches, at: datetime) -> None:
        """Hide the activities that go with a record into the bin and point to no other live one."""
        hidden = _hidden_with(object_name, switches)
        for name, activity_id in self._activities(object_name, record_id):
            table = self._tables[name]
            activity = table.live.get(activity_id)
            if name in hidden and activity is not None and not self._has_live_target(name, activity):
                table.put(at.timestamp(), activity, deleted_at=at)

    def show_activities(self, object_name: str, record_id: int, at: datetime) -> None:
        """Show again what was hidden with a record."""
        for name, activity_id in self._activities(object_name, record_id):
            table = self._tables[name]
            activity = table.binned.get(activity_id)
            if activity is not None:
                table.put(at.timestamp(), activity)

    def erased_with(self, object_name: str, record_id: int, switches: Switches) -> list[tuple[str, int]]:
        """Return the activities (object, id) that are erased with a record."""
        erased = ACTIVITIES if switches.forget_takes_all else _ERASED_WITH.get(object_name, ())
        return [
            (name, activity_id)
            for name, activity_id in self._activities(object_name, record_id)
            if (name in erased or activity_id in self._tables[name].binned)
            and (switches.forget_takes_shared or not self._is_shared(name, activity_id))
        ]

    # --- inside

    def _activities(self, object_name: str, record_id: int) -> Iterator[tuple[str, int]]:
        for link in links_to(object_name):
            if link.object in ACTIVITIES:
                yield from (
                    (link.object, each) for each in self._tables[link.object].linked(link.key, record_id)
                )

    def _targets(self, name: str, activity: Record) -> list[tuple[str, int]]:
        links = (link for link in LINKS if link.object == name and link.type is not None)
        return [(link.to, target) for link in links for target in link.targets(activity)]

    def _has_live_target(self, name: str, activity: Record) -> bool:
        return any(target in self._tables[to].live for to, target in self._targets(name, activity))

    def _is_shared(self, name: str, activity_id: int) -> bool:
        activity = self._tables[name].get(activity_id)
        return activity is not None and len(self._targets(name, activity)) > 1

    def _relink(self, link: Link, old: int, new: int | None) -> None:
        table = self._tables[link.object]
        for holder in table.linked(link.key, old):
            record = table.get(holder)
            if record is not None:
                target = None if new == holder else new  # a record is never its own parent
                self._write(link, record, link.replaced(record, old, target))


def _hidden_with(object_name: str, switches: Switches) -> tuple[str, ...]:
    if switches.deleted_record_hides == "nothing":
        return ()
    return ACTIVITIES if switches.deleted_record_hides == "all" else _HIDDEN_WITH.get(object_name, ())
