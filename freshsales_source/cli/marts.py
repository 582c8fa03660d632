"""`freshsales marts`: all views over the warehouse, and the question that each answers. It makes no API call."""

from __future__ import annotations

from argparse import Namespace

from freshsales_source.cli.project import settings_for_reading
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import output
from freshsales_source.clock import SystemClock
from freshsales_source.exit_codes import ExitCode
from freshsales_source.plural import counted
from freshsales_source.sync.mart_making import make_marts
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Warehouse


def run_marts(options: Namespace) -> int:
    """Make the views, and say a line of each; 0. Raises ConfigurationError where no sync was ever run."""
    settings, _ = settings_for_reading(options.account)
    target, clock = target_of(options), SystemClock()
    warehouse = Warehouse(target, settings.account, clock=clock)
    made = make_marts(warehouse, time_zone=settings.time_zone, now=clock.now())
    with output() as out:
        width = max(len(model.name) for model in made)
        for model in made:
            out.print(f"{model.name:<{width}}  {model.question}")
        out.print(f"\n{counted(len(made), 'view')} in schema {target.dataset}_marts in {place_of(warehouse)}")
    return ExitCode.DONE
