"""The questions put to the search: full rows, order, date rules, and the deals of pipelines that no view may show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from freshsales_source.probe.questions import Questions
from freshsales_source.probe.reply import Evidence, Reference, Reply, moment_of, number_of

PAGE = 25
NOBODY = 1
"""An id that stands for nothing: real ones have ten digits and more (recorded)."""

SETTLED = timedelta(seconds=300)
"""Older changes have reached views and search (one client waits five seconds for the search)."""


def ask_searches(ask: Questions) -> None:
    """Ask all that the search can tell: at most eight calls."""
    _newest(ask)
    _pipelines(ask)
    _dates(ask)


def _newest(ask: Questions) -> None:
    """The newest contacts in full: rows, order and page lengths."""
    body = {
        "filter_rule": [_rule("created_at", "is_after", "1990-01-01T00:00:00Z")],
        "sort": "updated_at",
        "sort_type": "desc",
        "detail": True,
    }
    params: dict[str, str | int] = {"page": 1, "per_page": PAGE, "include": "owner"}
    ask.post("search newest", "filtered_search/contact", "contacts", body, params)


def _pipelines(ask: Questions) -> None:
    reply = ask.get("pipelines", "selector/deal_pipelines", "deal_pipelines")
    pipelines = {int(str(row["id"])): row for row in reply.rows}
    # The flag has two names (one client each).
    defaults = frozenset(i for i, row in pipelines.items() if row.get("is_default") or row.get("default"))
    others = frozenset(pipelines) - defaults
    ask.evidence.default_pipelines, ask.evidence.other_pipelines = defaults, others
    _count(ask, "search for nobody", frozenset({NOBODY}))
    if defaults:
        _count(ask, "deals by default", defaults)
    if others:
        _count(ask, "deals elsewhere", others)


def _count(ask: Questions, name: str, pipelines: frozenset[int]) -> None:
    # No page size: how many come then is a point of its own.
    body = {"filter_rule": [_rule("deal_pipeline_id", "is_in", sorted(pipelines))]}
    ask.post(name, "filtered_search/deal", "deals", body, {"page": 1})


def _dates(ask: Questions) -> None:
    """Whether a date rule includes its own value, and in which zone a value without one is read."""
    reference = reference_of(ask.evidence)
    if reference is None:
        for name in ("search after", "search before that", "search naive"):
            ask.leave_out(name, "no contact that was seen is older than five minutes and dated")
        return
    ask.evidence.reference = reference
    second_before = reference.at - timedelta(seconds=1)
    _after(ask, "search before that", second_before.isoformat())
    _after(ask, "search after", reference.at.isoformat())
    offset = second_before.utcoffset() or timedelta()
    if not offset:
        ask.leave_out("search naive", "stamps carry no offset here that would tell two zones apart")
        return
    # The reading that finds the record is the one whose moment is earlier: the other one lies hours after it.
    earlier = second_before if offset > timedelta() else second_before.astimezone(UTC)
    _after(ask, "search naive", earlier.replace(tzinfo=None).isoformat())


def _after(ask: Questions, name: str, value: str) -> None:
    body = {
        "filter_rule": [_rule("updated_at", "is_after", value)],
        "sort": "updated_at",
        "sort_type": "desc",
    }
    ask.post(name, "filtered_search/contact", "contacts", body, {"page": 1, "per_page": PAGE})


def reference_of(evidence: Evidence) -> Reference | None:
    """The newest second that had time to reach the search, and the contacts that carry it."""
    reply = evidence.reply("contacts updated_at desc")
    until = _server_now(reply)
    if until is None:
        return None
    dated = [(moment_of(row.get("updated_at")), row) for row in reply.rows]
    old = [(at, row) for at, row in dated if at is not None and at < until - SETTLED]
    if not old:
        return None
    newest = max(at for at, _ in old).replace(microsecond=0)
    second = int(newest.timestamp())
    ids = frozenset(int(str(row["id"])) for _, row in old if number_of(row.get("updated_at")) == second)
    return Reference(second=second, ids=ids, at=newest)


def _server_now(reply: Reply) -> datetime | None:
    return reply.served_at or reply.arrived_at


def _rule(attribute: str, operator: str, value: object) -> Mapping[str, object]:
    return {"attribute": attribute, "operator": operator, "value": value}
