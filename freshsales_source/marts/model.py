"""A model: one SQL file of `models/`, one view of the same name.

The first line of a file tells the grain of its rows, the second the question it answers. A model reads tables of the
warehouse and models before it, by their bare names; the files are in DuckDB's SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

WRITTEN_IN = "duckdb"
"""The dialect of the files, as sqlglot calls it."""

_FOLDER = "models"
_HISTORY = ("deals_history_validity", "stage_visits")
_GRAIN, _QUESTION = "-- Grain: ", "-- Question: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A view to be: its query, the grain of its rows, the question it answers."""

    name: str
    grain: str
    question: str
    query: str

    @classmethod
    def of(cls, name: str, text: str) -> Model:
        """The model that a file tells of; ValueError where it does not begin with grain and question."""
        grain, question, *query = text.splitlines()
        if not grain.startswith(_GRAIN) or not question.startswith(_QUESTION):
            raise ValueError(f"{name}.sql begins with {_GRAIN!r} and {_QUESTION!r}, a line each")
        return cls(
            name=name,
            grain=grain.removeprefix(_GRAIN),
            question=question.removeprefix(_QUESTION),
            query="\n".join(query),
        )


def history_models() -> tuple[Model, ...]:
    """The models over `deals_history`, each after those that it reads."""
    folder = files(__package__) / _FOLDER
    return tuple(Model.of(name, (folder / f"{name}.sql").read_text(encoding="utf-8")) for name in _HISTORY)
