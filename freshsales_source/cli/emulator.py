"""`freshsales emulator`: serves a made-up account until it is stopped."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace

from freshsales_source.cli.tables import output
from freshsales_source.exit_codes import ExitCode


def run_emulator(options: Namespace) -> int:
    """Serve, print the address and the settings to use; Ctrl-C or SIGTERM ends it with 0."""
    from freshsales_source import emulator as emulators

    if options.list_switches:
        _print_switches()
        return ExitCode.DONE
    try:
        switches = emulators.with_texts(
            emulators.Switches.strict() if options.strict else emulators.Switches(), dict(options.switch)
        )
        clock = emulators.SystemClock()
        store = (
            emulators.read_folder(options.seed_dir, clock)
            if options.seed_dir
            else emulators.generate_company(clock, seed=options.seed, contracts=40)
        )
        limits: emulators.Limits | None = None
        if options.limit:
            windows = tuple(emulators.Window(requests=n, seconds=s) for n, s in options.limit)
            limits = emulators.Limits(windows=windows, others_per_minute=options.others)
        elif options.plan != "none":
            limits = emulators.Limits.of_plan(options.plan, others_per_minute=options.others)
        emulator = emulators.Emulator(
            store,
            clock=clock,
            api_key=options.api_key,
            switches=switches,
            limits=limits,
            latency_s=options.latency_ms / 1000,
        )
    except (ValueError, KeyError, OSError) as error:
        print(f"freshsales emulator: {error}", file=sys.stderr)
        return ExitCode.USAGE
    try:
        server = emulators.serve(emulator, options.port)
    except OSError as error:
        why = f"port {options.port} cannot be had: {error.strerror}. Choose another with --port (0: any)"
        print(f"freshsales emulator: {why}", file=sys.stderr)
        return ExitCode.USAGE
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with server:
            _print_address(server.url, options.api_key)
            server.wait()
    except KeyboardInterrupt:
        print("The emulator has stopped; what it held is gone.", file=sys.stderr)
    return ExitCode.DONE


def _print_address(url: str, api_key: str) -> None:
    with output() as out:
        out.print(f"A made-up Freshsales account answers at {url}. In another terminal:\n")
        out.print(f"  export FRESHSALES_DOMAIN={url}\n  export FRESHSALES_API_KEY={api_key}")
        out.print("  freshsales sync\n\nCtrl-C stops it.")


def _print_switches() -> None:
    from freshsales_source.emulator import Switches

    with output() as out:
        for note in Switches.described():
            strict = "" if note.strict == note.default else f", with --strict {note.strict}"
            out.print(f"{note.name}={note.default}{strict}\n    {note.says}")
