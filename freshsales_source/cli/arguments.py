"""The command line: which commands there are, and what they take. No default here hides a setting's own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from freshsales_source.cli.option_types import (
    amount,
    dataset,
    file_path,
    forgettable_object,
    limit,
    object_name,
    port,
    positive,
    recipient,
    record_id,
    switch,
)
from freshsales_source.settings.known_names import OBJECTS

DEMO_FILE = Path("freshsales-demo.duckdb")
REPORT_FILE = Path("freshsales-report.html")
PLANS = ("free", "growth", "pro", "enterprise", "none")
LOG_FORMATS = ("text", "json")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says, None for that of the process; ends the process where it says something else (2)."""
    options = parser().parse_args(arguments)
    if "look_at_names" in options:
        options.look_at_names(options)
    return options


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="freshsales",
        description="Freshsales to your warehouse: every record, every change, every deletion.",
        epilog="The API key comes from FRESHSALES_API_KEY or .dlt/secrets.toml, never from the command line.",
    )
    root.add_argument("--version", action="store_true", help="print the version and exit")
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    _init(commands)
    _check(commands)
    _probe(commands)
    _discover(commands)
    _sync(commands)
    _status(commands)
    _report(commands)
    _reset(commands)
    _forget(commands)
    _marts(commands)
    _emulator(commands)
    _demo(commands)
    return root


def _check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "check", help="are address, key and rights right, and what is there to load?"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _common(command)


def _init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "init", help="write .dlt/config.toml and .dlt/secrets.toml, tried out first"
    )
    command.add_argument("--domain", metavar="DOMAIN", help="alias, host or URL of the account, as pasted")
    command.add_argument("--force", action="store_true", help="replace other values that the files hold")
    _common(command)


def _probe(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "probe", help="what does this account do where nothing is documented? At most 40 calls."
    )
    command.add_argument("--json", action="store_true", help="print one JSON object, fit for a bug report")
    _common(command)


def _discover(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("discover", help="what the account has, and what a first sync costs")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument(
        "--markdown",
        action="store_true",
        help="print the catalogue instead: every table and column with meaning, origin and confidence",
    )
    form.add_argument(
        "--tables",
        action="store_true",
        help="print every table and column as JSON instead, for other programs. No API call.",
    )
    _common(command)


def _sync(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("sync", help="load what is new, changed or deleted")
    command.add_argument(
        "objects",
        nargs="*",
        metavar="OBJECT",
        help=f"tables to sync (default: all): {', '.join(OBJECTS)}; or one custom module, `cm_...`",
    )
    command.add_argument(
        "--max-calls", type=positive, metavar="N", help="end cleanly after N API calls (exit 75)"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="say what it would read, in calls and minutes"
    )
    command.add_argument(
        "--full-refresh",
        action="store_true",
        help="read everything again from the top; later runs go on with it, and nothing is emptied",
    )
    command.add_argument("--strict", action="store_true", help="unchecked counts as failed (exit 4)")
    command.add_argument(
        "--accept-vanished",
        action="store_true",
        help="flag records that are gone however many they are, this once",
    )
    command.add_argument(
        "--marts", action="store_true", help="make the views of `freshsales marts` after the load"
    )
    command.add_argument(
        "--publish",
        type=file_path,
        metavar="PATH",
        help="after the run, put a copy of the DuckDB file there, in one step, for others to read",
    )
    command.add_argument(
        "--on-finish",
        type=recipient,
        metavar="URL|COMMAND",
        help="send the run's summary there as JSON: a POST, or a program's standard input",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default="text",
        metavar="FORMAT",
        help="stderr as `text` for people (default), or `json`: an object per line (docs/logs.md)",
    )
    _named(command, objects=object_name)
    _warehouse(command)
    _common(command)


def _status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("status", help="how whole is the copy, as of when? No API call.")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _warehouse(command)
    _common(command)


def _report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "report", help="write the answers to a sales lead's questions as one HTML page. No API call."
    )
    command.add_argument(
        "--output",
        type=file_path,
        default=REPORT_FILE,
        metavar="PATH",
        help="the file to write (default ./freshsales-report.html)",
    )
    command.add_argument("--open", action="store_true", help="show it in the browser")
    _warehouse(command)
    _common(command)


def _reset(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "reset", help="let the next sync read objects again whole, as the first one did. No API call."
    )
    command.add_argument(
        "objects",
        nargs="*",
        metavar="OBJECT",
        help="tables to read again (default: all), or one custom module, `cm_...`",
    )
    command.add_argument(
        "--drop",
        action="store_true",
        help="drop the tables, too, with their lists; rows of vanished records do not come back. The history stays",
    )
    _named(command, objects=object_name)
    _warehouse(command)
    _common(command)


def _forget(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "forget", help="delete records from every table for good, and never load them again. No API call."
    )
    command.add_argument(
        "object",
        metavar="OBJECT",
        help="the table of the records, e.g. contacts, or `cm_...`",
    )
    command.add_argument("ids", nargs="+", metavar="ID", help="their numbers in the CRM")
    _named(command, object=forgettable_object, ids=record_id)
    _warehouse(command)
    _common(command)


def _marts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "marts", help="make the views that answer questions, which later syncs keep up to date. No API call."
    )
    _warehouse(command)
    _common(command)


