"""The connections to one DuckDB file: it is made so that older programs read it, opened once for all of them, and takes
no more memory than a slice needs.

1. DuckDB takes up to four fifths of the machine's memory, and fills them with blocks of the tables it has touched. A
   load of ours is a slice of some thousand rows, whatever the tables hold: `MEMORY_LIMIT` serves it, and what large
   questions need beyond it goes through DuckDB's temporary file. A limit that the user has set, higher or lower, stays.
2. DuckDB keeps a table in groups of 122,880 rows. Each load brings a few thousand; when the file is closed, DuckDB
   reads the small groups that make up a whole one back into memory, unpacked: of contacts with a hundred columns that
   is some 300 MB, now and then and all at once (measured with DuckDB 2.0). `ROW_GROUP` bounds it; a file may hold
   groups of any size, and any program reads it. The size can only be said of a file that is attached to a database in
   memory.
3. Left to itself DuckDB 2 makes files that DuckDB 1 does not open, and BI tools carry theirs for years: `FORMAT`. It
   also makes them in several writes; a process killed between these leaves a file that nobody can open.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbConnectionPool

from freshsales_source.api.budget_file import state_folder
from freshsales_source.warehouse.run_lock import turn_of

MEMORY_LIMIT = 1024**3
"""Bytes that DuckDB may take, unless its own default is lower or the user has set a limit."""
ROW_GROUP = 32_768
"""Rows in one row group: a multiple of DuckDB's vector of 2,048."""
FORMAT = "v1.2.0"
"""The oldest DuckDB that reads a file which is made here; one that is there keeps its format."""
TAKEN_NAMES = ("main", "temp", "system")
"""Files of these names are called otherwise by DuckDB (`main_db`)."""
_MEMORY = "memory"
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_IN_USE_HERE = re.compile(r"is already attached|is in the process of being (at|de)tached", re.IGNORECASE)


class FileConnections(DuckDbConnectionPool):
    """Lends connections to the file of these credentials, and closes it when the last one is back."""

    def __init__(self, credentials: Any) -> None:
        super().__init__(credentials)
        self._name: str | None = None
        """The file's name among the databases of the connection; None where it is the only one."""
        self._is_shared = False
        """Whether others in this process have been found to have the file open: they are likely to go on so."""

    def borrow_conn(self, *settings: Any, **named: Any) -> Any:
        """A connection whose default database is the file; to be given back with `return_conn`."""
        with self._conn_lock:
            if not self._conn_borrows:
                self._conn = self._open()
                # What the user has set comes after it, with every connection.
                bound_memory(self._conn)
            try:
                return super().borrow_conn(*settings, **named)
            finally:
                if self._conn_borrows == 0:
                    # Could not be set up: dlt has closed it and would lend it again.
                    self._close_conn()

    def _apply_local_config(self, conn: Any, local_config: Any = None, pragmas: Any = None) -> None:
        # A duplicate of a connection starts in the instance's first database.
        if self._name is not None:
            conn.execute(f"USE {_quoted(self._name)}")
        super()._apply_local_config(conn, local_config, pragmas)

    def _open(self) -> Any:
        path = self.credentials.database
        if not self.credentials.read_only and not Path(path).exists():
            make_file(path)
        name = None if self.credentials.read_only or self._is_shared else _name_of(path)
        self._name = name
        if name is None:
            return duckdb.connect(path, read_only=self.credentials.read_only)
        # What does not fit into memory goes where it would go for the file itself.
        opened = duckdb.connect(config={"temp_directory": f"{path}.tmp"})
        try:
            opened.execute(f"ATTACH {_text(path)} AS {_quoted(name)} (ROW_GROUP_SIZE {ROW_GROUP})")
        except duckdb.Error as error:
            opened.close()
            if not _IN_USE_HERE.search(str(error)):
                raise
            # This very process has it open, and shares it with whoever opens it as a file.
            self._is_shared = True
            return self._open()
        return opened


def bound_memory(connection: Any) -> None:
    """Keep a database below `MEMORY_LIMIT`; one that may take less, on a small machine, is left alone."""
    ((text,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, _, unit = str(text).partition(" ")
    if unit in _UNITS and float(number) * _UNITS[unit] > MEMORY_LIMIT:
        connection.execute(f"SET GLOBAL memory_limit = '{MEMORY_LIMIT} bytes'")


def make_file(path: str) -> None:
    """Make an empty file, whole at once; nothing where another process has made it meanwhile."""
    name = hashlib.sha256(str(Path(path).resolve()).encode()).hexdigest()[:12]
    with turn_of(state_folder(os.environ, Path.home()) / f"{name}.making"):
        if Path(path).exists():
            return
        part = Path(f"{path}.part")
        part.unlink(missing_ok=True)
        with duckdb.connect() as memory:
            memory.execute(f"ATTACH {_text(str(part))} AS made (STORAGE_VERSION '{FORMAT}')")
            memory.execute("DETACH made")
        # As DuckDB does: the log of a file that was deleted would not fit this one.
        Path(f"{path}.wal").unlink(missing_ok=True)
        part.rename(path)


def database_name(path: str) -> str:
    """The name that DuckDB gives to the database in a file of this path."""
    return Path(path).name.lstrip(".").partition(".")[0]


def _name_of(path: str) -> str | None:
    """The name by which DuckDB knows the file when it is opened; None for a name that cannot be chosen."""
    name = database_name(path)
    return None if not name or name.casefold() in (*TAKEN_NAMES, _MEMORY) else name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
