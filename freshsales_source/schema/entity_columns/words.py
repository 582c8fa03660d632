"""Short words to write columns down with: one function for each type, and the columns every object has."""

from __future__ import annotations

from freshsales_source.schema.columns import Column, ColumnType, Confidence

SEEN = Confidence.RECORDED
DOCUMENTED = Confidence.DOCUMENTED
CLIENTS = Confidence.SEVERAL_CLIENTS
LISTED = Confidence.COLUMN_LIST
ONE_CLIENT = Confidence.ONE_CLIENT
GUESS = Confidence.ASSUMED


def one_column(type_: ColumnType, description: str, confidence: Confidence) -> Column:
    """The single column, `value`, of a child table made from a list of plain values."""
    return Column(name="value", type=type_, description=description, confidence=confidence)


def record_id(description: str, confidence: Confidence = SEEN) -> Column:
    """The column `id` of a parent table, never null."""
    return Column(
        name="id", type=ColumnType.ID, description=description, confidence=confidence, is_nullable=False
    )


def updated_at(confidence: Confidence = SEEN) -> Column:
    """The column `updated_at` of an object whose changes it orders, never null."""
    return Column(
        name="updated_at",
        type=ColumnType.TIMESTAMP,
        description="Last change the CRM stamped (UTC); counters and merges may move without it.",
        confidence=confidence,
        is_nullable=False,
    )


def link(name: str, description: str, confidence: Confidence = SEEN, *, key: str = "") -> Column:
    """The id of something: of another record, or of a part of this one."""
    return Column(name=name, type=ColumnType.ID, description=description, confidence=confidence, key=key)


def text(
    name: str,
    description: str,
    confidence: Confidence = SEEN,
    *,
    key: str = "",
    other_keys: tuple[str, ...] = (),
) -> Column:
    """A text column."""
    return _keyed(ColumnType.TEXT, name, description, confidence, key, other_keys)


def integer(
    name: str, description: str, confidence: Confidence = SEEN, *, is_volatile: bool = False
) -> Column:
    """A column of whole numbers."""
    return Column(
        name=name,
        type=ColumnType.INTEGER,
        description=description,
        confidence=confidence,
        is_volatile=is_volatile,
    )


def decimal(name: str, description: str, confidence: Confidence = SEEN) -> Column:
    """A column of money, or of any number that may have a fraction."""
    return Column(name=name, type=ColumnType.DECIMAL, description=description, confidence=confidence)


def boolean(
    name: str,
    description: str,
    confidence: Confidence = SEEN,
    *,
    key: str = "",
    other_keys: tuple[str, ...] = (),
) -> Column:
    """A column of true and false."""
    return _keyed(ColumnType.BOOLEAN, name, description, confidence, key, other_keys)


def stamp(name: str, description: str, confidence: Confidence = SEEN) -> Column:
    """A column of points in time, whatever the API calls them: many of its stamps are named `..._date`."""
    return Column(name=name, type=ColumnType.TIMESTAMP, description=description, confidence=confidence)


def day(name: str, description: str, confidence: Confidence = SEEN) -> Column:
    """A column of dates."""
    return Column(name=name, type=ColumnType.DATE, description=description, confidence=confidence)


def json_text(name: str, description: str, confidence: Confidence = GUESS) -> Column:
    """A column that keeps whatever stands under its key, as JSON text."""
    return Column(name=name, type=ColumnType.JSON, description=description, confidence=confidence)


def _keyed(
    type_: ColumnType,
    name: str,
    description: str,
    confidence: Confidence,
    key: str,
    other_keys: tuple[str, ...],
) -> Column:
    return Column(
        name=name,
        type=type_,
        description=description,
        confidence=confidence,
        key=key,
        other_keys=other_keys,
    )
