"""THE TABLE of what is open about an account: each point with its question, what is assumed, and what follows.

A point is settled from the answers of one interview; `consequences` tells for each position what a sync does. `*`
stands for positions that are numbers. Where the answers show nothing, the sync goes on checking as it reads.
"""

from __future__ import annotations

from freshsales_source.entities import CONTACTS, DEALS, SALES_ACCOUNTS
from freshsales_source.probe import account_settling as account
from freshsales_source.probe import list_settling as lists
from freshsales_source.probe import search_settling as search
from freshsales_source.probe.list_points import orders, views
from freshsales_source.probe.point import Point
from freshsales_source.state.findings import (
    HIDDEN_PIPELINES,
    OVER_PAGE_CAP,
    SEARCH_DETAIL,
    page_cap_point,
    presence_point,
)

_ASKED_FOR = {"*": "Pages of {position} records are asked for, and calls are forecast by that."}
_ENVELOPES = {
    "none": "Ends are proven by reading on; counts are not compared.",
    "total": "Ends are proven by reading on.",
    "total_and_pages": "Ends are told by the page count.",
}
_PRESENCE = {
    "present": "It is read.",
    "empty": "It is asked for in every run: it may come.",
    "forbidden": "It is asked for as often as lookups are (`lookups_every_s`).",
    "not_found": "It is asked for as often as lookups are (`lookups_every_s`).",
}
_NO_EFFECT = "None: both are read."
_BINS = tuple(f"{name} bin updated_at desc" for name in ("contacts", "sales_accounts", "deals"))


def _envelope(object: str, *questions: str, assumption: str) -> Point:
    return Point(
        name=f"{object}.meta",
        question=f"What does the list of {object} tell of its length?",
        assumption=assumption,
        settle=lists.envelope(*questions),
        consequences=_ENVELOPES,
    )


def _wide_cap(object: str, question: str, *, besides: str = "") -> Point:
    return Point(
        name=page_cap_point(object),
        question=f"How many {object} does one answer hold, with `include`?",
        assumption="100",
        settle=lists.page_cap(question, besides=besides),
        consequences=_ASKED_FOR,
    )


_PAGES = (
    Point(
        name="page_cap",
        question="How many contacts does one answer hold, without `include`?",
        assumption="100",
        settle=lists.page_cap("contacts updated_at desc"),
        consequences={"*": "None: a sync always asks with `include`."},
    ),
    _wide_cap("contacts", "contacts with include", besides="contacts updated_at desc"),
    _wide_cap("sales_accounts", "sales_accounts updated_at desc"),
    _wide_cap("deals", "deals updated_at desc"),
    Point(
        name=OVER_PAGE_CAP,
        question="What becomes of a larger page size?",
        assumption="clamped",
        settle=lists.over_cap,
        consequences={
            "clamped": "The largest page is served.",
            "served": "There is room above 100, which is not used.",
            "ignored": "25 would be served: a sync asks for no more than the largest.",
            "refused": "A sync asks for no more than the largest.",
        },
    ),
    _envelope("contacts", "contacts updated_at desc", assumption="total_and_pages"),
    _envelope("sales_accounts", "sales_accounts updated_at desc", assumption="total_and_pages"),
    _envelope("deals", "deals updated_at desc", assumption="total_and_pages"),
    _envelope("tasks", "tasks open", "tasks completed", assumption="total"),
    _envelope("appointments", "appointments past", "appointments upcoming", assumption="total"),
    _envelope("sales_activities", "sales_activities updated_at desc", assumption="total_and_pages"),
    _envelope("products", "products updated_at desc", assumption="none"),
    Point(
        name="page_past_end",
        question="How is a page behind the last answered?",
        assumption="empty",
        settle=lists.past_the_end,
        consequences=dict.fromkeys(("empty", "repeat_last", "not_found"), "None: each is taken as the end."),
    ),
    Point(
        name="tie_order",
        question="Do records of one second keep their order from one answer to the next?",
        assumption="stable",
        settle=lists.ties,
        consequences={
            "stable": "A long second can be read over several runs.",
            "reshuffled": "A second that a page boundary cuts is read again, until all its records came.",
        },
    ),
)

