"""Which custom field has which column, as the warehouse tells: for a run that has lost its memory."""

from __future__ import annotations

from freshsales_source.schema.account_fields import AccountFields, description_of
from freshsales_source.schema.columns import Column, ColumnType, Confidence
from freshsales_source.schema.fields import Field
from freshsales_source.warehouse.deletions import StoredRows
from freshsales_source.warehouse.metadata import FIELDS


def stored_fields(stored: StoredRows, object: str) -> AccountFields:
    """The custom fields of an object as table `fields` has them, and their columns as they stand in its own table.

    Nothing where one of the tables is gone. What became of the fields since then the settings tell.
    """
    types = stored.column_types(object)
    rows = stored.query(
        f"SELECT column_name, name, field_id, label, type, is_deleted FROM {stored.name(FIELDS.name)}"
        f" WHERE object = '{object}' AND is_custom ORDER BY field_id, name"
    )
    found = [(str(column), _field(object, *row)) for column, *row in rows or ()]
    if not found:
        return AccountFields()
    return AccountFields(
        columns=tuple(_column(field, column, types[column]) for column, field in found if column in types),
        # One that was only met in records has no type: no settings told of it.
        fields=tuple(field for _, field in found if field.type) or None,
    )


def _field(
    object: str,
    name: str,
    field_id: int | None,
    label: str | None,
    type_: str | None,
    is_deleted: bool | None,
) -> Field:
    return Field(
        object=object,
        id=None if field_id is None else int(field_id),
        name=name,
        label=label or "",
        type=type_ or "",
        is_custom=True,
        position=None,
        is_deleted=bool(is_deleted),
    )


def _column(field: Field, name: str, type_: ColumnType) -> Column:
    return Column(
        name=name,
        key=field.name,
        type=type_,
        description=description_of(field),
        confidence=Confidence.DOCUMENTED,
        is_custom=True,
    )
