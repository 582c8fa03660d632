"""Progress on a terminal: one line per object with pages read, calls made and time left; silence elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class TerminalProgress:
    """An observer of a run that draws; does nothing where stderr is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pages  {task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._views: dict[str, dict[str, int]] = {}
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()

    def page_read(self, object: str, *, view: str, page: int, pages: int | None, rows: int) -> None:
        """Move the object's bar on."""
        with self._lock:
            task = self._tasks.setdefault(object, self._task(object))
            views = self._views.setdefault(object, {})
            if pages is not None:
                views[view] = pages
            self._rows[object] = self._rows.get(object, 0) + rows
            self._progress.update(task, advance=1, total=sum(views.values()) or None, rows=self._rows[object])

    def _task(self, object: str) -> TaskID:
        if object in self._tasks:
            return self._tasks[object]
        return self._progress.add_task(object, total=None, rows=0)

    def __enter__(self) -> TerminalProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
