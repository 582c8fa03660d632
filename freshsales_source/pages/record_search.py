"""The pages of a search over all records of an object, for objects whose views nobody lists.

Source: `POST filtered_search/{name}` with `detail: true` answers full rows (one client, for contacts, accounts and
deals), `sort` and `sort_type` stand in the body (one client), page and size in the query (four clients), and
`meta.total` is always there (three clients). Without `detail` rows are thin (five clients): such rows would blank
what the warehouse has, so they are refused. Deleted records are left out unless asked for (one client).
"""

from __future__ import annotations

from dataclasses import dataclass

from freshsales_source import walk
from freshsales_source.api.client import Answer
from freshsales_source.api.envelopes import rows_of
from freshsales_source.decode import Page
from freshsales_source.decode.layout import CUSTOM_FIELD
from freshsales_source.errors import MalformedPage
from freshsales_source.pages.paging import ListPages
from freshsales_source.pages.search_pages import searched, with_proven_end

EVERYTHING = {"attribute": "updated_at", "operator": "is_after", "value": "1970-01-02T00:00:00Z"}
"""A rule that every record keeps; whether a search without rules is answered is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSearch(ListPages):
    """Pages of all live records, in the order asked for where the search honours it; a `Fetch` of the walk engine."""

    def ask(self, number: int, size: int) -> Answer:
        """The answer to the search for page `number` of `size` records; MalformedPage where its rows are thin."""
        answer = searched(self, [EVERYTHING], number, size)
        entity = self.shape.layout.entity
        for row in rows_of(answer, entity.envelope):
            if entity.has_custom_fields and not (isinstance(row, dict) and CUSTOM_FIELD in row):
                raise MalformedPage(
                    f"the search for {entity.name} answers only some columns of each record",
                    where=answer.where,
                    remedy=f"Set views.{entity.name} to the id of a saved view that shows all its records.",
                )
        return answer

    def read(self, number: int, size: int) -> walk.Page[Page]:
        """Page `number` of `size` records; where one page is all there is, `total_pages` says so."""
        # super() does not know a class with slots.
        return with_proven_end(ListPages.read(self, number, size), size)
