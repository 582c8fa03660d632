"""The switches of records (the bin, deletions, links, how values look) and those of filtered_search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshsales_source.emulator.switch import switch
from freshsales_source.emulator.view_switches import ViewSwitches


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSwitches(ViewSwitches):
    """The recycle bin, deletions and links; values; filtered_search."""

    # --- the recycle bin, deletions and links
    binned_get: Literal["record", "not_found"] = switch(
        "record",
        strict="not_found",
        says="GET of a record in the bin answers it with is_deleted true, or 404",
        source="API notes 9: unknown",
    )
    bin_rows_is_deleted: bool = switch(
        True,
        strict=False,
        says="rows of the Recycle Bin view say is_deleted true",
        source="API notes 12.10: inferred",
    )
    bin_rows: Literal["full", "thin"] = switch(
        "full",
        strict="full",
        says="rows of the Recycle Bin view have all columns, or those of a search result only",
        source="API notes 12.10: inferred full",
    )
    bin_sort_honoured: bool = switch(
        True,
        strict=True,
        says="the Recycle Bin view honours `sort`",
        source="API notes 12.10: inferred",
    )
    bin_keeps_days: int | None = switch(
        90,
        strict=90,
        says="days after which a record in the bin is gone for good",
        source="API notes 9: documented",
    )
    delete_moves_stamp: bool = switch(
        True,
        strict=False,
        says="a soft delete moves updated_at",
        source="API notes 12.11: inferred from one client",
    )
    restore_moves_stamp: bool = switch(
        True,
        strict=False,
        says="a restore moves updated_at",
        source="API notes 12.11: inferred from one client",
    )
    lost_link_moves_stamp: bool = switch(
        False,
        strict=False,
        says="deleting, forgetting or merging a record moves updated_at of the records linked to it",
        source="API notes 12.12 and 12.13: unknown",
    )
    account_delete_cascades: bool = switch(
        False,
        strict=False,
        says="deleting or forgetting an account takes its deals along; else they only lose the link",
        source="API notes 12.12: documented ambiguously",
    )
    merged_get: Literal["not_found", "redirect"] = switch(
        "not_found",
        strict="redirect",
        says="GET of an id that was merged away answers 404, or redirects to the record that stayed",
        source="API notes 12.13: 404 inferred",
    )
    deal_moves_parents: bool = switch(
        True,
        strict=True,
        says="creating a deal or moving its stage moves updated_at of its account and contacts",
        source="API notes 10: inferred from equal stamps",
    )

    # --- values
    stamps: Literal["offset", "z"] = switch(
        "offset",
        strict="offset",
        says="time stamps carry the account's offset, or are UTC with Z",
        source="API notes 12.14: both seen",
    )
    stamp_drift_s: int = switch(
        0,
        strict=60,
        says="updated_at is off by up to this many seconds, either way: it can lie in the future or go back",
        source="API notes 12.14: updated_at before created_at seen once",
    )
    money: Literal["string", "number"] = switch(
        "string",
        strict="number",
        says="amounts are strings with one decimal or numbers",
        source="API notes 12.15: strings seen",
    )
    sub_seconds: bool = switch(
        False,
        strict=True,
        says="time stamps carry milliseconds (always .000)",
        source="API notes 12.23: never seen",
    )
    rotten_days: Literal["number", "string"] = switch(
        "number",
        strict="string",
        says="rotten_days of a deal is a number or a text",
        source="API notes 12.15: numbers seen",
    )
    custom_dates: Literal["date", "stamp"] = switch(
        "date",
        strict="stamp",
        says="custom date fields hold a date, or midnight of it as a time stamp in the account's zone",
        source="API notes 5: one client each",
    )
    newer_columns: bool = switch(
        False,
        strict=True,
        says="rows carry the columns that accounts gained since 2023",
        source="API notes 12.19: seen in column lists of one production account",
    )
    volatile_tokens: bool = switch(
        False,
        strict=True,
        says="records carry tokens that differ at every read",
        source="API notes 12.20: seen on deals; on other records assumed",
    )
    open_deals_count_late_s: float = switch(
        3600.0,
        strict=86400.0,
        says="seconds until a new deal counts in open_deals_count, which then moves no updated_at",
        source="API notes 10: seen",
    )

    # --- filtered_search
    search_detail: bool = switch(
        True,
        strict=True,
        says='filtered_search honours "detail": true (full rows); else rows are always thin',
        source="API notes 12.4: one client",
    )
    search_page_size: int = switch(
        10,
        strict=10,
        says="page size of filtered_search when per_page is not given",
        source="API notes 3.1: three clients",
    )
    search_short_pages: bool = switch(
        False,
        strict=True,
        says="pages of filtered_search come short before the end",
        source="API notes 12.4: one client",
    )
    search_order: Literal["honoured", "loose", "ignored"] = switch(
        "honoured",
        strict="ignored",
        says="filtered_search honours sort, only roughly (unordered inside a page), or not at all",
        source="API notes 12.4: one client logs unordered batches",
    )
    search_lag_s: float = switch(
        5.0,
        strict=60.0,
        says="seconds by which filtered_search lags behind writes",
        source="API notes 12.4: one client waits 5 s",
    )
    search_depth_cap: int | None = switch(
        None,
        strict=None,
        says="filtered_search serves no row past this position",
        source="API notes 12.4: unknown",
    )
    is_after_inclusive: bool = switch(
        False,
        strict=False,
        says="the operator is_after includes its own value (is_before likewise)",
        source="API notes 12.5: unknown",
    )
    naive_dates: Literal["account", "utc"] = switch(
        "account",
        strict="account",
        says="values without an offset in search rules are read in the account's zone or as UTC",
        source="API notes 12.5: unknown",
    )
