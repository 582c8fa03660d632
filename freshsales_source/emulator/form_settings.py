"""`/settings/{module}/forms`: the fields of a custom module, in groups, with keys in camelCase.

Source: API notes 2.8: `{"forms": [{"fields": [{"fields": [...]}]}]}` (documented, one client). The keys of a
field are those of `settings/{object}/fields` in camelCase; which of them a form really has is assumed, and
that it does not mark custom fields by `default`.
"""

from __future__ import annotations

from typing import Any

from freshsales_source.emulator.account import Account
from freshsales_source.emulator.custom_fields import CustomField
from freshsales_source.emulator.object_kind import ObjectKind

_STANDARD = (("name", "text", "Name"), ("owner_id", "dropdown", "Owner"))
_FIRST_FORM_ID = 402_000_030_000


def form_list(kind: ObjectKind, account: Account) -> dict[str, Any]:
    """Return the whole body: one form with one group, which holds the standard and the custom fields."""
    form_id = _FIRST_FORM_ID + kind.module * 1_000
    custom = account.custom_fields.get(kind.name, {}).values()
    standard = [
        _field(form_id + 10 + number, name, type_name, label, number)
        for number, (name, type_name, label) in enumerate(_STANDARD, 1)
    ]
    rest = [_custom(spec, len(standard) + number) for number, spec in enumerate(custom, 1)]
    group = {
        "id": form_id + 1,
        "name": "basic_information",
        "label": "Basic information",
        "type": "section",
        "position": 1,
        "fields": standard + rest,
    }
    form = {"id": form_id, "name": kind.name, "fieldClass": "CustomModuleField", "fields": [group]}
    return {"forms": [form]}


def _custom(spec: CustomField, position: int) -> dict[str, Any]:
    row = _field(spec.id, spec.name, spec.type, spec.label, position)
    row["required"] = spec.is_required
    row["choices"] = [
        {"id": spec.id * 100 + place, "value": value, "position": place}
        for place, value in enumerate(spec.choices, 1)
    ]
    return row


def _field(field_id: int, name: str, type_name: str, label: str, position: int) -> dict[str, Any]:
    return {
        "id": field_id,
        "name": name,
        "label": label,
        "type": type_name,
        "position": position,
        "baseModel": "CustomModule",
        "quickAddPosition": position,
        "required": False,
        "visible": True,
        "choices": [],
    }
