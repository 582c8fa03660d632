"""The fields of an object, from `settings/{object}/fields`: which there are, and of which type.

Source: `GET settings/{contacts|sales_accounts|deals|leads|sales_activities}/fields?include=field_group`
answers `{"fields": [...]}` (documented). Ids of fields and choices are numbers in one published description
and strings in another; both are read (documented). `default: false` marks a custom field, whose values stand
in the record's `custom_field` object under the field's `name`, which never changes when people rename its
label (vendor's support article).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from freshsales_source.errors import MalformedPage
from freshsales_source.schema.columns import ColumnType
from freshsales_source.schema.storable import storable, storable_key

Record: TypeAlias = dict[str, Any]

_MULTIPLE = "multi_select_dropdown"

COLUMN_TYPES: dict[str, ColumnType] = {
    # Whole numbers and fractions arrive under one type (column list of a production account): only a decimal
    # holds both.
    "number": ColumnType.DECIMAL,
    "checkbox": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "text": ColumnType.TEXT,
    "textarea": ColumnType.TEXT,
    "dropdown": ColumnType.TEXT,
    "radio": ColumnType.TEXT,
    # Its values arrive joined by `;` (column list of a production account).
    _MULTIPLE: ColumnType.TEXT,
    "lookup": ColumnType.ID,
    "auto_complete": ColumnType.ID,
}
"""Field type of the settings -> column type. A type that is not here becomes text, which loses nothing."""

_GROUP = "group_field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice of a dropdown, radio or multi-select field."""

    id: str
    value: str
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object as its settings describe it; `id` is None where it is no number.

    What the settings do not say, or say in another form, is None. A custom field that they do not list any more
    `is_deleted`.
    """

    object: str
    id: int | None
    name: str
    label: str
    type: str
    is_custom: bool
    position: int | None
    choices: tuple[Choice, ...] = ()
    is_required: bool | None = None
    is_visible: bool | None = None
    is_multiple: bool | None = None
    group_id: int | None = None
    is_deleted: bool = False


def field_to_state(field: Field) -> dict[str, Any]:
    """What must be remembered of a custom field, as plain JSON."""
    return {
        "id": field.id,
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "is_deleted": field.is_deleted,
    }


def field_from_state(state: Record) -> Field:
    """The custom field that `field_to_state` described; which object it belongs to its owner knows."""
    return Field(
        object="",
        id=state["id"],
        name=state["name"],
        label=state["label"],
        type=state["type"],
        is_custom=True,
        position=None,
        is_deleted=state["is_deleted"],
    )


def parse_fields(body: bytes, *, object: str) -> tuple[Field, ...]:
    """The fields of one object, in the API's order; fields inside a group stand in the group's place.

    Raises MalformedPage when the body is no JSON object with a list `fields`, or a field has no name.
    """
    where = f"settings/{object}/fields"
    rows = _listed(body, "fields", where)
    return tuple(_field(row, object=object, where=where) for row in _without_groups(rows))


def parse_forms(body: bytes, *, object: str) -> tuple[Field, ...]:
    """The fields of a custom module, each once, out of the groups of its forms.

    Source: `GET settings/{module}/forms` answers `{"forms": [{"fields": [{"fields": [...]}]}]}`, keys in camelCase
    (documented, one client). That a field is custom is told by its name, `cf_...`, where nothing says so (assumed).
    Raises MalformedPage when the body is no JSON object with a list `forms`, or a field has no name.
    """
    where = f"settings/{object}/forms"
    rows = _listed(body, "forms", where)
    fields = [_field(row, object=object, where=where) for row in _without_groups(rows)]
    return tuple({field.name: field for field in reversed(fields)}.values())[::-1]


def column_type(field: Field) -> ColumnType:
    """The type of the column for a field's values."""
    return COLUMN_TYPES.get(field.type, ColumnType.TEXT)


def is_multiple_choice(field: Field) -> bool:
    """Whether a value of the field is several choices in one text."""
    return field.type == _MULTIPLE


def _listed(body: bytes, envelope: str, where: str) -> list[Any]:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise MalformedPage("the list of fields is not JSON", where=where) from error
    rows = answer.get(envelope) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MalformedPage(f'the list of fields has no list "{envelope}"', where=where)
    return rows


def _without_groups(rows: list[Any]) -> Iterable[Any]:
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("fields"), list):
            yield from _without_groups(row["fields"])
        elif not (isinstance(row, dict) and row.get("type") == _GROUP):
            yield row


def _field(row: Any, *, object: str, where: str) -> Field:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str) or not row["name"].strip():
        raise MalformedPage("a field without a name", where=where)
    name = storable_key(row["name"].removeprefix("custom_field."))
    label = row.get("label")
    return Field(
        object=object,
        id=_whole_number(row.get("id")),
        name=name,
        label=storable(label)[0] if isinstance(label, str) else name,
        type=storable(str(row.get("type") or ""))[0],
        is_custom=_is_custom(row, name),
        position=_whole_number(row.get("position")),
        choices=tuple(_choices(row.get("choices"))),
        is_required=_flag(row.get("required")),
        is_visible=_flag(row.get("visible")),
        is_multiple=_flag(row.get("multiple")),
        group_id=_whole_number(row.get("field_group_id", row.get("fieldGroupId"))),
    )


def _is_custom(row: Record, name: str) -> bool:
    default = row.get("default")
    return not default if isinstance(default, bool) else name.startswith("cf_")


def _choices(rows: Any) -> Iterable[Choice]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            yield Choice(
                id=str(row.get("id", "")),
                value=str(row.get("value", "")),
                position=_whole_number(row.get("position")),
            )


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
