"""From a model to the query of its view, in the SQL of a destination.

What a model reads is put in front of it as common table expressions, each with every column by name: a `*` in a view
would stand for the columns of the day it was made, and on DuckDB break the view when a table gains one. A column that
a model may rely on and the table lacks (`drop_columns`, or a warehouse from an older version) is a typed null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sqlglot
from sqlglot import exp

from freshsales_source.marts.macros import DECIMAL, expand
from freshsales_source.marts.model import WRITTEN_IN, Model
from freshsales_source.schema.columns import RAW_SUFFIX, ColumnType

Fold: TypeAlias = Callable[[str], str]
"""How a destination spells an identifier: as it is, or in upper or lower letters."""

_CUSTOM = "cf"  # every custom field begins with `cf_`; a name in another script may lose the underscore
_TYPES = {
    ColumnType.ID: "BIGINT",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: DECIMAL,
    ColumnType.TEXT: "TEXT",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.DATE: "DATE",
    ColumnType.JSON: "TEXT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table that models read.

    place      how a view names it, in the destination's own SQL and ready to use; empty where there is no such table
    columns    the columns that are there, in their order
    declared   the columns that models may rely on
    """

    place: str
    columns: tuple[str, ...]
    declared: Mapping[str, ColumnType]

    @property
    def custom_fields(self) -> tuple[str, ...]:
        """The columns of custom fields; none that keeps what did not fit."""
        return tuple(c for c in self.columns if c.startswith(_CUSTOM) and not c.endswith(RAW_SUFFIX))

    @property
    def usable(self) -> Relation:
        """The same with those columns only that have a meaning: declared ones and custom fields.

        What else an account sends may have any name, such as one that a model gives to a column of its own.
        """
        names = {*self.declared, *self.custom_fields}
        return Relation(
            place=self.place, columns=tuple(c for c in self.columns if c in names), declared=self.declared
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What a view is made for: the tables and, by their places, the models that are there, and how they are written.

    dialect    of the destination, as sqlglot calls it
    """

    tables: Mapping[str, Relation]
    models: Mapping[str, str]
    dialect: str
    fold: Fold
    time_zone: str


def view_query(model: Model, destination: Destination) -> str:
    """The query of the model's view; KeyError for a table or model that is not there.

    Every name of the model is quoted in the destination's way, so that none can be a keyword there.
    """
    query = sqlglot.parse_one(model.query, dialect=WRITTEN_IN, into=exp.Select)
    expand(
        query,
        time_zone=destination.time_zone,
        custom_fields={name: table.custom_fields for name, table in destination.tables.items()},
    )
    own = query.ctes
    read = {table.name for table in query.find_all(exp.Table)} - {cte.alias for cte in own}
    columns = _Columns(query)
    for identifier in list(query.find_all(exp.Identifier)):
        identifier.replace(_quoted(identifier.name, destination.fold))
    put_in_front = [
        _model_cte(name, destination)
        if name in destination.models
        else _table_cte(name, columns, destination)
        for name in sorted(read)
    ]
    query.set("with_", exp.With(expressions=[*put_in_front, *own]))
    return query.sql(dialect=destination.dialect, comments=False)


def literal_rows(
    columns: Sequence[str], rows: Iterable[Sequence[str | int]], *, dialect: str, fold: Fold
) -> str:
    """A query that answers these very rows."""
    selects = [
        exp.select(
            *(
                exp.alias_(exp.convert(value), _quoted(name, fold))
                for name, value in zip(columns, row, strict=True)
            )
        ).sql(dialect=dialect)
        for row in rows
    ]
    return " UNION ALL ".join(selects)


class _Columns:
    """Which columns a query reads: by name, whatever table they are of, and the tables that it reads whole."""

    def __init__(self, query: exp.Expr) -> None:
        columns = list(query.find_all(exp.Column))
        self.names = frozenset(column.name for column in columns)
        self.whole = frozenset(column.table for column in columns if isinstance(column.this, exp.Star))

    def of(self, table: str, columns: Iterable[str]) -> list[str]:
        """Those that the query reads of a table with these columns; a view should hang on no others."""
        return [column for column in columns if table in self.whole or column in self.names]


def _table_cte(name: str, columns: _Columns, destination: Destination) -> exp.CTE:
    relation = destination.tables[name]
    quoted = {column: _quoted(column, destination.fold) for column in (*relation.columns, *relation.declared)}
    missing = [column for column in relation.declared if column not in relation.columns]
    selected = [
        *(exp.column(quoted[column]) for column in columns.of(name, relation.columns)),
        *(
            exp.alias_(exp.cast(exp.null(), _TYPES[relation.declared[column]]), quoted[column])
            for column in columns.of(name, missing)
        ),
    ]
    if not relation.place:
        return _cte(name, exp.select(*selected).limit(0), destination.fold)
    return _cte(name, _from(relation.place, destination.dialect, selected), destination.fold)


def _model_cte(name: str, destination: Destination) -> exp.CTE:
    # All models are made anew together, so that a star cannot stand for the columns of another day.
    select = _from(destination.models[name], destination.dialect, [exp.Star()])
    return _cte(name, select, destination.fold)


def _from(place: str, dialect: str, columns: list[exp.Expr]) -> exp.Select:
    select = sqlglot.parse_one(f"SELECT * FROM {place}", dialect=dialect, into=exp.Select)
    select.set("expressions", columns)
    return select


def _cte(name: str, select: exp.Select, fold: Fold) -> exp.CTE:
    return exp.CTE(this=select, alias=exp.TableAlias(this=_quoted(name, fold)))


def _quoted(name: str, fold: Fold) -> exp.Identifier:
    return exp.to_identifier(fold(name), quoted=True)
