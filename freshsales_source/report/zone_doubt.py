"""Whether the account may live in another time zone than the one that the dates are made in.

The warehouse keeps moments, not the offsets they came with. But a deal's close date is a date of the account's own
zone (seen in recorded responses), and its last move to a stage is a moment: where many deals were moved a day beside
their close date, always on the same side, the zone may be wrong. Or people date back: so it is a doubt, and no check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from freshsales_source.plural import counted
from freshsales_source.report.figures import OfClosing
from freshsales_source.report.wording import count

DEFAULT = "UTC"
_FEWEST = 5
_SHARE = 0.02


def zone_doubt(closings: Sequence[OfClosing] | None, time_zone: str) -> str | None:
    """A line for people who have left `time_zone` at its default, where their dates speak against it."""
    if time_zone != DEFAULT:
        return None
    beside: Counter[int] = Counter()
    for line in closings or ():
        if line.closed_date and line.stage_since:
            beside[(line.stage_since - line.closed_date).days] += line.deals
    known, most = beside.total(), max(beside[-1], beside[1])
    if most < max(_FEWEST, _SHARE * known):
        return None
    side = "before" if beside[-1] == most else "after"
    return (
        f"{count(most)} of {counted(known, 'closed deal')} came to their stage on the day {side} their close date: the "
        "account may not live in UTC. Set `time_zone` to its own, and the dates here are the people's."
    )
