"""A model: one SQL file of `models/`, one view of the same name.

The first line of a file tells the grain of its rows, the second the question it answers. A model reads tables of the
warehouse and models before it, by their bare names; the files are in DuckDB's SQL, with the functions of `macros.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

WRITTEN_IN = "duckdb"
"""The dialect of the files, as sqlglot calls it."""

_FOLDER = "models"
_HISTORY = ("deals_history_validity", "stage_visits")
_ANSWERS = (
    "as_of",
    "dim_owner",
    "dim_account",
    "dim_contact",
    "dim_stage",
    "fct_deals",
    "fct_activities",
    "bridge_deal_contact",
    "bridge_contact_account",
    "bridge_activity_record",
    "fct_leads",
    "dim_date",
    "sales_totals",
    "sales_by_currency",
    "closed_by_month",
    "pipeline_now",
    "pipeline_ageing",
    "owner_performance",
    "funnel_by_cohort",
    "lead_response",
    "daily_activity",
    "data_quality",
    "sync_health",
)
_GRAIN, _QUESTION = "-- Grain: ", "-- Question: "
_READ = re.compile(r"\b(?:FROM|JOIN) (\w+)")


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

    @property
    def reads(self) -> frozenset[str]:
        """What stands behind a FROM or JOIN: tables and models, and the names of its own parts."""
        return frozenset(_READ.findall(self.query))


def history_models() -> tuple[Model, ...]:
    """The models over `deals_history`, each after those that it reads."""
    return tuple(_read(name) for name in _HISTORY)


def answer_models() -> tuple[Model, ...]:
    """The models over all other tables, each after those that it reads."""
    return tuple(_read(name) for name in _ANSWERS)


@cache
def _read(name: str) -> Model:
    file = files(__package__) / _FOLDER / f"{name}.sql"
    return Model.of(name, file.read_text(encoding="utf-8"))
