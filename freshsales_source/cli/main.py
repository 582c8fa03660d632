"""From the command line to an exit code: sets up logging, runs one command, turns errors into one line each."""

from __future__ import annotations

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
    """Run the command; return its exit code. Never raises, except SystemExit for a usage error (2)."""
    # dlt reports usage to its makers unless told otherwise.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    # Finished job files hold records; without this they would stay in dlt's folder.
    os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")
    options = parser().parse_args(arguments)
    if options.version:
        return _version()
    if options.command is None:
        parser().print_help(sys.stderr)
        return ExitCode.USAGE
    _log_to_stderr(is_verbose=getattr(options, "verbose", False))
    try:
        return int(_command(options.command)(options))
    except FreshsalesError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted; what was loaded stays, the next run goes on from there.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong.
        sys.stdout = None  # the interpreter must not flush it again
        return ExitCode.DONE
    except Exception as error:
        installed_redactor().scrub(error)
        raise


def _command(name: str) -> Callable[[Namespace], int]:
    """The function behind a command; imported here, so that `--help` need not wait for dlt."""
    if name == "check":
        from freshsales_source.cli.check import run_check as command
    elif name == "sync":
        from freshsales_source.cli.sync import run_sync as command
    elif name == "status":
        from freshsales_source.cli.status import run_status as command
    elif name == "emulator":
        from freshsales_source.cli.emulator import run_emulator as command
    else:
        from freshsales_source.cli.demo import run_demo as command
    return command


def _version() -> int:
    from importlib.metadata import version

    print(f"freshsales-source {version('freshsales-source')}")
    return ExitCode.DONE


def _log_to_stderr(*, is_verbose: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("freshsales_source")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO if is_verbose else logging.WARNING)
    logger.propagate = False
