"""Everything that can go wrong, ordered by what the run does next.

    FreshsalesError
    |-- FatalError            the run ends; a person must act                    exit 3
    |   |-- ConfigurationError    a setting is missing or wrong
    |   |-- WrongKey              401
    |   |-- NotTheApi             a redirect, an HTML page, an alias nobody has
    |   |-- UntrustedServer       the TLS certificate cannot be verified
    |   `-- WrongHost             the key was about to leave for another host (a bug; nothing was sent)
    |-- RetriableError        the run ends cleanly; the next one goes on         exit 75
    |   |-- QuotaExhausted        knows `retry_at`
    |   |-- CallCeilingReached    `max_calls` is spent
    |   |-- ServerFault           5xx after all tries
    |   |-- NetworkFault          no connection, time-out, after all tries
    |   |-- CutAnswer             the answer stopped in the middle, after all tries
    |   |-- Locked                another sync, or another program, has the warehouse
    |   |-- WarehouseUnreachable  the warehouse's server does not answer
    |   `-- NotPublished          the copy for readers could not be made
    |-- ObjectError           that object fails or is skipped, the others go on  exit 4
    |   |-- Forbidden             403; all objects forbidden is fatal: the caller knows
    |   |-- NotFound              404; a gone record or a missing route: the caller knows
    |   |-- BadRequest            400, 422 and other 4xx
    |   |-- SavedViewNotFound     no such view for this key
    |   |-- PipelineNotReadable   deals that the views leave out, and the search does not give
    |   |-- TooManyVanished       more rows without a record than a run may flag
    |   |-- MalformedAnswer       not JSON
    |   |-- MalformedPage         JSON, but not the page that was asked for
    |   `-- OversizedAnswer       body above the cap; the caller may ask for a smaller page
    |-- Interrupted           asked to stop                                      exit 130
    `-- WarehouseRefused      the destination did not take a load              exit 1

Every error says what happened, where (path, page, request id; never another part of the query, a header, a
body or the key) and what to do. Each text passes the redactor of `redact.py` before it is kept, so neither
`str`, `repr`, `args` nor a pickled copy holds a secret.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from freshsales_source.exit_codes import ExitCode
from freshsales_source.redact import redact

ONE_VIEW = (
    "Save one view of all deals in the CRM, whatever their pipeline and status, and set views.deals to its id under "
    "[sources.freshsales] in .dlt/config.toml"
)
"""What helps against pipelines that the default views leave out."""


_ENDS = ".!?:; "


class FreshsalesError(Exception):
    """Base of all errors raised on purpose; `str()` is one readable line: what (where). remedy."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    default_remedy: ClassVar[str] = ""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = _one_line(what)
        self.where = _one_line(where)
        self.remedy = _one_line(remedy or self.default_remedy)
        super().__init__(self.what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f". {self.remedy}" if self.remedy else ""
        # Texts of other programs end as they like.
        return f"{self.what.rstrip(_ENDS)}{place}{advice}"

    @property
    def reason(self) -> str:
        """The class in snake case (`wrong_key`), as reports and `--json` show it."""
        name = type(self).__name__
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class FatalError(FreshsalesError):
    """Retrying is useless until a person has changed something."""

    exit_code = ExitCode.CONFIGURATION


class ConfigurationError(FatalError):
    """A setting is missing or has a value that cannot be used; the text names the setting."""


class WrongKey(FatalError):
    """The server does not accept the API key (401)."""


class NotTheApi(FatalError):
    """Something answered that is not the Freshsales API: a redirect, a web page, an unknown alias."""


class UntrustedServer(FatalError):
    """The TLS certificate of the host could not be verified; nothing was sent."""


class WrongHost(FatalError):
    """A request was addressed to a host other than the configured one; nothing was sent."""


class RetriableError(FreshsalesError):
    """The same command, run later, goes on where this run ended.

    `retry_at` is the earliest sensible moment, aware UTC, or None where unknown.
    """

    exit_code = ExitCode.UNFINISHED

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", retry_at: datetime | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.retry_at = retry_at


class QuotaExhausted(RetriableError):
    """The account's calls are used up, and the settings say not to wait for more."""


class CallCeilingReached(RetriableError):
    """This run has made as many calls as `max_calls` allows."""

    @property
    def reason(self) -> str:
        """`max_calls`: the name that design and report give this end."""
        return "max_calls"


class ServerFault(RetriableError):
    """The server answered 5xx at every try."""


class NetworkFault(RetriableError):
    """No answer arrived at any try."""


class CutAnswer(RetriableError):
    """Every try brought an answer that ended too early."""


class Locked(RetriableError):
    """Another sync is at work on this warehouse, or another program has its file open."""

    @property
    def reason(self) -> str:
        """`lock`: the name that design and report give this end."""
        return "lock"


class WarehouseUnreachable(RetriableError):
    """No connection to the warehouse's server, or none that is free; what was read is kept."""

    default_remedy = "Run the same command again once it answers: nothing read is lost."


class NotPublished(RetriableError):
    """No copy for readers could be made; the warehouse is loaded, and readers keep the copy before."""

    default_remedy = (
        "Readers keep the copy before, the warehouse is loaded. Mend it, and run the same command again."
    )


class ObjectError(FreshsalesError):
    """One object cannot be read; the others can."""

    exit_code = ExitCode.INCOMPLETE


class Forbidden(ObjectError):
    """The key's user may not read this (403)."""


class NotFound(ObjectError):
    """404: the record is gone, or the route does not exist here; only the caller can tell."""


class BadRequest(ObjectError):
    """The server refuses the request as it stands (400, 422, other 4xx)."""


class SavedViewNotFound(ObjectError):
    """The object has no saved view of the wanted name or id that this key can see."""


class PipelineNotReadable(ObjectError):
    """Deals of a pipeline that the views leave out cannot be read, or not all of them."""

    default_remedy = ONE_VIEW


class TooManyVanished(ObjectError):
    """More rows than a run may flag seem to have no record any more; none was flagged."""


class MalformedAnswer(ObjectError):
    """An answer of a kind the API never gives, for example a web page in the middle of a run."""

    default_remedy = (
        "Run `freshsales check`; if it says the same, the API has changed: report it with this line."
    )


class MalformedPage(ObjectError):
    """JSON without the promised envelope, ids or stamps: an error, never an empty table."""

    default_remedy = (
        "Run `freshsales check`; if it says the same, the API has changed: report it with this line."
    )


class OversizedAnswer(ObjectError):
    """The decoded body is larger than the cap; a smaller page may pass."""


class Interrupted(FreshsalesError):
    """The run was asked to stop; what was read is saved."""

    exit_code = ExitCode.INTERRUPTED


class WarehouseRefused(FreshsalesError):
    """The destination refused a load or a question; the next run goes on from what was loaded."""

    exit_code = ExitCode.UNEXPECTED
    default_remedy = (
        "Mend what the destination says, then run the same command again: it goes on from what was loaded."
    )


def _one_line(text: str) -> str:
    return " ".join(redact(text).split())
