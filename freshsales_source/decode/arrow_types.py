"""The Arrow type of each column type, and the two texts that are parsed the same way by both readers.

Traps, all tried with pyarrow 26:
- `pyarrow.json` reads a stamp without an offset, and even a bare date, as UTC without a word; a cast from
  text refuses them. So stamps are read as text and cast.
- `pyarrow.json` reads a decimal exactly from text or number (`0.1`, `"7700.0"`, `1e3`), never through a
  float, and refuses digits beyond the scale; but it accepts more digits before the point than the precision
  holds. `validate(full=True)` finds those.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE, ColumnType

TEXT = pa.string()
STAMP = pa.timestamp("us", tz="UTC")
DAY = pa.date32()
ROW = pa.int64()
"""Numbers of rows and positions in lists."""

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
    """ISO 8601 texts with an offset or Z as UTC microseconds; ArrowInvalid if one is anything else."""
    return texts.cast(STAMP)


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
    return texts.cast(DAY)
