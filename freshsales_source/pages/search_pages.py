"""The pages of one pipeline's deals as the walk asks for them, from the search: what no default view may show.

Source: `POST filtered_search/{singular}` with rules that are ANDed, page and size in the query (four clients), sort
in the body, `include` in the query; `meta.total` always, `total_pages` not reliable. `"detail": true` in the body
asks for whole rows (one client); without it rows are thin: no pipeline, owner or custom field (five clients).
Nothing here believes that a rule, `detail` or the order was honoured: a settled row of another pipeline is an error,
rows without the keys of a whole one are marked, and order is judged by whoever walks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from freshsales_source import walk
from freshsales_source.api.client import Answer
from freshsales_source.api.envelopes import rows_of
from freshsales_source.decode import Page
from freshsales_source.errors import PipelineNotReadable
from freshsales_source.pages.paging import ListPages
from freshsales_source.schema.entity_types import Pipelines

_ORDER = ("sort", "sort_type")
"""What views take in the query and the search in the body."""


def search_path(singular: str) -> str:
    """The address of the search for one object."""
    return f"filtered_search/{singular}"


Rule: TypeAlias = Mapping[str, object]
"""One condition of a search: attribute, operator, value; several are ANDed."""


def searched(pages: ListPages, rules: Sequence[Rule], number: int, size: int) -> Answer:
    """The answer to a search for page `number` of `size` records, whole rows in the order that `pages` asks for."""
    order = {key: value for key, value in pages.query.items() if key in _ORDER}
    query = {key: value for key, value in pages.query.items() if key not in _ORDER}
    # Without `per_page` ten are served (three clients).
    params: dict[str, str | int] = {"page": number, "per_page": size, **query}
    body: dict[str, object] = {"filter_rule": list(rules), "detail": True, **order}
    return pages.client.post(pages.path, body, params)


def with_proven_end(page: walk.Page[Page], size: int) -> walk.Page[Page]:
    """A page of a search; `total_pages`, which is not reliable, is told only where one page is all there is."""
    return replace(page, total_pages=1 if _is_all(page, size) else None)


def pipeline_rule(column: str, pipeline_id: int) -> Rule:
    """The rule that leaves the records of one pipeline (one client)."""
    return {"attribute": column, "operator": "is_in", "value": [pipeline_id]}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPages(ListPages):
    """Fetches pages of one pipeline, ordered as `query` asks if the search honours that; a `Fetch` of the walk engine.

    Rows changed less than `settling_s` seconds before an answer may still stand in the pipeline they have left.
    `since`, in seconds, leaves out what was last updated before it; whether records of that very second come is
    unknown, and values are sent in UTC, with `Z`. Of an answer whose rows are thin `is_whole` is False: only its
    ids and stamps are good. Raises PipelineNotReadable where the search shows other pipelines' records.
    """

    pipelines: Pipelines
    pipeline_id: int
    settling_s: int
    since: int | None = None

    def ask(self, number: int, size: int) -> Answer:
        """The answer to the search for page `number` of `size` records."""
        rules = [pipeline_rule(self.pipelines.column, self.pipeline_id)]
        if self.since is not None:
            moment = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            rules.append({"attribute": "updated_at", "operator": "is_after", "value": moment})
        return searched(self, rules, number, size)

    # super() does not know a class with slots.

    def read(self, number: int, size: int) -> walk.Page[Page]:
        """Page `number` of `size` records; where one page is all there is, `total_pages` says so."""
        return with_proven_end(ListPages.read(self, number, size), size)

    def decoded(self, answer: Answer, number: int) -> walk.Page[Page]:
        """Page `number` out of its answer, its rows marked if they are thin."""
        page = ListPages.decoded(self, answer, number)
        listed = rows_of(answer, self.shape.layout.entity.envelope)
        rows = {row["id"]: row for row in listed if isinstance(row, dict) and "id" in row}
        found = [rows.get(record_id, {}) for record_id in page.ids]
        self._refuse_strangers(page, found, answer.where)
        is_whole = all(self.pipelines.whole <= row.keys() for row in found)
        return replace(page, content=replace(page.content, is_whole=is_whole))

    def _refuse_strangers(self, page: walk.Page[Page], rows: Sequence[Mapping[str, Any]], where: str) -> None:
        """Raise where a row that stands still belongs to another pipeline: the rule was overlooked."""
        for stamp, row in zip(page.stamps, rows, strict=True):
            is_settled = stamp < page.served_at - self.settling_s
            if is_settled and row.get(self.pipelines.column, self.pipeline_id) != self.pipeline_id:
                raise PipelineNotReadable("the search shows deals of other pipelines among them", where=where)


def _is_all(page: walk.Page[Page], size: int) -> bool:
    """Whether all records stand on the first page: it is shorter than asked for, and the total promises no more.

    A full page proves nothing, for a total may be capped; nor does a short one alone, or one further down, for pages
    may have come short before it (one client saw that).
    """
    return page.number == 1 and len(page.ids) < size and len(page.ids) == page.total
