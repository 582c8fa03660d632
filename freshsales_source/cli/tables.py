"""Tables on a terminal: the run's summary, and small query results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from freshsales_source.report import RunReport
from freshsales_source.verdicts import summary


def print_report(report: RunReport, place: str, console: Console) -> None:
    """The one summary table of a run, the verdict in a line, and where the rows are."""
    headers = (
        "object",
        "verdict",
        "calls",
        "rows read",
        "loaded",
        "deleted",
        "in the CRM",
        "in the warehouse",
    )
    rows = [
        (
            row.object,
            str(row.verdict),
            row.calls,
            row.rows_read,
            row.rows_changed,
            row.rows_deleted,
            row.expected_count,
            row.loaded_count,
        )
        for row in report.objects
    ]
    print_rows(headers, rows, console)
    for row in report.objects:
        if row.reason:
            console.print(f"{row.object}: {row.reason}", markup=False, highlight=False, soft_wrap=True)
    at = f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC"
    line = summary(((row.object, row.verdict, row.reason) for row in report.objects), at)
    retry = f", not before {report.retry_at:%H:%M:%S} UTC" if report.retry_at else ""
    console.print(
        f"{line}{retry}\n{report.calls} API calls, {report.seconds_waited:.0f} s waited for the budget. "
        f"Schema {report.dataset} in {place}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def print_rows(
    headers: Sequence[str], rows: Iterable[Sequence[object]], console: Console, title: str = ""
) -> None:
    """A table; numbers stand to the right, with thousands separated, and nothing is markup."""
    rows = list(rows)
    table = Table(
        title=title or None, title_justify="left", header_style="bold", show_edge=False, pad_edge=False
    )
    for place, header in enumerate(headers):
        is_number = bool(rows) and all(isinstance(row[place], int | None) for row in rows)
        table.add_column(header, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(value).replace("[", r"\[") for value in row))
    console.print(table, highlight=False)


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
