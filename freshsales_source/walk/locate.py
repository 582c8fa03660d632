"""Finding again the place where a span was left, in a view that has moved since.

Two starts are safe, and the lower one serves. A page that begins above the span (or page 1) has every record of
the span on it or behind it. And the distance from the view's end: edits and removals only carry unread records up
or away, so no more than `cut.below` positions from the end can be unread. The second is what makes progress inside
one stamp that more records share than a run can read; it holds only while equal stamps keep their order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from freshsales_source.walk.frontier import Frontier
from freshsales_source.walk.page import Content, Page
from freshsales_source.walk.state import Span

Ask: TypeAlias = Callable[[int], Page[Content] | None]
FAR = 2**30
"""A page number behind every view's end."""


def locate(
    ask: Ask[Content],
    span: Span,
    frontier: Frontier,
    *,
    begin: Callable[[Page[Content]], int],
    trust_position: bool,
) -> Page[Content]:
    """The latest answer of a page from which reading on meets every unread record of `span`.

    `begin` gives the stamp with which a page begins. `trust_position` allows the second start. Costs one call where
    the view stood still, else about log2(pages): the guess from the cut is widened by doubling, then halved.
    """
    above, behind = 1, FAR if frontier.total is None else -(-frontier.total // frontier.stride) + 1
    number, reach = _guess(span, frontier, behind)
    previous: Page[Content] | None = None
    while True:
        page = ask(number)
        if page is not None and (number == 1 or (page.ids and begin(page) > span.high)):
            if number + 1 >= behind or _ends_inside(page, span, frontier) or _repeats(page, previous):
                return page
            above, step = number, number + reach
        elif page is not None and trust_position and _is_where_it_was_left(page, span, frontier):
            return page
        else:
            behind, step = number, number - reach
            above = above if above < behind else 1
        number = step if above < step < behind else (above + behind) // 2
        reach, previous = reach * 2, page


def _guess(span: Span, frontier: Frontier, behind: int) -> tuple[int, int]:
    """The page to ask first, and how far to look around it; without a cut, the middle of the view."""
    if span.cut is None or span.cut.below is None or frontier.total is None:
        return ((1 + behind) // 2, FAR) if behind < FAR else (2, 1)
    return max(1, (frontier.total - span.cut.below) // frontier.stride), 1


def _ends_inside(page: Page[Content], span: Span, frontier: Frontier) -> bool:
    return not page.ids or page.lowest <= span.high or frontier.is_last(page)


def _repeats(page: Page[Content], previous: Page[Content] | None) -> bool:
    # A server that answers any page behind the end with the last one would be asked for ever.
    return (
        previous is not None and page.number > previous.number and list(page.stamps) == list(previous.stamps)
    )


def _is_where_it_was_left(page: Page[Content], span: Span, frontier: Frontier) -> bool:
    if not page.ids or page.total is None or span.cut is None or span.cut.below is None:
        return False
    return span.high in page.stamps and frontier.first_of(page.number) <= page.total - span.cut.below
