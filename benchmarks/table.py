"""The table of README.md, and some of its lines in the project's README, from a file of results.

`python -m benchmarks.table` writes both anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.aims import AIMS, Aim, aim
from benchmarks.measured import ROOT
from benchmarks.results import Results, newest
from benchmarks.shortfalls import SHORTFALLS

READMES = (ROOT / "benchmarks" / "README.md", ROOT / "README.md")
IN_SHORT = ("first_sync_calls", "budget_sync", "rate_shipped", "million", "memory", "merge")
"""Lines that the project's README repeats."""
_BLOCK = re.compile(r"(<!-- (measured(?:, in short)?) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(results: Results, shortfalls: Mapping[str, str] = SHORTFALLS) -> str:
    """What was measured, line by line, and below the table why lines fall short."""
    machine = results.content["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    rows = [_row(one, results.lines.get(one.key)) for one in AIMS]
    where = (
        f"Measured on {results.content['date'][:10]} (UTC) at commit {results.content['commit']}, on "
        f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}, {packages}; load when it began: {machine['load_at_start'][0]}. "
        f"File: `results/{results.file.name}`."
    )
    head = [
        where,
        "",
        "| what | aim | reached | verdict |",
        "|---|---|---|---|",
        *rows,
    ]
    short = [one for one in AIMS if results.lines.get(one.key, {}).get("holds") is False]
    why: dict[str, list[str]] = {}
    for one in short:
        why.setdefault(shortfalls.get(one.key, "not explained yet."), []).append(one.what)
    reasons = [f"- {'; '.join(whats)}: {reason}" for reason, whats in why.items()]
    return "\n".join([*head, *(["", "What falls short, and why:", "", *reasons] if short else []), ""])


def in_short(results: Results) -> str:
    """A few lines, as a list."""
    found = {key: results.lines[key] for key in IN_SHORT if key in results.lines}
    lines = [f"- {aim(key).what}: {_reached(line)} (aim: {aim(key).aim})" for key, line in found.items()]
    return "\n".join([*lines, ""])


def with_results(readme: str, results: Results) -> str:
    """The text with its generated part made from these results."""

    def made(found: re.Match[str]) -> str:
        text = rendered(results) if found[2] == "measured" else in_short(results)
        return f"{found[1]}\n{text}\n{found[3]}"

    return _BLOCK.sub(made, readme)


def verdict(line: Mapping[str, Any] | None) -> str:
    """What a line says in one word."""
    if line is None:
        return "not measured"
    if "error" in line:
        return "failed"
    return "reached" if line["holds"] else "short"


def _row(of: Aim, line: Mapping[str, Any] | None) -> str:
    return f"| {of.what} | {of.aim} | {'' if line is None else _reached(line)} | {verdict(line)} |"


def _reached(line: Mapping[str, Any]) -> str:
    return str(line.get("reached", line.get("error", "")))


def main() -> None:
    """Write the newest results into README.md."""
    results = newest()
    if results is None:
        raise SystemExit("there are no results yet: python3 run.py bench")
    for readme in READMES:
        readme.write_text(with_results(readme.read_text("utf-8"), results), "utf-8")


if __name__ == "__main__":
    main()
