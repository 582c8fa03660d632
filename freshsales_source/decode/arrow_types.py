"""The Arrow type of each column type, and the two texts that are parsed the same way by both readers.

Traps, all tried with pyarrow 26:
- `pyarrow.json` reads a stamp without an offset, and even a bare date, as UTC without a word; a cast from
  text refuses them. So stamps are read as text and cast.
- Arrow takes the year 0, and stamps beyond 9999 once the offset is taken off. Postgres refuses the one, and Python
  can read neither back from any warehouse. So such values do not fit.
- `pyarrow.json` reads a decimal exactly from text or number (`0.1`, `"7700.0"`, `1e3`), never through a
  float, and refuses digits beyond the scale; but it accepts more digits before the point than the precision
  holds. `validate(full=True)` finds those.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE, ColumnType

TEXT = pa.string()
STAMP = pa.timestamp("us", tz="UTC")
DAY = pa.date32()
ROW = pa.int64()
"""Numbers of rows and positions in lists."""

FIRST_STAMP = datetime(1, 1, 2, tzinfo=UTC)
LAST_STAMP = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)
"""A day inside what Python can hold, so that these can be shown in any time zone."""

_DAY_LENGTH = len("2021-10-21")

_TYPES = {
    ColumnType.ID: pa.int64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
    ColumnType.TEXT: TEXT,
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.TIMESTAMP: STAMP,
    ColumnType.DATE: DAY,
    ColumnType.JSON: TEXT,
}


def arrow_type(type_: ColumnType) -> pa.DataType:
    """The type of the column in the tables that are loaded."""
    return _TYPES[type_]


def stamps(texts: pa.Array) -> pa.Array:
    """ISO 8601 texts with an offset or Z as UTC microseconds; ArrowInvalid if one is anything else.

    Or if one lies before `FIRST_STAMP` or after `LAST_STAMP`.
    """
    found = texts.cast(STAMP)
    _refuse_outside(found, pa.scalar(FIRST_STAMP, STAMP), pa.scalar(LAST_STAMP, STAMP))
    return found


def days(texts: pa.Array) -> pa.Array:
    """Dates from `2021-10-21`, or from a stamp with an offset, whose date as written is kept; ArrowInvalid
    otherwise.

    A date field set in the CRM is a day on the account's calendar. One client saw it sent as a stamp at
    midnight with the account's offset, and keeps the local day as done here; turned into UTC it would often
    be the day before.
    """
    is_stamp = pc.greater(pc.binary_length(texts), _DAY_LENGTH)
    if pc.any(is_stamp).as_py():
        stamps(pc.if_else(is_stamp, texts, pa.scalar(None, TEXT)))
        texts = pc.utf8_slice_codeunits(texts, 0, _DAY_LENGTH)
    found = texts.cast(DAY)
    _refuse_outside(found, pa.scalar(date.min, DAY), pa.scalar(date.max, DAY))
    return found


def _refuse_outside(values: pa.Array, first: pa.Scalar, last: pa.Scalar) -> None:
    if pc.any(pc.or_(pc.less(values, first), pc.greater(values, last))).as_py():
        raise pa.ArrowInvalid("a time that not every warehouse holds")
