"""`freshsales discover`: prints what the account has, what is read of it, and what a first sync costs."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from enum import Enum
from typing import Any

from freshsales_source.api.client import build_client
from freshsales_source.cli.check import tell
from freshsales_source.cli.findings import hints_of
from freshsales_source.cli.project import next_command, settings_of_project
from freshsales_source.cli.tables import Output, output, print_rows
from freshsales_source.clock import SystemClock
from freshsales_source.discovery.exploration import discover
from freshsales_source.discovery.inventory import (
    Chosen,
    Discovery,
    ListFound,
    ObjectFound,
    OwnersFound,
    Standing,
)
from freshsales_source.pages.views import bin_setting
from freshsales_source.plural import counted
from freshsales_source.schema.plain_text import one_line
from freshsales_source.settings.config import Settings

Cells = tuple[object, ...]

_LONGEST = 1_000

_STANDINGS = {
    Standing.NOT_AVAILABLE: "not in this account",
    Standing.FAILED: "not readable, see below",
    Standing.LEFT_OUT: "left out by the setting `objects`",
}


def run_discover(options: Namespace) -> int:
    """Look at the account, print, and return the exit code that a sync would be likely to have."""
    if options.markdown:
        # It knows the tables of the warehouse, and dlt with them: a second that others need not wait.
        from freshsales_source.cli.catalogue import run_catalogue

        return run_catalogue(options.account)
    if options.tables:
        from freshsales_source.cli.catalogue import print_tables

        return print_tables()
    settings = settings_of_project({}, options.account)
    clock = SystemClock()
    with build_client(settings, clock=clock) as client:
        found = discover(client, settings, clock=clock, hints=hints_of(settings.account, clock))
    with output() as out:
        if options.json:
            out.print(json.dumps(as_json(found), indent=2, default=_word))
        else:
            print_discovery(found, settings, out, account=options.account)
    tell(found.problems)
    return found.exit_code


def print_discovery(found: Discovery, settings: Settings, out: Output, *, account: str | None = None) -> None:
    """The discovery as tables, then what deserves attention, then the costs."""
    limits = "`rate_limits`" if settings.rate_limits else f"plan {settings.plan}"
    out.print(f"{'account':<16}{found.account.base_url}\n{'limits':<16}{limits}\n")
    if not found.objects:
        out.print("The account could not be looked at.")
        return
    headers = ("object", "records", "in bin", "custom fields", "calls", "minutes", "")
    print_rows(
        headers, [*_object_rows(found), *_lookup_rows(found)], out, "Objects, and a first sync of each"
    )
    _print_part("Lists that are read", ("object", "list", "id", "records", "why"), list(_lists(found)), out)
    _print_part(
        "Custom fields",
        ("object", "name", "label", "type", "column type", "column, if renamed"),
        list(_custom_fields(found)),
        out,
    )
    _print_part("Pipelines", ("pipeline", "deals", "shown by the views"), list(_pipelines(found)), out)
    _print_owners(found.owners, out)
    out.print()
    for note in _notes(found):
        out.print(one_line(note, _LONGEST))
    _print_costs(found, out, account)


def as_json(found: Discovery) -> dict[str, Any]:
    """The discovery as one JSON object; what is chosen from a few words stands in it as an Enum."""
    return {
        "account": found.account.base_url,
        "exit_code": int(found.exit_code),
        "objects": [
            {**asdict(one), "minutes": _round(one.seconds), "is_lower_bound": one.is_lower_bound}
            for one in found.objects
        ],
        "pipelines": asdict(found.pipelines),
        "owners": {
            **asdict(found.owners),
            "lone_owners": {name: owner.id for name, owner in found.owners.lone_owners.items()},
        },
        "first_sync": {
            "calls": found.first_calls,
            "minutes": _round(found.first_seconds),
            "is_lower_bound": found.is_lower_bound,
        },
        "problems": [asdict(problem) for problem in found.problems],
        "calls": found.calls,
    }


def _object_rows(found: Discovery) -> Iterator[Cells]:
    for one in found.objects:
        if one.is_lookup:
            continue
        remark = _STANDINGS.get(one.standing, "at least" if one.is_lower_bound else "")
        fields = None if one.custom_fields is None else len(one.custom_fields)
        yield (one.object, one.records, one.binned, fields, one.calls or None, _minutes(one), remark)


def _lookup_rows(found: Discovery) -> Iterator[Cells]:
    """One row for all lookups, and one for each that is not as it should be."""
    lookups = [one for one in found.objects if one.is_lookup]
    there = [one for one in lookups if one.standing is Standing.AVAILABLE]
    rows = sum(one.records or 0 for one in there)
    calls = found.first_calls - sum(one.calls for one in found.objects if not one.is_lookup)
    yield ("lookups", rows, None, None, calls, None, f"{len(there)} of {len(lookups)} tables")
    for one in lookups:
        if one.standing not in (Standing.AVAILABLE, Standing.LEFT_OUT):
            yield (one.object, None, None, None, None, None, _STANDINGS[one.standing])


def _lists(found: Discovery) -> Iterator[Cells]:
    for one in found.objects:
        for listed in one.lists:
            id = "" if listed.id is None else str(listed.id)
            yield (one.object, listed.name, id, listed.records, _why(one.object, listed))


def _why(object: str, listed: ListFound) -> str:
    if listed.chosen is Chosen.FIXED:
        return "the API has no other"
    if listed.chosen is Chosen.SEARCH:
        return "through the search: the views leave it out"
    if listed.chosen is Chosen.DEFAULT_NAME:
        return "by its default name"
    setting = bin_setting(object) if listed.is_bin else object
    return f"by its {'id' if listed.chosen is Chosen.SETTING_ID else 'name'} in views.{setting}"


def _custom_fields(found: Discovery) -> Iterator[Cells]:
    for one in found.objects:
        for field in one.custom_fields or ():
            yield (
                one.object,
                field.name,
                field.label,
                field.type,
                field.column_type.value,
                "" if field.column == field.name else field.column,
            )


def _pipelines(found: Discovery) -> Iterator[Cells]:
    for one in found.pipelines.pipelines:
        shown = "not known" if one.is_shown is None and one.deals != 0 else one.is_shown
        yield (f"{one.name} (default)" if one.is_default else one.name, one.deals, shown)


def _print_owners(found: OwnersFound, out: Output) -> None:
    objects = list({name: None for owner in found.owners for name in owner.records})
    rows: list[Cells] = [
        (
            owner.name if owner.is_active else f"{owner.name} (inactive)",
            *(owner.records.get(name) for name in objects),
        )
        for owner in found.owners
    ]
    if objects:
        _print_part("Records per owner", ("owner", *objects), rows, out)


def _notes(found: Discovery) -> Iterator[str]:
    """What deserves attention and is no problem, or not for certain."""
    for one in found.objects:
        for listed in one.lists:
            if listed.namesakes:
                yield (
                    f'{one.object}: {listed.namesakes + 1} views are named "{listed.name}"; {listed.id} is read. '
                    f"Set views.{bin_setting(one.object) if listed.is_bin else one.object} to an id to be sure."
                )
    if found.pipelines.doubt:
        yield f"Which pipelines the views show cannot be told: {found.pipelines.doubt}"
    for name, doubt in found.owners.doubts.items():
        yield f"{name}: not counted per owner: {doubt}"
    for name, owner in found.owners.lone_owners.items():
        yield (
            f"{name}: all that this key sees belong to {owner.name}. If others have some, the key's user may see "
            "only their own: take the key of a user who sees everything."
        )
    left = found.owners.in_account - len(found.owners.owners)
    if left:
        yield f"{counted(left, 'owner')} more were not counted."


def _print_costs(found: Discovery, out: Output, account: str | None) -> None:
    minutes = math.ceil(found.first_seconds / 60)
    time = f"{minutes:,} min or more" if minutes else "less than a minute"
    about = "At least" if found.is_lower_bound else "About"
    out.print(
        f"{about} {counted(found.first_calls, 'API call')} for a first sync: {time} within these limits."
    )
    out.print(
        f"Finding this out took {counted(found.calls, 'API call')}, "
        f"{found.owners.calls:,} of them to count records per owner."
    )
    if not found.problems:
        out.print("A key sees only what its user sees: compare the counts with the CRM's own.")
        out.print(f"Next: {next_command('sync', account)}")


def _print_part(title: str, headers: tuple[str, ...], rows: list[Cells], out: Output) -> None:
    if rows:
        out.print()
        print_rows(headers, rows, out, title)


def _minutes(one: ObjectFound) -> int | None:
    return math.ceil(one.seconds / 60) or None


def _round(seconds: float) -> float:
    return round(seconds / 60, 1)


def _word(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"no JSON for {type(value).__name__}")
