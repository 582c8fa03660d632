"""The views in `<dataset>_marts`: made where they are missing or out of date, else left alone.

They hold no rows and take no load. Two over the history are kept by every sync; the others are made when somebody asks
for them, and from then on are kept as well. What was made, and from what, stands in the warehouse itself, in the view
`mart_models`: so another machine, or a backup put back, knows it too. A view that cannot be made is a line in the log
and a word in the report, and never the end of a sync: the tables are whole without it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import Any

from dlt.common.destination.exceptions import DestinationException, DestinationUndefinedEntity
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.job_client_impl import SqlJobClientBase
from sqlglot.errors import SqlglotError

from freshsales_source.errors import WarehouseRefused
from freshsales_source.marts import (
    Destination,
    Model,
    Relation,
    answer_models,
    history_models,
    literal_rows,
    metrics,
    view_query,
)
from freshsales_source.redact import redact
from freshsales_source.warehouse.history import HISTORY
from freshsales_source.warehouse.mart_tables import mart_tables
from freshsales_source.warehouse.recovery import Finding

SUFFIX = "_marts"
MODELS, METRICS = "mart_models", "mart_metrics"
"""Views that tell of the others: what each is for, and how each number is made."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The views that were made, in their order, and a hash of all they were made from; empty for dropped ones."""

    names: tuple[str, ...]
    made_from: str

    @property
    def has_answers(self) -> bool:
        """Whether somebody has asked for more than the history."""
        return answer_models()[0].name in self.names


