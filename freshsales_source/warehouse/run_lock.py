"""One run at a time over one warehouse: a lock that ends with the process that holds it, however that dies.

It is SQLite's own write lock on a small file: the operating system takes it back from a killed process, and it works
alike on Linux, macOS and Windows. Child processes do not inherit it. The holder's name stands in the same file, where
others can read it while the lock is held; without the lock it means nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from freshsales_source.errors import ConfigurationError, Locked

_PATIENCE_S = 0.5  # a holder writes its name in a millisecond; what takes longer is a run
_TURN_S = 30.0  # each takes a hundredth of a second, and some may stand in line
_Row: TypeAlias = tuple[int, str, str, str]


@contextmanager
def run_lock(path: Path, *, now: datetime) -> Iterator[None]:
    """Hold the lock of that file, made with its folder where missing, until the end of the block.

    Raises Locked, with who holds it and since when, where another process or thread does; ConfigurationError where
    the file cannot be written.
    """
    me = (os.getpid(), socket.gethostname(), now.isoformat(timespec="seconds"), secrets.token_hex(8))
    with closing(_open(path)) as file:
        try:
            holder = _take(file, me)
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        if holder != me:
            raise _locked(holder)
        yield  # Closing the file gives the lock back.


@contextmanager
def turn_of(path: Path) -> Iterator[None]:
    """Wait for the lock of that file, and hold it until the end of the block: for what is soon done.

    Raises ConfigurationError where the file cannot be written, or the lock is held for half a minute.
    """
    with closing(_open(path, patience_s=_TURN_S)) as file:
        try:
            file.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        yield


def _open(path: Path, *, patience_s: float = _PATIENCE_S) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return sqlite3.connect(path, timeout=patience_s, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error


def _take(file: sqlite3.Connection, me: _Row) -> _Row | None:
    """Take the lock and return `me`; where it is taken, return who has it, if that is known.

    The name must be committed to be seen, so the lock is let go for a moment after writing it. Who slips in there
    writes a name of its own, and the lock belongs to whose name is read under it.
    """
    try:
        file.execute("BEGIN IMMEDIATE")
        file.execute("CREATE TABLE IF NOT EXISTS holder (pid INTEGER, host TEXT, since TEXT, token TEXT)")
        file.execute("DELETE FROM holder")
        file.execute("INSERT INTO holder VALUES (?, ?, ?, ?)", me)
        file.execute("COMMIT")
        file.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
    holder = _holder(file)
    return holder if file.in_transaction or holder != me else None


def _holder(file: sqlite3.Connection) -> _Row | None:
    try:
        row: _Row | None = file.execute("SELECT pid, host, since, token FROM holder").fetchone()
    except sqlite3.OperationalError:  # Its first holder has not written its name yet.
        return None
    return row


def _locked(holder: _Row | None) -> Locked:
    who = "" if holder is None else f": process {holder[0]} on {holder[1]}, since {holder[2]}"
    return Locked(
        f"another sync of this account into this warehouse is at work{who}",
        remedy="Nothing was touched. Run the same command again when it has ended.",
    )


def _unusable(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the lock file {path} cannot be used: {error}",
        remedy="Make its folder one that this user can write to, or remove the file.",
    )
