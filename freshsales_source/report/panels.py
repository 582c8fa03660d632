"""The parts that every panel of the page is made of: its frame, its table, and its words where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freshsales_source.report.figures import Health
from freshsales_source.report.markup import Element, Node, element, prose, table
from freshsales_source.report.wording import listed

_UNREAD = ("failed", "partial")


def panel(heading: str, *content: Node | None, lede: Node | None = None, is_wide: bool = False) -> Element:
    """A section of the page under its heading."""
    key = heading.lower().replace(" ", "-")
    return element(
        "section",
        element("h2", heading, id=key),
        element("p", lede, class_="lede") if lede else None,
        *content,
        class_="panel wide" if is_wide else "panel",
        aria_labelledby=key,
    )


def numbers(
    headers: Sequence[str],
    rows: Sequence[Sequence[Node]],
    *,
    caption: str,
    of_text: frozenset[int] = frozenset({0}),
) -> Element:
    """A table behind a line that opens it; all columns but those `of_text` stand to the right."""
    to_the_right = frozenset(range(len(headers))) - of_text
    return element(
        "details",
        element("summary", "The numbers"),
        table(headers, rows, caption=caption, numbers=to_the_right),
    )


def missing_view(heading: str, view: str, *, is_wide: bool = False) -> Element:
    """The panel of a view that is not there."""
    text = f"Missing: there is no view {view}. `freshsales marts` makes it."
    return panel(heading, prose(text, "empty"), is_wide=is_wide)


DEALS = ("deals", "deal_stages")
"""What tells of deals whether they are open, won or lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the last syncs say of each object, for panels that have nothing to show."""

    health: Mapping[str, Health] | None

    @classmethod
    def of(cls, health: Sequence[Health] | None) -> Standing:
        """From the lines of `sync_health`; None where there is no such view."""
        return cls(health=None if health is None else {line.object: line for line in health})

    def is_read(self, *objects: str) -> bool:
        """Whether none of these is unread, as far as any sync has told: then a zero is a zero."""
        lines = [(self.health or {}).get(name) for name in objects]
        return all(line is not None and line.verdict not in _UNREAD for line in lines)

    def why_empty(self, what: str, *objects: str, needs_all: bool = True) -> Element:
        """The words in place of a chart: empty in the CRM, missing here, or nobody knows.

        `what` comes from all of the objects together, or from each of them alone.
        """
        return prose(self._why(what, objects, needs_all=needs_all), "empty")

    def _why(self, what: str, objects: Sequence[str], *, needs_all: bool) -> str:
        if not self.health:
            return f"There are no {what} here, and no run of `freshsales sync` that tells whether the CRM has any."
        known = [self.health[name] for name in objects if name in self.health]
        never = [name for name in objects if name not in self.health]
        if never and (needs_all or not known):
            was = "was" if len(never) == 1 else "were"
            return f"Missing: {listed(never)} {was} never synced, so nothing is known of {what}."
        absent = [line.object for line in known if line.verdict == "not_available"]
        if len(absent) == len(known) or (needs_all and absent):
            return f"This account has no {listed(absent)}."
        unread = [f"{line.object} {line.verdict}" for line in known if line.verdict in _UNREAD]
        if unread:
            return f"No {what} were read so far ({listed(unread)})."
        if never:
            there = [line.object for line in known]
            return f"Empty: no {what} in {listed(there)}; {listed(never)} never synced."
        return f"Empty: the CRM has no {what}."
