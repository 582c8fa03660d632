"""`freshsales check`: prints the diagnosis."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict

from freshsales_source.check import Diagnosis, ObjectFacts, diagnose
from freshsales_source.cli.project import settings_of_project
from freshsales_source.client import build_client
from freshsales_source.clock import SystemClock
from freshsales_source.entities import ENTITIES
from freshsales_source.entity_types import Views


def run_check(options: Namespace) -> int:
    """Diagnose, print, and return the exit code that a sync would be likely to have."""
    settings = settings_of_project({})
    clock = SystemClock()
    with build_client(settings, clock=clock) as client:
        found = diagnose(client, object_facts(), clock=clock, views=settings.views)
    if options.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        _print(found)
    return found.exit_code


def object_facts() -> list[ObjectFacts]:
    """What the check must know of each object that lives in views."""
    return [
        ObjectFacts(object=entity.name, default_views=entity.read.live, bin_view=entity.read.bin)
        for entity in ENTITIES
        if isinstance(entity.read, Views)
    ]


def _print(found: Diagnosis) -> None:
    print(f"Account  {found.account.base_url}")
    for row in found.objects:
        views = ", ".join(f'"{view.name}" ({view.id})' for view in row.views) or "no view"
        counts = "unknown" if row.records is None else f"{row.records:,}"
        binned = "" if row.binned is None else f", {row.binned:,} in the recycle bin"
        print(f"{row.object:<16}{counts} records{binned}; {views}")
    if found.owners is not None:
        print(f"{'owners':<16}{found.owners:,}")
    if found.skew_s is not None and abs(found.skew_s) > 60:
        print(f"Clock    the server is {found.skew_s:+.0f} s from this machine")
    print(f"Calls    {found.calls}")
    for problem in found.problems:
        place = f" ({problem.where})" if problem.where else ""
        print(f"{problem.reason}: {problem.what}{place}. {problem.remedy}".rstrip(), file=sys.stderr)
    if not found.problems:
        print("All is well. A key sees only what its user sees: compare the counts with the CRM's own.")
        print("Next: freshsales sync")


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
