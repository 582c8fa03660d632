"""`freshsales forget`: records out of every table for good, and what became of each of them. Makes no API call."""

from __future__ import annotations

from argparse import Namespace

from freshsales_source.cli.project import settings_without_key
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import output
from freshsales_source.clock import SystemClock
from freshsales_source.exit_codes import ExitCode
from freshsales_source.plural import counted
from freshsales_source.sync.forgetting import ForgottenRecord, forget
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Warehouse


def run_forget(options: Namespace) -> int:
    """Forget the records that the options name, and say a line of each; 0."""
    target, settings, clock = target_of(options), settings_without_key(options.account), SystemClock()
    warehouse = Warehouse(target, settings.account, clock=clock)
    done = forget(warehouse, options.object, options.ids, clock.now())
    with output() as out:
        for record in done.records:
            out.print(f"{done.object} {record.id}: {_told(record)}")
        tables = ", ".join(f"{table} {number:,}" for table, number in sorted(done.rows.items()))
        out.print(f"{counted(sum(done.rows.values()), 'row')} deleted{f' ({tables})' if tables else ''}")
        out.print(f"Schema {target.dataset} in {place_of(warehouse)}")
    return ExitCode.DONE


def _told(record: ForgottenRecord) -> str:
    if record.was_stored:
        return "forgotten"
    if record.was_forgotten:
        return "was forgotten before"
    return "not in the warehouse; recorded, so it will never be loaded"
