"""From what the readers did to the run's report: facts, verdicts, exit code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from freshsales_source.client import Client
from freshsales_source.config import Settings
from freshsales_source.errors import FreshsalesError, RetriableError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.feed_reader import FeedReader
from freshsales_source.reading import ObjectReader
from freshsales_source.report import ObjectReport, RunReport
from freshsales_source.resources import Reader
from freshsales_source.verdicts import Facts, exit_code, judge
from freshsales_source.warehouse import Warehouse


class Judge:
    """Compares what was read with what the CRM said and what the warehouse holds."""

    def __init__(self, settings: Settings, warehouse: Warehouse, *, run_id: str, is_strict: bool) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._run_id = run_id
        self._is_strict = is_strict

    def facts(self, reader: Reader) -> Facts:
        """What the run found out about one object; asks the warehouse."""
        name = reader.entity.name
        if isinstance(reader, FeedReader):
            return Facts(error=reader.tally.error, absence=reader.tally.absence, is_lookup=True)
        loaded = self._warehouse.live_rows(name)
        if not isinstance(reader, ObjectReader):
            return Facts(
                error=reader.tally.error, absence=reader.tally.absence, is_lookup=True, loaded=loaded
            )
        return Facts(
            error=reader.tally.error,
            absence=reader.tally.absence,
            is_stuck=reader.tally.rows_loaded == 0,
            is_complete=reader.is_complete,
            is_filtered=self._settings.start_date is not None,
            expected=reader.expected,
            loaded=loaded,
            has_moved=reader.has_moved,
            doubts=reader.doubts,
            unseen=self._warehouse.unseen_pipelines() if name == "deals" else (),
        )

    def report(
        self, readers: Sequence[Reader], client: Client, *, started_at: datetime, finished_at: datetime
    ) -> RunReport:
        """The report of the whole run."""
        objects = tuple(self._object_report(reader) for reader in readers)
        errors = [reader.tally.error for reader in readers if reader.tally.error is not None]
        code = exit_code((row.verdict for row in objects), errors, is_strict=self._is_strict)
        retry_at = [e.retry_at for e in errors if isinstance(e, RetriableError) and e.retry_at is not None]
        usage = client.usage()
        return RunReport(
            run_id=self._run_id,
            started_at=started_at,
            finished_at=finished_at,
            version=version("freshsales-source"),
            exit_code=code,
            reason=_reason(code, errors),
            retry_at=max(retry_at, default=None),
            calls=usage.calls,
            seconds_waited=round(usage.waited_s, 3),
            destination=self._warehouse.target.destination,
            dataset=self._warehouse.target.dataset,
            objects=objects,
        )

    def _object_report(self, reader: Reader) -> ObjectReport:
        facts = self.facts(reader)
        verdict, reason = judge(facts)
        usage = reader.meter.usage()
        return ObjectReport(
            run_id=self._run_id,
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


def _reason(code: ExitCode, errors: Sequence[FreshsalesError]) -> str:
    """The word for the end of the run: that of the error behind the exit code, else what the code stands for."""
    for error in errors:
        if error.exit_code == code or code is ExitCode.CONFIGURATION:
            return error.reason
    return {ExitCode.INCOMPLETE: "mismatch", ExitCode.UNFINISHED: "partial"}.get(code, "")


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
