"""How many records belong to each owner or pipeline: what no view tells, asked of the search.

Source: `POST filtered_search/{singular}` answers `meta.total` however small the page (three clients);
`deal_pipeline_id` is an attribute that it knows (one client), `owner_id` is assumed to be one, and `is_in` is
an operator in use. A rule that the server does not know and silently leaves out would make every count the sum
of all. So the first question is for an id that nobody has: unless it is answered with 0, no count is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from freshsales_source.api.client import Client
from freshsales_source.api.envelopes import rows_of, total_of
from freshsales_source.discovery.inventory import OwnerFound, OwnersFound, PipelineFound, PipelinesFound
from freshsales_source.entities import DEAL_PIPELINES, DEALS
from freshsales_source.errors import ObjectError, ServerFault
from freshsales_source.schema.entity_types import Entity, Selector

MOST_OWNERS = 50
"""Owners whose records are counted: each costs a call for every object."""

NOBODY = 1
"""An id that stands for no owner or pipeline: real ones have eleven digits and more (recorded)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Live records by id, in the order asked for; or none, and why the search cannot tell."""

    by_id: Mapping[int, int]
    doubt: str = ""


def count_by(
    client: Client,
    singular: str,
    attribute: str,
    ids: Sequence[int],
    *,
    threads: Executor | None = None,
    known: MutableMapping[int, int] | None = None,
) -> Counts:
    """Ask for the number of live records of each id; a call each and one more, several at a time in `threads`.

    `known` are counts that need not be asked for, `NOBODY`'s too; what is asked is added, so that a caller who was cut
    off can go on. Raises what is fatal or may pass; that an object cannot be searched is an answer.
    """
    known = {} if known is None else known

    def count(id: int) -> int | None:
        total = known.get(id)
        if total is None and (total := _count(client, singular, attribute, id)) is not None:
            known[id] = total
        return total

    try:
        nobody = count(NOBODY)
        if nobody:
            return Counts(by_id={}, doubt=f"the search does not tell records apart by {attribute}")
        in_turn = map if threads is None else threads.map
        found = [nobody, *in_turn(count, ids)]
    except ObjectError as error:
        return Counts(by_id={}, doubt=str(error))
    totals = [total for total in found if total is not None]
    if len(totals) < len(found):
        return Counts(by_id={}, doubt="the search tells no totals")
    return Counts(by_id=dict(zip(ids, totals[1:], strict=True)))


def find_owners(
    client: Client, rows: Sequence[dict[str, Any]], entities: Sequence[Entity], *, threads: Executor
) -> OwnersFound:
    """Count the records of the first `MOST_OWNERS` of these rows of `owners`, active ones first."""
    calls_before = client.usage().calls
    first = sorted(rows, key=lambda row: (row.get("is_active") is False, row["id"]))[:MOST_OWNERS]
    ids = [row["id"] for row in first]
    counts = {
        entity.name: count_by(client, entity.singular, "owner_id", ids, threads=threads)
        for entity in (entities if ids else ())
    }
    return OwnersFound(
        owners=tuple(_owner(row, counts) for row in first),
        in_account=len(rows),
        doubts={name: count.doubt for name, count in counts.items() if count.doubt},
        calls=client.usage().calls - calls_before,
    )


def look_at_pipelines(client: Client, *, in_views: int | None) -> PipelinesFound:
    """List the pipelines, and find out what the default views show of them; that this fails is a doubt."""
    selector = DEAL_PIPELINES.read
    assert isinstance(selector, Selector)
    try:
        answer = client.get(selector.path)
        rows = [row for row in rows_of(answer, selector.envelope) if isinstance(row, dict) and "id" in row]
        return find_pipelines(client, rows, in_views=in_views)
    except (ObjectError, ServerFault) as error:
        return PipelinesFound(doubt=str(error))


def find_pipelines(
    client: Client, rows: Sequence[dict[str, Any]], *, in_views: int | None, threads: Executor | None = None
) -> PipelinesFound:
    """Count the deals of each of these rows of `deal_pipelines`, and tell from `in_views` which ones the views show.

    `in_views` is how many deals the views together say they hold. A single pipeline needs no call.
    """
    # The flag has two names (one client each).
    defaults = {row["id"] for row in rows if row.get("is_default") or row.get("default")}
    ids = [row["id"] for row in rows]
    if len(ids) > 1:
        counts = count_by(client, DEALS.singular, "deal_pipeline_id", ids, threads=threads)
    else:
        counts = Counts(by_id={} if in_views is None else dict.fromkeys(ids, in_views))
    shown, doubt = _shown(counts, defaults, in_views)
    pipelines = tuple(
        PipelineFound(
            id=row["id"],
            name=str(row.get("name", "")),
            is_default=row["id"] in defaults,
            deals=counts.by_id.get(row["id"]),
            is_shown=shown.get(row["id"]),
        )
        for row in rows
    )
    return PipelinesFound(pipelines=pipelines, doubt=doubt)


def _shown(counts: Counts, defaults: set[int], in_views: int | None) -> tuple[dict[int, bool], str]:
    """Which pipelines with deals the views show, told from numbers alone; or why that cannot be told.

    The views show either all pipelines or the default one (one client); other sums prove nothing.
    """
    if counts.doubt:
        return {}, counts.doubt
    if in_views is None:
        return {}, "the views tell no totals"
    with_deals = {id: deals for id, deals in counts.by_id.items() if deals}
    everywhere = sum(with_deals.values())
    if everywhere == in_views:
        return dict.fromkeys(with_deals, True), ""
    if sum(deals for id, deals in with_deals.items() if id in defaults) == in_views:
        return {id: id in defaults for id in with_deals}, ""
    return {}, f"the views show {in_views:,} deals, the search finds {everywhere:,} over all pipelines"


def _owner(row: Mapping[str, Any], counts: Mapping[str, Counts]) -> OwnerFound:
    return OwnerFound(
        id=row["id"],
        name=str(row.get("display_name", "")),
        is_active=row.get("is_active") is not False,
        records={name: count.by_id[row["id"]] for name, count in counts.items() if count.by_id},
    )


def _count(client: Client, singular: str, attribute: str, id: int) -> int | None:
    rule = {"attribute": attribute, "operator": "is_in", "value": [id]}
    # Deleted records are left out unless asked for (one client).
    answer = client.post(f"filtered_search/{singular}", {"filter_rule": [rule]}, {"page": 1, "per_page": 1})
    return total_of(answer)
