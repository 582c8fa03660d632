"""Where the findings of an account are kept: one small JSON file beside its budget, in the user's state folder.

It holds positions of points and dates, nothing of any record; its name is a hash of the host, its mode 0600. A file
that is missing, damaged or of another version counts as none: the next probe writes it anew.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from freshsales_source.api.budget_file import budget_path
from freshsales_source.settings.account import Account
from freshsales_source.state.findings import Findings

_LOG = logging.getLogger(__name__)


def findings_path(account: Account, environment: Mapping[str, str], home: Path) -> Path:
    """The account's file, the same whatever the working folder."""
    budget = budget_path(account, environment, home)
    return budget.with_name(budget.name.replace("budget-", "findings-", 1)).with_suffix(".json")


def read_findings(path: Path) -> Findings:
    """The findings kept in the file; none where it cannot be read."""
    try:
        return Findings.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Findings()
    except (OSError, ValueError) as error:
        _LOG.warning("findings_unreadable reason=%s", type(error).__name__)
        return Findings()


def write_findings(path: Path, findings: Findings) -> bool:
    """Replace the file in one step; False, with a line in the log, where the folder cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(findings.to_json(), file, indent=1)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        _LOG.warning("findings_not_kept reason=%s", type(error).__name__)
        return False
    return True
