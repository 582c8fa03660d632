"""Charts as inline SVG that fit any width: places across are shares of the width, letters keep their size.

No `viewBox`, so nothing is scaled down on a phone; there, labels marked as spare give way (style.css). What a chart
shows stands beside it as a table, and its title and description say it in words. All colour comes from classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from freshsales_source.report.markup import Element, element

_TOP, _FLOOR = 24, 164
_TICK_AT, _GROUP_AT, _BELOW = 182, 199, 6
_FEWEST_SLOTS = 6
_CROWDED = 8  # more labels than this do not fit beside each other on a phone
_FILL = 0.72  # of its slot, that a column takes
_HAIR = 0.003
_NAMES = 0.2  # of the width, for the names of lines
_LEADING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its full name, its value, the value in few letters, and the label below it.

    `group` is a second label, for it and those that follow.
    """

    name: str
    value: Decimal
    text: str
    label: str
    group: str | None = None
    is_key: bool = True
    """Whether the label stays where there is little room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: percentages from left to right (None: nothing to show), its name, and the class of its colour."""

    percentages: Sequence[Decimal | None]
    name: str
    kind: str


def bar(share: Decimal, kind: str = "mark") -> Element:
    """A bar over a share of the width there is, at least a hair where the share is not 0; says nothing aloud."""
    width = _percent(max(float(share), _HAIR) if share else 0.0)
    mark = element("rect", x=0, y=0, width=width, height=10, rx=2, class_=kind)
    return element("svg", mark, class_="bar", width="100%", height=10, aria_hidden="true", focusable="false")


def columns(marks: Sequence[Column], *, title: str, description: str) -> Element:
    """A column chart: the largest and the last value are always written, the others where there is room."""
    slots = max(len(marks), _FEWEST_SLOTS)
    most = max((mark.value for mark in marks), default=Decimal(0))
    written = _written(marks)
    parts: list[Element] = []
    for place, mark in enumerate(marks):
        height = float(mark.value / most) * (_FLOOR - _TOP) if most > 0 else 0.0
        top = _FLOOR - max(height, 0.0)
        parts += [
            _column(place, slots, top, mark),
            *_value(place, slots, top, mark, is_spare=place not in written),
            _tick(place, slots, mark),
            *_group(place, slots, mark),
        ]
    return _chart(title, description, [_floor_line(), *parts], has_groups=any(mark.group for mark in marks))


def lines(drawn: Sequence[Line], labels: Sequence[Column], *, title: str, description: str) -> Element:
    """Lines of percentages, each named at its end; `labels` are what stands below their points."""
    # The names stand to the right of the lines' ends.
    slots = len(labels) / (1 - _NAMES)
    parts: list[Element] = list(_scale())
    for line in drawn:
        parts += _line(line, slots)
    for height, line in _name_heights(drawn):
        parts.append(element("text", line.name, x="100%", y=round(height + 4, 1), class_=f"name {line.kind}"))
    for place, mark in enumerate(labels):
        parts += [_tick(place, slots, mark), *_group(place, slots, mark)]
    return _chart(title, description, parts, has_groups=any(mark.group for mark in labels))


# Columns


def _column(place: int, slots: int, top: float, mark: Column) -> Element:
    return element(
        "rect",
        element("title", f"{mark.name}: {mark.text}"),
        x=_percent((place + (1 - _FILL) / 2) / slots),
        width=_percent(_FILL / slots),
        y=round(top, 1),
        height=round(_FLOOR - top, 1),
        class_="mark",
    )


def _value(place: int, slots: int, top: float, mark: Column, *, is_spare: bool) -> Iterable[Element]:
    if not mark.value and is_spare:
        return
    yield _text(mark.text, place, slots, round(top - 7, 1), f"value{' spare' if is_spare else ''}")


def _written(marks: Sequence[Column]) -> frozenset[int]:
    """The places whose values are written however narrow the page: none that would meet another or a column."""
    if len(marks) <= _CROWDED:
        return frozenset(range(len(marks)))
    peak = max(range(len(marks)), key=lambda place: marks[place].value)
    last = len(marks) - 1
    is_free = last - peak > len(marks) // 4 and marks[last].value >= marks[last - 1].value
    return frozenset({peak, last} if is_free else {peak})


# Lines


def _scale() -> Iterable[Element]:
    for number in (0, 50, 100):
        height = _height(Decimal(number))
        kind = "grid" if number else "floor"
        yield element("line", x1="0", x2="100%", y1=height, y2=height, class_=kind)
        yield element("text", f"{number}%", x="0", y=round(height - 5, 1), class_="tick")


def _line(line: Line, slots: float) -> Iterable[Element]:
    points = [(place, value) for place, value in enumerate(line.percentages) if value is not None]
    for (left, before), (right, after) in pairwise(points):
        yield element(
            "line",
            x1=_middle(left, slots),
            x2=_middle(right, slots),
            y1=_height(before),
            y2=_height(after),
            class_=f"stroke {line.kind}",
        )
    for place, value in points:
        yield element("circle", cx=_middle(place, slots), cy=_height(value), r=3, class_=f"dot {line.kind}")


def _name_heights(drawn: Sequence[Line]) -> list[tuple[float, Line]]:
    """Where the names stand: beside the ends of their lines, from the top, and never one over the other."""
    ended = sorted(
        ((_height(end), line) for line in drawn if (end := _end(line)) is not None), key=lambda e: e[0]
    )
    placed: list[tuple[float, Line]] = []
    for height, line in ended:
        above = placed[-1][0] if placed else -math.inf
        placed.append((max(height, above + _LEADING), line))
    return placed


def _end(line: Line) -> Decimal | None:
    return next((value for value in reversed(line.percentages) if value is not None), None)


def _height(percentage: Decimal) -> float:
    return round(_FLOOR - float(percentage) / 100 * (_FLOOR - _TOP), 1)


# Both


def _chart(title: str, description: str, parts: Sequence[Element], *, has_groups: bool) -> Element:
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *parts,
        class_="chart",
        role="img",
        width="100%",
        height=(_GROUP_AT if has_groups else _TICK_AT) + _BELOW,
        aria_label=f"{title}. {description}",
    )


def _floor_line() -> Element:
    return element("line", x1="0", x2="100%", y1=_FLOOR, y2=_FLOOR, class_="floor")


def _tick(place: int, slots: float, mark: Column) -> Element:
    return _text(mark.label, place, slots, _TICK_AT, f"tick{'' if mark.is_key else ' spare'}")


def _group(place: int, slots: float, mark: Column) -> Iterable[Element]:
    if mark.group:
        yield _text(mark.group, place, slots, _GROUP_AT, "tick")


def _text(text: str, place: int, slots: float, height: float, kind: str) -> Element:
    return element("text", text, x=_middle(place, slots), y=height, class_=f"middle {kind}")


def _middle(place: int, slots: float) -> str:
    return _percent((place + 0.5) / slots)


def _percent(share: float) -> str:
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"
