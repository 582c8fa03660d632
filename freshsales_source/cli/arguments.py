"""The command line: which commands there are, and what they take. No default here hides a setting's own."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from freshsales_source.entities import CUSTOM_MODULES, ENTITIES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.entities.feeds import FEEDS

OBJECTS = (*(entity.name for entity in ENTITIES), *(feed.name for feed in FEEDS))
FORGETTABLE = tuple(entity.name for entity in ENTITIES if entity is not CUSTOM_MODULES)
DEMO_FILE = Path("freshsales-demo.duckdb")
PLANS = ("free", "growth", "pro", "enterprise", "none")
DATASET = re.compile(r"[a-z_][a-z0-9_]{0,47}")


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
    _forget(commands)
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
    _common(command)


def _sync(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("sync", help="load what is new, changed or deleted")
    command.add_argument(
        "objects",
        nargs="*",
        type=_object,
        metavar="OBJECT",
        help=f"tables to sync (default: all): {', '.join(OBJECTS)}; or one custom module, `cm_...`",
    )
    command.add_argument(
        "--max-calls", type=_positive, metavar="N", help="end cleanly after N API calls (exit 75)"
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
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _warehouse(command)
    _common(command)


def _status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("status", help="how whole is the copy, as of when? No API call.")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _warehouse(command)
    _common(command)


def _forget(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "forget", help="delete records from every table for good, and never load them again. No API call."
    )
    command.add_argument(
        "object",
        type=_forgettable,
        metavar="OBJECT",
        help="the table of the records, e.g. contacts, or `cm_...`",
    )
    command.add_argument("ids", type=_record_id, nargs="+", metavar="ID", help="their numbers in the CRM")
    _warehouse(command)
    _common(command)


def _emulator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("emulator", help="serve a made-up Freshsales account on this machine")
    command.add_argument("--port", type=_port, default=8900, metavar="N", help="port (default 8900; 0: any)")
    command.add_argument(
        "--api-key", default="demo-key", metavar="KEY", help="the key it accepts (default demo-key)"
    )
    command.add_argument("--seed-dir", type=Path, metavar="DIR", help="fill it from a folder of CSV files")
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
        type=_limit,
        metavar="N/S",
        help="N calls in S seconds, in place of the plan's; may be repeated",
    )
    command.add_argument("--others", type=_amount, default=0.0, metavar="N", help="calls a minute by others")
    command.add_argument("--latency-ms", type=_amount, default=0.0, metavar="N", help="added to every answer")
    command.add_argument("--strict", action="store_true", help="the worse position of every switch")
    command.add_argument(
        "--switch",
        action="append",
        type=_switch,
        default=[],
        metavar="NAME=VALUE",
        help="set one switch; may be repeated",
    )
    command.add_argument("--list-switches", action="store_true", help="print all switches and exit")


def _demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("demo", help="sync a made-up company into DuckDB; needs no account")
    command.add_argument(
        "--duckdb",
        type=_file,
        default=DEMO_FILE,
        metavar="PATH",
        help="the file to make; only the default is made anew (default ./freshsales-demo.duckdb)",
    )


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("-v", "--verbose", action="store_true", help="log every decision")


def _warehouse(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--destination", default="duckdb", metavar="NAME", help="a dlt destination (default duckdb)"
    )
    command.add_argument(
        "--dataset",
        type=_dataset,
        default="freshsales",
        metavar="NAME",
        help="schema in the warehouse (default freshsales)",
    )
    command.add_argument(
        "--duckdb",
        type=_file,
        default=Path("freshsales.duckdb"),
        metavar="PATH",
        help="the DuckDB file (default ./freshsales.duckdb)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _object(text: str) -> str:
    if text not in OBJECTS and not is_module(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no object; objects are {', '.join(OBJECTS)}")
    return text


def _forgettable(text: str) -> str:
    if text not in FORGETTABLE and not is_module(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no records to forget; objects are {', '.join(FORGETTABLE)}, or a custom module"
        )
    return text


def _record_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a record")
    return int(text)


def _file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a file in a folder that exists")
    return path


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _amount(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return float(text)


def _dataset(text: str) -> str:
    if not DATASET.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form [a-z_][a-z0-9_]{{0,47}}")
    return text


def _limit(text: str) -> tuple[int, float]:
    match = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)", text)
    if match is None or not int(match[1]) or not float(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 400/60")
    return int(match[1]), float(match[2])


def _switch(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value
