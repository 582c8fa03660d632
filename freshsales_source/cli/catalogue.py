"""`freshsales discover --markdown`: the catalogue of all tables, with what the account at hand adds to them.

What every account has is printed even where the account cannot be asked; why not is then told on stderr, with the
exit code of that.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator

from freshsales_source.api.client import Client, build_client
from freshsales_source.catalogue import (
    MADE_HERE,
    ColumnEntry,
    TableEntry,
    objects_of_tables,
    of_entity,
    tables,
    tables_beside,
)
from freshsales_source.cli.project import settings_of_project
from freshsales_source.cli.tables import Output, output
from freshsales_source.clock import SystemClock
from freshsales_source.discovery.custom_fields import account_fields, ask_modules
from freshsales_source.entities import CUSTOM_MODULES, DEALS, ENTITIES
from freshsales_source.entities.feeds import FEEDS
from freshsales_source.errors import FreshsalesError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.schema.columns import RAW_SUFFIX
from freshsales_source.schema.entity_types import Entity
from freshsales_source.schema.plain_text import one_line
from freshsales_source.settings.config import Settings
from freshsales_source.settings.protection import protected_feeds, protections, with_protections

_LONGEST = 500
_SPECIAL = re.compile(r"([\\*_\[\]<>|#~])")


def run_catalogue(account: str | None) -> int:
    """Print the catalogue; 0, or the exit code of what kept the account from being asked."""
    try:
        settings = settings_of_project({}, account)
        with build_client(settings, clock=SystemClock()) as client:
            found = account_tables(client, settings)
    except FreshsalesError as error:
        print(f"{error.reason}: {error} Only what every account has is told.", file=sys.stderr)
        _print(tables())
        return int(error.exit_code)
    _print(found)
    return int(ExitCode.DONE)


def print_tables() -> int:
    """Print what a sync of everything makes, without what one account adds, as one JSON object; 0."""
    objects = objects_of_tables()
    found = [
        {
            "table": table.name,
            "object": objects.get(table.name),
            "description": table.description,
            "key": table.grain,
            "columns": [
                {"name": c.name, "type": c.type, "description": c.description} for c in table.columns
            ],
        }
        for table in tables()
    ]
    with output() as out:
        out.print(json.dumps({"tables": found}, indent=1))
    return int(ExitCode.DONE)


def account_tables(client: Client, settings: Settings) -> tuple[TableEntry, ...]:
    """The tables as this account fills them: with its custom fields and modules, without columns that are left out."""
    hidden = protections(
        ENTITIES, dropped=settings.drop_columns, hashed=settings.hash_columns, hash_key=settings.hash_key
    )
    found: list[TableEntry] = []
    for entity in ENTITIES:
        for one in (entity, *(ask_modules(client) if entity is CUSTOM_MODULES else ())):
            found += _of_account(client, with_protections(one, hidden))
    beside = tables_beside(with_protections(DEALS, hidden), protected_feeds(FEEDS, hidden))
    return (*found, *beside)


def markdown(found: Iterable[TableEntry]) -> str:
    """The catalogue as a Markdown document."""
    return "\n".join(_lines(found))


def _of_account(client: Client, entity: Entity) -> tuple[TableEntry, ...]:
    fields = account_fields(client, entity)
    return of_entity(entity, () if fields is None else fields.columns)


def _print(found: Iterable[TableEntry]) -> None:
    with output() as out:
        _write(markdown(found), out)


def _write(text: str, out: Output) -> None:
    # As it is: a width would break the rows of the tables.
    print(text, file=out.file)


def _lines(found: Iterable[TableEntry]) -> Iterator[str]:
    yield "# Tables"
    yield ""
    yield (
        f"A value that does not fit its column's type stands as text in `<column>{RAW_SUFFIX}`, which a table has once "
        "there was one. *Volatile* columns are computed by the CRM when it is read, and are as old as `_synced_at`. "
        f"An origin is a key of the answer; what is *{MADE_HERE}* the CRM does not send. Custom fields have the "
        "columns of a first sync; where fields were deleted or made since, table `fields` tells which there are."
    )
    for table in found:
        yield from _section(table)


def _section(table: TableEntry) -> Iterator[str]:
    yield ""
    yield f"## {_code(table.name)}"
    yield ""
    yield table.description.replace("<", "&lt;")  # A module's name: whatever somebody typed.
    yield ""
    yield f"- One row per {', '.join(map(_code, table.grain))}"
    yield f"- From {table.origin if table.origin.startswith(MADE_HERE) else _code(table.origin)}"
    for reason in dict.fromkeys(table.left_out.values()):
        keys = (_code(key) for key, why in table.left_out.items() if why == reason)
        yield f"- Not loaded: {', '.join(keys)}. {reason}"
    yield ""
    yield "| column | type | meaning | origin | how well known |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        yield f"| {' | '.join(_cells(column))} |"


def _cells(column: ColumnEntry) -> tuple[str, ...]:
    meaning = column.description
    if column.origin.startswith("custom_field."):
        meaning = _SPECIAL.sub(r"\\\1", meaning).replace("`", "\\`")  # A label: whatever somebody typed.
    if column.points_to:
        meaning += f" Points to {_code(column.points_to)}."
    if column.is_volatile:
        meaning += " *Volatile.*"
    origin = MADE_HERE if column.origin == MADE_HERE else _code(column.origin.strip("`"))
    return _code(column.name), column.type, meaning, origin, column.confidence.value


def _code(text: str) -> str:
    """The text letter by letter, in one cell of a table."""
    shown = one_line(text, _LONGEST).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    ticks = "`" * (longest + 1)
    return f"{ticks} {shown} {ticks}" if longest else f"`{shown}`"
