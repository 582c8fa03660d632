"""From what the readers did to the run's report: facts, verdicts, exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from freshsales_source.api.client import Client
from freshsales_source.errors import FreshsalesError, RetriableError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.feeds.reader import FeedReader
from freshsales_source.pages.pipelines import UnseenPipelines
from freshsales_source.reading import ObjectReader
from freshsales_source.reading.batch import listed
from freshsales_source.resources.entity_resource import Reader
from freshsales_source.schema.entity_types import Filters, FlatList
from freshsales_source.settings.config import Settings
from freshsales_source.sync.report import ObjectReport, RunReport
from freshsales_source.sync.verdicts import Count, Facts, exit_code, judge
from freshsales_source.warehouse.misfits import count_misfits, of_object
from freshsales_source.warehouse.stored_rows import Part, count_part
from freshsales_source.warehouse.warehouse import Warehouse

FEED_IS_UNCOUNTED = "it is read for each record that was loaded"
"""Why nobody can say whether a feed is whole."""


class Judge:
    """Compares what was read with what the CRM said and what the warehouse holds."""

    def __init__(self, settings: Settings, warehouse: Warehouse, *, run_id: str, is_strict: bool) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._run_id = run_id
        self._is_strict = is_strict

    def all_facts(self, readers: Iterable[Reader]) -> list[Facts]:
        """What the run found out about each object; asks the warehouse."""
        with self._warehouse.held():
            return [self.facts(reader) for reader in readers]

    def facts(self, reader: Reader) -> Facts:
        """What the run found out about one object; asks the warehouse."""
        name = reader.entity.name
        if isinstance(reader, FeedReader):
            return Facts(
                error=reader.tally.error,
                absence=reader.tally.absence,
                is_complete=reader.is_done,
                remarks=(FEED_IS_UNCOUNTED,),
                notes=reader.tally.notes,
            )
        loaded = count_part(self._warehouse, name, Part.LIVE)
        if not isinstance(reader, ObjectReader):
            return Facts(
                error=reader.tally.error,
                absence=reader.tally.absence,
                is_lookup=True,
                loaded=loaded,
                held_back=reader.tally.held_back,
                notes=reader.tally.notes,
            )
        progress = reader.progress
        unseen, forgotten = self._unseen(reader), reader.intake.forgetting.count
        return Facts(
            error=reader.tally.error,
            absence=reader.tally.absence,
            is_stuck=reader.tally.rows_loaded == 0 and not progress.hidden.has_counted,
            is_complete=progress.is_complete,
            is_filtered=self._settings.start_date is not None,
            expected=self._expected(reader, loaded),
            loaded=loaded,
            traced=_less(reader.reconciliation.traced(Part.LIVE), forgotten(Part.LIVE)),
            binned=Count(
                expected=_less(progress.lists.total(Part.BINNED), forgotten(Part.BINNED)),
                loaded=count_part(self._warehouse, name, Part.BINNED),
                traced=_less(reader.reconciliation.traced(Part.BINNED), forgotten(Part.BINNED)),
            ),
            watched=self._watched(reader),
            has_moved=progress.has_moved,
            doubts=reader.doubts,
            out_of_sight=reader.reconciliation.out_of_sight,
            remarks=(*reader.reconciliation.remarks, *self._silence),
            notes=(*progress.notes, *reader.tally.notes),
            unread=(*progress.hidden.reasons, *unseen.counted),
            unseen=unseen.uncounted,
        )

    @property
    def _silence(self) -> tuple[str, ...]:
        """That nobody can tell what the destination holds, where that is so."""
        name = self._warehouse.target.destination
        return () if self._warehouse.can_answer else (f"destination `{name}` cannot be asked what it holds",)

    def _expected(self, reader: ObjectReader, loaded: int | None) -> int | None:
        """How many live records the lists tell of, forgotten ones left out; None where they do not, or some twice."""
        expected = None if self._has_no_place(reader) else reader.progress.lists.expected
        if expected is None:
            return None
        if not isinstance(reader.entity.read, FlatList):
            return expected - reader.intake.forgetting.count(Part.LIVE)
        # A flat list may show deleted records, too; then they are in its total.
        listed = count_part(self._warehouse, reader.entity.name, Part.LISTED)
        return expected - reader.intake.forgetting.count(Part.LISTED) - ((listed or 0) - (loaded or 0))

    def _watched(self, reader: ObjectReader) -> Count:
        """The live records of the lists that are read in each run, where the rows tell which these are."""
        read, total = reader.entity.read, reader.progress.lists.watched_total
        if not isinstance(read, Filters) or read.live_value is None or total is None:
            return Count()
        where = f"{Part.LIVE.value} AND {read.live_by} = {read.live_value}"
        expected = total - reader.intake.forgetting.still_to_be_done
        return Count(expected=expected, loaded=self._warehouse.count(reader.entity.name, where))

    def _has_no_place(self, reader: ObjectReader) -> bool:
        """Whether some record may stand in any filter or in none: one without the time by which filters tell."""
        read = reader.entity.read
        if not isinstance(read, Filters) or read.live_value is not None:
            return False
        where = f"{Part.LIVE.value} AND {read.live_by} IS NULL"
        return reader.intake.forgetting.has_placeless or bool(
            self._warehouse.count(reader.entity.name, where)
        )

    def _unseen(self, reader: ObjectReader) -> UnseenPipelines:
        """The pipelines that the chosen views do not show; the default ones are not believed to show any."""
        if reader.entity.name not in self._settings.views or reader.tally.has_ended:
            return UnseenPipelines()
        unseen = self._warehouse.unseen_pipelines(reader.entity.name)
        forgotten = reader.intake.forgetting.pipelines
        return reader.progress.hidden.unseen({i: name for i, name in unseen.items() if i not in forgotten})

    def report(
        self, readers: Sequence[Reader], client: Client, *, started_at: datetime, finished_at: datetime
    ) -> RunReport:
        """The report of the whole run."""
        misfits = count_misfits(self._warehouse)
        objects = tuple(
            self._object_report(reader, of_object(misfits, reader.entity.name)) for reader in readers
        )
        errors = [reader.tally.error for reader in readers if reader.tally.error is not None]
        code = exit_code(
            (row.verdict for row in objects),
            errors,
            has_read=any(row.rows_read for row in objects),
            is_strict=self._is_strict,
        )
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

    def _object_report(self, reader: Reader, misfits: Sequence[tuple[str, int]]) -> ObjectReport:
        facts = self.facts(reader)
        verdict, reason = judge(replace(facts, notes=(*facts.notes, *_told(misfits))))
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
            watermark_after=_moment(reader.progress.watermark if isinstance(reader, ObjectReader) else None),
            seconds_waited=round(usage.waited_s, 3),
        )


def _reason(code: ExitCode, errors: Sequence[FreshsalesError]) -> str:
    """The word for the end of the run: that of the error behind the exit code, else what the code stands for."""
    for error in errors:
        if error.exit_code == code or code is ExitCode.CONFIGURATION:
            return error.reason
    return {ExitCode.INCOMPLETE: "mismatch", ExitCode.UNFINISHED: "partial"}.get(code, "")


def _told(misfits: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    places = listed([f"{name} ({count:,})" for name, count in misfits])
    return (f"values that do not fit their columns stand as text in {places}",) if misfits else ()


def _less(number: int | None, forgotten: int) -> int | None:
    return None if number is None else number - forgotten


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
