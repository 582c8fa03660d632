"""How far the numbers can be trusted: what the checks of the data found, and what the sync says of its own copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from freshsales_source.plural import counted
from freshsales_source.report.bars import BarRow, bars
from freshsales_source.report.figures import Check, Health
from freshsales_source.report.markup import Element, Node, element, name, prose, table
from freshsales_source.report.panels import missing_view, panel
from freshsales_source.report.wording import NOTHING, count, moment, percent
from freshsales_source.sync.verdicts import Verdict, summary

QUALITY, HEALTH = "Data quality", "How whole the copy is"
_LONGEST_REASON = 1_000
_KINDS = {
    Verdict.MATCHED: ("good", "✓"),
    Verdict.MISMATCH: ("bad", "✕"),
    Verdict.FAILED: ("bad", "✕"),
    Verdict.MOVING: ("warn", "!"),
    Verdict.UNCHECKED: ("warn", "?"),
    Verdict.PARTIAL: ("warn", "…"),
    Verdict.NOT_AVAILABLE: ("soft", NOTHING),
}


def quality_panel(checks: Sequence[Check] | None) -> Element:
    """Every check that found something, the worst first, and those that found nothing."""
    if checks is None:
        return missing_view(QUALITY, "data_quality", is_wide=True)
    tried = [check for check in checks if check.checked_records]
    if not tried:
        text = "Empty: there are no records to check."
        return panel(QUALITY, prose(text, "empty"), is_wide=True)
    found = [check for check in tried if check.affected_records]
    found.sort(key=lambda check: (-(check.affected_rate or Decimal(0)), check.check_name))
    fine = sorted(
        (check for check in tried if not check.affected_records), key=lambda check: check.check_name
    )
    return panel(
        QUALITY,
        bars([_check_bar(check) for check in found], Decimal(100)),
        element(
            "details",
            element("summary", f"All {counted(len(tried), 'check')}"),
            table(
                ("Check", "Meaning", "Found", "of", "Share"),
                [_check_row(check) for check in (*found, *fine)],
                caption="Checks of the data",
                numbers=frozenset({2, 3, 4}),
            ),
        ),
        lede=f"{len(found)} of {counted(len(tried), 'check')} found something.",
        is_wide=True,
    )


def health_panel(lines: Sequence[Health] | None, zone: ZoneInfo) -> Element:
    """The newest verdict on each object: those that were counted or are not whole, and the others on demand."""
    if lines is None:
        return missing_view(HEALTH, "sync_health", is_wide=True)
    if not lines:
        text = "Missing: no run of `freshsales sync` has left a verdict here."
        return panel(HEALTH, prose(text, "empty"), is_wide=True)
    ordered = sorted(lines, key=lambda line: line.object)
    shown = [line for line in ordered if line.expected_count is not None or not line.is_whole]
    return panel(
        HEALTH,
        element("ul", *(_verdict_line(line) for line in shown), class_="verdicts") if shown else None,
        element(
            "details",
            element("summary", f"All {counted(len(lines), 'object')}"),
            table(
                ("Object", "Verdict", "In the CRM", "In the warehouse", "Read up to", "Checked"),
                [_verdict_row(line, zone) for line in ordered],
                caption="The newest verdict on each object",
                numbers=frozenset({2, 3}),
            ),
        ),
        lede=in_words(lines, zone),
        is_wide=True,
    )


def in_words(lines: Sequence[Health], zone: ZoneInfo) -> str:
    """How whole the copy is, as of when, as `freshsales status` says it."""
    at = moment(as_of(lines), zone)
    whys = ((line.object, Verdict(line.verdict), line.reason and "see below") for line in lines)
    return f"{summary(((name, verdict, why or '') for name, verdict, why in whys), at)}."


def as_of(lines: Sequence[Health]) -> datetime | None:
    """When the verdict that is oldest was given."""
    return min((line.checked_at for line in lines if line.checked_at), default=None)


def _check_bar(check: Check) -> BarRow:
    return BarRow(
        size=check.affected_rate or Decimal(0),
        label=_words(check.check_name),
        value=percent(check.affected_rate),
        about=f"{count(check.affected_records)} of {count(check.checked_records)}",
    )


def _check_row(check: Check) -> tuple[Node, ...]:
    return (
        _words(check.check_name),
        check.meaning,
        count(check.affected_records),
        count(check.checked_records),
        percent(check.affected_rate),
    )


def _words(check_name: str) -> str:
    words = check_name.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}"


def _verdict_line(line: Health) -> Element:
    return element(
        "li",
        element("span", line.object, class_="label"),
        _verdict(line.verdict),
        element("span", _counts(line), class_="value"),
        element("span", name(line.reason, longest=_LONGEST_REASON), class_="about") if line.reason else None,
    )


def _verdict_row(line: Health, zone: ZoneInfo) -> tuple[Node, ...]:
    return (
        line.object,
        _verdict(line.verdict),
        count(line.expected_count),
        count(line.loaded_count),
        moment(line.watermark_after, zone),
        moment(line.checked_at, zone),
    )


def _verdict(verdict: str) -> Element:
    kind, sign = _KINDS[Verdict(verdict)]
    return element("span", f"{sign} {verdict.replace('_', ' ')}", class_=kind)


def _counts(line: Health) -> str:
    if line.expected_count is None:
        return counted(line.loaded_count, "row") if line.loaded_count is not None else ""
    if line.expected_count == line.loaded_count:
        return counted(line.expected_count, "record")
    return f"{count(line.loaded_count)} of {counted(line.expected_count, 'record')}"
