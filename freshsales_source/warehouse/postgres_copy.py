"""Rows from a parquet file into a Postgres table: exact, and at the speed of COPY.

Imports psycopg2 by way of dlt: import it only where a Postgres is asked for.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dlt.common.destination.client import HasFollowupJobs, LoadJob, RunnableLoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.storages.load_package import ParsedLoadJobFileName
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
from dlt.destinations.sql_client import raise_database_error

from freshsales_source.errors import ConfigurationError, FreshsalesError, WarehouseUnreachable
from freshsales_source.warehouse.credentials import CREDENTIALS_REMEDY

_TORN_HOST = re.compile(r'host name "[^"]*@')
_PASSING = ("starting up", "shutting down", "recovery mode", "too many", "remaining connection slots")
"""Words of a refusal that does not last."""
_ROWS = 5_000
"""Rows made into text at once: what bounds memory."""
_TEXT = pa.large_string()  # several notes of megabytes are more than the offsets of `string` can hold
_ESCAPES = (("\\", r"\\"), ("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t"))  # the backslash first


class CopyingClient(PostgresClient):
    """dlt's client for Postgres, which copies parquet files by `_CopyJob`."""

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        names = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = _SqlClient(*names, config.credentials, capabilities)

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job for one file."""
        if ParsedLoadJobFileName.parse(file_path).file_format == "parquet":
            return _CopyJob(file_path)
        return super().create_load_job(table, file_path, load_id, restore)


class _SqlClient(Psycopg2SqlClient):
    def open_connection(self) -> Any:
        """A connection; WarehouseUnreachable, or ConfigurationError where the server turns us away for good."""
        driver: Any = self.dbapi
        try:
            opened = super().open_connection()
        except driver.OperationalError as error:
            raise _failure(str(error)) from error
        encoding = opened.get_parameter_status("server_encoding")
        if encoding != "UTF8":
            # The first text in another script would stop every load.
            self.close_connection()
            raise ConfigurationError(
                f"the Postgres database keeps its texts as {encoding}, which cannot hold them all",
                remedy="Load into a database made with ENCODING 'UTF8'.",
            )
        return opened

    @raise_database_error
    def copy(self, table: str, rows: pa.RecordBatch) -> None:
        columns = ", ".join(self.escape_column_name(name) for name in rows.schema.names)
        place = f"{self.make_qualified_table_name(table)} ({columns})"
        with self.native_connection.cursor() as cursor:
            copy = f"COPY {place} FROM STDIN (FORMAT text, ENCODING 'UTF8')"
            cursor.copy_expert(copy, pa.BufferReader(copy_text(rows)))


class _CopyJob(RunnableLoadJob, HasFollowupJobs):
    """One file into one table, whole or not at all."""

    _job_client: CopyingClient

    def run(self) -> None:
        client = self._job_client.sql_client
        assert isinstance(client, _SqlClient)
        with client.begin_transaction(), pq.ParquetFile(self._file_path) as file:
            for rows in file.iter_batches(_ROWS):
                client.copy(self.load_table_name, rows)


def _failure(text: str) -> FreshsalesError:
    words = text.partition("FATAL:")[2].strip()
    if not words and _TORN_HOST.search(text):
        # What stands before that `@` is the end of the password.
        what = "Postgres cannot be reached: in the credentials the host's name holds an `@`"
        return ConfigurationError(what, remedy="Write an `@` in the password as %40.")
    if not words or any(sign in words for sign in _PASSING):
        return WarehouseUnreachable(f"Postgres cannot be reached: {words or text.strip()}")
    return ConfigurationError(f"Postgres refuses the connection: {words}", remedy=CREDENTIALS_REMEDY)


def copy_text(rows: pa.RecordBatch) -> pa.Buffer:
    r"""The rows as COPY reads them in its text format: tabs between values, a line each, NULL as `\N`."""
    parts = [_escaped(column) for column in rows.columns]
    lines = pc.binary_join_element_wise(
        *parts, pa.scalar("\t", _TEXT), null_handling="replace", null_replacement=r"\N"
    )
    ended = pc.binary_join_element_wise(lines, pa.scalar("", _TEXT), pa.scalar("\n", _TEXT))
    # The texts of an array stand one behind the other in its last buffer.
    buffer = ended.buffers()[-1]
    return pa.py_buffer(b"") if buffer is None else buffer


def _escaped(column: pa.Array) -> pa.Array:
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    texts = column.cast(_TEXT)
    for sign, escape in _ESCAPES if is_text else ():
        texts = pc.replace_substring(texts, sign, escape)
    return texts
