"""Run the README's code blocks in their order, in a copy of this checkout: `python3 tests/readme_blocks.py`.

Needs python3 with pip and venv, nothing else, as the README promises. Left out are blocks below the comment
`<!-- needs an account -->`, and what `.ci/run` itself runs (`python3 run.py test` and the like). Shell blocks are run
line by line, in an environment where `pip` and `python` are; SQL asks the file that the demo leaves; a
`freshsales emulator` that would serve for ever is stopped once it has printed its address.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKOUTS_PYTHON = ".venv/bin/python"
ACCOUNT = "<!-- needs an account -->"
SQL_SHELL = "import duckdb, sys; print(duckdb.connect('freshsales-demo.duckdb').sql(sys.stdin.read()))"
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: the README's line where it begins, its language and text, and whether it needs an account."""

    line: int
    language: str
    text: str
    needs_account: bool


def blocks(readme: str) -> Iterator[Block]:
    """The fenced blocks in their order."""
    for found in _FENCE.finditer(readme):
        before = readme[: found.start()]
        yield Block(
            line=before.count("\n") + 1,
            language=found["language"],
            text="\n".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines()),
            needs_account=before.rstrip().endswith(ACCOUNT),
        )


def commands(text: str) -> list[str]:
    """The commands of a shell block, lines that end in a backslash joined, comments left out."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def is_run_by_ci(command: str, ci: str) -> bool:
    """Whether `.ci/run` runs this command of run.py itself, with options of its own or without."""
    words = command.split()
    return words[:2] == ["python3", "run.py"] and f"\n{' '.join(words[:3])}" in ci


def serves(command: str) -> bool:
    """Whether a command runs until it is stopped."""
    return command.startswith("freshsales emulator") and "--list-switches" not in command


def main() -> int:
    """Run every block; 0, or 1 with the block that failed."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        place = Workplace(Path(scratch))
        for block in blocks(readme):
            if not block.needs_account and not run_block(block, place, ci):
                print(f"FAILED: README.md, line {block.line}", file=sys.stderr)
                return 1
    return 0


def run_block(block: Block, place: Workplace, ci: str) -> bool:
    """Run one block; whether all of it went well."""
    match block.language:
        case "sh":
            wanted = [line for line in commands(block.text) if not is_run_by_ci(line, ci)]
            return all(place.serve(line) if serves(line) else place.shell(line) for line in wanted)
        case "sql":
            return place.run([CHECKOUTS_PYTHON, "-c", SQL_SHELL], f"SQL of line {block.line}", block.text)
        case "python":
            return place.run([str(place.python), "-"], f"Python of line {block.line}", block.text)
        case _:
            return True


class Workplace:
    """A copy of the checkout, an empty home, and an environment with pip first on the path."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch / "checkout"
        copy_checkout(self.folder)
        environment = scratch / "environment"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        self.python = environment / "bin" / "python"
        (scratch / "home").mkdir()
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FRESHSALES_", "SOURCES__"))
        }
        self._environment = {
            **kept,
            "HOME": str(scratch / "home"),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def shell(self, command: str) -> bool:
        """Run one line of a shell block; whether it ended with 0."""
        return self.run(["bash", "-euo", "pipefail", "-c", command], command, "")

    def run(self, words: list[str], title: str, given: str) -> bool:
        """Run a command that reads `given`; whether it ended with 0. What it prints is shown."""
        print(f"\n$ {title}", flush=True)
        started = time.monotonic()
        ended = subprocess.run(
            words, cwd=self.folder, env=self._environment, input=given, text=True, check=False
        )
        print(f"-- exit {ended.returncode} after {time.monotonic() - started:.0f} s", flush=True)
        return ended.returncode == 0

    def serve(self, command: str) -> bool:
        """Start a server, wait for its address, stop it; whether it printed one and ended as told."""
        print(f"\n$ {command}", flush=True)
        server = subprocess.Popen(
            shlex.split(command), cwd=self.folder, env=self._environment, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "http://127.0.0.1:" in line:
                break
        server.send_signal(signal.SIGINT)
        lines += server.stdout.readlines()
        code = server.wait()
        print("".join(lines), f"-- exit {code} after it was stopped", sep="", flush=True)
        return "http://127.0.0.1:" in "".join(lines) and code in (0, 130)


def copy_checkout(folder: Path) -> None:
    """Copy what git would keep, with the changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())
