"""The load packages that an earlier run left on this machine: what a kill has done to them, and how it is mended.

A package goes from folder to folder of dlt's as it is extracted, normalized and loaded. Each move is one rename, but
the folders are made one after the other, what is left behind is deleted file by file, and what is copied into the
database is noted after it arrived.
"""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import Protocol

import dlt
from dlt.common.storages.load_package import PackageStorage
from dlt.common.storages.load_storage import LoadStorage
from dlt.common.storages.normalize_storage import NormalizeStorage

SOURCE = "freshsales"

_COPYING_ANEW = (dlt.destinations.duckdb, dlt.destinations.postgres)
"""Destinations into which dlt copies in one transaction of its own: killed, it leaves nothing, or everything."""

_TEMPORARY = re.compile("[0-9a-f]{16}")
"""A file of dlt's that is not yet called as it will be (dlt 1.31)."""

_LOG = logging.getLogger(__name__)


class StagingTables(Protocol):
    """The tables in which dlt prepares what it merges."""

    def staged_name(self, table: str) -> str:
        """The name in SQL of the table in which dlt prepares what it merges into this one."""
        ...

    def execute(self, sql: str) -> None:
        """Run a statement; nothing happens where a table does not exist."""
        ...


def waiting_packages(pipeline: dlt.Pipeline) -> set[str]:
    """The ids of the packages that are still to be loaded."""
    return {*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()}


def drop(pipeline: dlt.Pipeline) -> None:
    """Forget all that dlt keeps of the pipeline on this machine, at one stroke: half of it serves no later run."""
    folder = Path(pipeline.working_dir)
    folder.rename(_dropped(folder))
    shutil.rmtree(_dropped(folder))
    pipeline.drop()


def mend_folders(pipeline: dlt.Pipeline) -> None:
    """Finish what dlt was doing to its own folders when a run was killed; left so, it fails in every run to come.

    Not while another run is at work there.
    """
    folder = Path(pipeline.working_dir)
    if _dropped(folder).exists():
        shutil.rmtree(_dropped(folder))
    for file in folder.glob("schemas/*"):
        # Dlt writes a file under a name of its own and then renames it, and takes each file here for a schema.
        if _TEMPORARY.fullmatch(file.name):
            file.unlink()
    if (folder / "load").is_dir():
        # Dlt makes these after it, and takes them for there.
        for name in (
            LoadStorage.NEW_PACKAGES_FOLDER,
            LoadStorage.NORMALIZED_FOLDER,
            LoadStorage.LOADED_FOLDER,
        ):
            (folder / "load" / name).mkdir(exist_ok=True)
    normalized = pipeline.list_normalized_load_packages()
    for load_id in pipeline.list_extracted_load_packages():
        package = folder / "normalize" / NormalizeStorage.EXTRACTED_FOLDER / load_id
        # Being deleted: it is in its next folder already, or it brought nothing.
        if load_id in normalized or not _is_whole(package):
            _LOG.info("package_put_away load_id=%s", load_id)
            shutil.rmtree(package)


def keeps_packages(pipeline: dlt.Pipeline) -> bool:
    """Whether a package that waits is loaded by the next run, wherever a kill has met the one before."""
    return isinstance(pipeline.destination, _COPYING_ANEW)


def mend_copies(pipeline: dlt.Pipeline, tables: StagingTables) -> bool:
    """See to it that rows which were on their way into dlt's staging tables when the run was killed arrive once.

    Nobody knows whether they arrived, and dlt sends them again. What has a primary key may come twice; elements
    of lists would stand there twice: of those the staging table is emptied before. False where another file has
    brought rows of the same table, and where the destination may have taken a copy over and goes on with it by
    itself: that slice is read again instead.
    """
    schema = pipeline.schemas.get(SOURCE)
    keyed = set() if schema is None else {name for name in schema.tables if _has_key(schema, name)}
    begun: set[str] = set()
    arrived: set[str] = set()
    for load_id in pipeline.list_normalized_load_packages():
        package = pipeline.get_load_package_info(load_id)
        committed = _committed_jobs(Path(package.package_path))
        for job in (*package.jobs["started_jobs"], *package.jobs["completed_jobs"]):
            is_begun = job.state == "started_jobs" and Path(job.file_path).name not in committed
            if job.job_file_info.file_format != "sql":
                (begun if is_begun else arrived).add(job.job_file_info.table_name)
    begun -= keyed
    if begun and (begun & arrived or not keeps_packages(pipeline)):
        return False
    for table in sorted(begun):
        tables.execute(f"DELETE FROM {tables.staged_name(table)}")
    return True


def _dropped(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.dropped")


def _is_whole(package: Path) -> bool:
    """Whether an extracted package has all that dlt looks for in one."""
    files = PackageStorage.SCHEMA_FILE_NAME, PackageStorage.LOAD_PACKAGE_STATE_FILE_NAME
    return (package / PackageStorage.NEW_JOBS_FOLDER).is_dir() and all((package / f).is_file() for f in files)


def _committed_jobs(package: Path) -> set[str]:
    """The files of jobs that the destination has committed, though they still lie among those that were started.

    Dlt notes that in a folder of its own before it puts them away, and takes its word for it.
    """
    folder = package / PackageStorage.PENDING_TRANSITIONS_FOLDER
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def _has_key(schema: dlt.Schema, table: str) -> bool:
    """Whether rows of the table are told apart by a primary key. Of dlt's own tables, only the newest rows count."""
    columns = schema.get_table_columns(table).values()
    return table in schema.dlt_table_names() or any(column.get("primary_key") for column in columns)
