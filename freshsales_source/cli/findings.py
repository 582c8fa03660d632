"""The findings of `freshsales probe`, as the commands use them for the account at hand."""

from __future__ import annotations

import os
from pathlib import Path

from freshsales_source.clock import Clock
from freshsales_source.settings.account import Account
from freshsales_source.state.findings import Findings, Hints
from freshsales_source.state.findings_file import findings_path, read_findings, write_findings


def kept_findings(account: Account) -> Findings:
    """What the last probe of the account found, however long ago; empty where there was none."""
    return read_findings(_path(account))


def hints_of(account: Account, clock: Clock) -> Hints:
    """The findings that are young enough to be used."""
    return Hints.of(kept_findings(account), clock.now())


def keep(account: Account, findings: Findings) -> bool:
    """Write findings down; False where that cannot be done."""
    return write_findings(_path(account), findings)


def _path(account: Account) -> Path:
    return findings_path(account, os.environ, Path.home())
