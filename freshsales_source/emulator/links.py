"""Which columns of which objects point to other records: what a merge moves, a deletion cuts, an include follows.

Most links are ids in a column of their own. Tasks, appointments and sales activities point to records of
several objects at once ("targetables"); each object they can point to is one link here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Changes: TypeAlias = dict[str, Any]

# The names of the objects in targetables and attendees. Source: recorded responses (Contact, SalesAccount).
TARGET_TYPES: Mapping[str, str] = {
    "contacts": "Contact",
    "sales_accounts": "SalesAccount",
    "deals": "Deal",
    "leads": "Lead",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A column of one object that holds the id (or, `many`, the ids) of another.

    With `type`, the column holds targets of several objects and this link is those of that type: a list of
    `{"id", "type"}` when `many`, else an id whose type stands in `targetable_type`.
    """

    object: str
    column: str
    to: str
    many: bool = False
    type: str | None = None

    @property
    def key(self) -> str:
        """The name of this link among those of its object: the column, with the type where there is one."""
        return self.column if self.type is None else f"{self.column}/{self.type}"

    def targets(self, record: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the ids that the record holds in this link; the first of several is the primary one."""
        value = record.get(self.column)
        if value is None:
            return ()
        if self.type is None:
            return tuple(value) if self.many else (value,)
        if self.many:
            return tuple(each["id"] for each in value if each["type"] == self.type)
        return (value,) if record.get("targetable_type") == self.type else ()

    def replaced(self, record: Mapping[str, Any], old: int, new: int | None) -> Changes:
        """Return the columns that change when `old` becomes `new` in this link (None: is taken out)."""
        value = record[self.column]
        if self.type is None:
            if not self.many:
                return {self.column: new}
            ids = (each if each != old else new for each in value)
            return {self.column: tuple(dict.fromkeys(each for each in ids if each is not None))}
        if not self.many:
            return {self.column: new, "targetable_type": None if new is None else self.type}
        pairs = ((each["type"], new if self._is(each, old) else each["id"]) for each in value)
        kept = dict.fromkeys(pair for pair in pairs if pair[1] is not None)
        return {self.column: tuple({"id": record_id, "type": type_name} for type_name, record_id in kept)}

    def _is(self, target: Mapping[str, Any], record_id: int) -> bool:
        return bool(target["type"] == self.type and target["id"] == record_id)


def _to_targets(object_name: str, column: str, *, many: bool) -> tuple[Link, ...]:
    return tuple(
        Link(object=object_name, column=column, to=to, many=many, type=type_name)
        for to, type_name in TARGET_TYPES.items()
    )


LINKS: tuple[Link, ...] = (
    Link(object="contacts", column="sales_account_ids", to="sales_accounts", many=True),
    Link(object="deals", column="sales_account_id", to="sales_accounts"),
    Link(object="deals", column="contact_ids", to="contacts", many=True),
    Link(object="sales_accounts", column="parent_sales_account_id", to="sales_accounts"),
    *_to_targets("tasks", "targetables", many=True),
    *_to_targets("appointments", "targetables", many=True),
    *_to_targets("sales_activities", "targetable_id", many=False),
)


def links_to(object_name: str) -> tuple[Link, ...]:
    """Return the links that point to records of an object."""
    return tuple(link for link in LINKS if link.to == object_name)


def link_in(object_name: str, column: str) -> Link:
    """Return the link that is a column of its own in an object."""
    return next(link for link in LINKS if (link.object, link.column) == (object_name, column))
