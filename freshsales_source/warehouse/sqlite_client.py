"""Values in SQLite as exact as in a database that has types for them.

SQLite knows integers, floats and texts. A decimal would become a float, so it is kept as a text without any exponent;
times are texts in UTC, whose order is theirs. The name of a column's type says what it holds, and Python's driver
reads it accordingly. Imports SQLAlchemy: import it only where an SQLite is asked for.
"""

from __future__ import annotations

import re
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.impl.sqlalchemy.db_api_client import SqlalchemyClient
from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient
from dlt.destinations.impl.sqlalchemy.type_mapper import SqlalchemyTypeMapper
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import UserDefinedType

_STAMP = re.compile(r"CAST\('([0-9: -]{19})\+00:00' AS TIMESTAMP WITH TIME ZONE\)")
"""How our questions write a time (stored_rows.py)."""


class Kept(UserDefinedType[Any]):
    """A value kept as a text; the driver reads it back by the column's `declared` type."""

    declared = ""
    data_type = ""

    def get_col_spec(self, **_: Any) -> str:
        """The column's type as it stands in the table."""
        return self.declared

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any]:
        """From a value to its text."""
        return lambda value: None if value is None else self.text(value)

    def text(self, value: Any) -> str:
        """The text of a value."""
        raise NotImplementedError

    def value(self, text: bytes) -> Any:
        """The value of a text, as the driver hands it over."""
        raise NotImplementedError


# CHAR or TEXT in the name of a type keeps SQLite from making numbers of what looks like one.


class Times(Kept):
    """Times in UTC, to the microsecond."""

    cache_ok = True
    declared = "DATETIME_CHAR"
    data_type = "timestamp"

    def text(self, value: datetime) -> str:
        """As SQLite's own functions read it."""
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")

    def value(self, text: bytes) -> datetime:
        """An aware time."""
        return datetime.fromisoformat(text.decode()).replace(tzinfo=UTC)


class Dates(Kept):
    """Dates."""

    cache_ok = True
    declared = "DATE_CHAR"
    data_type = "date"

    def text(self, value: date) -> str:
        """2026-01-31."""
        return value.isoformat()

    def value(self, text: bytes) -> date:
        """The date."""
        return date.fromisoformat(text.decode())


class Decimals(Kept):
    """Decimals, digit for digit."""

    cache_ok = True
    declared = "DECIMAL_TEXT"
    data_type = "decimal"

    def text(self, value: Decimal | float) -> str:
        """77.5, never 7.75E+1; of a float the digits that it shows."""
        digits = f"{Decimal(str(value)):f}"
        return (digits.rstrip("0").rstrip(".") if "." in digits else digits) or "0"

    def value(self, text: bytes) -> Decimal:
        """The decimal."""
        return Decimal(text.decode())


_KEPT: tuple[type[Kept], ...] = (Times, Dates, Decimals)


class SqliteTypes(SqlalchemyTypeMapper):
    """From dlt's types to those of columns."""

    def db_type_from_timestamp_type(self, column: Any, table: Any) -> Any:
        """A time."""
        return Times()

    def db_type_from_date_type(self, column: Any, table: Any) -> Any:
        """A date."""
        return Dates()

    def db_type_from_decimal_type(self, column: Any, table: Any) -> Any:
        """A decimal."""
        return Decimals()


class SqliteClient(SqlalchemyJobClient):
    """dlt's client, whose questions are answered with values as they were loaded."""

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        names = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = _SqlClient(*names, config.credentials, capabilities)
        for kept in _KEPT:
            # The driver keeps these for the process; only connections that ask for them by these names heed them.
            sqlite3.register_converter(kept.declared, kept().value)
        sqlite3.register_converter("BOOLEAN", lambda text: text == b"1")

    def _create_merge_followup_jobs(self, table_chain: Any) -> Any:
        # dlt leaves to SQLAlchemy what SQLAlchemy would rather have in words. It does the right thing.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "implicitly coercing SELECT", SAWarning)
            return super()._create_merge_followup_jobs(table_chain)

    def get_storage_tables(self, table_names: Iterable[str]) -> Iterable[tuple[str, Any]]:
        """The columns of tables as they were declared; none for one that does not exist."""
        with self.sql_client as client:
            for name in table_names:
                yield name, dict(_columns(client, name))


class _SqlClient(SqlalchemyClient):
    @property
    def is_there(self) -> bool:
        """Whether the file of the dataset exists; to open a connection would make the one beside it."""
        return self._sqlite_is_memory_db() or Path(self._sqlite_dataset_filename(self.dataset_name)).exists()

    @contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Ask; times in the question are written as they are kept."""
        if isinstance(query, str):
            query = _STAMP.sub(r"'\1.000000'", query)
        with super().execute_query(query, *args, **kwargs) as cursor:
            yield cursor


def _columns(client: Any, table: str) -> Iterator[tuple[str, Any]]:
    schema, name = client.escape_column_name(client.dataset_name), client.escape_column_name(table)
    try:
        rows = client.execute_sql(f"PRAGMA {schema}.table_info({name})")
    except DatabaseUndefinedRelation:  # There is no such file yet.
        return
    for _, column, declared, is_required, *_ in rows:
        type_ = _DATA_TYPES.get(declared, "text")
        yield column, {"name": column, "nullable": not is_required, "data_type": type_}


_DATA_TYPES = {
    **{kept.declared: kept.data_type for kept in _KEPT},
    "BIGINT": "bigint",
    "BOOLEAN": "bool",
}
