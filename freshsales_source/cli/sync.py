"""`freshsales sync`: one run, its progress, its summary."""

from __future__ import annotations

import json
import os
import signal
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from freshsales_source.api.client import Client, build_client
from freshsales_source.cli.after_sync import Publisher, telling_of_errors
from freshsales_source.cli.dry_run import run_dry
from freshsales_source.cli.findings import hints_of, keep
from freshsales_source.cli.progress import TerminalProgress
from freshsales_source.cli.project import dataset_of_project, settings_of_project
from freshsales_source.cli.stderr_lines import INTERRUPTED, is_json, stderr_line
from freshsales_source.cli.tables import output, print_report
from freshsales_source.clock import SystemClock
from freshsales_source.entities import ENTITIES
from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.mart_making import check_marts
from freshsales_source.sync.notification import notify
from freshsales_source.sync.report import RunReport
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.sync.verdicts import Verdict
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Target, Warehouse


def run_sync(options: Namespace) -> int:
    """Sync as the options say; return the run's exit code."""
    flags: dict[str, object] = {"max_calls": options.max_calls, "objects": options.objects or None}
    settings = settings_of_project(flags, options.account)
    clock, stop = SystemClock(), threading.Event()
    warehouse = Warehouse(target_of(options), settings.account, clock=clock, stop=stop)
    refreshed = frozenset(settings.objects or [entity.name for entity in ENTITIES])
    hints = hints_of(settings.account, clock)
    if options.dry_run:
        return run_dry(
            settings, warehouse, clock, hints=hints, as_json=options.json, is_refresh=options.full_refresh
        )

    def client() -> Client:
        opened = build_client(settings, clock=clock, stop=stop)
        progress.watch(opened.usage)
        return opened

    publisher = Publisher(warehouse, options.publish)
    if options.marts:
        check_marts(warehouse)
    with (
        telling_of_errors(options.on_finish, warehouse.target),
        TerminalProgress(is_drawn=not is_json()) as progress,
        _stopping_on_signals(stop),
    ):
        report = sync(
            Syncing(
                settings=settings,
                warehouse=warehouse,
                clock=clock,
                client=client,
                observer=progress,
                hints=hints,
                is_strict=options.strict,
                accepts_vanished=options.accept_vanished,
                stop=stop,
                full_refresh=refreshed if options.full_refresh else frozenset(),
                makes_marts=options.marts,
                then=publisher.publish,
            )
        )
    if hints.has_changed:
        keep(settings.account, hints.findings)
    with output() as out:
        if options.json:
            out.print(json.dumps(report.to_json(), indent=2))
        else:
            print_report(report, place_of(warehouse), out)
            if options.strict and report.exit_code is ExitCode.INCOMPLETE and _is_whole_else(report):
                out.print("Exit 4, since --strict counts what is not checked as failed.")
            if options.marts and report.reason != "views_not_made":
                schema = f"{report.dataset}_marts"
                out.print(f"Views over them in schema {schema}: `freshsales marts` says what each answers.")
            if publisher.line:
                out.print(publisher.line)
    if options.on_finish is not None:
        notify(options.on_finish, report.to_json())
    return publisher.exit_code(report)


def _is_whole_else(report: RunReport) -> bool:
    """Whether no object failed, but for those that could not be checked."""
    return not any(row.verdict in (Verdict.FAILED, Verdict.MISMATCH) for row in report.objects)


def target_of(options: Namespace) -> Target:
    """Where the options say the rows go."""
    dataset = options.dataset or dataset_of_project(options.account)
    return Target(destination=options.destination, dataset=dataset, duckdb=options.duckdb)


@contextmanager
def _stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the run cleanly; a second one at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            # Not an exception: threads in the middle of a request or a load would still be waited for. A kill does
            # no harm, and this is one.
            show_cursor = b"\x1b[?25h" if os.isatty(2) else b""  # progress bars hide it
            os.write(2, show_cursor + _said(INTERRUPTED, "interrupted"))
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        # Not print: the signal may have come in the middle of one.
        os.write(2, _said("Stopping after the requests under way; once more to stop at once.", "stop_asked"))

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _said(text: str, event: str) -> bytes:
    return f"{stderr_line(text, event=event)}\n".encode()
