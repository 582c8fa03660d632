"""What follows a sync where that is asked for: a copy for readers, and a word to whoever waits for its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freshsales_source.cli.stderr_lines import say
from freshsales_source.errors import FreshsalesError, RetriableError
from freshsales_source.exit_codes import ExitCode, prevailing
from freshsales_source.sync.notification import Recipient, notify
from freshsales_source.sync.publishing import check_publishable, publish
from freshsales_source.sync.report import RunReport
from freshsales_source.warehouse.warehouse import Target, Warehouse


class Publisher:
    """Makes the copy for readers, if a path is given; raises ConfigurationError at once where none can be made.

    `error` is what went wrong: the run has ended, and its report is still to be shown.
    """

    def __init__(self, warehouse: Warehouse, path: Path | None) -> None:
        self._warehouse = warehouse
        self._path = path
        self.error: FreshsalesError | None = None
        if path is not None:
            check_publishable(warehouse.target, path)

    def publish(self, report: RunReport) -> None:
        """Make the copy after a run that has ended, however it did."""
        if self._path is None:
            return
        try:
            publish(self._warehouse, self._path)
        except FreshsalesError as error:
            self.error = error

    @property
    def line(self) -> str:
        """What a person is told; empty where nothing was published."""
        return f"Published to {self._path.resolve()}" if self._path is not None and not self.error else ""

    def exit_code(self, report: RunReport) -> int:
        """The exit code of the command, and a line of what went wrong."""
        if self.error is None:
            return report.exit_code
        code, reason = int(self.error.exit_code), self.error.reason
        say(f"{reason}: {self.error}", event="run_failed", level="error", reason=reason, exit_code=code)
        return prevailing([report.exit_code, code])


@contextmanager
def telling_of_errors(recipient: Recipient | None, target: Target) -> Iterator[None]:
    """Tell the recipient of a run that an error ends, which has no report; the error goes on its way."""
    try:
        yield
    except FreshsalesError as error:
        at = error.retry_at if isinstance(error, RetriableError) else None
        retry_at = None if at is None else at.isoformat()
        _tell(recipient, target, error.exit_code, error.reason, str(error), retry_at)
        raise
    except Exception as error:
        _tell(recipient, target, ExitCode.UNEXPECTED, "unexpected", type(error).__name__, None)
        raise


def _tell(
    recipient: Recipient | None, target: Target, code: int, reason: str, message: str, retry_at: str | None
) -> None:
    if recipient is not None:
        what = {"exit_code": int(code), "reason": reason, "retry_at": retry_at, "message": message}
        notify(recipient, {**what, "destination": target.destination, "dataset": target.dataset})
