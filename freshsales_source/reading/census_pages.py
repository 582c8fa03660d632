"""Pages of one list in an order that edits hardly move, for the census; rows come whole, so that they can be loaded.

Views are asked for the order of creation: `created_at` is documented as a sort column of views, and stays put while
people edit; only a merge moves it, back to the oldest of the merged (documented). Completed tasks and past
appointments come by a date of their own, whatever is asked for (recorded). Where an order is not honoured the census
finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pyarrow as pa

from freshsales_source.census import NULLS_LAST, RankedPage
from freshsales_source.decode import Page
from freshsales_source.pages.paging import ListPages
from freshsales_source.walk import Page as WalkPage
from freshsales_source.warehouse.stored_rows import key_of

BY_CREATION: Mapping[str, str] = {"sort": "created_at", "sort_type": "asc"}


class CensusPages:
    """Fetches pages of a list for the census; `seen` is told of every answer.

    `order` is asked for; the rows are then expected by `column`, the newest first if it `descends`.
    """

    def __init__(
        self,
        pages: ListPages,
        seen: Callable[[WalkPage[Page]], None],
        *,
        order: Mapping[str, str] = BY_CREATION,
        column: str = "created_at",
        descends: bool = False,
    ) -> None:
        self._pages = replace(pages, query={**pages.query, **order})
        self._seen = seen
        self._column = column
        self._descends = descends

    def __call__(self, number: int) -> RankedPage[WalkPage[Page]] | None:
        """Page `number`, or None where a page behind the first is answered with 404."""
        page = self._pages(number)
        if page is None:
            return None
        self._seen(page)
        return RankedPage(
            number=number,
            ids=page.ids,
            keys=self._keys(page.content.tables[self._pages.shape.layout.entity.name]),
            total=page.total,
            total_pages=page.total_pages,
            content=page,
        )

    def _keys(self, rows: pa.Table) -> list[int]:
        """The date of each row in whole seconds; a row without one is agreed to stand behind all others."""
        return [key_of(at, NULLS_LAST, descends=self._descends) for at in rows[self._column].to_pylist()]