def _emulator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("emulator", help="serve a made-up Freshsales account on this machine")
    command.add_argument("--port", type=port, default=8900, metavar="N", help="port (default 8900; 0: any)")
    command.add_argument(
        "--api-key", default="demo-key", metavar="KEY", help="the key it accepts (default demo-key)"
    )
    command.add_argument(
        "--seed-dir",
        type=Path,
        metavar="DIR",
        help="fill it from the CSV files of the public set CRM Sales Opportunities (sales_pipeline.csv, ...)",
    )
    command.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another company per number (default 1)"
    )
    command.add_argument(
        "--plan",
        choices=PLANS,
        default="growth",
        metavar="PLAN",
        help=f"whose limits to keep: {', '.join(PLANS)} (default growth)",
    )
    command.add_argument(
        "--limit",
        action="append",
        type=limit,
        metavar="N/S",
        help="N calls in S seconds, in place of the plan's; may be repeated",
    )
    command.add_argument("--others", type=amount, default=0.0, metavar="N", help="calls a minute by others")
    command.add_argument("--latency-ms", type=amount, default=0.0, metavar="N", help="added to every answer")
    command.add_argument("--strict", action="store_true", help="the worse position of every switch")
    command.add_argument(
        "--switch",
        action="append",
        type=switch,
        default=[],
        metavar="NAME=VALUE",
        help="set one switch; may be repeated",
    )
    command.add_argument("--list-switches", action="store_true", help="print all switches and exit")


def _demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("demo", help="sync a made-up company into DuckDB; needs no account")
    command.add_argument(
        "--duckdb",
        type=file_path,
        default=DEMO_FILE,
        metavar="PATH",
        help="the file to make; only the default is made anew (default ./freshsales-demo.duckdb)",
    )


def _named(command: argparse.ArgumentParser, **types: Callable[[str], object]) -> None:
    """Have what stands without an option looked at after all else.

    Else the value of a misspelt option would be told as a wrong name, and not the option.
    """

    def look(options: argparse.Namespace) -> None:
        try:
            for name, type_of_one in types.items():
                given = getattr(options, name)
                is_one = isinstance(given, str)
                setattr(options, name, type_of_one(given) if is_one else [type_of_one(one) for one in given])
        except argparse.ArgumentTypeError as error:
            command.error(str(error))

    command.set_defaults(look_at_names=look)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--account",
        metavar="NAME",
        help="one of several accounts, as named in the settings (`accounts.NAME`)",
    )
    command.add_argument("-v", "--verbose", action="store_true", help="log every decision")


def _warehouse(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--destination", default="duckdb", metavar="NAME", help="a dlt destination (default duckdb)"
    )
    command.add_argument(
        "--dataset",
        type=dataset,
        metavar="NAME",
        help="schema in the warehouse (default freshsales; with --account, freshsales_NAME)",
    )
    command.add_argument(
        "--duckdb",
        type=file_path,
        default=Path("freshsales.duckdb"),
        metavar="PATH",
        help="the DuckDB file (default ./freshsales.duckdb)",
    )
