"""The custom fields that an object has or had in one account, and the columns that hold their values.

What is given once stays: a field's column, its name and its type, whatever becomes of the field. A label that is
changed changes the column's description only; a field of another type keeps its column, and values that do not fit
go beside it; a field that is deleted keeps its column, and the name stays its own.

Everything here is pure: the settings as they were read go in, what is known afterwards comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from freshsales_source.schema.column_names import assign_names, name_without_field_id
from freshsales_source.schema.columns import MET, Column, ColumnType, Confidence, same_storage
from freshsales_source.schema.fields import Field, column_type, is_multiple_choice
from freshsales_source.schema.plain_text import one_line

_MOST_NAMED = 5
_LONGEST_TEXT = 60
_LONGEST_LABEL = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFields:
    """What one object has beyond the entity table.

    columns    of custom fields, and of other keys that were met in records
    fields     the custom fields as the settings last told of them, deleted ones included, but not those that were
               only met in records; None where the settings were never read
    """

    columns: tuple[Column, ...] = ()
    fields: tuple[Field, ...] | None = None

    @property
    def names(self) -> dict[str, str]:
        """The column of each custom field, by its internal name."""
        return {column.key: column.name for column in self.columns if column.is_custom}

    @property
    def met(self) -> tuple[Field, ...]:
        """A field for each custom column of which the settings never told: its name is all that is known."""
        told = {field.name for field in self.fields or ()}
        return tuple(
            Field(object="", id=None, name=column.key, label="", type="", is_custom=True, position=None)
            for column in self.columns
            if column.is_custom and column.key not in told
        )

    def with_settings(
        self, told: Sequence[Field], *, reserved: Collection[str], stored: Mapping[str, ColumnType]
    ) -> AccountFields:
        """What is known once the settings were read; `told` are all fields they list.

        `reserved` are names of columns that no field may have. `stored` are the types of columns that the warehouse
        has already: one that nobody remembers keeps the type of its values.
        """
        custom = {field.name: field for field in reversed(told) if field.is_custom}
        listed = sorted(custom.values(), key=_by_id)
        plain = {column.name for column in self.columns if not column.is_custom}
        names = assign_names((field.name for field in listed), known=self.names, reserved={*reserved, *plain})
        known = {column.key for column in self.columns if column.is_custom}
        new = [_column(field, names[field.name], stored) for field in listed if field.name not in known]
        gone = [replace(field, is_deleted=True) for field in self.fields or () if field.name not in custom]
        fields = (*listed, *gone)
        return AccountFields(
            columns=_described((*self.columns, *new), fields),
            fields=tuple(replace(field, choices=()) for field in fields),
        )

    def with_met(self, columns: Iterable[Column], *, stored: Mapping[str, ColumnType]) -> AccountFields:
        """What is known once these keys were met in records; keys that have a column keep it."""
        known = {(column.key, column.is_custom) for column in self.columns}
        taken = {column.name for column in self.columns}
        new = []
        for column in columns:
            if (column.key, column.is_custom) not in known:
                # A field that the settings told of meanwhile may have got the name.
                name = name_without_field_id(column.key, taken) if column.name in taken else column.name
                new.append(replace(column, name=name, type=_kept_type(name, column.type, stored)))
        return replace(self, columns=(*self.columns, *new))


def changes(before: AccountFields, after: AccountFields) -> tuple[str, ...]:
    """What happened to the custom fields, a line for each kind of change; nothing where nothing was told before.

    Labels are people's texts: what a terminal would take for a command is shown as an escape.
    """
    if before.fields is None or after.fields is None:
        return ()
    old = {field.name: field for field in before.fields}
    live = {name for name, field in old.items() if not field.is_deleted}
    there = [field for field in after.fields if not field.is_deleted]
    columns = {column.key: column for column in after.columns if column.is_custom}
    same = [field for field in there if field.name in live]
    parts = {
        "new custom field": [_labelled(field) for field in there if field.name not in live],
        "deleted custom field, its column stays": [
            _short(field.name) for field in after.fields if field.is_deleted and field.name in live
        ],
        "custom field with another label": [
            _labelled(field) for field in same if field.label != old[field.name].label
        ],
        "custom field of another type": [
            _retyped(field, columns[field.name])
            for field in there
            if field.name in old and field.type != old[field.name].type
        ],
    }
    return tuple(f"{what}: {_listed(names)}" for what, names in parts.items() if names)


def _labelled(field: Field) -> str:
    return f"{_short(field.name)} ({_short(field.label)})"


def _retyped(field: Field, column: Column) -> str:
    kept = f"its column stays {column.type.value}, what does not fit is in {column.raw_name}"
    return f"{_short(field.name)} (now {_short(field.type)}; {kept})"


def _short(text: str) -> str:
    return one_line(text, _LONGEST_TEXT)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _described(columns: Iterable[Column], fields: Iterable[Field]) -> tuple[Column, ...]:
    """The columns, each of a custom field with what is known of that now."""
    told = {field.name: field for field in fields}
    return tuple(_descriptions(columns, told))


def _descriptions(columns: Iterable[Column], told: Mapping[str, Field]) -> Iterator[Column]:
    for column in columns:
        field = told.get(column.key) if column.is_custom else None
        if field is None:
            yield column
        else:
            # What was split once is split for ever: else its table would keep values of long ago.
            is_multiple = column.is_multiple or (is_multiple_choice(field) and column.type is ColumnType.TEXT)
            yield replace(column, description=description_of(field), is_multiple=is_multiple)


def description_of(field: Field) -> str:
    """What a column's description says of its custom field."""
    if not field.type and not field.label:
        return MET
    end = ", which the account has deleted" if field.is_deleted else ""
    label = one_line(field.label, _LONGEST_LABEL)
    return f"Custom field '{label}' ({one_line(field.type) or 'type not told'}){end}."


def _column(field: Field, name: str, stored: Mapping[str, ColumnType]) -> Column:
    return Column(
        name=name,
        key=field.name,
        type=_kept_type(name, column_type(field), stored),
        description=description_of(field),
        confidence=Confidence.DOCUMENTED,
        is_custom=True,
    )


def _kept_type(name: str, type_: ColumnType, stored: Mapping[str, ColumnType]) -> ColumnType:
    """The type of a new column: of one that the warehouse has already, the type it has there."""
    kept = stored.get(name, type_)
    return type_ if same_storage(kept, type_) else kept


def _by_id(field: Field) -> tuple[bool, int, str]:
    return (field.id is None, field.id or 0, field.name)
