"""`freshsales emulator`: serves a made-up account until it is stopped."""

from __future__ import annotations

import sys
from argparse import Namespace

from freshsales_source.exit_codes import ExitCode


def run_emulator(options: Namespace) -> int:
    """Serve, and print the address and the settings to use."""
    from freshsales_source import emulator as emulators

    if options.list_switches:
        for note in emulators.Switches.described():
            print(f"{note.name}={note.default}  ({note.type}; --strict: {note.strict})  {note.says}")
        return ExitCode.DONE
    try:
        switches = emulators.with_texts(
            emulators.Switches.strict() if options.strict else emulators.Switches(), dict(options.switch)
        )
        clock = emulators.SystemClock()
        store = (
            emulators.read_folder(options.seed_dir, clock)
            if options.seed_dir
            else emulators.generate_company(clock, seed=options.seed)
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
        server = emulators.serve(emulator, options.port)
    except (ValueError, KeyError, OSError) as error:
        print(f"freshsales emulator: {error}", file=sys.stderr)
        return ExitCode.USAGE
    with server:
        print(f"A made-up Freshsales account answers at {server.url}. In another terminal:\n", flush=True)
        print(f"  export FRESHSALES_DOMAIN={server.url}\n  export FRESHSALES_API_KEY={options.api_key}")
        print("  freshsales sync\n\nCtrl-C stops it.", flush=True)
        server.wait()
    return ExitCode.DONE
