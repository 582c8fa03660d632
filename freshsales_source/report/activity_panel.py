"""What the team did: finished tasks, appointments and logged activities, week by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.charts import Column, columns
from freshsales_source.report.figures import OfDay
from freshsales_source.report.markup import Element, element
from freshsales_source.report.panels import Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count, day

HEADING = "Activity"
_WEEKS = 26
_WEEK = timedelta(days=7)
_OBJECTS = ("tasks", "appointments", "sales_activities")
_KINDS = {"task": "Tasks", "appointment": "Appointments", "sales_activity": "Logged activities"}


def activity_panel(lines: Sequence[OfDay] | None, standing: Standing, today: date | None) -> Element:
    """The half-year up to now, or up to the last week in which anything was done."""
    if lines is None:
        return missing_view(HEADING, "daily_activity")
    diary = _Diary.of(lines, today)
    if diary is None:
        return panel(
            HEADING,
            standing.why_empty("finished activities", *_OBJECTS, needs_all=False),
        )
    totals = [diary.total(week) for week in diary.weeks]
    last = diary.weeks[-1]
    return panel(
        HEADING,
        columns(
            [_column(diary.weeks, place, total) for place, total in enumerate(totals)],
            title="Finished activities per week",
            description=f"{_WEEKS} weeks, the last from {day(last)}; {count(max(totals))} in the busiest.",
        ),
        element("p", _ended(last, today), class_="note"),
        numbers(
            ("Week from", *(_KINDS[kind] for kind in diary.kinds)),
            [
                (day(week), *(count(diary.done[week, kind]) for kind in diary.kinds))
                for week in reversed(diary.weeks)
            ],
            caption="Finished activities by week and kind",
        ),
        lede=f"{counted(sum(totals), 'finished activity')} in {_WEEKS} weeks: {_by_kind(diary)}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Diary:
    """What was done in which week, by kind."""

    weeks: Sequence[date]
    kinds: Sequence[str]
    done: Counter[tuple[date, str]]

    @classmethod
    def of(cls, lines: Sequence[OfDay], today: date | None) -> _Diary | None:
        """None where nothing was done up to today."""
        done: Counter[tuple[date, str]] = Counter()
        for line in lines:
            if line.done_date and (today is None or line.done_date <= today):
                done[_monday(line.done_date), line.activity_kind] += line.done_activities
        if not done:
            return None
        last = max(week for week, _ in done)
        if today and _monday(today) - last < _WEEKS * _WEEK:
            last = _monday(today)
        seen = {kind for _, kind in done}
        return cls(
            weeks=[last - back * _WEEK for back in reversed(range(_WEEKS))],
            kinds=[kind for kind in _KINDS if kind in seen],
            done=done,
        )

    def total(self, week: date) -> int:
        """All that was done in a week."""
        return sum(self.done[week, kind] for kind in self.kinds)


def _monday(at: date) -> date:
    return at - timedelta(days=at.weekday())


def _column(weeks: Sequence[date], place: int, total: int) -> Column:
    """A month is named below its first whole week."""
    week = weeks[place]
    begins = week.day <= 7
    is_first = begins and not any(earlier.day <= 7 for earlier in weeks[:place])
    return Column(
        name=f"Week from {day(week)}",
        value=Decimal(total),
        text=count(total),
        label=f"{week:%b}" if begins else "",
        group=f"{week.year}" if is_first or (begins and week.month == 1) else None,
    )


def _ended(last: date, today: date | None) -> str:
    if today is None or last == _monday(today):
        return "Weeks begin on Monday; the last one is not over."
    return f"Weeks begin on Monday. Nothing was finished after the week of {day(last)}."


def _by_kind(diary: _Diary) -> str:
    return ", ".join(
        f"{count(sum(diary.done[week, kind] for week in diary.weeks))} {_KINDS[kind].lower()}"
        for kind in diary.kinds
    )
