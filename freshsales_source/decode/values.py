"""One column's values, as the standard library's json gives them, into Arrow: exactly, or beside it as text.

What fits, by column type (numbers are int or Decimal, never float):

    id, integer   a number without a fraction within 64 bits, or its digits as text (`/search` sends ids so,
                  recorded)
    decimal       a number, or its text, that decimal(38, 9) holds without rounding
    boolean       true and false only
    timestamp     ISO 8601 text with an offset or Z, at most microseconds
    date          `2021-10-21`, or a stamp with an offset (its date as written)
    text          text; a number or a boolean as its JSON literal
    json          anything, as JSON text

Everything else is null in its column and kept as text in `<column>__raw`: texts as they are, others as JSON.
NUL and lone surrogates, which no warehouse stores, become U+FFFD and are counted; so is what is nested too deep for
a parser, and becomes a text (nesting.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from freshsales_source.decode.arrow_types import TEXT, arrow_type, days, stamps
from freshsales_source.decode.nesting import folded, is_shallow
from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE, ColumnType
from freshsales_source.schema.storable import REPLACEMENT, storable, storable_key

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**63 - 1

_ODD_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_INT = 400
_WIDE = Context(prec=2 * DECIMAL_PRECISION)
_SMALLEST = Decimal(1).scaleb(-DECIMAL_SCALE)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that does not fit its column, as text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A column: values that fit, texts of those that do not (None when all fit), characters replaced."""

    values: pa.Array
    raw: pa.Array | None
    replaced: int


def parse_json(body: bytes) -> tuple[Any, int]:
    """The body as Python values with exact numbers, and how many broken characters and deep values were replaced.

    Of a key given twice the last value counts. A number too large for a Decimal stays its own text. Raises
    ValueError for what is not JSON.
    """
    text = body.decode("utf-8-sig", errors="replace")
    broken = text.count(REPLACEMENT) - body.count(REPLACEMENT.encode())
    if not is_shallow(body):
        text, deep = folded(text)
        broken += deep
    # strict=False: a raw tab or newline inside a text is no reason to lose the page.
    value = json.loads(
        text,
        strict=False,
        parse_float=_fraction,
        parse_int=_whole_number,
        parse_constant=lambda literal: literal,
        object_pairs_hook=_with_storable_keys if _ODD_ESCAPE.search(body) else None,
    )
    return value, broken


def fit_column(type_: ColumnType, values: Sequence[Any]) -> Fitted:
    """The values of one column in its Arrow type, null where a value is None or does not fit."""
    # Before: Arrow takes no lone surrogate. After: the JSON text of an object may still hold one.
    storable, replaced = _storable(values)
    fitted = _fit(type_, storable)
    typed, replaced_typed = _storable([None if type(value) is Misfit else value for value in fitted])
    raw, replaced_raw = _storable([value.text if type(value) is Misfit else None for value in fitted])
    return Fitted(
        values=pa.array(typed, arrow_type(type_)),
        raw=pa.array(raw, TEXT) if any(text is not None for text in raw) else None,
        replaced=replaced + replaced_typed + replaced_raw,
    )


def inferred_type(key: str, values: Sequence[Any]) -> ColumnType | None:
    """The type for a key nobody told of, from its values; None when all are null.

    Numbers become decimals, because a whole number today may be a fraction tomorrow; only whole numbers under
    a key that ends in `_id` become ids. Texts stay texts, whatever they look like; a mixture of plain values
    becomes text.
    """
    kinds = {_kind(value) for value in values if value is not None}
    if not kinds:
        return None
    if kinds == {ColumnType.ID}:
        return ColumnType.ID if key.endswith("_id") else ColumnType.DECIMAL
    if kinds <= {ColumnType.ID, ColumnType.DECIMAL}:
        return ColumnType.DECIMAL
    if ColumnType.JSON in kinds:
        return ColumnType.JSON
    return kinds.pop() if len(kinds) == 1 else ColumnType.TEXT


