"""From the command line to an exit code: sets up logging, runs one command, turns errors into one line each."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module

from freshsales_source.cli.arguments import parse, parser
from freshsales_source.cli.stderr_lines import INTERRUPTED, is_json, log_to_stderr, say
from freshsales_source.errors import FreshsalesError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.redact import installed_redactor


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
    options = parse(arguments)
    if options.version:
        return _version()
    if options.command is None:
        parser().print_help(sys.stderr)
        return ExitCode.USAGE
    log_to_stderr(getattr(options, "log_format", "text"), is_verbose=getattr(options, "verbose", False))
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
        if is_json() and isinstance(error, Exception):
            raise _stumbled(error) from None
        raise


def _command(name: str) -> Callable[[Namespace], int]:
    """The function behind a command, in the module of its name; `--help` need not wait for dlt, nor import it."""
    command: Callable[[Namespace], int] = getattr(
        import_module(f"freshsales_source.cli.{name}"), f"run_{name}"
    )
    return command


def _told(error: FreshsalesError, *, as_json: bool) -> int:
    """Say what went wrong: a line for people, and with --json the object that a program waits for."""
    if as_json:
        print(json.dumps({"exit_code": int(error.exit_code), "reason": error.reason, "message": str(error)}))
    code = int(error.exit_code)
    say(f"{error.reason}: {error}", event="run_failed", level="error", reason=error.reason, exit_code=code)
    return code


def _stumbled(error: Exception) -> SystemExit:
    """Say what nobody foresaw as one object, where a traceback would be many lines; the end of the process."""
    trace = installed_redactor().traceback(error)
    say(f"{type(error).__name__}: {error}", event="unexpected", level="error", exception=trace)
    return SystemExit(int(ExitCode.UNEXPECTED))


def _interrupted() -> int:
    say(INTERRUPTED, event="interrupted")
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
