"""`freshsales check`: prints the diagnosis."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict

from freshsales_source.api.client import build_client
from freshsales_source.cli.project import next_command, settings_of_project
from freshsales_source.cli.stderr_lines import say
from freshsales_source.cli.tables import output
from freshsales_source.clock import SystemClock
from freshsales_source.discovery.check import Diagnosis, ObjectFinding, Problem, diagnose
from freshsales_source.discovery.exploration import object_facts
from freshsales_source.entities import DEALS
from freshsales_source.plural import counted

_WORTH_A_LINE_S = 60
"""A server's clock that is further off is mentioned; a sync goes by the server's, so it does no harm."""


def run_check(options: Namespace) -> int:
    """Diagnose, print, and return the exit code that a sync would be likely to have."""
    settings = settings_of_project({}, options.account)
    clock = SystemClock()
    with build_client(settings, clock=clock) as client:
        found = diagnose(client, object_facts(), clock=clock, views=settings.views)
    with output() as out:
        out.print(
            json.dumps(_as_json(found), indent=2)
            if options.json
            else "\n".join(_lines(found, options.account))
        )
    tell(found.problems)
    return found.exit_code


def tell(problems: Iterable[Problem]) -> None:
    """One line on stderr for each problem, worded like the error that would end a sync."""
    for problem in problems:
        place = f" ({problem.where})" if problem.where else ""
        text = f"{problem.reason}: {problem.what.rstrip('.')}{place}. {problem.remedy}"
        say(text, event="problem", level="error", reason=problem.reason)


def _lines(found: Diagnosis, account: str | None) -> list[str]:
    lines = [_line("account", found.account.base_url)]
    lines += [_line(row.object, _finding(row)) for row in found.objects]
    if found.owners is not None:
        lines.append(_line("owners", f"{found.owners:,}"))
    if found.skew_s is not None and abs(found.skew_s) > _WORTH_A_LINE_S:
        lines.append(_line("clock", f"the server's is {found.skew_s:+,.0f} s from this machine's"))
    lines.append(_line("cost", counted(found.calls, "API call")))
    if any(row.object == DEALS.name and row.is_readable for row in found.objects):
        lines.append(
            "Deals are counted in these views only, which may leave out pipelines: "
            f"{next_command('discover', account)} counts each."
        )
    if not found.problems:
        lines.append(
            "All is well. A key sees only what its user sees: compare the counts with the CRM's own."
        )
        lines.append(f"Next: {next_command('sync', account)}")
    return lines


def _line(name: str, says: str) -> str:
    return f"{name:<16}{says}"


def _finding(row: ObjectFinding) -> str:
    if not row.is_available:
        return "not in this account, or not for this key to see"
    if not row.views:
        return "no view to read from"
    views = ", ".join(f'"{view.name}" ({view.id})' for view in row.views)
    count = "not counted" if row.records is None else counted(row.records, "record")
    binned = "" if row.binned is None else f", {row.binned:,} in the recycle bin"
    return f"{count if row.is_readable else 'not readable'}{binned}; {views}"


def _as_json(found: Diagnosis) -> dict[str, object]:
    return {
        "account": found.account.base_url,
        "exit_code": int(found.exit_code),
        "objects": [asdict(row) for row in found.objects],
        "owners": found.owners,
        "problems": [asdict(problem) for problem in found.problems],
        "skew_s": found.skew_s,
        "calls": found.calls,
    }
