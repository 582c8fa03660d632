"""`freshsales sync`: reads slice by slice, loads each with its state, and says how whole the copy is.

One slice is one dlt package. Killed anywhere, the next run loads what was already on disk and repeats at most one
slice. Errors of one object end that object and not the run; a wrong key ends everything.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination.exceptions import DestinationException
from dlt.common.exceptions import DltException
from dlt.sources import DltResource

from freshsales_source.client import Client
from freshsales_source.clock import Clock
from freshsales_source.columns import Table, dlt_columns
from freshsales_source.config import Settings
from freshsales_source.errors import (
    ConfigurationError,
    FreshsalesError,
    Interrupted,
    ObjectError,
    RetriableError,
    WarehouseRefused,
)
from freshsales_source.judgement import Judge
from freshsales_source.reading import ObjectReader
from freshsales_source.report import SYNC_OBJECTS, SYNC_RUNS, RunReport
from freshsales_source.resources import SharedRun
from freshsales_source.run import Observer, Permits, Run
from freshsales_source.source import source_resources
from freshsales_source.warehouse import Warehouse

RE_WALKS = 3
"""Short walks after unequal counts, before a busy CRM is called moving."""

DESTINATION_REMEDY = (
    "Give dlt the destination's credentials, in .dlt/secrets.toml or the environment (see its manual)."
)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """What a sync needs; `client` opens a new one for the run, which closes it."""

    settings: Settings
    warehouse: Warehouse
    clock: Clock
    client: Callable[[], Client]
    observer: Observer | None = None
    is_strict: bool = False


def sync(syncing: Syncing) -> RunReport:
    """Run once; return what it did, which is in the warehouse's audit tables, too.

    Raises FatalError when nothing can be read at all, and WarehouseRefused when the destination takes no load.
    """
    started_at = syncing.clock.now()
    run_id = f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    _LOG.info("run_started run_id=%s destination=%s", run_id, syncing.warehouse.target.destination)
    with ours_unwrapped():
        if syncing.warehouse.prepare():
            _LOG.warning("state_dropped reason=dataset_gone")
    permits = Permits()
    shared = SharedRun(lambda: _open(syncing, permits))
    judge = Judge(syncing.settings, syncing.warehouse, run_id=run_id, is_strict=syncing.is_strict)
    with shared.use() as run, ours_unwrapped():
        _read(syncing, shared, permits)
        _read_again(syncing, shared, permits, judge)
        report = judge.report(
            list(shared.readers.values()),
            run.client,
            started_at=started_at,
            finished_at=syncing.clock.now(),
        )
        syncing.warehouse.load(_audit(report))
    _LOG.info(
        "run_finished run_id=%s exit_code=%d calls=%d waited_s=%.1f",
        run_id,
        report.exit_code,
        report.calls,
        report.seconds_waited,
    )
    return report


def _read(syncing: Syncing, shared: SharedRun, permits: Permits) -> None:
    """Load slice after slice until no reader has anything left."""
    while True:
        permits.renew()
        syncing.warehouse.load(_slice(syncing.settings, shared))
        if all(reader.is_done for reader in shared.readers.values()):
            return


def _read_again(syncing: Syncing, shared: SharedRun, permits: Permits, judge: Judge) -> None:
    """Read the newest of what does not match once more: a record may have moved between two lists meanwhile.

    At most three times, and only as long as something moves: what stands still and differs is a mismatch.
    """
    for attempt in range(RE_WALKS):
        differing = [
            reader
            for reader in shared.readers.values()
            if isinstance(reader, ObjectReader) and judge.facts(reader).is_different
        ]
        if attempt:
            differing = [reader for reader in differing if reader.has_moved]
        if not differing:
            return
        for reader in differing:
            reader.read_again()
        _read(syncing, shared, permits)


def _open(syncing: Syncing, permits: Permits) -> Run:
    return Run(
        syncing.settings,
        syncing.client(),
        syncing.clock,
        permits=permits,
        keeps=(ObjectError, RetriableError, Interrupted),
        observer=syncing.observer,
        stored=syncing.warehouse,
    )


def _slice(settings: Settings, shared: SharedRun) -> Any:
    """The source of one load; of the same name as the public one, so that both keep one state and one schema."""

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> list[DltResource]:
        return source_resources(settings, shared, in_slices=True)

    return freshsales()


@contextmanager
def ours_unwrapped() -> Iterator[None]:
    """Raise an error of ours in place of dlt's, so that the user reads one line and not a traceback."""
    try:
        yield
    except DltException as error:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, FreshsalesError | KeyboardInterrupt):
                raise cause from None
        if any(isinstance(cause, ConfigurationException) for cause in causes):
            raise ConfigurationError(_last_words(causes), remedy=DESTINATION_REMEDY) from error
        if any(isinstance(cause, DestinationException) for cause in causes):
            raise WarehouseRefused(_last_words(causes)) from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the innermost last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _last_words(causes: Sequence[BaseException]) -> str:
    """What the innermost cause says, in its first line: dlt's own texts repeat it at length."""
    first = next(iter(str(causes[-1]).strip().splitlines()), "")
    return f"the destination refused: {type(causes[-1]).__name__}: {first}"


def _audit(report: RunReport) -> Any:
    """The source that appends the report to the audit tables."""

    def rows_of(table: Table, rows: list[dict[str, Any]]) -> DltResource:
        return dlt.resource(
            rows,
            name=table.name,
            write_disposition="append",
            columns=dlt_columns(table),
            file_format="parquet",
        )

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> list[DltResource]:
        return [rows_of(SYNC_RUNS, [report.run_row()]), rows_of(SYNC_OBJECTS, report.object_rows())]

    return freshsales()
