"""One question of a probe put to the account: a refusal is an answer, too, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from freshsales_source.api.client import Answer, Client, Params
from freshsales_source.api.envelopes import document_of
from freshsales_source.clock import Clock
from freshsales_source.errors import (
    BadRequest,
    Forbidden,
    FreshsalesError,
    NotFound,
    ObjectError,
    ServerFault,
)
from freshsales_source.probe.reply import Evidence, Outcome, Reply

_Ask: TypeAlias = Callable[[], Answer]

_OUTCOMES: Mapping[type[FreshsalesError], tuple[Outcome, str]] = {
    BadRequest: (Outcome.REFUSED, "the server refuses the question"),
    Forbidden: (Outcome.FORBIDDEN, "the key's user may not read it (403)"),
    NotFound: (Outcome.NOT_FOUND, "there is nothing at this address (404)"),
}


class Questions:
    """Asks and notes the replies in `evidence`.

    Raises what is fatal or ends the run: a wrong key, no network, no quota, no calls left.
    """

    def __init__(self, client: Client, clock: Clock, evidence: Evidence) -> None:
        self._client = client
        self._clock = clock
        self.evidence = evidence

    def get(self, name: str, path: str, envelope: str, params: Params | None = None) -> Reply:
        """GET a list of records (`envelope` is its key), or with an empty envelope any object."""
        size = (params or {}).get("per_page")
        return self._noted(
            name, envelope, size if isinstance(size, int) else None, lambda: self._client.get(path, params)
        )

    def post(
        self, name: str, path: str, envelope: str, body: Mapping[str, object], params: Params | None = None
    ) -> Reply:
        """POST a search."""
        size = (params or {}).get("per_page")
        return self._noted(
            name,
            envelope,
            size if isinstance(size, int) else None,
            lambda: self._client.post(path, body, params),
        )

    def leave_out(self, name: str, why: str) -> None:
        """Note why a question is not asked."""
        self.evidence.left_out[name] = why

    def _noted(self, name: str, envelope: str, size: int | None, ask: _Ask) -> Reply:
        try:
            reply = self._reply(ask(), envelope, size)
        except (ObjectError, ServerFault) as error:
            outcome, why = _OUTCOMES.get(type(error), (Outcome.UNREADABLE, error.what))
            reply = Reply(outcome=outcome, why=why, asked=size)
        self.evidence.replies[name] = reply
        return reply

    def _reply(self, answer: Answer, envelope: str, size: int | None) -> Reply:
        document = document_of(answer)
        rows = document.get(envelope) if envelope else []
        if not isinstance(rows, list):
            return Reply(outcome=Outcome.UNREADABLE, asked=size, why=f'the answer has no list "{envelope}"')
        return Reply(
            outcome=Outcome.ANSWERED,
            asked=size,
            rows=tuple(row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)),
            document=document,
            served_at=answer.served_at,
            arrived_at=self._clock.now(),
            limits=answer.limits,
        )
