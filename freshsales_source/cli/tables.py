"""What goes to stdout for people: the run's summary, and small query results, as tables of plain text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from freshsales_source.entities import CUSTOM_MODULES, LISTS, LOOKUPS
from freshsales_source.plural import counted
from freshsales_source.schema.plain_text import one_line
from freshsales_source.sync.report import ObjectReport, RunReport
from freshsales_source.sync.verdicts import Verdict, summary

_LONGEST = 1_000
_WIDE = 100  # columns of tables in a file or a pipe, which have no width of their own
LOOKUP_TABLES = frozenset(entity.name for entity in (*LOOKUPS, LISTS, CUSTOM_MODULES))


class Output(Console):
    """Stdout: whatever the data hold stands there letter by letter, and only tables and terminals make lines wrap."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _WIDE
        super().__init__(width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Leave it to `output`: rich would end the process with another exit code than the run's own."""
        raise BrokenPipeError


@contextmanager
def output() -> Iterator[Output]:
    """Write to stdout; a reader that has gone (`| head`) is no error, and takes nothing from the exit code."""
    try:
        yield Output()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more when the interpreter flushes it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_report(report: RunReport, place: str, out: Console) -> None:
    """The one summary table of a run, the reasons, how whole the copy is, and where the rows are.

    Lookups that matched share one line; any other has its own.
    """
    headers = ("object", "verdict", "calls", "read", "loaded", "deleted", "in CRM", "in warehouse")
    print_rows(headers, _lines(report.objects), out)
    out.print()
    for reason, objects in _reasons(report.objects).items():
        out.print(f"{', '.join(objects)}: {reason}")
    at = f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC"
    out.print(summary(((row.object, row.verdict, row.reason and "see above") for row in report.objects), at))
    if report.retry_at:
        out.print(f"The next run can go on from {report.retry_at:%Y-%m-%d %H:%M:%S} UTC.")
    seconds = (report.finished_at - report.started_at).total_seconds()
    waited = (
        f" ({report.seconds_waited:,.0f} s of waiting for the limits, all readers together)"
        if report.seconds_waited >= 1
        else ""
    )
    out.print(
        f"{counted(report.calls, 'API call')} in {seconds:,.1f} s{waited}. Schema {report.dataset} in {place}"
    )


def _lines(rows: Sequence[ObjectReport]) -> list[tuple[object, ...]]:
    """The lines of the summary: every object, and the matched lookups as one, with their sums."""
    folded = [row for row in rows if row.object in LOOKUP_TABLES and row.verdict is Verdict.MATCHED]
    if len(folded) < 2:
        return [_cells(row) for row in rows]
    sums = (
        sum(row.calls for row in folded),
        sum(row.rows_read for row in folded),
        sum(row.rows_changed for row in folded),
        sum(row.rows_deleted for row in folded),
        None,
        sum(row.loaded_count or 0 for row in folded),
    )
    lines = [_cells(row) for row in rows if row not in folded]
    return [*lines, (counted(len(folded), "lookup"), Verdict.MATCHED.value, *sums)]


def _cells(row: ObjectReport) -> tuple[object, ...]:
    counts = (
        row.calls,
        row.rows_read,
        row.rows_changed,
        row.rows_deleted,
        row.expected_count,
        row.loaded_count,
    )
    return (row.object, row.verdict.value, *counts)


def _reasons(rows: Iterable[ObjectReport]) -> dict[str, list[str]]:
    """The objects of each reason: one cause often stops several."""
    objects: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            objects.setdefault(row.reason, []).append(row.object)
    return objects


def print_rows(
    headers: Sequence[str], rows: Iterable[Sequence[object]], out: Console, title: str = ""
) -> None:
    """A table under its title: numbers to the right, their thousands apart; numbers and times are never broken.

    Nor are names, such as `cf_customer_number`, as long as they leave a quarter of the width to the sentences.
    """
    rows = list(rows)
    if title:
        out.print(title, style="bold")
    table = Table(box=SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    room = out.width * 3 // 4
    for place, header in enumerate(headers):
        cells = [row[place] for row in rows]
        is_number = any(cell is not None for cell in cells) and all(map(_is_number, cells))
        is_name = all(isinstance(cell, str) and " " not in cell for cell in cells)
        room -= max(len(text(cell)) for cell in (header, *cells)) + 1 if is_name else 0
        is_value = all(isinstance(cell, datetime | int | Decimal | None) for cell in cells)
        is_kept = place == 0 or is_value or (is_name and room >= 0)
        table.add_column(header, justify="right" if is_number else "left", no_wrap=is_kept, overflow="fold")
    for row in rows:
        table.add_row(*map(text, row))
    out.print(table, soft_wrap=False)


def text(value: object) -> str:
    """A value as people read it: yes and no, thousands apart, times to the second, nothing for null.

    A text stands in one line, and what a terminal would take for a command stands there as an escape.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return one_line(str(value), _LONGEST)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool))
