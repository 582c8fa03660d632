"""The metrics: each defined once, in `metrics.yml`, from where its formula gets into every model that names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import yaml


class Unit(Enum):
    """What a metric is counted in; the value is the word of `metrics.yml`."""

    COUNT = "count"
    AMOUNT = "amount"
    PERCENT = "percent"
    DAYS = "days"
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number that people ask for.

    of        the table whose rows it is counted over, or whose columns it is made of
    formula   SQL over the columns of that table, in the dialect of the models; `metric('name')` for another's
    fields    the columns that the formula reads itself
    caveats   what the number does not tell
    """

    name: str
    of: str
    unit: Unit
    formula: str
    fields: tuple[str, ...]
    about: str
    caveats: str


@cache
def metrics() -> tuple[Metric, ...]:
    """Every metric, in the order of the file."""
    text = (files(__package__) / "metrics.yml").read_text(encoding="utf-8")
    return tuple(
        Metric(
            name=name,
            of=entry["of"],
            unit=Unit(entry["unit"]),
            formula=entry["formula"],
            fields=tuple(entry["fields"]),
            about=entry["about"],
            caveats=entry["caveats"],
        )
        for name, entry in yaml.safe_load(text).items()
    )


def metric(name: str) -> Metric:
    """The metric of that name; KeyError if there is none."""
    for one in metrics():
        if one.name == name:
            return one
    raise KeyError(name)
