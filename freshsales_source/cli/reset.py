"""`freshsales reset`: the next sync reads objects again whole, into the same tables or into new ones. No API call."""

from __future__ import annotations

from argparse import Namespace

from freshsales_source.cli.project import next_command, settings_without_key
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import output
from freshsales_source.clock import SystemClock
from freshsales_source.exit_codes import ExitCode
from freshsales_source.plural import counted
from freshsales_source.sync.resetting import reset
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Warehouse


def run_reset(options: Namespace) -> int:
    """Reset the objects that the options name, and say a line of each; 0."""
    target, settings, clock = target_of(options), settings_without_key(options.account), SystemClock()
    warehouse = Warehouse(target, settings.account, clock=clock)
    done = reset(warehouse, options.objects, clock.now(), drops=options.drop)
    with output() as out:
        for name in done.objects:
            out.print(f"{name}: the next sync reads it whole")
        for name in done.unknown:
            out.print(f"{name}: nothing was read yet, so the next sync reads it whole anyway")
        for table, rows in done.dropped.items():
            out.print(f"table {table} dropped, with {counted(rows, 'row')}")
        out.print(
            f"Schema {target.dataset} in {place_of(warehouse)}. Next: {next_command('sync', options.account)}"
        )
    return ExitCode.DONE
