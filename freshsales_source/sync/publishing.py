"""A copy of the DuckDB file for readers, who never see half of it and never keep a sync waiting.

DuckDB lets one process have a file. So readers get a file of their own: it is written beside the published one and
takes its name in one step. Who has the old one open goes on reading that.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from pathlib import Path

from freshsales_source.errors import ConfigurationError, NotPublished
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.warehouse.warehouse import Target, Warehouse

_LOG = logging.getLogger(__name__)


def check_publishable(target: Target, path: Path) -> None:
    """Raise ConfigurationError where there is no DuckDB file to be copied, or it would be copied onto itself."""
    if target.destination != "duckdb":
        raise ConfigurationError(
            f"`--publish` copies a DuckDB file, and destination `{target.destination}` has none",
            remedy="Leave it out: readers of that destination need no copy.",
        )
    if path.resolve() == target.duckdb.resolve():
        raise ConfigurationError(
            f"`--publish` names the warehouse itself, {target.place}", remedy="Name another file."
        )


def publish(warehouse: Warehouse, path: Path) -> None:
    """Put a copy of the warehouse's file at `path`; the lock of the run must be held.

    Raises NotPublished, with what is there untouched; Locked where another program has the warehouse open.
    """
    source, path = warehouse.target.duckdb.resolve(), path.resolve()
    # What stands in the log beside the file would be missing in the copy.
    with ours_unwrapped():
        warehouse.execute("CHECKPOINT")
    part = part_of(source, path)
    try:
        size = _copy(source, part)
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if part.is_file():
            part.unlink()
        raise NotPublished(f"no copy for readers could be made at {path}: {error.strerror}") from error
    _LOG.info("published bytes=%d path=%r", size, str(path))


def part_of(source: Path, path: Path) -> Path:
    """Where a copy is prepared: one place for each warehouse, so that what a killed one left is written over."""
    words = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    return path.with_name(f".{path.name}.{words}.part")


def _copy(source: Path, part: Path) -> int:
    """Copy the file to disk and beyond the system's memory; its size. NotPublished where it changed meanwhile."""
    before = _mark(source)
    with source.open("rb") as read, part.open("wb") as written:
        shutil.copyfileobj(read, written, 1024 * 1024)
        written.flush()
        os.fsync(written.fileno())
    if _mark(source) != before:
        part.unlink()
        raise NotPublished(f"another program wrote into {source} while it was copied")
    return part.stat().st_size


def _mark(source: Path) -> tuple[int, int, int]:
    log = source.with_name(f"{source.name}.wal")
    stat = source.stat()
    return stat.st_mtime_ns, stat.st_size, log.stat().st_size if log.exists() else 0


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a loss of power, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