def json_text(value: Any) -> str:
    """The value as JSON text, numbers digit for digit."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json_text(str(key))}: {json_text(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _fit(type_: ColumnType, values: list[Any]) -> list[Any]:
    if type_ is ColumnType.TIMESTAMP:
        return _parsed(values, stamps)
    if type_ is ColumnType.DATE:
        return _parsed(values, days)
    fit = _FITTING[type_]
    return [None if value is None else fit(value) for value in values]


def _parsed(values: list[Any], parse: Callable[[pa.Array], pa.Array]) -> list[Any]:
    """Texts through Arrow's own parser, so that both readers accept the same; singly if one is odd."""
    texts = [value if type(value) is str else None for value in values]
    misfits = [None if value is None or type(value) is str else _misfit(value) for value in values]
    try:
        parsed = [scalar.value for scalar in parse(pa.array(texts, TEXT))]
    except pa.ArrowInvalid:
        parsed = [_parsed_alone(text, parse) for text in texts]
    return [value if misfit is None else misfit for misfit, value in zip(misfits, parsed, strict=True)]


def _parsed_alone(text: str | None, parse: Callable[[pa.Array], pa.Array]) -> Any:
    try:
        return parse(pa.array([text], TEXT))[0].value
    except pa.ArrowInvalid:
        return _misfit(text)


def _as_integer(value: Any) -> int | Misfit:
    number = value
    if (type(value) is str and _WHOLE.fullmatch(value)) or (
        isinstance(value, Decimal)
        and value.adjusted() < DECIMAL_PRECISION
        and value == value.to_integral_value()
    ):
        number = int(value)
    return number if type(number) is int and MIN_INTEGER <= number <= MAX_INTEGER else _misfit(value)


def _as_decimal(value: Any) -> Decimal | Misfit:
    number = _decimal_or_none(value)
    if number is None or (number and number.adjusted() >= DECIMAL_PRECISION - DECIMAL_SCALE):
        return _misfit(value)
    rounded = number.quantize(_SMALLEST, context=_WIDE)
    return rounded if rounded == number else _misfit(value)


def _decimal_or_none(value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if type(value) is int or (type(value) is str and _NUMBER.fullmatch(value)):
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return None


def _as_boolean(value: Any) -> bool | Misfit:
    return value if isinstance(value, bool) else _misfit(value)


def _as_text(value: Any) -> str | Misfit:
    if type(value) is str:
        return value
    return _misfit(value) if isinstance(value, dict | list) else json_text(value)


_FITTING: dict[ColumnType, Callable[[Any], Any]] = {
    ColumnType.ID: _as_integer,
    ColumnType.INTEGER: _as_integer,
    ColumnType.DECIMAL: _as_decimal,
    ColumnType.BOOLEAN: _as_boolean,
    ColumnType.TEXT: _as_text,
    ColumnType.JSON: json_text,
}


def _misfit(value: Any) -> Misfit:
    return Misfit(value if type(value) is str else json_text(value))


def _kind(value: Any) -> ColumnType:
    if isinstance(value, bool):
        return ColumnType.BOOLEAN
    if isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER:
        return ColumnType.ID
    if isinstance(value, int | Decimal):
        return ColumnType.DECIMAL
    return ColumnType.TEXT if isinstance(value, str) else ColumnType.JSON


def _storable(values: Sequence[Any]) -> tuple[list[Any], int]:
    """The values with every text made storable, and how many characters that replaced."""
    replaced = 0
    result = list(values)
    for index, value in enumerate(values):
        if type(value) is str:
            result[index], count = storable(value)
            replaced += count
    return result, replaced


def _with_storable_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {storable_key(key): value for key, value in members}


def _whole_number(literal: str) -> int | Decimal:
    # int() refuses thousands of digits; Decimal takes them all.
    return int(literal) if len(literal) < _LONGEST_INT else Decimal(literal)


def _fraction(literal: str) -> Decimal | str:
    try:
        return Decimal(literal)
    except InvalidOperation:
        return literal
