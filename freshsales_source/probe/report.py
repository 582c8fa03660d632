"""A probe from first call to findings: asked, settled, and ready to be printed, sent and kept.

Nothing of a record goes into the report: positions are words from the table of points, reasons hold counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from freshsales_source.api.client import Client
from freshsales_source.clock import Clock
from freshsales_source.exit_codes import ExitCode
from freshsales_source.probe.interview import IN_VIEWS, interview
from freshsales_source.probe.point import CHECKS_ITSELF
from freshsales_source.probe.points import POINTS
from freshsales_source.probe.reply import CANNOT_TELL, Evidence, Outcome
from freshsales_source.settings.config import Settings
from freshsales_source.state.findings import Findings, Found

MOST_CALLS = 40
"""Calls of one probe, retries included: the client itself makes no more."""

_TRIES = 2

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One point of the table, settled or not; `why` is what it rests on, or why it can't be told."""

    point: str
    question: str
    assumption: str
    position: str
    why: str
    consequence: str

    @property
    def is_settled(self) -> bool:
        """Whether the account has shown what it does."""
        return self.position != CANNOT_TELL


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An object of every account that could not be looked at."""

    object: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a probe found, when, and with how many calls."""

    made_at: datetime
    calls: int
    findings: tuple[Finding, ...]
    troubles: tuple[Trouble, ...]
    is_cut_short: bool

    @property
    def exit_code(self) -> ExitCode:
        """0, or what it means that objects could not be looked at; 75 where the setting `max_calls` ended it."""
        if len(self.troubles) == len(IN_VIEWS):
            return ExitCode.CONFIGURATION
        if self.is_cut_short:
            return ExitCode.UNFINISHED
        return ExitCode.INCOMPLETE if self.troubles else ExitCode.DONE

    def kept(self) -> Findings:
        """The settled points, as later syncs use them."""
        points = {
            found.point: Found(position=found.position, seen_at=self.made_at)
            for found in self.findings
            if found.is_settled
        }
        return Findings(made_at=self.made_at, points=points)


def probe(open_client: Callable[[Settings], Client], settings: Settings, clock: Clock) -> ProbeReport:
    """Ask the account; only reads. `open_client` opens a client for the settings, which here allow 40 calls at most.

    Raises what ends any command: a wrong key, no network, no quota.
    """
    allowed = MOST_CALLS if settings.max_calls is None else min(settings.max_calls, MOST_CALLS)
    limited = replace(settings, max_calls=allowed, retries=min(settings.retries, _TRIES))
    with open_client(limited) as client:
        evidence = interview(client, limited, clock)
        calls = client.usage().calls
    findings = tuple(_findings(evidence))
    _LOG.info("probe_finished calls=%d settled=%d", calls, sum(one.is_settled for one in findings))
    return ProbeReport(
        made_at=clock.now(),
        calls=calls,
        findings=findings,
        troubles=tuple(_troubles(evidence)),
        is_cut_short=bool(evidence.ended) and allowed < MOST_CALLS,
    )


def _findings(evidence: Evidence) -> list[Finding]:
    findings = []
    for point in POINTS:
        settled = point.settle(evidence)
        is_open = settled.position == CANNOT_TELL
        findings.append(
            Finding(
                point=point.name,
                question=point.question,
                assumption=point.assumption,
                position=settled.position,
                why=settled.why,
                consequence=CHECKS_ITSELF if is_open else point.consequence(settled.position),
            )
        )
    return findings


def _troubles(evidence: Evidence) -> list[Trouble]:
    """Objects without an answer, or without a view to read."""
    troubles = []
    for entity in IN_VIEWS:
        reply = evidence.reply(f"{entity.name} filters")
        if reply.outcome is Outcome.NOT_ASKED:
            continue
        if not reply.is_answered:
            troubles.append(Trouble(object=entity.name, reason=reply.why))
        elif not evidence.chosen.get(entity.name):
            troubles.append(Trouble(object=entity.name, reason="no view of the usual name was found"))
    return troubles
