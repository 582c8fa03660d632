"""From the command line to an exit code: sets up logging, runs one command, turns errors into one line each."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from freshsales_source.cli.arguments import parser
from freshsales_source.errors import FreshsalesError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.redact import RedactingFormatter, installed_redactor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code. Raises SystemExit for a usage error (2), and what nobody foresaw (1).

    An exception that leaves here has been scrubbed: its traceback shows no secret.
    """
    # dlt reports usage to its makers unless told otherwise, would forget a signal that comes during a load, logs the
    # traceback of a load that is refused (we say the same in a line), and keeps the files of a load, with all records.
    os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__INTERCEPT_SIGNALS", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    options = parser().parse_args(arguments)
    if options.version:
        return _version()
    if options.command is None:
        parser().print_help(sys.stderr)
        return ExitCode.USAGE
    _log_to_stderr(is_verbose=getattr(options, "verbose", False))
    try:
        # A demo whose reader has gone (`| head`) ends without a code.
        return int(_command(options.command)(options) or ExitCode.DONE)
    except FreshsalesError as error:
        return _told(error, as_json=getattr(options, "json", False))
    except KeyboardInterrupt:
        return _interrupted()
    except BaseException as error:
        if _is_interruption(error):
            return _interrupted()
        installed_redactor().scrub(error)
        raise


def _command(name: str) -> Callable[[Namespace], int]:
    """The function behind a command; imported here, so that `--help` need not wait for dlt."""
    if name == "init":
        from freshsales_source.cli.init import run_init as command
    elif name == "discover":
        from freshsales_source.cli.discover import run_discover as command
    elif name == "check":
        from freshsales_source.cli.check import run_check as command
    elif name == "probe":
        from freshsales_source.cli.probe import run_probe as command
    elif name == "sync":
        from freshsales_source.cli.sync import run_sync as command
    elif name == "status":
        from freshsales_source.cli.status import run_status as command
    elif name == "forget":
        from freshsales_source.cli.forget import run_forget as command
    elif name == "emulator":
        from freshsales_source.cli.emulator import run_emulator as command
    else:
        from freshsales_source.cli.demo import run_demo as command
    return command


def _told(error: FreshsalesError, *, as_json: bool) -> int:
    """Say what went wrong: a line for people, and with --json the object that a program waits for."""
    if as_json:
        print(json.dumps({"exit_code": int(error.exit_code), "reason": error.reason, "message": str(error)}))
    print(f"{error.reason}: {error}", file=sys.stderr)
    return error.exit_code


def _interrupted() -> int:
    print("interrupted: what was loaded stays, and the next run goes on from there.", file=sys.stderr)
    return ExitCode.INTERRUPTED


def _is_interruption(error: BaseException | None) -> bool:
    """Whether a Ctrl-C is behind it: dlt wraps one in an error of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__
    return False


def _version() -> int:
    from importlib.metadata import version

    print(f"freshsales-source {version('freshsales-source')}")
    return ExitCode.DONE


def _log_to_stderr(*, is_verbose: bool) -> None:
    installed_redactor()
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("freshsales_source")
    logger.handlers[1:] = [handler]  # the first is the redactor
    logger.setLevel(logging.INFO if is_verbose else logging.WARNING)
    logger.propagate = False
