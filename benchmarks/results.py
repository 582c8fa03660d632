"""Results as JSON: one file for one run, each line written as soon as it is measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measured import ROOT

FOLDER = ROOT / "benchmarks" / "results"
_NAMED = "numbers"
_PACKAGES = ("freshsales-source", "dlt", "duckdb", "pyarrow", "orjson", "httpx")


@dataclass(kw_only=True)
class Results:
    """One file of results: where and when it was measured, and the lines by key."""

    file: Path
    content: dict[str, Any]
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def lines(self) -> Mapping[str, Mapping[str, Any]]:
        """What is measured so far."""
        return dict(self.content["lines"])

    def add(self, key: str, line: Mapping[str, Any]) -> None:
        """Write a line into the file, in the place of an older one."""
        new = self.file.with_suffix(".new")
        with self._writing:
            self.content["lines"][key] = {**line, "measured_at": now(), "commit": commit()}
            new.write_text(json.dumps(self.content, indent=2, ensure_ascii=False) + "\n", "utf-8")
            new.replace(self.file)


def opened(file: Path, size: str) -> Results:
    """The results of a file, to go on with; a new file's are empty. Raises SystemExit for another size."""
    if file.exists():
        found = read(file)
        if found.content["size"] != size:
            raise SystemExit(
                f"{file} holds results of size {found.content['size']}, not {size}: name another file"
            )
        return found
    content = {"size": size, "date": now(), "commit": commit(), "machine": machine(), "lines": {}}
    return Results(file=file, content=content)


def read(file: Path) -> Results:
    """The results of a file."""
    return Results(file=file, content=json.loads(file.read_text("utf-8")))


def new_file() -> Path:
    """A file of today, named so that files sort by age."""
    return FOLDER / f"{_NAMED}-{datetime.now(UTC):%Y-%m-%dT%H%M}.json"


def newest() -> Results | None:
    """The newest results of the full size; None where there are none."""
    files = sorted(FOLDER.glob(f"{_NAMED}-*.json"))
    return read(files[-1]) if files else None


def machine() -> dict[str, Any]:
    """What this runs on."""
    return {
        "cpus": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "load_at_start": [round(load, 1) for load in os.getloadavg()],
    }


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it; unknown outside of git."""
    told = _git("rev-parse", "--short", "HEAD")
    return f"{told}+" if told and _git("status", "--porcelain") else told or "unknown"


def now() -> str:
    """The time, in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
