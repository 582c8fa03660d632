"""The tables that tell about the account's settings: `fields`, `field_choices`, `views`.

They hold the settings as last read, one object at a time: the rows of an object replace those it had before,
whose number is small. So they are merged by the column `object` alone, and a view or a standard field that is gone
leaves its table. A custom field that is gone stays, flagged: its column does, too, and `fields` is where a run that
has lost its memory learns which field has which column.

Everything here is a pure function from parsed settings to Arrow tables; who reads them decides when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from freshsales_source.decode.arrow_types import STAMP, arrow_type
from freshsales_source.decode.values import fit_column
from freshsales_source.pages.views import View
from freshsales_source.schema.columns import EMPTIED_MARKER, Column, ColumnType, Confidence, Table
from freshsales_source.schema.entity_types import SYNCED_AT
from freshsales_source.schema.fields import Field


def _column(
    name: str,
    type_: ColumnType,
    description: str,
    *,
    key: str = "",
    confidence: Confidence = Confidence.DOCUMENTED,
    is_nullable: bool = True,
) -> Column:
    return Column(
        name=name,
        type=type_,
        description=description,
        confidence=confidence,
        key=key,
        is_nullable=is_nullable,
    )


_OBJECT = _column(
    "object",
    ColumnType.TEXT,
    "The object by its table's name.",
    confidence=Confidence.OURS,
    is_nullable=False,
)

FIELDS = Table(
    name="fields",
    description="Fields of each object, standard and custom, as its settings describe them.",
    columns=(
        _OBJECT,
        _column("field_id", ColumnType.ID, "Number of the field; null where it is none.", key="id"),
        _column(
            "name",
            ColumnType.TEXT,
            "Internal name; the same when the label is renamed.",
            is_nullable=False,
        ),
        _column("label", ColumnType.TEXT, "Name as people see it."),
        _column("type", ColumnType.TEXT, "Type by the API (`dropdown`, `number`, ...)."),
        _column(
            "is_custom",
            ColumnType.BOOLEAN,
            "Whether the account added it.",
            key="default",
            is_nullable=False,
        ),
        _column(
            "column_name",
            ColumnType.TEXT,
            "The column of the object's table that holds its values; null if none does.",
            confidence=Confidence.OURS,
        ),
        _column("position", ColumnType.INTEGER, "Place in the form."),
        _column("required", ColumnType.BOOLEAN, "Whether people must fill it."),
        _column("visible", ColumnType.BOOLEAN, "Whether people see it."),
        _column("multiple", ColumnType.BOOLEAN, "Whether it takes several values."),
        _column("field_group_id", ColumnType.ID, "Group of fields it stands in."),
        _column(
            "is_deleted",
            ColumnType.BOOLEAN,
            "Whether the account has deleted it since: its column stays, with what was read.",
            confidence=Confidence.OURS,
        ),
        SYNCED_AT,
    ),
    merge_key=("object",),
    grain=("object", "name"),
)

FIELD_CHOICES = Table(
    name="field_choices",
    description="Choices of dropdowns and other fields with a fixed list.",
    columns=(
        _OBJECT,
        _column("name", ColumnType.TEXT, "Internal name of the field; null in a marker row."),
        _column(
            "choice_id", ColumnType.TEXT, "Id of the choice: digits, or another text.", key="choices[].id"
        ),
        _column("value", ColumnType.TEXT, "What records hold when it is chosen.", key="choices[].value"),
        _column("position", ColumnType.INTEGER, "Place in the list.", key="choices[].position"),
        _column(
            EMPTIED_MARKER,
            ColumnType.BOOLEAN,
            "True in a marker row of an object without any choice, which is not kept; null in all others.",
            confidence=Confidence.OURS,
        ),
        SYNCED_AT,
    ),
    merge_key=("object",),
    marker=EMPTIED_MARKER,
    grain=("object", "name", "choice_id"),
)

VIEWS = Table(
    name="views",
    description="Saved views of each object, and which of them are read.",
    columns=(
        _OBJECT,
        _column("id", ColumnType.ID, "Number of the view in this account.", is_nullable=False),
        _column("name", ColumnType.TEXT, "Its name; accounts rename and translate them."),
        _column(
            "is_used",
            ColumnType.BOOLEAN,
            "Whether records are read from it.",
            confidence=Confidence.OURS,
            is_nullable=False,
        ),
        SYNCED_AT,
    ),
    merge_key=("object",),
    grain=("object", "id"),
)

METADATA: tuple[Table, ...] = (FIELDS, FIELD_CHOICES, VIEWS)
"""Every table about settings."""


def metadata_schema(table: Table) -> pa.Schema:
    """The Arrow schema of one of these tables."""
    return pa.schema(
        [
            pa.field(column.name, arrow_type(column.type), nullable=column.is_nullable)
            for column in table.columns
        ]
    )


def fields_table(fields: Iterable[Field], *, columns: Sequence[Column], synced_at: datetime) -> pa.Table:
    """Rows of `fields`, in the order given; `columns` are those of the object's own table."""
    names = {(column.key, column.is_custom): column.name for column in columns}
    return _table(FIELDS, [_field_row(field, names) for field in fields], synced_at)


def choices_table(object: str, fields: Iterable[Field], *, synced_at: datetime) -> pa.Table:
    """Rows of `field_choices`: all choices of an object, or the one marker row if it has none."""
    rows: list[dict[str, Any]] = [
        {
            "object": object,
            "name": field.name,
            "choice_id": choice.id,
            "value": choice.value,
            "position": choice.position,
        }
        for field in fields
        for choice in field.choices
    ]
    marker = {"object": object, EMPTIED_MARKER: True}
    return _table(FIELD_CHOICES, rows or [marker], synced_at)


def views_table(
    object: str, views: Iterable[View], *, used: Collection[int], synced_at: datetime
) -> pa.Table:
    """Rows of `views`: all saved views of an object; `used` are the ids of those that are read."""
    rows = [
        {
            "object": object,
            "id": view.id,
            "name": view.name,
            "is_used": view.id in used,
        }
        for view in views
    ]
    return _table(VIEWS, rows, synced_at)


def _field_row(field: Field, names: Mapping[tuple[str, bool], str]) -> dict[str, Any]:
    return {
        "object": field.object,
        "field_id": field.id,
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "is_custom": field.is_custom,
        "column_name": names.get((field.name, field.is_custom)),
        "position": field.position,
        "required": field.is_required,
        "visible": field.is_visible,
        "multiple": field.is_multiple,
        "field_group_id": field.group_id,
        "is_deleted": field.is_deleted,
    }


def _table(table: Table, rows: list[dict[str, Any]], synced_at: datetime) -> pa.Table:
    # Labels are people's texts: fit_column makes them storable, as it does with records.
    arrays = [
        pa.repeat(pa.scalar(synced_at, STAMP), len(rows))
        if column.name == SYNCED_AT.name
        else fit_column(column.type, [row.get(column.name) for row in rows]).values
        for column in table.columns
    ]
    return pa.Table.from_arrays(arrays, schema=metadata_schema(table))
