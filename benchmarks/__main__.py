"""`python3 run.py bench [NAME...]`: measures, keeps what it measured, and prints the table.

Each subject runs in a process of its own, and each line is written as soon as it is there: what fails or is
interrupted takes nothing else with it. The full size (20 minutes, two quiet cores) is kept in `results/`, and README.md
gets its table. `--quick` (a minute, two subjects at a time) only shows that all of it runs, and keeps nothing unless
`--into` names a file.
Exit codes: 0 all was measured, whatever was reached; 1 a subject failed; 2 wrong arguments; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.aims import aim
from benchmarks.measured import ROOT, environment
from benchmarks.results import FOLDER, Results, new_file, opened
from benchmarks.subjects import SUBJECTS, Subject, subject
from benchmarks.table import main as write_table
from benchmarks.table import rendered, verdict


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.only:
        _measure_here(subject(options.only), options.quick)
        return 0
    chosen = [one for one in SUBJECTS if one.name in options.names or not options.names]
    with tempfile.TemporaryDirectory() as scratch:
        usual = Path(scratch) / "quick.json" if options.quick else new_file()
        results = opened((options.into or usual).resolve(), "quick" if options.quick else "full")
        try:
            is_whole = _measure_all(chosen, results, quick=options.quick)
        except KeyboardInterrupt:
            _say(f"interrupted; what was measured is in {results.file}")
            return 130
        print(rendered(results))
    return 0 if is_whole else 1


def _measure_all(chosen: Sequence[Subject], results: Results, *, quick: bool) -> bool:
    """Measure all of them, showing each in the READMEs where the results are kept there; whether all lines came."""

    def run(one: Subject) -> bool:
        is_whole = _measure(one, results, quick)
        if results.file.parent == FOLDER and not quick:
            write_table()
        return is_whole

    # What is quick proves nothing, so it may be side by side.
    turns = ThreadPoolExecutor(2 if quick else 1)
    try:
        return all(list(turns.map(run, chosen)))
    finally:
        turns.shutdown(cancel_futures=True)


def _measure(one: Subject, results: Results, quick: bool) -> bool:
    """Run a subject in a process of its own, keeping each of its lines; whether all of them came."""
    started = time.monotonic()
    _say(f"{one.name}: {one.about} ...")
    command = [sys.executable, "-m", "benchmarks", "--only", one.name, *(["--quick"] if quick else [])]
    missing = set(one.lines)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()) as process:
        for text in process.stdout or ():
            line: dict[str, Any] = json.loads(text)
            key = line.pop("key")
            missing.discard(key)
            results.add(key, line)
            _say(f"  {aim(key).what}: {line['reached']} (aim {aim(key).aim}): {verdict(line)}")
    for key in sorted(missing):
        results.add(key, {"error": f"did not come: exit code {process.returncode}"})
    _say(f"{one.name}: {time.monotonic() - started:.0f} s{', FAILED' if missing else ''}")
    return not missing


def _measure_here(one: Subject, quick: bool) -> None:
    """Measure in this process; each line is a line of JSON on stdout."""
    for line in one.run(quick):
        print(json.dumps(asdict(line)), flush=True)


def _parser() -> argparse.ArgumentParser:
    names = [one.name for one in SUBJECTS]
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__, epilog=_epilog())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_known, help="what to measure; all where none is named"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that all runs, proves nothing"
    )
    parser.add_argument("--into", type=Path, help="the file of results to write, or to go on with")
    parser.add_argument("--only", choices=names, help=argparse.SUPPRESS)
    return parser


def _known(name: str) -> str:
    if all(one.name != name for one in SUBJECTS):
        raise argparse.ArgumentTypeError(
            f"there is no {name!r}; choose of {', '.join(s.name for s in SUBJECTS)}"
        )
    return name


def _epilog() -> str:
    return "names:\n" + "\n".join(f"  {one.name:12} {one.about}" for one in SUBJECTS)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
