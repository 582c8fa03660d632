"""Custom fields as an account defines them, and what a record holds where nobody filled one in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

FieldType: TypeAlias = Literal[
    "text",
    "textarea",
    "number",
    "checkbox",
    "dropdown",
    "multi_select_dropdown",
    "radio",
    "date",
    "auto_complete",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """One custom field of one object; `name` starts with `cf_` and stays when the label changes.

    `auto_complete` is how the API calls a lookup; `looks_up` is the object it points to.
    Source: API notes 4 (documented types).
    """

    id: int
    name: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    looks_up: str | None = None
    is_required: bool = False


def empty_values(fields: Mapping[str, CustomField]) -> dict[str, object]:
    """Return the custom values of a record in which nothing is filled in.

    Every defined field is present; a checkbox is false, all others null (seen in a recorded response of
    2019).
    """
    return {name: False if spec.type == "checkbox" else None for name, spec in fields.items()}
