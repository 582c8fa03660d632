"""From a model to the query of its view, in the SQL of a destination.

What a model reads is put in front of it as common table expressions, each with every column by name: a `*` in a view
would stand for the columns of the day it was made, and on DuckDB break the view when a table gains one. A column that
a model may rely on and the table lacks (`drop_columns`, or a warehouse from an older version) is a typed null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sqlglot
from sqlglot import exp

from freshsales_source.marts.model import WRITTEN_IN, Model
from freshsales_source.schema.columns import DECIMAL_PRECISION, DECIMAL_SCALE, ColumnType

Fold: TypeAlias = Callable[[str], str]
"""How a destination spells an identifier: as it is, or in upper or lower letters."""

_TYPES = {
    ColumnType.ID: "BIGINT",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: f"DECIMAL({DECIMAL_PRECISION}, {DECIMAL_SCALE})",
    ColumnType.TEXT: "TEXT",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.DATE: "DATE",
    ColumnType.JSON: "TEXT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or view that models read.

    place      how a view names it, in the destination's own SQL and ready to use
    columns    the columns that are there, in their order
    declared   the columns that models may rely on
    """

    place: str
    columns: tuple[str, ...]
    declared: Mapping[str, ColumnType]


def view_query(model: Model, relations: Mapping[str, Relation], *, dialect: str, fold: Fold) -> str:
    """The query of the model's view; KeyError for a table or model that is not among the `relations`.

    Every name of the model is quoted in the destination's way, so that none can be a keyword there.
    """
    query = sqlglot.parse_one(model.query, dialect=WRITTEN_IN)
    own = query.args["with_"].expressions
    read = {table.name for table in query.find_all(exp.Table)} - {cte.alias for cte in own}
    for identifier in list(query.find_all(exp.Identifier)):
        identifier.replace(_quoted(identifier.name, fold))
    put_in_front = [_cte(name, relations[name], dialect, fold) for name in sorted(read)]
    query.set("with_", exp.With(expressions=[*put_in_front, *own]))
    return query.sql(dialect=dialect, comments=False)


def _cte(name: str, relation: Relation, dialect: str, fold: Fold) -> exp.CTE:
    missing = {column: type_ for column, type_ in relation.declared.items() if column not in relation.columns}
    columns = [
        *(exp.column(_quoted(column, fold)) for column in relation.columns),
        *(exp.alias_(exp.cast(exp.null(), _TYPES[t]), _quoted(c, fold)) for c, t in missing.items()),
    ]
    select = sqlglot.parse_one(f"SELECT * FROM {relation.place}", dialect=dialect)
    select.set("expressions", columns)
    return exp.CTE(this=select, alias=exp.TableAlias(this=_quoted(name, fold)))


def _quoted(name: str, fold: Fold) -> exp.Identifier:
    return exp.to_identifier(fold(name), quoted=True)
