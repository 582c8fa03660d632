"""An account to probe: large enough, with ties and full bins, for every point to be settled."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from freshsales_source.emulator import Emulator, Limits, Store, Switches, generate_company
from freshsales_source.probe import ProbeReport, probe
from freshsales_source.settings.config import Settings
from tests.connector import KEY, connect
from tests.fake_clock import FakeClock

STEADY = replace(Switches(), open_deals_count_late_s=0.0)


@cache
def store() -> Store:
    """A company that is only read: 130 contacts, eight of them with one stamp near the top, ten records in each bin."""
    clock = FakeClock()
    made = generate_company(clock, accounts=130, contacts=130, deals=300, in_bin=10)
    clock.advance(3600)
    made.bulk_update("contacts", [row["id"] for row in made.live("contacts")][40:48], job_title="Buyer")
    clock.advance(3600)
    newest = made.live("contacts")[7]["id"]
    made.update("contacts", newest, job_title="Seller")
    clock.advance(3600)
    return made


def account(*, limits: Limits | None = None, **positions: Any) -> Emulator:
    """The company behind these positions of the switches."""
    clock = store().clock
    assert isinstance(clock, FakeClock)
    return Emulator(store(), clock=clock, api_key=KEY, switches=replace(STEADY, **positions), limits=limits)


def probed(emulator: Emulator, folder: Path | None = None, **flags: Any) -> ProbeReport:
    """What a probe of the account finds."""
    connector = connect(emulator, folder or Path(tempfile.mkdtemp(prefix="probe-")), **flags)
    settings: Settings = connector.settings()
    return probe(connector.client, settings, connector.clock)


def positions(report: ProbeReport) -> dict[str, str]:
    """The position of every point."""
    return {found.point: found.position for found in report.findings}