_REQUESTS = (
    Point(
        name="unknown_include",
        question="What becomes of an `include` that the API does not know?",
        assumption="ignored",
        settle=lists.unknown("include"),
        consequences={
            "ignored": "None.",
            "refused": "None, as long as the API knows all that are asked for.",
        },
    ),
    Point(
        name="unknown_sort",
        question="What becomes of a `sort` that the API does not know?",
        assumption="ignored",
        settle=lists.unknown("sort"),
        consequences={
            "ignored": "Orders are checked, not trusted.",
            "refused": "Orders are checked all the same.",
        },
    ),
    Point(
        name="foreign_keys",
        question="Do rows carry `owner_id` without `include`?",
        assumption="when_included",
        settle=lists.foreign_keys,
        consequences=dict.fromkeys(("always", "when_included"), "None: a sync asks for them."),
    ),
    Point(
        name="tasks.filters",
        question="Do the filters `open` and `completed` show some task both?",
        assumption="apart",
        settle=lists.overlap("tasks open", "tasks completed"),
        consequences=dict.fromkeys(("overlap", "apart"), "None: each id is loaded once."),
    ),
    Point(
        name="appointments.filters",
        question="Do the filters `past` and `upcoming` show some appointment both?",
        assumption="apart",
        settle=lists.overlap("appointments past", "appointments upcoming"),
        consequences=dict.fromkeys(("overlap", "apart"), "None: each id is loaded once."),
    ),
)

_SEARCH = (
    Point(
        name=SEARCH_DETAIL,
        question="Does the search give whole rows when asked for `detail`?",
        assumption="full",
        settle=search.detail,
        consequences={
            "full": "Deals of hidden pipelines are read by the search.",
            "thin": "Deals of hidden pipelines are fetched one by one.",
        },
    ),
    Point(
        name="search.plain",
        question="Which rows does the search give without `detail`?",
        assumption="thin",
        settle=search.plain,
        consequences={
            "full": "None: `detail` is asked for all the same.",
            "thin": "None: such rows are not loaded.",
        },
    ),
    Point(
        name="search.order",
        question="Does the search keep the order asked for?",
        assumption="honoured",
        settle=search.order,
        consequences={
            "honoured": "Hidden pipelines are read newest first.",
            "loose": "Hidden pipelines are read by date rules.",
            "ignored": "Hidden pipelines are read by date rules.",
        },
    ),
    Point(
        name="search.page_size",
        question="How many rows does the search give where no size is asked for?",
        assumption="10",
        settle=search.page_size,
        consequences={"*": "None: a sync always asks for a size."},
    ),
    Point(
        name="search.short_pages",
        question="Do pages of the search come short before the end?",
        assumption="short",
        settle=search.short_pages,
        consequences=dict.fromkeys(("full", "short"), "None: a short page is never taken as the end."),
    ),
    Point(
        name="search.rule",
        question="Does the search keep a rule by id, or find everything?",
        assumption="honoured",
        settle=search.rule,
        consequences={
            "honoured": "Deals can be counted by pipeline.",
            "ignored": "Deals cannot be counted by pipeline.",
            "refused": "Deals cannot be counted by pipeline.",
        },
    ),
    Point(
        name="search.is_after",
        question="Does `is_after` include its own value?",
        assumption="exclusive",
        settle=search.is_after,
        consequences={
            **dict.fromkeys(("exclusive", "inclusive"), "None: dates are asked for with a margin."),
            **dict.fromkeys(("ignored", "refused"), "Changes cannot be asked for by date."),
        },
    ),
    Point(
        name="search.naive_dates",
        question="In which zone is a date without one read?",
        assumption="account",
        settle=search.naive,
        consequences=dict.fromkeys(("account", "utc", "refused"), "None: dates are sent with their zone."),
    ),
    Point(
        name=HIDDEN_PIPELINES,
        question="Do the views of deals show every pipeline?",
        assumption="hidden",
        settle=search.pipelines,
        consequences={
            "shown": "The views are enough.",
            "hidden": "Other pipelines are read by the search; one saved view of all deals, set in "
            "`views.deals`, costs less.",
        },
    ),
)