class MartViews:
    """Makes and keeps the views of one dataset.

    client    dlt's client for it, which is used by one thread at a time: the one that has the lock `asking`
    place     tells how a view names a table there
    """

    def __init__(
        self,
        client: SqlJobClientBase,
        *,
        asking: Lock,
        place: Callable[[str], str],
        time_zone: str,
    ) -> None:
        self._client = client
        self._sql: Any = client.sql_client
        self._asking = asking
        self._place = place
        self._time_zone = time_zone
        self._schema = f"{self._sql.dataset_name}{SUFFIX}"

    def keep(self, *, with_answers: bool = False) -> Finding | None:
        """Make the views where they are missing or out of date; what kept them from being made, if anything did.

        The views over the history, where one was ever loaded; those over all other tables where they were made
        before, or `with_answers`.
        """
        try:
            with self._asking, self._sql:
                self._keep(with_answers=with_answers)
        except (DestinationException, SqlglotError) as error:
            text = f"the views in {self._schema} could not be made, the tables are whole without them: {_why(error)}"
            return Finding(reason="views_not_made", text=text)
        return None

    def make(self, *, anew: bool = True) -> tuple[Model, ...]:
        """Make all views, whatever is there; the models, each after those that it reads. None where there is no table.

        Not `anew`: only where one is missing or out of date. Raises WarehouseRefused where they cannot be made.
        """
        try:
            with self._asking, self._sql:
                models, tables = self._wanted(with_answers=True)
                if not any(table.place for table in tables.values()):
                    return ()
                made = self._made()
                if anew or not self._are_current(models, tables, made):
                    self._make(models, tables, made)
        except (DestinationException, SqlglotError) as error:
            raise WarehouseRefused(f"the views in {self._schema} could not be made: {_why(error)}") from error
        return models

    def drop(self) -> None:
        """Drop all views, so that no table is held by one; the next `keep` makes them again.

        Raises WarehouseRefused where the destination keeps them, for what others made of them, for example.
        """
        try:
            with self._asking, self._sql:
                made = self._made()
                if made is not None:
                    models = [model for model in _all_models() if model.name in made.names]
                    self._execute([*self._drops(made.names), *self._tellings(models, made_from="")])
        except (DestinationException, SqlglotError) as error:
            raise WarehouseRefused(
                f"the views in {self._schema} could not be dropped: {_why(error)}"
            ) from error

    def name(self, model: str) -> str:
        """The name of a view in SQL."""
        (name,) = self._names([model])
        return name

    def _keep(self, *, with_answers: bool) -> None:
        made = self._made()
        models, tables = self._wanted(with_answers=with_answers or (made is not None and made.has_answers))
        if models and not self._are_current(models, tables, made):
            self._make(models, tables, made)

    def _are_current(
        self, models: Sequence[Model], tables: Mapping[str, Relation], made: _Made | None
    ) -> bool:
        """Whether just these were made, from what there is now, and all are still there."""
        wanted = _Made(names=tuple(m.name for m in models), made_from=self._hash(models, tables))
        return made == wanted and self._are_there(models)

    def _wanted(self, *, with_answers: bool) -> tuple[tuple[Model, ...], Mapping[str, Relation]]:
        """The models that can be, and the tables that they read."""
        answers = answer_models() if with_answers else ()
        tables = self._tables((*history_models(), *answers))
        return (*(history_models() if tables[HISTORY].place else ()), *answers), tables

    def _tables(self, models: Sequence[Model]) -> Mapping[str, Relation]:
        names = sorted({name for model in models for name in model.reads} | {"_deletions"})
        known = {name: mart_tables()[name] for name in names if name in mart_tables()}
        tables = {
            name: Relation(place=self._place(name) if columns else "", columns=columns, declared=known[name])
            for name, columns in self._columns(known).items()
        }
        # Whatever stands in the history is told there; elsewhere an account may send a key of any name.
        return {name: table if name == HISTORY else table.usable for name, table in tables.items()}

    def _hash(self, models: Sequence[Model], tables: Mapping[str, Relation]) -> str:
        """Of all that makes a difference to the views; the version stands for the way they are rendered."""
        how = (version("freshsales-source"), self._dialect, self._time_zone)
        words = repr((how, models, metrics(), tables, self._places(models)))
        return hashlib.sha256(words.encode()).hexdigest()[:32]

    def _places(self, models: Sequence[Model]) -> Mapping[str, str]:
        with self._in_marts():
            return {model.name: self._place(model.name) for model in models}

    # In the warehouse

    def _columns(self, names: Iterable[str], *, of_marts: bool = False) -> dict[str, tuple[str, ...]]:
        """The columns of each table or view, dlt's own aside; none for one that does not exist."""
        schema = self._schema if of_marts else self._sql.dataset_name
        with self._sql.with_alternative_dataset_name(schema):
            found = dict(self._client.get_storage_tables(names))
        # Some destinations fold names to capitals.
        lower = {name: [column.lower() for column in columns] for name, columns in found.items()}
        return {
            name: tuple(c for c in columns if not c.startswith("_dlt")) for name, columns in lower.items()
        }

    def _made(self) -> _Made | None:
        (models,) = self._names([MODELS])
        try:
            rows = self._sql.execute_sql(f"SELECT name, made_from FROM {models} ORDER BY position")
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            return None
        return _Made(names=tuple(str(row[0]) for row in rows), made_from=str(rows[0][1]))

    def _are_there(self, models: Sequence[Model]) -> bool:
        names = [*(model.name for model in models), METRICS]
        return all(self._columns(names, of_marts=True).values())

    def _make(self, models: Sequence[Model], tables: Mapping[str, Relation], made: _Made | None) -> None:
        with self._in_marts():
            if not self._sql.has_dataset():
                self._sql.create_dataset()
        destination = Destination(
            tables=tables,
            models=self._places(models),
            dialect=self._dialect,
            fold=self._fold,
            time_zone=self._time_zone,
        )
        names = [model.name for model in models]
        creations = [
            f"CREATE VIEW {name} AS {view_query(model, destination)}"
            for name, model in zip(self._names(names), models, strict=True)
        ]
        before = [*(made.names if made else ()), *names]
        tellings = self._tellings(models, made_from=self._hash(models, tables))
        self._execute([*self._drops(dict.fromkeys(before)), *creations, *tellings])
        _LOG.info("views_made schema=%s count=%d", self._schema, len(models))

    def _drops(self, names: Iterable[str]) -> list[str]:
        return [f"DROP VIEW IF EXISTS {name}" for name in self._names([*names, METRICS, MODELS])[::-1]]

    def _tellings(self, models: Sequence[Model], *, made_from: str) -> list[str]:
        """The statements that make the views about the views."""
        models_view, metrics_view = self._names([MODELS, METRICS])
        of_models = [(n, m.name, m.grain, m.question, made_from) for n, m in enumerate(models, 1)]
        of_metrics = [(m.name, m.of, m.unit.value, m.formula, m.about, m.caveats) for m in metrics()]
        models_query = literal_rows(
            ("position", "name", "grain", "question", "made_from"),
            of_models,
            dialect=self._dialect,
            fold=self._fold,
        )
        metrics_query = literal_rows(
            ("name", "of", "unit", "formula", "about", "caveats"),
            of_metrics,
            dialect=self._dialect,
            fold=self._fold,
        )
        return [
            f"CREATE VIEW {models_view} AS {models_query}",
            f"CREATE VIEW {metrics_view} AS {metrics_query}",
        ]

    def _execute(self, statements: Sequence[str]) -> None:
        # Readers never see them missing, where the destination can do that.
        is_atomic = self._sql.capabilities.supports_ddl_transactions
        with self._sql.begin_transaction() if is_atomic else nullcontext():
            for statement in statements:
                self._sql.execute_sql(statement)

    def _names(self, names: Iterable[str]) -> list[str]:
        with self._in_marts():
            return [str(self._sql.make_qualified_table_name(name)) for name in names]

    def _in_marts(self) -> Any:
        return self._sql.with_alternative_dataset_name(self._schema)

    @property
    def _dialect(self) -> str:
        return str(self._sql.capabilities.sqlglot_dialect)

    @property
    def _fold(self) -> Callable[[str], str]:
        fold: Callable[[str], str] = self._sql.capabilities.casefold_identifier
        return fold


def _all_models() -> tuple[Model, ...]:
    return (*history_models(), *answer_models())


def _why(error: Exception) -> str:
    """The first line of what went wrong, which is logged, too."""
    why = redact(next(iter(str(error).strip().splitlines()), ""))
    _LOG.warning("views_not_made error=%s why=%r", type(error).__name__, why)
    return why
