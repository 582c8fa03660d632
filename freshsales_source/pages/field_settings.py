"""The request for the fields of an object: from its settings, or from the forms of a custom module."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from freshsales_source.api.client import Answer, Client
from freshsales_source.decode import Layout
from freshsales_source.errors import Forbidden, NotFound
from freshsales_source.schema.entity_types import Entity
from freshsales_source.schema.fields import Field, parse_fields, parse_forms

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsTold:
    """All fields that the settings list, in the API's order, and the answer they stood in."""

    fields: tuple[Field, ...]
    answer: Answer


def ask_fields(client: Client, entity: Entity) -> FieldsTold | None:
    """The fields of an object; None where it has no settings, or this key may not read them.

    A sync does without them, too: custom fields are then typed by their values. Raises MalformedPage.
    """
    if entity.settings is None:
        return None
    query = {} if entity.has_forms else {"include": "field_group"}
    try:
        answer = client.get(f"settings/{entity.settings}/{'forms' if entity.has_forms else 'fields'}", query)
    except (Forbidden, NotFound) as error:
        level = logging.INFO if entity.is_optional else logging.WARNING
        _LOG.log(level, "fields_not_readable object=%s reason=%s", entity.name, error.reason)
        return None
    parse = parse_forms if entity.has_forms else parse_fields
    return FieldsTold(fields=parse(answer.body, object=entity.name), answer=answer)


def reserved_names(entity: Entity) -> frozenset[str]:
    """Names that no field's column may have: those of the table's own columns, and of what is kept beside lists."""
    inner = {name for child in entity.lists for name in (child.key, child.name)} | set(entity.objects)
    return frozenset({column.name for column in Layout.of(entity).table.columns} | inner)
