"""Where the rows of an account go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the rows go. `duckdb` is the file for that destination; `pipelines_dir` is dlt's own choice if None."""

    destination: str = "duckdb"
    dataset: str = "freshsales"
    duckdb: Path = Path("freshsales.duckdb")
    pipelines_dir: Path | None = None

    @property
    def place(self) -> str:
        """What tells destinations apart on one machine: the absolute path of a DuckDB file, else the name."""
        return str(self.duckdb.resolve()) if self.destination == "duckdb" else self.destination
