"""`freshsales report`: one HTML page with the answers of the marts. Makes no API call, and needs no API key."""

from __future__ import annotations

import webbrowser
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from freshsales_source.cli.project import settings_for_reading
from freshsales_source.cli.stderr_lines import say
from freshsales_source.cli.sync import target_of
from freshsales_source.cli.tables import output
from freshsales_source.clock import SystemClock
from freshsales_source.errors import ConfigurationError, Locked, WarehouseRefused
from freshsales_source.exit_codes import ExitCode
from freshsales_source.report import Figures, Origin, read_figures, render
from freshsales_source.settings.config import Settings
from freshsales_source.sync.mart_making import make_marts
from freshsales_source.sync.syncing import ours_unwrapped
from freshsales_source.warehouse.mart_views import MartViews
from freshsales_source.warehouse.warehouse import Warehouse


def run_report(options: Namespace) -> int:
    """Bring the views up to date, read them, write the page and print where it is; 0.

    Raises ConfigurationError where no sync was ever run, or the page cannot be written; Locked where a sync is at work
    and the views cannot be read meanwhile.
    """
    settings, host = settings_for_reading(options.account)
    target, clock = target_of(options), SystemClock()
    warehouse = Warehouse(target, settings.account, clock=clock)
    origin = Origin(account=host, dataset=target.dataset, version=version("freshsales-source"))
    path = options.output.resolve()
    with _replacing(path) as file:
        file.write(render(_figures(warehouse, settings, clock), origin))
    with output() as out:
        out.print(str(path))
    if options.open and not webbrowser.open(path.as_uri()):
        say("No browser was found here: open the page yourself.", event="no_browser")
    return ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marts:
    """The views of a warehouse, as the report asks for them."""

    warehouse: Warehouse
    views: MartViews

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None where a view does not exist."""
        return self.warehouse.query(sql)

    def mart_name(self, view: str) -> str:
        """The name of a view in SQL."""
        return self.views.name(view)


def _figures(warehouse: Warehouse, settings: Settings, clock: SystemClock) -> Figures:
    """What the views say, brought up to date first; as they are where that is refused, or while a sync is at work."""
    kept: WarehouseRefused | Locked | None = None
    try:
        make_marts(warehouse, time_zone=settings.time_zone, now=clock.now(), anew=False)
    except (WarehouseRefused, Locked) as error:
        if not warehouse.exists():
            raise  # To ask would make the file.
        kept = error
    with warehouse.held(), ours_unwrapped():
        views = warehouse.marts(time_zone=settings.time_zone)
        figures = read_figures(_Marts(warehouse=warehouse, views=views))
    if kept is not None:
        if figures.as_of is None:
            raise kept
        say(f"The views are read as they were made before: {kept}", event="views_not_made")
    return figures


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of the one at `path` once it is whole: a browser never loads half of it."""
    half = path.with_name(f".{path.name}.new")
    try:
        with half.open("w", encoding="utf-8") as file:
            yield file
        half.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror})", remedy="Name another file with --output."
        ) from error
    finally:
        if half.is_file():
            half.unlink()
