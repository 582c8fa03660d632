"""How many rows of an object may be found gone in one run, before that is taken for a sign of something else.

A key that lost rights, a view that was changed: records then disappear in crowds, and are not gone.
"""

from __future__ import annotations

from datetime import timedelta

from freshsales_source.errors import TooManyVanished
from freshsales_source.run import Run
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.warehouse.stored_rows import count_binned_before, count_rows

FEW = 20
"""Rows that may vanish whatever their share."""
FEW_WITHOUT_BIN = 100
"""The same for objects without a recycle bin: there every deletion looks so."""
EVERY = 2**62
"""More than any table has rows."""
BIN_KEEPS = timedelta(days=90)
"""How long a record stays in the recycle bin (documented); what was deleted together expires together."""


class Allowance:
    """How many rows of one object one run may flag."""

    def __init__(self, run: Run, entity: Entity) -> None:
        self._run = run
        self._entity = entity
        self._expired = 0

    def most(self, *, watched: int, flagged: int) -> int:
        """A share of all rows, and those whose time in the bin is over; `flagged` of them the run has flagged already.

        Those count among the rows all the same: what a run may flag does not shrink by what it flags. Where the
        warehouse cannot be asked, the share is that of the `watched` records.
        """
        run, name = self._run, self._entity.name
        share = run.settings.max_vanished_share
        few = FEW if isinstance(self._entity.read, Views) else FEW_WITHOUT_BIN
        if run.stored is None:
            return max(few, int(share * watched))
        if run.accepts_vanished:
            return EVERY
        rows = count_rows(run.stored, name) + flagged
        expired = count_binned_before(run.stored, name, run.clock.now() - BIN_KEEPS)
        self._expired = max(self._expired, expired)
        return max(few, int(share * rows)) + self._expired


def too_many(gone: int, allowed: int) -> TooManyVanished:
    """The error that stops an object of which more rows seem to have vanished than a run may flag."""
    return TooManyVanished(
        f"{gone:,} rows seem to have no record any more; one run flags {allowed:,} of them at most, and so none",
        remedy="Often the key's user lost rights, or the view was changed or another one chosen: compare with the "
        "CRM. If the records are really gone, run once with --accept-vanished.",
    )
