"""`freshsales sync`: reads slice by slice, loads each with its state, and says how whole the copy is.

One slice is one dlt package, and while it is loaded the next one is read. Killed anywhere, the next run loads what was
already on disk and repeats at most one slice. Errors of one object end that object and not the run; a wrong key ends
everything.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationException
from dlt.common.exceptions import DltException
from dlt.sources import DltResource

from freshsales_source.api.client import Client
from freshsales_source.clock import Clock, Stop
from freshsales_source.errors import (
    FreshsalesError,
    Interrupted,
    ObjectError,
    RetriableError,
    WarehouseRefused,
)
from freshsales_source.exit_codes import ExitCode
from freshsales_source.reading import ObjectReader
from freshsales_source.resources.entity_resource import SharedRun
from freshsales_source.run import Observer, Permits, Run
from freshsales_source.settings.config import Settings
from freshsales_source.source import source_resources
from freshsales_source.state.findings import Hints
from freshsales_source.sync.course import Course
from freshsales_source.sync.erasing import Erasures
from freshsales_source.sync.judgement import Judge
from freshsales_source.sync.report import SYNC_OBJECTS, SYNC_RUNS, RunReport
from freshsales_source.warehouse.credentials import causes_of, configuration_error
from freshsales_source.warehouse.disk import disk_error
from freshsales_source.warehouse.erasing import finish_forgetting
from freshsales_source.warehouse.own_tables import own_rows
from freshsales_source.warehouse.recovery import Finding
from freshsales_source.warehouse.warehouse import Warehouse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """What a sync needs; `client` opens a new one for the run, which closes it, and heeds `stop` as well.

    `then` is called with the report of a run that has ended, before another sync may begin.
    """

    settings: Settings
    warehouse: Warehouse
    clock: Clock
    client: Callable[[], Client]
    observer: Observer | None = None
    hints: Hints | None = None
    is_strict: bool = False
    accepts_vanished: bool = False
    stop: Stop | None = None
    full_refresh: frozenset[str] = frozenset()
    makes_marts: bool = False
    then: Callable[[RunReport], None] | None = None


def sync(syncing: Syncing) -> RunReport:
    """Run once; return what it did, which is in the warehouse's audit tables, too.

    Raises FatalError when nothing can be read at all, WarehouseRefused when the destination takes no load, and
    Locked, with nothing touched, while another sync is at work on this warehouse.
    """
    with syncing.warehouse.lock(syncing.clock.now()):
        report = _sync(syncing)
        if syncing.then is not None:
            syncing.then(report)
        return report


def _sync(syncing: Syncing) -> RunReport:
    started_at = syncing.clock.now()
    run_id = f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    _LOG.info("run_started run_id=%s destination=%s", run_id, syncing.warehouse.target.destination)
    with ours_unwrapped():
        if syncing.settings.on_erase != "keep":
            syncing.warehouse.check_erasable("`on_erase`")
        findings = syncing.warehouse.prepare()
        forgotten = finish_forgetting(syncing.warehouse)
    permits = Permits()
    shared = SharedRun(lambda: _open(syncing, permits, forgotten))
    judge = Judge(syncing.settings, syncing.warehouse, run_id=run_id, is_strict=syncing.is_strict)

    def read_ahead() -> None:
        permits.note_on_disk()
        shared.read_ahead()

    def load_slice() -> None:
        permits.renew()
        syncing.warehouse.load(_slice(syncing.settings, shared), on_disk=read_ahead)

    with shared.use() as run, ours_unwrapped():
        Course(run, shared, judge, load=load_slice, held=syncing.warehouse.held).take()
        objects = [reader for reader in shared.readers.values() if isinstance(reader, ObjectReader)]
        Erasures(run, syncing.warehouse, syncing.settings.on_erase).carry_out(objects)
        with syncing.warehouse.held():
            report = judge.report(
                list(shared.readers.values()),
                run.client,
                started_at=started_at,
                finished_at=syncing.clock.now(),
            )
            views = syncing.warehouse.keep_views(
                time_zone=syncing.settings.time_zone, with_answers=syncing.makes_marts
            )
            report = _explained(report, [*findings, views] if views else findings, syncing.stop)
            appended = {SYNC_RUNS.name: 1, SYNC_OBJECTS.name: len(report.objects)}
            syncing.warehouse.load_with_proof(_audit(report), run_id, appended)
    _tell(report)
    return report


def _tell(report: RunReport) -> None:
    """Log the verdicts, and how the run ended."""
    for row in report.objects:
        _LOG.info(
            "object_judged object=%s verdict=%s expected=%s loaded=%s calls=%d",
            row.object,
            row.verdict,
            row.expected_count,
            row.loaded_count,
            row.calls,
        )
    _LOG.info(
        "run_finished run_id=%s exit_code=%d reason=%s calls=%d waited_s=%.1f",
        report.run_id,
        report.exit_code,
        report.reason,
        report.calls,
        report.seconds_waited,
    )


def _explained(report: RunReport, findings: Sequence[Finding], stop: Stop | None) -> RunReport:
    """The report with the reason that lies outside of what was read: asked to stop, or memory had to be mended."""
    if stop is not None and stop.is_set():
        return replace(report, exit_code=ExitCode.INTERRUPTED, reason="interrupted")
    if findings and not report.reason:
        return replace(report, reason=findings[0].reason)
    return report


def _open(syncing: Syncing, permits: Permits, forgotten: Mapping[str, frozenset[int]]) -> Run:
    return Run(
        syncing.settings,
        syncing.client(),
        syncing.clock,
        permits=permits,
        keeps=(ObjectError, RetriableError, Interrupted),
        observer=syncing.observer,
        hints=syncing.hints,
        stored=syncing.warehouse if syncing.warehouse.can_answer else None,
        accepts_vanished=syncing.accepts_vanished,
        full_refresh=syncing.full_refresh,
        forgotten=forgotten,
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
    except (DltException, OSError) as error:
        causes = list(causes_of(error))
        for cause in causes:
            if isinstance(cause, FreshsalesError | KeyboardInterrupt):
                raise cause from None
        misconfigured = configuration_error(error)
        if misconfigured is not None:
            raise misconfigured from error
        if any(isinstance(cause, DestinationException) for cause in causes):
            raise WarehouseRefused(_last_words(causes)) from error
        full = disk_error(error)
        if full is not None:
            raise full from error
        raise


def _last_words(causes: Sequence[BaseException]) -> str:
    """What the innermost cause says, in its first line: dlt's own texts repeat it at length."""
    first = next(iter(str(causes[-1]).strip().splitlines()), "")
    return f"the destination refused: {type(causes[-1]).__name__}: {first}"


def _audit(report: RunReport) -> Any:
    """The source that adds the report to the audit tables."""

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> list[DltResource]:
        return [own_rows(SYNC_RUNS, [report.run_row()]), own_rows(SYNC_OBJECTS, report.object_rows())]

    return freshsales()
