"""The switches of saved views: their order, pages, totals and names, and what a key sees through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshsales_source.emulator.switch import switch


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSwitches:
    """Order, pages and totals of saved views; which views and records there are."""

    # --- order, pages and totals of saved views
    tie_order: Literal["stable", "reshuffled"] = switch(
        "stable",
        strict="reshuffled",
        says="rows with one sort value keep one order (by id), or come in a new order at every request",
        source="API notes 8, ties: unknown",
    )
    page_past_end: Literal["empty", "repeat_last", "not_found"] = switch(
        "empty",
        strict="repeat_last",
        says="a page number past the end answers an empty list, the last page once more, or 404",
        source="API notes 8: an empty page is used by four clients, the rest unknown",
    )
    meta: Literal["none", "total", "total_and_pages"] = switch(
        "total_and_pages",
        strict="total",
        says="the `meta` object of a view or list is missing, has `total` only, or `total` and `total_pages`",
        source="API notes 12.2: both keys seen on views",
    )
    total_cached_s: float = switch(
        0.0,
        strict=60.0,
        says="seconds during which a view's `meta` repeats the numbers it counted before",
        source="API notes 12.2: `total` drifting while paging, unknown",
    )
    total_cap: int | None = switch(
        None,
        strict=None,
        says="`meta.total` never says more than this, though `total_pages` does",
        source="API notes 8: no cap in 3,000 pages of one client",
    )
    page_cap: int = switch(
        100,
        strict=50,
        says="largest page served",
        source="API notes 2.1: 100 works (four clients)",
    )
    page_cap_with_include: int | None = switch(
        None,
        strict=25,
        says="largest page served when `include` is given; none: the same as `page_cap`",
        source="API notes 2.2: effect of include unknown",
    )
    over_page_cap: Literal["clamped", "ignored", "refused"] = switch(
        "clamped",
        strict="clamped",
        says="`per_page` above the cap is cut to it, falls back to 25, or answers 400",
        source="API notes 12.3: clamped by one guide",
    )
    unknown_sort: Literal["ignored", "refused"] = switch(
        "ignored",
        strict="refused",
        says="a `sort` the API does not know is ignored, or answers 400",
        source="API notes 2.1: unknown",
    )
    sort_ignored: tuple[str, ...] = switch(
        (),
        strict=(),
        says="objects whose views ignore `sort` altogether",
        source="API notes 2.3: seen on tasks and appointments only",
    )
    view_lag_s: float = switch(
        0.0,
        strict=60.0,
        says="seconds by which saved views and lists (rows, order, values, counts) lag behind writes",
        source="API notes 3.1: index lag of seconds seen by one client on search; views unknown",
    )
    unknown_include: Literal["ignored", "refused"] = switch(
        "ignored",
        strict="refused",
        says="an `include` the API does not know is ignored, or answers 400",
        source="API notes 12.6: unknown",
    )
    side_loads: Literal["before", "after"] = switch(
        "before",
        strict="before",
        says="side-loaded lists stand before or after the main list in the body",
        source="API notes 12.7: before, seen",
    )
    lead_source_key: Literal["lead_sources", "lead_source"] = switch(
        "lead_sources",
        strict="lead_source",
        says="key of the list that include=source adds",
        source="API notes 12.7: one client each",
    )
    contact_status_key: Literal["contact_status", "contact_statuses"] = switch(
        "contact_status",
        strict="contact_statuses",
        says="key of the list that include=contact_status adds",
        source="API notes 12.7: one client",
    )
    pipeline_default_key: Literal["is_default", "default"] = switch(
        "is_default",
        strict="default",
        says="key that marks the default pipeline in selector/deal_pipelines",
        source="API notes 12.7: one client each",
    )

    # --- which views and records there are
    deal_views_default_pipeline_only: bool = switch(
        True,
        strict=True,
        says="the system views of deals show the default pipeline only",
        source="API notes 12.8: verified by one client",
    )
    view_names: Literal["english", "localised", "renamed"] = switch(
        "english",
        strict="english",
        says="names of the system views: as documented, in the user's language, or renamed by somebody",
        source="API notes 12.9: unknown",
    )
    missing_views: tuple[str, ...] = switch(
        (),
        strict=(),
        says="English names of system views that this key does not have",
        source="API notes 12.9: unknown",
    )
    recycle_bin_missing: bool = switch(
        False,
        strict=False,
        says="the key has no Recycle Bin views",
        source="API notes 12.9: unknown, for a restricted key",
    )
    several_views_of_one_name: bool = switch(
        False,
        strict=True,
        says="each system view is listed after a user's own, empty view of the same name (is_default false)",
        source="API notes 12.9: unknown",
    )
    sees_only_owner: int | None = switch(
        None,
        strict=None,
        says="the key sees only records of the n-th owner of selector/owners (from 1), without any error",
        source="API notes 1: documented",
    )
    sees_all_after_s: float | None = switch(
        None,
        strict=None,
        says="with sees_only_owner: seconds after the emulator's start when the key sees everything",
        source="API notes 1: a permission change moves no updated_at, inferred",
    )
    unseen_record: Literal["forbidden", "not_found"] = switch(
        "forbidden",
        strict="not_found",
        says="GET of a record that the key may not see answers 403 or 404",
        source="API notes 7: unknown",
    )
    forbidden: tuple[str, ...] = switch(
        (),
        strict=(),
        says="objects, selectors and settings (by their path segment) that answer 403 to this key",
        source="API notes 7: seen",
    )
