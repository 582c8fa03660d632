"""`/settings/{object}/fields`: the standard fields of an object and the account's custom ones.

Source: API notes 4 (documented sample, two clients). Which standard fields are listed is a guess at the
usual ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freshsales_source.emulator.account import Account
from freshsales_source.emulator.custom_fields import CustomField
from freshsales_source.emulator.object_kind import ObjectKind

# (name, type, selector with its choices)
_STANDARD: Mapping[str, tuple[tuple[str, str, str | None], ...]] = {
    "contacts": (
        ("first_name", "text", None),
        ("last_name", "text", None),
        ("emails", "text", None),
        ("job_title", "text", None),
        ("mobile_number", "text", None),
        ("owner_id", "dropdown", "owners"),
        ("contact_status_id", "dropdown", "contact_statuses"),
        ("lead_source_id", "dropdown", "lead_sources"),
        ("territory_id", "dropdown", "territories"),
        ("subscription_status", "dropdown", None),
    ),
    "sales_accounts": (
        ("name", "text", None),
        ("website", "text", None),
        ("phone", "text", None),
        ("number_of_employees", "number", None),
        ("annual_revenue", "number", None),
        ("owner_id", "dropdown", "owners"),
        ("industry_type_id", "dropdown", "industry_types"),
        ("business_type_id", "dropdown", "business_types"),
        ("territory_id", "dropdown", "territories"),
        ("parent_sales_account_id", "auto_complete", None),
    ),
    "deals": (
        ("name", "text", None),
        ("amount", "number", None),
        ("expected_close", "date", None),
        ("closed_date", "date", None),
        ("sales_account_id", "auto_complete", None),
        ("owner_id", "dropdown", "owners"),
        ("deal_stage_id", "dropdown", "deal_stages"),
        ("deal_pipeline_id", "dropdown", "deal_pipelines"),
        ("deal_type_id", "dropdown", "deal_types"),
        ("deal_reason_id", "dropdown", "deal_reasons"),
        ("deal_payment_status_id", "dropdown", "deal_payment_statuses"),
        ("lead_source_id", "dropdown", "lead_sources"),
        ("currency_id", "dropdown", "currencies"),
    ),
    "leads": (
        ("first_name", "text", None),
        ("last_name", "text", None),
        ("emails", "text", None),
        ("job_title", "text", None),
        ("owner_id", "dropdown", "owners"),
        ("lead_stage_id", "dropdown", "lead_stages"),
        ("lead_reason_id", "dropdown", "lead_reasons"),
        ("lead_source_id", "dropdown", "lead_sources"),
        ("company", "group_field", None),
        ("deal", "group_field", None),
    ),
    "sales_activities": (
        ("title", "text", None),
        ("notes", "textarea", None),
        ("sales_activity_type_id", "dropdown", "sales_activity_types"),
        ("sales_activity_outcome_id", "dropdown", "sales_activity_outcomes"),
        ("start_date", "date", None),
        ("end_date", "date", None),
        ("owner_id", "dropdown", "owners"),
        ("targetable_id", "auto_complete", None),
    ),
}
# The objects that have field settings (documented).
WITH_FIELDS = frozenset(_STANDARD)
_FIRST_STANDARD_ID = 402_000_010_000
_GROUP_ID = 402_000_009_000


def field_list(kind: ObjectKind, account: Account, *, with_groups: bool) -> dict[str, Any]:
    """Return the whole body: `fields`, and `field_groups` when they were asked for."""
    standard = [_standard(kind, account, number) for number in range(len(_STANDARD[kind.name]))]
    custom = [
        _custom(kind, spec, len(standard) + number)
        for number, spec in enumerate(account.custom_fields.get(kind.name, {}).values(), 1)
    ]
    body: dict[str, Any] = {"fields": standard + custom}
    if with_groups:
        for row in body["fields"]:
            row["field_group_id"] = _GROUP_ID
        body["field_groups"] = [
            {"id": _GROUP_ID, "name": "basic", "label": "Basic information", "position": 1}
        ]
    return body


def _standard(kind: ObjectKind, account: Account, number: int) -> dict[str, Any]:
    name, type_name, selector = _STANDARD[kind.name][number]
    rows = account.selectors[selector] if selector else []
    return {
        "id": _FIRST_STANDARD_ID + kind.id_base // 1_000_000 % 1_000 * 1_000 + number,
        "label": name.removesuffix("_id").replace("_", " ").capitalize(),
        "name": name,
        "type": type_name,
        "default": True,
        **_placed(kind, number + 1),
        "choices": [
            {"id": row["id"], "value": _label(row), "position": place} for place, row in enumerate(rows, 1)
        ],
    }


def _custom(kind: ObjectKind, spec: CustomField, position: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": spec.id,
        "label": spec.label,
        "name": spec.name,
        "type": spec.type,
        "default": False,
        **_placed(kind, position),
        "required": spec.is_required,
        "choices": [
            {"id": spec.id * 100 + place, "value": value, "position": place}
            for place, value in enumerate(spec.choices, 1)
        ],
    }
    if spec.type == "multi_select_dropdown":
        row["multiple"] = True
    if spec.type == "auto_complete":
        row["creatable"] = False
        row["auto_suggest_url"] = f"/search/autocomplete/{spec.looks_up}"
    return row


def _placed(kind: ObjectKind, position: int) -> dict[str, Any]:
    return {
        "actionable": True,
        "position": position,
        "base_model": kind.model,
        "required": False,
        "quick_add_position": position,
        "visible": True,
    }


def _label(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row.get("display_name") or row.get("currency_code"))
