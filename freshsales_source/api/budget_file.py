"""The SQLite file through which the processes of an account share its budget: where it is, how it is opened.

It holds the times of calls and nothing of the account: its name is a hash of the host, its mode 0600.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.account import Account

IN_MEMORY = ":memory:"
_APPLICATION_ID = 0x46534C42  # tells our files from any other SQLite database
_MAGIC = b"SQLite format 3\0"
_BUSY_S = 30  # transactions take under a millisecond, so a lock this long means a stuck process

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sent REAL NOT NULL, late REAL NOT NULL, settled INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_late ON calls (late);
CREATE TABLE IF NOT EXISTS block (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    since REAL NOT NULL, until REAL NOT NULL, strikes INTEGER NOT NULL,
    probe INTEGER, cleared_by INTEGER NOT NULL
);
INSERT OR IGNORE INTO block VALUES (1, 0, 0, 0, NULL, 0);
CREATE TABLE IF NOT EXISTS clock (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    time REAL NOT NULL, monotonic REAL NOT NULL, machine TEXT NOT NULL
);
INSERT OR IGNORE INTO clock VALUES (1, 0, 0, '');
CREATE TABLE IF NOT EXISTS caps (
    span REAL PRIMARY KEY, remaining INTEGER NOT NULL, until REAL NOT NULL, ticket INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS learned (
    span REAL PRIMARY KEY, requests INTEGER NOT NULL, until REAL NOT NULL
);
"""


def budget_path(account: Account, environment: Mapping[str, str], home: Path) -> Path:
    """Return the account's file in the user's state folder.

    The same whatever the pipeline or working folder.
    """
    digest = hashlib.sha256(account.netloc.encode()).hexdigest()[:16]
    return state_folder(environment, home) / f"budget-{digest}.sqlite"


def open_budget_file(path: Path | str) -> sqlite3.Connection:
    """Open or create the file (folders too), or a private database for ":memory:"; autocommit, any thread.

    Raises ConfigurationError for a file that is something else, and never overwrites it.
    """
    try:
        if str(path) != IN_MEMORY:
            _create_private(Path(path))
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, f"cannot be opened: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | str) -> None:
    # In this order: another process may be making the file, and its tables come together with the id.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    if owner != _APPLICATION_ID and tables:
        connection.close()
        raise _unusable(path, "is another program's database")
    # A killed process leaves a good file either way; after a power cut, a lost last second costs nothing.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id = {_APPLICATION_ID}; {_SCHEMA} COMMIT;")


def _create_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with path.open("rb") as file:
        beginning = file.read(len(_MAGIC))
    if beginning and beginning != _MAGIC:  # SQLite itself would overwrite a short file
        raise _unusable(path, "is not a budget file")


def state_folder(environment: Mapping[str, str], home: Path) -> Path:
    """The user's folder for files that processes share: XDG on Linux, the platform's own on macOS and Windows."""
    return _platform_folder(environment, home) / "freshsales-source"


def _platform_folder(environment: Mapping[str, str], home: Path) -> Path:
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    configured = environment.get("XDG_STATE_HOME", "")
    # Relative paths are to be ignored (XDG base directory specification).
    return Path(configured) if configured.startswith("/") else home / ".local" / "state"


def _unusable(path: Path | str, why: str) -> ConfigurationError:
    remedy = "Set `budget_store` to a file of its own in a folder this user can write to."
    return ConfigurationError(f"the budget file {path} {why}", remedy=remedy)
