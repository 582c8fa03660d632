"""`freshsales probe`: prints what this account does where nothing is documented, and keeps it for later syncs."""

from __future__ import annotations

import json
import platform
import sys
from argparse import Namespace
from dataclasses import asdict
from importlib.metadata import version
from textwrap import fill

from freshsales_source.api.client import build_client
from freshsales_source.cli.findings import keep
from freshsales_source.cli.project import settings_of_project
from freshsales_source.cli.tables import Output, output, print_rows
from freshsales_source.clock import SystemClock
from freshsales_source.plural import counted
from freshsales_source.probe import ProbeReport, probe

_OTHER = ("point", "assumed", "this account", "because", "so")
_AS_ASSUMED = ("point", "this account", "because", "so")


def run_probe(options: Namespace) -> int:
    """Probe, print, keep the findings, and return the exit code."""
    settings = settings_of_project({}, options.account)
    clock = SystemClock()
    report = probe(lambda limited: build_client(limited, clock=clock), settings, clock)
    is_kept = keep(settings.account, report.kept())
    with output() as out:
        if options.json:
            out.print(json.dumps(as_json(report), indent=2))
        else:
            print_probe(report, out, is_kept=is_kept, tells_all=options.verbose)
    for trouble in report.troubles:
        print(f"{trouble.object}: {trouble.reason}. `freshsales check` tells more.", file=sys.stderr)
    return report.exit_code


def as_json(report: ProbeReport) -> dict[str, object]:
    """The report as one JSON object, fit for a bug report: no address, no name, no id, nothing of a record."""
    return {
        "version": version("freshsales-source"),
        "python": platform.python_version(),
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "calls": report.calls,
        "exit_code": int(report.exit_code),
        "findings": [asdict(found) for found in report.findings],
        "troubles": [asdict(trouble) for trouble in report.troubles],
    }


def print_probe(report: ProbeReport, out: Output, *, is_kept: bool, tells_all: bool) -> None:
    """What the account does, then what it left open, then what becomes of it.

    Points that are as assumed are named only, unless it `tells_all`.
    """
    settled = [found for found in report.findings if found.is_settled]
    other = [found for found in settled if found.position != found.assumption]
    if other:
        rows = [(one.point, one.assumption, one.position, one.why, one.consequence) for one in other]
        print_rows(_OTHER, rows, out, "Other than assumed")
        out.print()
    usual = [found for found in settled if found.position == found.assumption]
    if usual and tells_all:
        rows_of_usual = [(one.point, one.position, one.why, one.consequence) for one in usual]
        print_rows(_AS_ASSUMED, rows_of_usual, out, "As assumed")
    elif usual:
        out.print("As assumed", style="bold")
        out.print(fill(", ".join(found.point for found in usual), out.width, break_on_hyphens=False))
    if usual:
        out.print()
    still_open = [found for found in report.findings if not found.is_settled]
    if still_open:
        left = [(found.point, found.assumption, found.why) for found in still_open]
        print_rows(("point", "assumed", "why it cannot be told"), left, out, "Still open")
        out.print()
    kept = (
        "kept: syncs of the next 30 days make use of them"
        if is_kept
        else "not kept: the state folder cannot be written to"
    )
    out.print(
        f"{counted(len(settled), 'point')} of {len(report.findings)} settled with "
        f"{counted(report.calls, 'API call')}; {kept}."
    )
    out.print(
        "`freshsales probe -v` tells of each; `--json`, for a bug report, too: no address, no names, no ids."
    )
