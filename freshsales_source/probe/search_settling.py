"""What answers of the search show: whole rows, order, rules, dates, and the pipelines that no view shows."""

from __future__ import annotations

from freshsales_source.probe.reply import (
    Evidence,
    Outcome,
    Reply,
    Settled,
    cannot_tell,
    number_of,
    unanswered,
)
from freshsales_source.probe.search_questions import PAGE
from freshsales_source.walk.order_evidence import ENOUGH, OrderWatch

_SHORT = 7
"""A page of the default size that is shorter than this tells no size."""


def detail(evidence: Evidence) -> Settled:
    """Whether `detail` brings all columns."""
    return _fullness(evidence, evidence.reply("search newest"))


def plain(evidence: Evidence) -> Settled:
    """Which columns a row has without `detail`."""
    found = next(
        (r for name in ("search before that", "search after") if (r := evidence.reply(name)).rows), None
    )
    return _fullness(evidence, found or evidence.reply("search before that"))


def _fullness(evidence: Evidence, reply: Reply) -> Settled:
    if not reply.is_answered:
        return unanswered(reply)
    live = evidence.reply("contacts updated_at desc")
    if not reply.rows or not live.rows:
        return cannot_tell("there is no record to compare")
    share = len(reply.rows[0].keys() & live.rows[0].keys()) / len(live.rows[0])
    return Settled(position="full" if share > 0.6 else "thin", why=f"{share:.0%} of the columns of a view")


def order(evidence: Evidence) -> Settled:
    """Whether records come in the order asked for, roughly so, or in another."""
    reply = evidence.reply("search newest")
    if not reply.is_answered:
        return unanswered(reply)
    watch = OrderWatch(descending=True)
    for value, record_id in reply.values("updated_at"):
        watch.see(value, record_id)
    if not watch.is_broken:
        if watch.distinct < ENOUGH or watch.is_by_id:
            return cannot_tell(f"{watch.distinct} different values are too few, or stand so by id")
        return Settled(position="honoured", why=f"{watch.distinct} different values in order")
    if reply.total is None or reply.total <= PAGE:
        return cannot_tell("the records are out of order, but one page holds them all")
    return Settled(position="loose" if _are_the_newest(evidence, reply) else "ignored")


def _are_the_newest(evidence: Evidence, reply: Reply) -> bool:
    """Whether a page out of order holds no record older than the view's first so many."""
    stamps = [stamp for stamp, _ in evidence.reply("contacts updated_at desc").values("updated_at")]
    if len(stamps) < PAGE:
        return False
    return min(value for value, _ in reply.values("updated_at")) >= sorted(stamps, reverse=True)[PAGE - 1]


def page_size(evidence: Evidence) -> Settled:
    """How many records come where no size is asked for."""
    if short_pages(evidence).position == "short":
        return cannot_tell("pages come short here")
    replies = [evidence.reply(name) for name in ("deals by default", "deals elsewhere")]
    for reply in replies:
        if reply.is_answered and reply.total is not None and reply.total > len(reply.rows) >= _SHORT:
            return Settled(position=str(len(reply.rows)))
    return cannot_tell("no search that was asked holds more than one page")


def short_pages(evidence: Evidence) -> Settled:
    """Whether a page holds fewer records than asked for though more follow."""
    reply = evidence.reply("search newest")
    if not reply.is_answered:
        return unanswered(reply)
    if len(reply.rows) >= PAGE:
        return Settled(position="full", why="one page was seen")
    if reply.total is None or reply.total <= PAGE:
        return cannot_tell("one page holds all records")
    return Settled(position="short", why=f"{len(reply.rows)} of {PAGE}")


def rule(evidence: Evidence) -> Settled:
    """Whether a rule for an id that nobody has finds nothing."""
    reply = evidence.reply("search for nobody")
    if reply.outcome is Outcome.REFUSED:
        return Settled(position="refused")
    if not reply.is_answered:
        return unanswered(reply)
    found = len(reply.rows) if reply.total is None else reply.total
    if found:
        return Settled(position="ignored")
    elsewhere = [evidence.reply(name).total for name in ("deals by default", "deals elsewhere")]
    if not any(elsewhere):
        return cannot_tell("the search finds no deal at all")
    return Settled(position="honoured")


def is_after(evidence: Evidence) -> Settled:
    """Whether `is_after` includes its own value."""
    reference, after = evidence.reference, evidence.reply("search after")
    before = evidence.reply("search before that")
    if reference is None or not after.is_answered or not before.is_answered:
        if after.outcome is Outcome.REFUSED:
            return Settled(position="refused")
        return unanswered(after if not after.is_answered else before)
    if any(stamp < reference.second - 1 for stamp, _ in before.values("updated_at")):
        return Settled(position="ignored", why="older records came, too")
    if not reference.ids & set(before.ids):
        return cannot_tell("the search does not find a record that a view shows")
    if reference.ids & set(after.ids):
        return Settled(position="inclusive")
    return (
        cannot_tell("more records came than one page holds")
        if _is_cut(after)
        else Settled(position="exclusive")
    )


def naive(evidence: Evidence) -> Settled:
    """In which zone a value without one is read."""
    reference, reply = evidence.reference, evidence.reply("search naive")
    if reply.outcome is Outcome.REFUSED:
        return Settled(position="refused")
    if reference is None or not reply.is_answered:
        return unanswered(reply)
    if is_after(evidence).position not in ("inclusive", "exclusive"):
        return cannot_tell("date rules do not work here as they should")
    is_found = bool(reference.ids & set(reply.ids))
    if not is_found and _is_cut(reply):
        return cannot_tell("more records came than one page holds")
    # The value was the record's own wall time where the account is ahead of UTC, else that of UTC.
    is_ahead = (reference.at.utcoffset() or reference.at - reference.at).total_seconds() > 0
    return Settled(position="account" if is_found == is_ahead else "utc")


def pipelines(evidence: Evidence) -> Settled:
    """Whether the views that a sync reads show deals of every pipeline, told from counts."""
    elsewhere = evidence.reply("deals elsewhere")
    shown = [evidence.reply(name) for name in _DEAL_VIEWS]
    if len({_pipeline(row) for reply in shown for row in reply.rows}) > 1:
        return Settled(position="shown", why="deals of several were seen")
    if not evidence.other_pipelines or not evidence.default_pipelines:
        return cannot_tell("there is one pipeline only, or none that is marked as the default")
    if rule(evidence).position != "honoured":
        return cannot_tell("the search does not tell deals apart by pipeline")
    default, views = evidence.reply("deals by default").total, len(evidence.chosen.get("deals", ()))
    totals = [reply.total for reply in shown[:views]]
    if elsewhere.total is None or default is None or views > len(shown) or None in totals:
        return cannot_tell("the views or the search tell no totals")
    in_views = sum(total for total in totals if total is not None)
    if not elsewhere.total:
        return cannot_tell("no deal lies outside the default pipeline")
    if in_views == default + elsewhere.total:
        return Settled(position="shown")
    if in_views == default:
        return Settled(position="hidden")
    return cannot_tell("the views' totals and the search's agree neither way")


_DEAL_VIEWS = ("deals updated_at desc", "deals created_at asc", "deals created_at asc again")


def _pipeline(row: object) -> int | None:
    return number_of(row.get("deal_pipeline_id")) if isinstance(row, dict) else None


def _is_cut(reply: Reply) -> bool:
    return reply.total is not None and reply.total > len(reply.rows)
