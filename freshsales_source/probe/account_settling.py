"""What the account itself shows: its views' names, which objects it has, its clock, its limits, its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from freshsales_source.pages.paging import CAUTION
from freshsales_source.probe.reply import (
    Evidence,
    Outcome,
    Settled,
    cannot_tell,
    moment_of,
    unanswered,
)
from freshsales_source.probe.view_names import SYSTEM_VIEWS

_RIGHT_WITHIN_S = 5
_PER_MINUTE = 400
_PER_HOUR = (1000, 2000, 5000)
"""Calls that the plans allow (documented)."""


def view_names(object: str, wanted: tuple[str, ...]) -> Callable[[Evidence], Settled]:
    """Whether the views that a sync reads have the names they have in an English account."""

    def settle(evidence: Evidence) -> Settled:
        seen = evidence.views.get(object)
        if seen is None:
            return unanswered(evidence.reply(f"{object} filters"))
        names = {view.name for view in seen}
        missing = [name for name in wanted if name not in names]
        if not missing:
            return Settled(position="found")
        lacking = ", ".join(f'"{name}"' for name in missing)
        others = [view.name for view in seen if view.is_default and view.name not in SYSTEM_VIEWS]
        if not others:
            return Settled(position="missing", why=f"no {lacking}")
        is_renamed = any(name.casefold() in other.casefold() for other in others for name in SYSTEM_VIEWS)
        return Settled(position="renamed" if is_renamed else "localised", why=f"no {lacking}")

    return settle


def namesakes(evidence: Evidence) -> Settled:
    """Whether several views share a name that a sync goes by."""
    if not evidence.views:
        return cannot_tell("no list of views could be read")
    counts = Counter((object, view.name) for object, views in evidence.views.items() for view in views)
    twice = [name for (_, name), count in counts.items() if count > 1 and name in SYSTEM_VIEWS]
    return Settled(position="several" if twice else "unique")


def presence(question: str) -> Callable[[Evidence], Settled]:
    """Whether the account answers at an address that some do not have."""

    def settle(evidence: Evidence) -> Settled:
        reply = evidence.reply(question)
        if reply.outcome in (Outcome.FORBIDDEN, Outcome.NOT_FOUND):
            return Settled(position=reply.outcome.value)
        if not reply.is_answered:
            return unanswered(reply)
        return Settled(position="present" if _holds_anything(reply.document) else "empty")

    return settle


def binned_record(evidence: Evidence) -> Settled:
    """What becomes of a record that is fetched alone while it lies in the bin."""
    reply = evidence.reply("binned record")
    if reply.outcome is Outcome.NOT_FOUND:
        return Settled(position="not_found")
    return Settled(position="record") if reply.is_answered else unanswered(reply)


def default_key(evidence: Evidence) -> Settled:
    """Which key marks the default pipeline."""
    rows = evidence.reply("pipelines").rows
    for key in ("is_default", "default"):
        if any(row.get(key) for row in rows):
            return Settled(position=key)
    return cannot_tell("no pipeline is marked")


def limit_headers(evidence: Evidence) -> Settled:
    """Whether answers tell how many calls are left."""
    limits = [reply.limits for reply in evidence.answered() if reply.limits is not None]
    if not limits:
        return cannot_tell("nothing was answered")
    return Settled(position="present" if any(one.limit is not None for one in limits) else "none")


def limit_window(evidence: Evidence) -> Settled:
    """For which window the headers speak."""
    for reply in evidence.answered():
        limits = reply.limits
        if limits is None or limits.limit is None:
            continue
        if limits.limit == _PER_MINUTE:
            return Settled(position="minute", why=f"it allows {limits.limit:,} calls")
        if limits.limit in _PER_HOUR or (limits.reset_s or 0) > 60:
            return Settled(position="hour", why=f"it allows {limits.limit:,} calls")
    return cannot_tell("no answer carries a limit that tells its window")


def limit_reset(evidence: Evidence) -> Settled:
    """How the reset is written."""
    forms = (reply.limits.reset_form for reply in evidence.answered() if reply.limits is not None)
    form = next((form for form in forms if form is not None), None)
    return cannot_tell("no answer carries a reset") if form is None else Settled(position=form)


def date_header(evidence: Evidence) -> Settled:
    """Whether answers carry the server's time, and how far it is from this machine's."""
    skews = [
        (reply.served_at - reply.arrived_at).total_seconds()
        for reply in evidence.answered()
        if reply.served_at is not None and reply.arrived_at is not None
    ]
    if not skews:
        return Settled(position="missing") if evidence.replies else cannot_tell("nothing was answered")
    skew = min(skews, key=abs)
    return Settled(position="right" if abs(skew) <= _RIGHT_WITHIN_S else "skewed", why=f"{round(skew):+,} s")


def future_stamps(evidence: Evidence) -> Settled:
    """Whether a record claims to have been updated later than now."""
    count = 0
    for reply in evidence.answered():
        now = reply.served_at or (reply.arrived_at and reply.arrived_at + CAUTION)
        stamps = [moment_of(row.get("updated_at")) for row in reply.rows]
        count += len([at for at in stamps if at is not None])
        if now is not None and any(at is not None and at > now for at in stamps):
            return Settled(position="seen")
    return (
        Settled(position="not_seen", why=f"in {count:,} stamps")
        if count
        else cannot_tell("no stamp was seen")
    )


def stamps(evidence: Evidence) -> Settled:
    """How times are written."""
    texts = _texts(evidence, "updated_at")
    if not texts:
        return cannot_tell("no stamp was seen")
    if all(text.endswith("Z") for text in texts):
        return Settled(position="z")
    return Settled(position="offset" if all(moment_of(text) for text in texts) else "naive")


def sub_seconds(evidence: Evidence) -> Settled:
    """Whether times carry parts of a second."""
    texts = _texts(evidence, "updated_at")
    if not texts:
        return cannot_tell("no stamp was seen")
    return Settled(position="present" if any("." in text for text in texts) else "none")


def money(evidence: Evidence) -> Settled:
    """Whether amounts are texts or numbers."""
    amounts = [row.get("amount") for row in evidence.reply("deals updated_at desc").rows]
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return cannot_tell("no deal that was seen has an amount")
    return Settled(position="string" if all(isinstance(amount, str) for amount in known) else "number")


def _texts(evidence: Evidence, column: str) -> list[str]:
    values = (row.get(column) for reply in evidence.answered() for row in reply.rows)
    return [value for value in values if isinstance(value, str)]


def _holds_anything(document: object) -> bool:
    """Whether any list in the answer has an element."""
    return isinstance(document, dict) and any(
        isinstance(value, list) and value for value in document.values()
    )
