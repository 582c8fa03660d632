"""Lists of horizontal bars, each with its name and value in letters: no legend, no axis, any script, any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from freshsales_source.report.charts import bar
from freshsales_source.report.markup import Element, Node, element


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """One bar: its size, its name, its value in letters, and what else is worth knowing."""

    size: Decimal
    label: Node
    value: str
    about: str = ""


def bars(rows: Sequence[BarRow], longest: Decimal | None = None) -> Element:
    """The bars; `longest` is the size that fills the width, where that is not the largest of these."""
    most = longest if longest is not None else max((row.size for row in rows), default=Decimal(0))
    return element("ol", *(_row(row, most) for row in rows), class_="bars")


def _row(row: BarRow, most: Decimal) -> Element:
    share = max(row.size, Decimal(0)) / most if most > 0 else Decimal(0)
    return element(
        "li",
        element(
            "span",
            element("span", row.label, class_="what"),
            *((" ", element("span", row.about, class_="about")) if row.about else ()),
            class_="label",
        ),
        element("span", row.value, class_="value"),
        bar(share),
    )
