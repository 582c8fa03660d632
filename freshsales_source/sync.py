"""`freshsales sync`: reads slice by slice, loads each with its state, and says how whole the copy is.

One slice is one dlt package. Killed anywhere, the next run loads what was already on disk and repeats at most one
slice. Errors of one object end that object and not the run; a wrong key ends everything.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import dlt
from dlt.common.exceptions import DltException
from dlt.sources import DltResource

from freshsales_source.client import Client
from freshsales_source.clock import Clock
from freshsales_source.columns import Table, dlt_columns
from freshsales_source.config import Settings
from freshsales_source.errors import FreshsalesError, Interrupted, ObjectError, RetriableError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.reading import ObjectReader
from freshsales_source.report import SYNC_OBJECTS, SYNC_RUNS, ObjectReport, RunReport
from freshsales_source.resources import Reader, SharedRun
from freshsales_source.run import Observer, Permits, Run
from freshsales_source.source import source_resources
from freshsales_source.verdicts import Facts, exit_code, judge
from freshsales_source.warehouse import Warehouse

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

    Raises FatalError when nothing can be read at all, and what dlt raises when the destination refuses a load.
    """
    started_at = syncing.clock.now()
    run_id = f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    _LOG.info("run_started run_id=%s destination=%s", run_id, syncing.warehouse.target.destination)
    if syncing.warehouse.prepare():
        _LOG.warning("state_dropped reason=dataset_gone")
    permits = Permits()
    shared = SharedRun(lambda: _open(syncing, permits))
    with shared.use() as run, ours_unwrapped():
        while True:
            permits.renew()
            syncing.warehouse.load(_slice(syncing.settings, shared))
            if all(reader.is_done for reader in shared.readers.values()):
                break
        report = _report(syncing, run, list(shared.readers.values()), run_id, started_at)
    syncing.warehouse.load(_audit(report))
    _LOG.info(
        "run_finished run_id=%s exit_code=%d calls=%d waited_s=%.1f",
        run_id,
        report.exit_code,
        report.calls,
        report.seconds_waited,
    )
    return report


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
    """Raise an error of ours that dlt wrapped in its own, so that the user reads one line and not a traceback."""
    try:
        yield
    except FreshsalesError:
        raise
    except DltException as error:
        ours = _ours_within(error)
        if ours is None:
            raise
        raise ours from None


def _ours_within(error: BaseException | None) -> FreshsalesError | None:
    while error is not None and not isinstance(error, FreshsalesError):
        error = error.__cause__ or error.__context__
    return error


# The report


def _report(
    syncing: Syncing, run: Run, readers: list[Reader], run_id: str, started_at: datetime
) -> RunReport:
    objects = tuple(_object_report(syncing, reader, run_id) for reader in readers)
    errors = [reader.tally.error for reader in readers if reader.tally.error is not None]
    code = exit_code((row.verdict for row in objects), errors, is_strict=syncing.is_strict)
    retry_at = [e.retry_at for e in errors if isinstance(e, RetriableError) and e.retry_at is not None]
    usage = run.client.usage()
    return RunReport(
        run_id=run_id,
        started_at=started_at,
        finished_at=syncing.clock.now(),
        version=version("freshsales-source"),
        exit_code=code,
        reason=_reason(code, errors),
        retry_at=max(retry_at, default=None),
        calls=usage.calls,
        seconds_waited=round(usage.waited_s, 3),
        destination=syncing.warehouse.target.destination,
        dataset=syncing.warehouse.target.dataset,
        objects=objects,
    )


def _reason(code: ExitCode, errors: list[FreshsalesError]) -> str:
    """The word for the end of the run: that of the error behind the exit code, else what the code stands for."""
    for error in errors:
        if error.exit_code == code or code is ExitCode.CONFIGURATION:
            return error.reason
    return {ExitCode.INCOMPLETE: "mismatch", ExitCode.UNFINISHED: "partial"}.get(code, "")


def _object_report(syncing: Syncing, reader: Reader, run_id: str) -> ObjectReport:
    facts = _facts(syncing, reader)
    verdict, reason = judge(facts)
    usage = reader.meter.usage()
    return ObjectReport(
        run_id=run_id,
        object=reader.entity.name,
        verdict=verdict,
        reason=reason,
        calls=usage.calls,
        rows_read=reader.tally.rows_read,
        rows_changed=reader.tally.rows_loaded,
        rows_deleted=reader.tally.rows_deleted,
        expected_count=facts.expected,
        loaded_count=facts.loaded,
        watermark_before=_moment(reader.tally.watermark_before),
        watermark_after=_moment(reader.watermark if isinstance(reader, ObjectReader) else None),
        seconds_waited=round(usage.waited_s, 3),
    )


def _facts(syncing: Syncing, reader: Reader) -> Facts:
    name = reader.entity.name
    loaded = syncing.warehouse.live_rows(name)
    if not isinstance(reader, ObjectReader):
        return Facts(error=reader.tally.error, is_lookup=True, loaded=loaded)
    return Facts(
        error=reader.tally.error,
        absence=reader.tally.absence,
        is_complete=reader.is_complete,
        is_filtered=syncing.settings.start_date is not None,
        expected=reader.expected,
        loaded=loaded,
        has_moved=reader.has_moved,
        doubts=reader.doubts,
        unseen=syncing.warehouse.unseen_pipelines() if name == "deals" else (),
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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
