"""The views in `<dataset>_marts`: made after a sync where they are missing or out of date, else left alone.

They hold no rows and take no load. What they were made from is remembered, as a hash, in the state that the last load
of a run carries anyway; an idle run asks the warehouse one question, whether they can be read. A view that cannot be
made is a line in the log and a word in the report, and never the end of a sync: the tables are whole without it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationException, DestinationUndefinedEntity
from dlt.destinations.exceptions import DatabaseException, DatabaseUndefinedRelation
from dlt.destinations.impl.duckdb.sql_client import WithTableScanners
from sqlglot.errors import SqlglotError

from freshsales_source.entities import entity
from freshsales_source.marts import Model, Relation, history_models, view_query
from freshsales_source.redact import redact
from freshsales_source.schema.columns import Column
from freshsales_source.warehouse.history import HISTORY, OBJECT, history_table
from freshsales_source.warehouse.recovery import SOURCE, Finding

SUFFIX = "_marts"
_MADE_FROM = "marts"  # in dlt's state, beside the objects

_LOG = logging.getLogger(__name__)


class MartViews:
    """Keeps the views of one dataset. `sql` is dlt's client for it; `place` tells how a view names a table there."""

    def __init__(self, pipeline: dlt.Pipeline, sql: Any, *, place: Callable[[str], str]) -> None:
        self._pipeline = pipeline
        self._sql = sql
        self._place = place
        self._schema = f"{sql.dataset_name}{SUFFIX}"

    def keep(self) -> Finding | None:
        """Make the views where they are missing or out of date; what kept them from being made, if anything did.

        Does nothing where no history was ever loaded, or where the destination is a folder of files.
        """
        if isinstance(self._sql, WithTableScanners):
            return None
        try:
            with self._sql:
                self._keep(history_models())
        except (DestinationException, SqlglotError) as error:
            why = redact(next(iter(str(error).strip().splitlines()), ""))
            _LOG.warning("views_not_made schema=%s error=%s why=%r", self._schema, type(error).__name__, why)
            text = f"the views in {self._schema} could not be made, the tables are whole without them: {why}"
            return Finding(reason="views_not_made", text=text)
        return None

    def _keep(self, models: Sequence[Model]) -> None:
        columns = self._loaded_columns()
        if not columns:
            return
        relations = self._relations(columns)
        made_from = _hash(models, relations, self._dialect)
        if made_from != self._made_from or not self._can_be_read(models):
            self._make(models, relations)
            self._remember(made_from)

    # What they are made from

    def _loaded_columns(self) -> tuple[str, ...]:
        """The columns of the history as they are in the warehouse, dlt's own aside; none where there is no table."""
        everything = f"SELECT * FROM {self._sql.make_qualified_table_name(HISTORY)} WHERE 1 = 0"
        try:
            with self._sql.execute_query(everything) as cursor:
                names = [str(column[0]).lower() for column in cursor.description]
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return ()
        return tuple(name for name in names if not name.startswith("_dlt"))

    def _relations(self, columns: Sequence[str]) -> dict[str, Relation]:
        declared = _types(history_table(entity(OBJECT).tables()[0], is_readable=True).columns)
        history = Relation(place=self._place(HISTORY), columns=tuple(columns), declared=declared)
        validity = "deals_history_validity"
        with self._in_marts():
            place = self._place(validity)
        seen = tuple(dict.fromkeys((*columns, *declared, "valid_to")))
        return {HISTORY: history, validity: Relation(place=place, columns=seen, declared={})}

    # In the warehouse

    def _can_be_read(self, models: Sequence[Model]) -> bool:
        names = ", ".join(self._names(models))
        try:
            self._sql.execute_sql(f"SELECT 1 FROM {names} WHERE 1 = 0")
        except DatabaseException:
            return False
        return True

    def _make(self, models: Sequence[Model], relations: Mapping[str, Relation]) -> None:
        fold = self._sql.capabilities.casefold_identifier
        names = self._names(models)
        queries = [view_query(model, relations, dialect=self._dialect, fold=fold) for model in models]
        statements = [f"DROP VIEW IF EXISTS {name}" for name in reversed(names)]
        statements += [f"CREATE VIEW {name} AS {query}" for name, query in zip(names, queries, strict=True)]
        with self._in_marts():
            if not self._sql.has_dataset():
                self._sql.create_dataset()
        # Readers never see them missing, where the destination can do that.
        is_atomic = self._sql.capabilities.supports_ddl_transactions
        with self._sql.begin_transaction() if is_atomic else nullcontext():
            for statement in statements:
                self._sql.execute_sql(statement)
        _LOG.info("views_made schema=%s count=%d", self._schema, len(models))

    def _names(self, models: Sequence[Model]) -> list[str]:
        with self._in_marts():
            return [str(self._sql.make_qualified_table_name(model.name)) for model in models]

    def _in_marts(self) -> Any:
        return self._sql.with_alternative_dataset_name(self._schema)

    @property
    def _dialect(self) -> str:
        return str(self._sql.capabilities.sqlglot_dialect)

    # Memory

    @property
    def _made_from(self) -> str | None:
        made_from: str | None = self._pipeline.state.get("sources", {}).get(SOURCE, {}).get(_MADE_FROM)
        return made_from

    def _remember(self, made_from: str) -> None:
        with self._pipeline.managed_state() as state:
            sources: dict[str, Any] = state.setdefault("sources", {})
            sources.setdefault(SOURCE, {})[_MADE_FROM] = made_from


def _types(columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: column.type for column in columns}


def _hash(models: Sequence[Model], relations: Mapping[str, Relation], dialect: str) -> str:
    """Of all that makes a difference to the views; the version stands for the way they are rendered."""
    words = repr((version("freshsales-source"), models, relations, dialect))
    return hashlib.sha256(words.encode()).hexdigest()[:32]
