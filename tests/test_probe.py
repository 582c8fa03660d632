"""What a probe says of an account: each position of each switch that reading can tell is reported as that position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Fault, Limits, Switches
from freshsales_source.errors import QuotaExhausted
from freshsales_source.probe import ProbeReport
from freshsales_source.probe.points import POINTS
from freshsales_source.probe.report import MOST_CALLS
from tests.connector import asked, company
from tests.probing import account, positions, probed

Case = tuple[dict[str, Any], str, str]

# Switches, the point they show in, and the position that must be reported.
CASES: tuple[Case, ...] = (
    *(
        ({"meta": p}, f"{o}.meta", p)
        for p in ("none", "total", "total_and_pages")
        for o in ("contacts", "sales_accounts", "deals")
    ),
    *(({"module_directory": p}, "custom_modules", p) for p in ("present", "forbidden", "not_found")),
    ({"meta": "none"}, "tasks.meta", "none"),
    ({"meta": "total"}, "appointments.meta", "total"),
    ({"meta": "total_and_pages"}, "tasks.meta", "total"),
    ({"meta": "total"}, "sales_activities.meta", "total"),
    *(({"page_past_end": p}, "page_past_end", p) for p in ("empty", "repeat_last", "not_found")),
    *(({"page_past_end": p, "meta": "total"}, "page_past_end", p) for p in ("empty", "repeat_last")),
    *(({"page_cap": n}, "page_cap", str(n)) for n in (25, 40, 50, 100)),
    *(({"page_cap": 50, "over_page_cap": p}, "page_cap", "50") for p in ("clamped", "ignored", "refused")),
    *(({"page_cap": 50, "over_page_cap": p}, "over_page_cap", p) for p in ("clamped", "ignored", "refused")),
    *(({"page_cap": 100, "over_page_cap": p}, "over_page_cap", p) for p in ("clamped", "ignored", "refused")),
    ({"page_cap": 50, "meta": "none"}, "page_cap", "50"),
    ({"page_cap_with_include": 25, "meta": "none"}, "contacts.page_cap_with_include", "25"),
    ({"page_cap": 120}, "over_page_cap", "served"),
    *(
        ({"page_cap_with_include": n}, f"{o}.page_cap_with_include", str(n or 100))
        for n in (25, 50, None)
        for o in ("contacts", "sales_accounts")
    ),
    ({"page_cap_with_include": 25, "over_page_cap": "refused"}, "deals.page_cap_with_include", "25"),
    ({"page_cap_with_include": 50, "over_page_cap": "ignored"}, "contacts.page_cap_with_include", "50"),
    *(({"unknown_sort": p}, "unknown_sort", p) for p in ("ignored", "refused")),
    *(({"unknown_include": p}, "unknown_include", p) for p in ("ignored", "refused")),
    ({"unknown_include": "refused", "unknown_sort": "ignored"}, "unknown_sort", "ignored"),
    ({"unknown_include": "refused", "unknown_sort": "refused"}, "unknown_sort", "refused"),
    *(
        ({"sort_ignored": (o,) if p == "ignored" else ()}, f"{o}.order.{order}", p)
        for p in ("ignored", "honoured")
        for o in ("contacts", "sales_accounts", "deals")
        for order in ("updated_at.desc", "created_at.asc")
    ),
    ({"sort_ignored": ("contacts",)}, "contacts.order.updated_at.asc", "ignored"),
    ({}, "contacts.order.updated_at.asc", "honoured"),
    *(({}, f"{o}.order.id.asc", "honoured") for o in ("contacts", "sales_accounts", "deals")),
    *(
        ({"bin_sort_honoured": p}, f"{o}.bin.order.updated_at.desc", "honoured" if p else "ignored")
        for p in (True, False)
        for o in ("contacts", "sales_accounts", "deals")
    ),
    ({"activities_sort_honoured": True}, "sales_activities.order.updated_at.desc", "honoured"),
    ({"activities_sort_honoured": False}, "sales_activities.order.updated_at.desc", "ignored"),
    ({"products_sort_honoured": True}, "products.order.updated_at.desc", "honoured"),
    ({"products_sort_honoured": False}, "products.order.updated_at.desc", "ignored"),
    ({}, "tasks.open.order.updated_at.desc", "ignored"),
    ({}, "tasks.completed.order.updated_at.desc", "ignored"),
    ({}, "appointments.past.order.updated_at.desc", "ignored"),
    ({}, "appointments.upcoming.order.updated_at.desc", "ignored"),
    ({}, "tasks.filters", "apart"),
    ({"appointment_filters": "apart"}, "appointments.filters", "apart"),
    ({"appointment_filters": "same"}, "appointments.filters", "overlap"),
    *(({"tie_order": p}, "tie_order", p) for p in ("stable", "reshuffled")),
    *(({"pipeline_default_key": p}, "pipelines.default_key", p) for p in ("is_default", "default")),
    ({"deal_views_default_pipeline_only": True}, "deals.pipelines", "hidden"),
    ({"deal_views_default_pipeline_only": False}, "deals.pipelines", "shown"),
    *(
        ({"view_names": p}, f"{o}.{v}", "found" if p == "english" else p)
        for p in ("english", "localised", "renamed")
        for o in ("contacts", "sales_accounts", "deals")
        for v in ("views", "bin")
    ),
    ({"missing_views": ("All Contacts",)}, "contacts.views", "missing"),
    ({"missing_views": ("Won Deals",)}, "deals.views", "missing"),
    ({"recycle_bin_missing": True}, "contacts.bin", "missing"),
    ({"several_views_of_one_name": True}, "views.namesakes", "several"),
    ({"several_views_of_one_name": False}, "views.namesakes", "unique"),
    *(({"binned_get": p}, "binned_record", p) for p in ("record", "not_found")),
    *(({"bin_rows": p}, "bin.rows", p) for p in ("full", "thin")),
    ({"bin_rows_is_deleted": True}, "bin.is_deleted", "flagged"),
    ({"bin_rows_is_deleted": False}, "bin.is_deleted", "not_flagged"),
    *(({"stamps": p}, "stamps.zone", p) for p in ("offset", "z")),
    ({"sub_seconds": True}, "stamps.sub_seconds", "present"),
    ({"sub_seconds": False}, "stamps.sub_seconds", "none"),
    *(({"money": p}, "values.money", p) for p in ("string", "number")),
    ({"search_detail": True}, "search.detail", "full"),
    ({"search_detail": False}, "search.detail", "thin"),
    ({}, "search.plain", "thin"),
    *(({"search_page_size": n}, "search.page_size", str(n)) for n in (10, 25)),
    ({"search_short_pages": True}, "search.short_pages", "short"),
    ({"search_short_pages": False}, "search.short_pages", "full"),
    *(({"search_order": p}, "search.order", p) for p in ("honoured", "loose", "ignored")),
    ({"is_after_inclusive": True}, "search.is_after", "inclusive"),
    ({"is_after_inclusive": False}, "search.is_after", "exclusive"),
    *(({"naive_dates": p}, "search.naive_dates", p) for p in ("account", "utc")),
    ({}, "search.rule", "honoured"),
    ({"products_list": "present"}, "products.list", "present"),
    *(({"products_list": p}, "products.list", p) for p in ("empty", "forbidden", "not_found")),
    *(({"products_meta": p}, "products.meta", p) for p in ("none", "total", "total_and_pages")),
    ({"classic": True}, "leads.list", "present"),
    ({"classic": False}, "leads.list", "not_found"),
    *(({"date_header": p}, "date_header", p) for p in ("right", "skewed", "missing")),
    ({"date_header": "skewed", "date_skew_s": -90.0}, "date_header", "skewed"),
    ({}, "foreign_keys", "when_included"),
    ({}, "stamps.future", "not_seen"),
)

LIMITED: tuple[Case, ...] = (
    ({"limit_headers": "none"}, "limits.headers", "none"),
    *(({"limit_headers": p}, "limits.headers", "present") for p in ("minute", "hour")),
    *(({"limit_headers": p}, "limits.window", p) for p in ("minute", "hour")),
    *(({"limit_reset": p}, "limits.reset", p) for p in ("epoch", "seconds", "dmyHis")),
)

# What reading alone, once, cannot tell, or what changes nothing for a reader.
NOT_TOLD: Mapping[str, str] = {
    "total_cached_s": "shows only while records are created or deleted",
    "total_cap": "shows only in a list that is longer",
    "view_lag_s": "shows only after a write",
    "search_lag_s": "shows only after a write",
    "search_depth_cap": "shows only behind it",
    "side_loads": "either place is read",
    "lead_source_key": "either name is read",
    "contact_status_key": "either name is read",
    "sees_only_owner": "what a key does not see leaves no trace; `discover` counts by owner",
    "sees_all_after_s": "shows only when it happens",
    "unseen_record": "nothing tells the id of a record that is not seen",
    "forbidden": "its own test below",
    "bin_keeps_days": "shows after 90 days",
    "delete_moves_stamp": "shows only after a deletion",
    "restore_moves_stamp": "shows only after a restore",
    "lost_link_moves_stamp": "shows only after a deletion",
    "account_delete_cascades": "shows only after a deletion",
    "merged_get": "nothing tells the id of a record that was merged away",
    "deal_moves_parents": "shows only after a write",
    "stamp_drift_s": "its own test below",
    "rotten_days": "a value of either kind is read",
    "custom_dates": "a value of either kind is read",
    "newer_columns": "a column more or less is read",
    "volatile_tokens": "they are dropped before anything else",
    "open_deals_count_late_s": "shows only after a write",
    "deleted_products": "shows only after a deletion",
    "deleted_record_hides": "shows only after a deletion",
    "forget_takes_all": "shows only after an erasure",
    "forget_takes_shared": "shows only after an erasure",
    "module_filters": "each module is looked at by the sync, which tells",
    "module_search": "each module is looked at by the sync, which tells",
    "module_bin": "each module is looked at by the sync, which tells",
    "module_sort_honoured": "the rows of each module show it in a sync",
    "module_meta": "each module is looked at by the sync, which tells",
    "feeds": "they hang on single records, which are not probed one by one",
    "feed_page": "shows only in a feed that is longer",
    "notes_paged": "shows only in a record with many notes",
    "note_moves_stamp": "shows only after a write",
    "gzip": "either is read",
    "retry_after": "shows only in a refused call",
    "throttled_body": "shows only in a refused call",
    "refused_calls_count": "shows only in a refused call",
    "failed_calls_count": "would cost calls on purpose",
    "not_found_body": "only the status counts",
    "error_message": "only the status counts",
    "wrong_key_message": "only the status counts",
    "language": "only the status counts",
    "alias": "a wrong one ends the probe",
}


def named(case: Case) -> str:
    return f"{case[1]}={case[2]}({','.join(f'{k}={v}' for k, v in case[0].items())})"


@cache
def probed_behind(switches: tuple[tuple[str, Any], ...]) -> tuple[ProbeReport, int]:
    """What a probe finds, and the calls that reached the account; asked once for all points that it settles."""
    emulator = account(**dict(switches))
    return probed(emulator), len(emulator.log)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_each_position_of_a_switch_is_reported_as_that_position(case: Case) -> None:
    switches, point, position = case
    report, calls = probed_behind(tuple(switches.items()))
    assert positions(report)[point] == position
    assert report.calls == calls <= MOST_CALLS


@pytest.mark.parametrize("case", LIMITED, ids=named)
def test_what_answers_say_of_the_limits_is_reported(case: Case) -> None:
    switches, point, position = case
    assert positions(probed(account(limits=Limits(), **switches)))[point] == position


def test_every_switch_is_told_or_there_is_a_reason_why_not() -> None:
    told = {name for switches, _, _ in (*CASES, *LIMITED) for name in switches}
    assert {spec.name for spec in fields(Switches)} == told | NOT_TOLD.keys()
    assert told & NOT_TOLD.keys() == set()


def test_every_point_is_settled_by_some_position() -> None:
    settled = {point for _, point, _ in (*CASES, *LIMITED)}
    assert {point.name for point in POINTS} - settled == set()


def test_each_point_has_a_consequence_for_each_position_that_is_reported() -> None:
    points = {point.name: point for point in POINTS}
    assert len(points) == len(POINTS)
    for _, name, position in (*CASES, *LIMITED):
        assert points[name].consequences.keys() & {position, "*"}, (name, position)
    for point in POINTS:
        assert point.consequences.keys() & {point.assumption, "*"}, point.name


def test_the_strict_account_is_reported_with_all_its_positions() -> None:
    emulator = account(**{spec.name: getattr(Switches.strict(), spec.name) for spec in fields(Switches)})
    report = probed(emulator)
    found = positions(report)
    assert report.calls == len(emulator.log) <= MOST_CALLS
    strict = {
        "page_cap": "50",
        "contacts.page_cap_with_include": "25",
        "deals.page_cap_with_include": "25",
        "contacts.meta": "total",
        "page_past_end": "repeat_last",
        "tie_order": "reshuffled",
        "unknown_sort": "refused",
        "unknown_include": "refused",
        "search.order": "ignored",
        "search.short_pages": "short",
        "search.is_after": "exclusive",
        "deals.pipelines": "hidden",
        "date_header": "missing",
        "binned_record": "not_found",
        "bin.is_deleted": "not_flagged",
        "appointments.filters": "overlap",
        "limits.headers": "none",
        "values.money": "number",
    }
    assert {name: found[name] for name in strict} == strict


@pytest.mark.parametrize("over", ["clamped", "ignored", "refused"])
def test_no_probe_makes_more_calls_than_allowed_whatever_is_refused(over: str) -> None:
    emulator = account(
        page_cap=50,
        page_cap_with_include=25,
        over_page_cap=over,
        unknown_sort="refused",
        unknown_include="refused",
        meta="none",
        classic=True,
    )
    report = probed(emulator)
    assert len(emulator.log) == report.calls <= MOST_CALLS
    assert report.exit_code == 0


def test_tries_again_count_and_the_ceiling_is_hard() -> None:
    emulator = account()
    emulator.faults.add(Fault(kind="status", status=500, times=1000, path="*/view/*"))
    report = probed(emulator)
    assert len(emulator.log) == report.calls == MOST_CALLS
    open_points = [found for found in report.findings if not found.is_settled]
    assert any("no calls were left" in found.why for found in open_points)
    assert positions(report)["contacts.views"] == "found"


def test_the_setting_max_calls_holds_for_a_probe_too(tmp_path: Path) -> None:
    emulator = account()
    report = probed(emulator, tmp_path, max_calls=7)
    assert (len(emulator.log), report.calls, report.exit_code) == (7, 7, 75)


def test_a_probe_spends_the_budget_that_all_share(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"rate_limits": [[50, 3600]], "reserve": 0, "on_quota": "stop"}
    emulator = account()
    first = probed(emulator, tmp_path, **limits).calls
    with pytest.raises(QuotaExhausted):
        probed(emulator, tmp_path, **limits)
    assert len(emulator.log) == 50 > first


def test_a_probe_only_reads() -> None:
    emulator = account()
    probed(emulator)
    writes = [call for call in emulator.log if call.method not in ("GET", "POST")]
    posts = [call.path for call in emulator.log if call.method == "POST"]
    assert (writes, len(posts)) == ([], 7)
    assert all("/filtered_search/" in path for path in posts)


NEEDS_RECORDS = (
    "contacts.order.updated_at.desc",
    "deals.order.created_at.asc",
    "sales_accounts.order.id.asc",
    "contacts.bin.order.updated_at.desc",
    "page_cap",
    "contacts.page_cap_with_include",
    "over_page_cap",
    "tie_order",
    "search.order",
    "search.short_pages",
    "search.page_size",
    "binned_record",
    "bin.rows",
    "bin.is_deleted",
)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("records", [0, 1, 3])
def test_a_tiny_account_cannot_tell_and_says_why(records: int, strict: bool) -> None:
    switches = Switches.strict() if strict else Switches()
    emulator = company(accounts=records, contacts=records, deals=records, in_bin=0, switches=switches)
    emulator.clock.sleep(3600)
    report = probed(emulator)
    found = {one.point: one for one in report.findings}
    assert {name: found[name].position for name in NEEDS_RECORDS} == dict.fromkeys(
        NEEDS_RECORDS, "cannot tell"
    )
    assert all(found[name].why for name in NEEDS_RECORDS)
    assert len(emulator.log) == report.calls <= MOST_CALLS
    assert report.exit_code == 0


def test_equal_stamps_show_no_order() -> None:
    emulator = company(contacts=30)
    emulator.clock.sleep(3600)
    emulator.store.bulk_update(
        "contacts", [row["id"] for row in emulator.store.live("contacts")], job_title="X"
    )
    emulator.clock.sleep(3600)
    found = {one.point: one for one in probed(emulator).findings}
    assert found["contacts.order.updated_at.desc"].position == "cannot tell"
    assert found["contacts.order.updated_at.desc"].why == "30 records with 1 different values are too few"


def test_a_record_from_the_future_is_seen() -> None:
    emulator = company(switches=replace(Switches(), stamp_drift_s=60))
    for row in emulator.store.live("contacts"):
        emulator.store.update("contacts", row["id"], job_title="X")
    assert positions(probed(emulator))["stamps.future"] == "seen"


def test_an_account_without_custom_modules_has_an_empty_directory() -> None:
    emulator = account()
    empty = Fault(kind="status", status=200, path="*/module_customizations", body=b'{"forms": []}')
    emulator.faults.add(empty)
    assert positions(probed(emulator))["custom_modules"] == "empty"
    assert emulator.faults.unfired() == []


def test_an_object_that_is_forbidden_leaves_its_points_open_and_the_rest_settled() -> None:
    report = probed(account(forbidden=("sales_accounts",)))
    found = {one.point: one for one in report.findings}
    assert found["sales_accounts.views"].position == "cannot tell"
    assert "403" in found["sales_accounts.views"].why
    assert found["contacts.order.updated_at.desc"].position == "honoured"
    assert [trouble.object for trouble in report.troubles] == ["sales_accounts"]
    assert report.exit_code == 4


def test_what_was_answered_is_not_asked_again() -> None:
    emulator = account()
    probed(emulator)
    views = asked(emulator, "/view/")
    assert len(set(views)) == len(views)


def test_a_report_whose_objects_cannot_be_read_ends_like_a_wrong_configuration() -> None:
    report: ProbeReport = probed(account(forbidden=("contacts", "sales_accounts", "deals")))
    assert report.exit_code == 3
