"""The functions of ours that models use, and what they stand for.

    metric('name')          the formula of that metric, as its unit's type; inside of another formula, just the formula
    local_date(moment)      the date at that moment in the account's time zone
    time_zone()             the name of that zone
    is_gone(deals)          whether the row of that table is deleted, by its flag or by a row of `_deletions`
    custom_fields(deals)    every custom field of that table as a column of its own; none where there are none.
                            custom_fields(deals, aged): as columns of `aged`

So what is a metric, a day or a deletion is written once for all models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import sqlglot
from sqlglot import exp

from freshsales_source.marts.metrics import Unit, metric
from freshsales_source.marts.model import WRITTEN_IN
from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE

DECIMAL = f"DECIMAL({DECIMAL_PRECISION}, {DECIMAL_SCALE})"
"""The type of money, and of everything that has a fraction."""

_IS_GONE = """
    COALESCE({table}.is_deleted, FALSE) OR EXISTS (
        SELECT 1 FROM _deletions
        WHERE _deletions.object = '{table}' AND _deletions.id = {table}.id
            AND _deletions.deleted_at >= {table}._synced_at
    )"""

_Macro: TypeAlias = Callable[[Sequence[exp.Expr]], list[exp.Expr]]


def expand(query: exp.Expr, *, time_zone: str, custom_fields: Mapping[str, Sequence[str]]) -> None:
    """Put in place what the functions stand for; KeyError for a metric or table that is not known.

    `custom_fields` has the names of the custom columns of each table.
    """
    macros: Mapping[str, _Macro] = {
        "metric": lambda words: [_typed_metric(words[0].name)],
        "local_date": lambda words: [_local_date(words[0], time_zone)],
        "time_zone": lambda _: [exp.Literal.string(time_zone)],
        "is_gone": lambda words: [exp.paren(_parsed(_IS_GONE.format(table=words[0].name)), copy=False)],
        "custom_fields": lambda words: [
            exp.column(name, table=words[-1].name) for name in custom_fields[words[0].name]
        ],
    }
    for call in list(query.find_all(exp.Anonymous)):
        macro = macros.get(call.name.lower())
        if macro is None:
            continue
        made = macro(call.expressions)
        if len(made) == 1:
            call.replace(made[0])
        else:
            _replace_in_list(call, made)


def formula(name: str) -> exp.Expr:
    """The whole formula of a metric, with those that it is made of."""
    parsed = _parsed(metric(name).formula)
    for call in list(parsed.find_all(exp.Anonymous)):
        if call.name.lower() != "metric":
            continue
        inner = exp.paren(formula(call.expressions[0].name), copy=False)
        if call is parsed:
            return inner
        call.replace(inner)
    return parsed


def _typed_metric(name: str) -> exp.Expr:
    type_ = "BIGINT" if metric(name).unit is Unit.COUNT else DECIMAL
    return exp.cast(formula(name), type_, dialect=WRITTEN_IN)


def _local_date(moment: exp.Expr, time_zone: str) -> exp.Expr:
    local = exp.AtTimeZone(this=moment.copy(), zone=exp.Literal.string(time_zone))
    return exp.cast(local, "DATE")


def _replace_in_list(call: exp.Expr, made: Sequence[exp.Expr]) -> None:
    select = call.parent
    assert isinstance(select, exp.Select), "custom fields are columns of a SELECT"
    kept = [[one] if one is not call else made for one in select.expressions]
    select.set("expressions", [one for some in kept for one in some])


def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect=WRITTEN_IN)
