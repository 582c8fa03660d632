"""What answers to lists show: orders, page sizes, envelopes, ends, ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from math import factorial
from typing import TypeAlias

from freshsales_source.probe.reply import (
    Evidence,
    Outcome,
    Reply,
    Settled,
    cannot_tell,
    number_of,
    unanswered,
)
from freshsales_source.probe.search_questions import SETTLED
from freshsales_source.walk.order_evidence import ENOUGH, OrderWatch

Settle: TypeAlias = Callable[[Evidence], Settled]

_BY_ACCIDENT = 0.05
"""How likely equal orders may be by accident before they show nothing."""


def order(*questions: str, column: str, descending: bool, besides: str = "") -> Settle:
    """Whether the order asked for in these questions was honoured; the first that shows anything decides.

    `besides` is a question put to the same list in another order, without which an order by id shows nothing.
    """

    def settle(evidence: Evidence) -> Settled:
        found = [
            _order_in(evidence.reply(name), column, descending, evidence.reply(besides)) for name in questions
        ]
        return next((one for one in found if one.position in ("honoured", "ignored", "refused")), found[0])

    return settle


def _order_in(reply: Reply, column: str, descending: bool, besides: Reply) -> Settled:
    if reply.outcome is Outcome.REFUSED:
        return Settled(position="refused")
    if not reply.is_answered:
        return unanswered(reply)
    watch = OrderWatch(descending=descending)
    until = _settled_until(reply) if column == "updated_at" else None
    values = [(value, i) for value, i in reply.values(column) if until is None or value < until]
    for value, record_id in values:
        watch.see(value, record_id)
    if watch.is_broken:
        return Settled(position="ignored", why=_order_seen(reply))
    if watch.distinct < ENOUGH:
        return cannot_tell(f"{len(values)} records with {watch.distinct} different values are too few")
    if column == "id":
        return _order_by_id(reply, besides)
    if watch.is_by_id:
        return cannot_tell("these records stand in the same order by id")
    return Settled(position="honoured", why=f"{watch.distinct} different values in order")


def _order_by_id(reply: Reply, besides: Reply) -> Settled:
    if besides.is_answered and besides.ids[: len(reply.ids)] != reply.ids:
        return Settled(position="honoured", why=f"{len(reply.ids)} records in order")
    return cannot_tell("the list may come by id whatever is asked")


def _order_seen(reply: Reply) -> str:
    """The order that the records are in, if it is a known one."""
    for column in ("id", "due_date", "end_date", "created_at"):
        values = [value for value, _ in reply.values(column)]
        if len(set(values)) < ENOUGH:
            continue
        if all(one <= other for one, other in pairwise(values)):
            return f"they come by {column}, oldest first" if column != "id" else "they come by id"
        if all(one >= other for one, other in pairwise(values)):
            return f"they come by {column}, latest first"
    return ""


def page_cap(question: str, *, besides: str = "") -> Settle:
    """The most records that one answer held, where there were more to give.

    `besides` is another question put to the same list, whose answer may hold more.
    """

    def settle(evidence: Evidence) -> Settled:
        reply = evidence.reply(question)
        if reply.outcome is Outcome.REFUSED:
            return Settled(position="refused", why="every size tried was refused")
        if not reply.is_answered:
            return unanswered(reply)
        count = len(reply.rows)
        if count and reply.asked is not None and count >= reply.asked:
            return Settled(position=str(reply.asked), why="as many as were asked for")
        if max(reply.total or 0, len(evidence.reply(besides).rows)) > count > 0:
            return Settled(position=str(count), why=f"{reply.asked} were asked for")
        if reply.total is None:
            return _cap_without_total(reply, evidence.reply("contacts past the end"))
        return cannot_tell(f"there are only {count} records")

    return settle


def _cap_without_total(reply: Reply, second: Reply) -> Settled:
    if reply.rows and set(second.ids) - set(reply.ids):
        return Settled(position=str(len(reply.rows)), why="the next page held more")
    return cannot_tell(f"{len(reply.rows)} records came and no total tells whether there are more")


def over_cap(evidence: Evidence) -> Settled:
    """What becomes of a page size above the largest."""
    if evidence.over_cap is None:
        return cannot_tell("no list that was read is longer than the largest page")
    return Settled(position=evidence.over_cap)


def envelope(*questions: str) -> Settle:
    """What `meta` tells of a list's length."""

    def settle(evidence: Evidence) -> Settled:
        replies = [evidence.reply(question) for question in questions]
        answered = next((reply for reply in replies if reply.is_answered), None)
        if answered is None:
            return unanswered(replies[0])
        if answered.total is None:
            return Settled(position="none")
        return Settled(position="total" if answered.total_pages is None else "total_and_pages")

    return settle


