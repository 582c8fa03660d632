"""Custom fields and custom modules as an account lists them, with the columns and tables of a first sync."""

from __future__ import annotations

import logging

from freshsales_source.api.client import Client
from freshsales_source.api.envelopes import rows_of
from freshsales_source.discovery.inventory import CustomField
from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.entities.module_tables import read_directory
from freshsales_source.errors import Forbidden, NotFound
from freshsales_source.pages.field_settings import ask_fields, reserved_names
from freshsales_source.schema.account_fields import AccountFields
from freshsales_source.schema.entity_types import Entity, Selector

_LOG = logging.getLogger(__name__)


def account_fields(client: Client, entity: Entity) -> AccountFields | None:
    """The custom fields of an object; None where it has no settings, or this key may not read them."""
    told = ask_fields(client, entity)
    if told is None:
        return None
    return AccountFields().with_settings(told.fields, reserved=reserved_names(entity), stored={})


def custom_fields(found: AccountFields | None) -> tuple[CustomField, ...] | None:
    """The custom fields by field id, with their columns."""
    if found is None:
        return None
    told = {field.name: field for field in found.fields or ()}
    return tuple(
        CustomField(
            name=column.key,
            label=told[column.key].label,
            type=told[column.key].type,
            column=column.name,
            column_type=column.type,
        )
        for column in found.columns
    )


def ask_modules(client: Client) -> tuple[Entity, ...]:
    """The custom modules of the account, as objects; none where it has no directory of them, or not for this key."""
    assert isinstance(CUSTOM_MODULES.read, Selector)
    try:
        answer = client.get(CUSTOM_MODULES.path)
    except (Forbidden, NotFound) as error:
        _LOG.warning("modules_not_readable reason=%s", error.reason)
        return ()
    rows = [row for row in rows_of(answer, CUSTOM_MODULES.read.envelope) if isinstance(row, dict)]
    known = [
        row for row in rows if isinstance(row.get("id"), int) and isinstance(row.get("entity_name"), str)
    ]
    listed = ({"custom": None, "plural_name": None, **row} for row in known)
    return tuple(module.entity for module in read_directory(listed, known=()).modules)