_ACCOUNT = (
    Point(
        name="views.namesakes",
        question="Do several views share a name?",
        assumption="unique",
        settle=account.namesakes,
        consequences={
            "unique": "None.",
            "several": "The one that Freshsales made is read; an id in `views` makes sure.",
        },
    ),
    Point(
        name=presence_point("leads"),
        question="Are there leads?",
        assumption="not_found",
        settle=account.presence("leads filters"),
        consequences=_PRESENCE,
    ),
    Point(
        name=presence_point("products"),
        question="Is there a list of products?",
        assumption="present",
        settle=account.presence("products updated_at desc"),
        consequences=_PRESENCE,
    ),
    Point(
        name="custom_modules",
        question="Is there a directory of custom modules?",
        assumption="present",
        settle=account.presence("modules"),
        consequences={
            "present": "Each module becomes a table `cm_*`.",
            **dict.fromkeys(("empty", "forbidden", "not_found"), "There are no tables `cm_*`."),
        },
    ),
    Point(
        name="binned_record",
        question="How is a record in the recycle bin answered when it is fetched alone?",
        assumption="record",
        settle=account.binned_record,
        consequences=dict.fromkeys(("record", "not_found"), "None: what the bin shows counts."),
    ),
    Point(
        name="bin.rows",
        question="Have records in the recycle bin all their columns?",
        assumption="full",
        settle=lists.binned_rows(*_BINS),
        consequences={
            "full": "They are loaded as they are.",
            "thin": "Only their flag is loaded, not what they lack.",
        },
    ),
    Point(
        name="bin.is_deleted",
        question="Do records in the recycle bin say that they are deleted?",
        assumption="flagged",
        settle=lists.binned_flag(*_BINS),
        consequences=dict.fromkeys(("flagged", "not_flagged"), "None: what is in the bin is flagged."),
    ),
    Point(
        name="pipelines.default_key",
        question="Which key marks the default pipeline?",
        assumption="is_default",
        settle=account.default_key,
        consequences=dict.fromkeys(("is_default", "default"), _NO_EFFECT),
    ),
)

_ANSWERS = (
    Point(
        name="limits.headers",
        question="Do answers tell how many calls are left?",
        assumption="present",
        settle=account.limit_headers,
        consequences={
            "present": "Calls of other programs are seen.",
            "none": "Calls of other programs are not seen: leave them a `reserve`.",
        },
    ),
    Point(
        name="limits.window",
        question="For which window do they speak?",
        assumption="hour",
        settle=account.limit_window,
        consequences=dict.fromkeys(("minute", "hour"), "The other window is kept by counting."),
    ),
    Point(
        name="limits.reset",
        question="How is the reset written?",
        assumption="dmyHis",
        settle=account.limit_reset,
        consequences=dict.fromkeys(("epoch", "seconds", "dmyHis", "date"), "None: each form is read."),
    ),
    Point(
        name="date_header",
        question="Do answers carry the server's time?",
        assumption="right",
        settle=account.date_header,
        consequences={
            "right": "Runs begin by the server's clock.",
            "skewed": "Runs begin by the server's clock, not this machine's.",
            "missing": "Runs begin by this machine's clock, five minutes early: keep it right.",
        },
    ),
    Point(
        name="stamps.future",
        question="Does any record claim to be updated in the future?",
        assumption="not_seen",
        settle=account.future_stamps,
        consequences=dict.fromkeys(("seen", "not_seen"), "None: no mark passes a run's own start."),
    ),
    Point(
        name="stamps.zone",
        question="How are times written?",
        assumption="offset",
        settle=account.stamps,
        consequences={
            **dict.fromkeys(("offset", "z"), "None: times are stored in UTC."),
            "naive": "Times have no zone: please report this.",
        },
    ),
    Point(
        name="stamps.sub_seconds",
        question="Do times carry parts of a second?",
        assumption="none",
        settle=account.sub_seconds,
        consequences=dict.fromkeys(("none", "present"), "None: bounds are whole seconds, and inclusive."),
    ),
    Point(
        name="values.money",
        question="Are amounts texts or numbers?",
        assumption="string",
        settle=account.money,
        consequences=dict.fromkeys(("string", "number"), "None: both become decimals."),
    ),
)

POINTS: tuple[Point, ...] = (
    *(point for entity in (CONTACTS, SALES_ACCOUNTS, DEALS) for point in views(entity)),
    *_ACCOUNT,
    *orders(),
    *_PAGES,
    *_REQUESTS,
    *_SEARCH,
    *_ANSWERS,
)