def past_the_end(evidence: Evidence) -> Settled:
    """How a page behind the last is answered."""
    first, behind = evidence.reply("contacts updated_at desc"), evidence.reply("contacts past the end")
    if behind.outcome is Outcome.NOT_FOUND:
        return Settled(position="not_found")
    if not behind.is_answered:
        return unanswered(behind)
    if not behind.rows:
        return Settled(position="empty")
    if first.total is None and set(behind.ids) - set(first.ids):
        return cannot_tell("the list goes on, and does not tell where it ends")
    return Settled(position="repeat_last")


def ties(evidence: Evidence) -> Settled:
    """Whether records of one second keep their order from one answer to the next."""
    first, second = evidence.reply("contacts updated_at desc"), evidence.reply("contacts with include")
    if not first.is_answered or not second.is_answered:
        return unanswered(first if not first.is_answered else second)
    blocks, others = _blocks(first), _blocks(second)
    chance = 1.0
    for stamp, ids in blocks.items():
        other = others.get(stamp, [])
        if set(other) != set(ids):
            continue
        if other != ids:
            return Settled(position="reshuffled")
        chance /= factorial(min(len(ids), 20))
    if chance > _BY_ACCIDENT:
        return cannot_tell("too few of the newest contacts share a second")
    return Settled(position="stable")


def _blocks(reply: Reply) -> dict[int, list[int]]:
    """The ids of each second that is whole in the answer, in the order served."""
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for stamp, record_id in reply.values("updated_at"):
        blocks[stamp].append(record_id)
    if reply.rows and (last := number_of(reply.rows[-1].get("updated_at"))) is not None:
        del blocks[last]
    return blocks


def unknown(what: str) -> Settle:
    """What becomes of an `include` or a `sort` that the API does not know."""

    def settle(evidence: Evidence) -> Settled:
        both, alone = evidence.reply("unknown names"), evidence.reply(f"unknown {what}")
        reply = both if both.is_answered else alone
        if reply.outcome is Outcome.REFUSED:
            return Settled(position="refused")
        return Settled(position="ignored") if reply.is_answered else unanswered(both)

    return settle


def foreign_keys(evidence: Evidence) -> Settled:
    """Whether `owner_id` stands in rows only where it was asked for."""
    bare, wide = evidence.reply("contacts updated_at desc"), evidence.reply("contacts with include")
    if any("owner_id" in row for row in bare.rows):
        return Settled(position="always")
    if bare.rows and any("owner_id" in row for row in wide.rows):
        return Settled(position="when_included")
    return cannot_tell("no contact that was seen has an owner")


def overlap(first: str, second: str) -> Settle:
    """Whether two filters show some record both."""

    def settle(evidence: Evidence) -> Settled:
        one, other = evidence.reply(first), evidence.reply(second)
        if not one.is_answered or not other.is_answered:
            return unanswered(one if not one.is_answered else other)
        if not one.rows or not other.rows:
            return cannot_tell("one of the filters shows nothing")
        if set(one.ids) & set(other.ids):
            return Settled(position="overlap")
        if _is_whole(one) and _is_whole(other):
            return Settled(position="apart")
        return Settled(position="apart", why="as far as the first pages show")

    return settle


def binned_rows(*questions: str) -> Settle:
    """Whether records in the bin have all the columns of live ones."""

    def settle(evidence: Evidence) -> Settled:
        for question in questions:
            binned = evidence.reply(question)
            live = evidence.reply(question.replace(" bin", ""))
            if binned.rows and live.rows:
                kept = len(binned.rows[0].keys() & live.rows[0].keys()) / len(live.rows[0])
                return Settled(position="full" if kept > 0.6 else "thin")
        return cannot_tell("no recycle bin that was seen holds a record")

    return settle


def binned_flag(*questions: str) -> Settle:
    """Whether records in the bin say of themselves that they are deleted."""

    def settle(evidence: Evidence) -> Settled:
        rows = [row for question in questions for row in evidence.reply(question).rows]
        if not rows:
            return cannot_tell("no recycle bin that was seen holds a record")
        return Settled(
            position="flagged" if all(row.get("is_deleted") is True for row in rows) else "not_flagged"
        )

    return settle


def _is_whole(reply: Reply) -> bool:
    return reply.total is not None and len(reply.rows) >= reply.total


def _settled_until(reply: Reply) -> int | None:
    """Seconds before which changes have reached their place in a list."""
    now: datetime | None = reply.served_at or reply.arrived_at
    return None if now is None else int((now.astimezone(UTC) - SETTLED).timestamp())
