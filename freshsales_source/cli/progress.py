"""Progress on a terminal: a line per object with pages read and time left, and the calls so far; silence elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from freshsales_source.api.throttle import Usage

_ALL = "all"


class TerminalProgress:
    """An observer of a run that draws; does nothing where its console (stderr unless given) is no terminal.

    Nor does it where stderr is for something else (`is_drawn` false).
    """

    def __init__(self, console: Console | None = None, *, is_drawn: bool = True) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<15}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("pages"),
            TimeRemainingColumn(compact=True),
            TextColumn("left  {task.fields[note]}"),
            console=console,
            disable=not (is_drawn and console.is_terminal),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._views: dict[str, dict[str, int]] = {}
        self._rows: dict[str, int] = {}
        self._usage: Callable[[], Usage] | None = None
        self._lock = threading.Lock()

    def watch(self, usage: Callable[[], Usage]) -> None:
        """Show the calls that this function tells of."""
        self._usage = usage

    def page_read(self, object: str, *, view: str, page: int, pages: int | None, rows: int) -> None:
        """Move the object's bar on."""
        with self._lock:
            if pages is not None:
                self._views.setdefault(object, {})[view] = pages
            self._rows[object] = self._rows.get(object, 0) + rows
            self._move(object, sum(self._views.get(object, {}).values()), f"{self._rows[object]:,} rows")
            calls = f"{self._usage().calls:,} calls" if self._usage else ""
            self._move(_ALL, sum(sum(views.values()) for views in self._views.values()), calls)

    def _move(self, name: str, total: int, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, note="")
        self._progress.update(self._tasks[name], advance=1, total=total or None, note=note)

    def __enter__(self) -> TerminalProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
