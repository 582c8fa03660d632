"""The end of a custom module: deleted in the CRM, it is told once, its rows are flagged, and it is asked for no more.

Two signs must agree: the directory, which was answered, lists it no more, and its own address answers 404. Either
alone may be a right that was lost for a while. A module is gone with all its records at once, so the limit on rows
that vanish in one run holds here, too: above it nothing is flagged before the user has said that it is so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from freshsales_source.decode import Layout
from freshsales_source.entities.module_tables import CustomModule
from freshsales_source.errors import NotFound
from freshsales_source.reading import Batch, ObjectReader
from freshsales_source.reading.vanishing import Allowance, too_many
from freshsales_source.run import Run

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleBatch:
    """The next batch of a module, and whether it has turned out to be gone."""

    batch: Batch
    is_gone: bool = False


def read_module(run: Run, module: CustomModule, reader: ObjectReader) -> ModuleBatch:
    """The next batch of a module; where the module is gone, with its rows as records that are gone.

    Raises what the run does not keep to itself, but not that a module is gone.
    """
    had_ended = reader.tally.has_ended
    try:
        batch = reader.batch()
    except NotFound as error:
        if module.is_listed:
            raise
        reader.tally.error = error
        batch = Batch(tables={}, layout=Layout.of(reader.entity), state=reader.progress.state)
    if module.is_listed or had_ended or not isinstance(reader.tally.error or reader.tally.absence, NotFound):
        return ModuleBatch(batch=batch)
    return ModuleBatch(batch=_ended(run, module, reader, batch), is_gone=True)


def _ended(run: Run, module: CustomModule, reader: ObjectReader, batch: Batch) -> Batch:
    live = sorted(run.stored.live_ids(module.table)) if run.stored is not None else []
    allowed = Allowance(run, reader.entity).most(watched=0, flagged=0)
    _LOG.warning("module_gone object=%s rows=%d flagged=%s", module.table, len(live), len(live) <= allowed)
    if len(live) > allowed:
        reader.tally.error = too_many(len(live), allowed)
        reader.progress.notes.append("the custom module is gone from the CRM, and is not asked for again")
        return batch
    reader.tally.absence, reader.tally.error = reader.tally.error or reader.tally.absence, None
    reader.tally.rows_deleted += len(live)
    reader.progress.notes.append(
        f"the custom module was deleted in the CRM; its rows stay, {len(live):,} flagged now"
    )
    return replace(batch, gone=tuple(live))


def is_to_be_flagged(run: Run, module: CustomModule) -> bool:
    """Whether the user has said that rows which no run has flagged are really gone."""
    return run.accepts_vanished and run.stored is not None and bool(run.stored.live_ids(module.table))
