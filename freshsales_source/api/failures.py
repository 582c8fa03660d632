"""From an HTTP status or a broken connection to the error that tells what to do.

Only the status counts. Message texts come in the user's language (seen in a recorded response) and `message`
can be null (seen in a live call), so bodies are never read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from freshsales_source.api.answer_body import is_json
from freshsales_source.api.retry import is_untrusted
from freshsales_source.errors import (
    BadRequest,
    Forbidden,
    FreshsalesError,
    MalformedAnswer,
    NetworkFault,
    NotFound,
    NotTheApi,
    QuotaExhausted,
    ServerFault,
    UntrustedServer,
    WrongKey,
)
from freshsales_source.settings.account import Account


def failure_of(response: httpx.Response, where: str, *, has_answered: bool) -> FreshsalesError | None:
    """Return the error an answer stands for; None for a 2xx that says it is JSON.

    `has_answered`: the API has answered before, so a web page now is this object's trouble, not a wrong
    address.
    """
    status = response.status_code
    if response.is_success:
        return None if is_json(response) else _not_json(where, has_answered=has_answered)
    if has_answered and _names_another_record(response):
        return NotFound("the server points to another record: this one was merged into it", where=where)
    if response.is_redirect or 300 <= status < 400:
        return NotTheApi(
            f"the server redirects to {_target_host(response)}; redirects are never followed",
            where=where,
            remedy="Check `domain`: open it in a browser and copy the host it ends at.",
        )
    if status in _ERRORS:
        kind, what, remedy = _ERRORS[status]
        return kind(what, where=where, remedy=remedy)
    if status >= 500:
        return ServerFault(f"the server failed with status {status}", where=where, remedy="Run again later.")
    remedy = "Run again; if it stays so, report it with this place and the version."
    return BadRequest(f"the server refuses the request with status {status}", where=where, remedy=remedy)


def unreachable(error: httpx.HTTPError, account: Account, where: str) -> FreshsalesError:
    """Return the error for a request that brought no answer at any try."""
    if is_untrusted(error):
        return UntrustedServer(
            f"the certificate of {account.host} cannot be verified",
            where=where,
            remedy="If your network inspects TLS, set SSL_CERT_FILE to its certificate.",
        )
    if isinstance(error, httpx.ProxyError):
        return NetworkFault(
            "the proxy refuses to connect", where=where, remedy="Check HTTPS_PROXY and NO_PROXY."
        )
    if isinstance(error, httpx.TimeoutException):
        return NetworkFault(
            f"{account.host} did not answer in time",
            where=where,
            remedy="Raise `timeout_s`, or run again later.",
        )
    if isinstance(error, httpx.ConnectError):
        remedy = "Check the network, and `domain`."
        return NetworkFault(f"no connection to {account.host}", where=where, remedy=remedy)
    return NetworkFault(
        f"the connection to {account.host} broke ({type(error).__name__})",
        where=where,
        remedy="Run again later.",
    )


_ERRORS: Mapping[int, tuple[type[FreshsalesError], str, str]] = {
    401: (
        WrongKey,
        "the server does not accept the API key (401)",
        "Copy it again from Profile settings, API settings, in the account that `domain` names.",
    ),
    403: (
        Forbidden,
        "the key's user may not read this (403)",
        "Give that user's role the right to view it, or leave the object out of `objects`.",
    ),
    404: (
        NotFound,
        "there is nothing at this address (404)",
        "The record is gone, or this account has no such object: see `freshsales check`.",
    ),
    429: (
        QuotaExhausted,
        "the server refuses more calls (429)",
        "Run again later; lower `rate_limits` or raise `reserve` if other programs share the account.",
    ),
}


def _not_json(where: str, *, has_answered: bool) -> FreshsalesError:
    what = "the answer is not JSON but probably a web page"
    if has_answered:
        return MalformedAnswer(
            what, where=where, remedy="Run again; a proxy or a maintenance page may be in the way."
        )
    return NotTheApi(what, where=where, remedy="Check `domain`: no Freshsales API answers at that address.")


def _names_another_record(response: httpx.Response) -> bool:
    """Whether the answer to a record's path redirects to one of the same kind; what a merged id does is unknown."""
    if not response.is_redirect:
        return False
    asked = response.request.url
    target = asked.join(response.headers.get("location", ""))
    stem, _, record = asked.path.rpartition("/")
    target_stem, _, target_record = target.path.rpartition("/")
    is_here = (target.scheme, target.host, target.port) == (asked.scheme, asked.host, asked.port)
    return is_here and stem == target_stem and record.isdecimal() and target_record.isdecimal()


def _target_host(response: httpx.Response) -> str:
    """The host a redirect names, or a word for none; never its path or query, which may hold tokens."""
    host = urlsplit(response.headers.get("location", "")).hostname or ""
    return host if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host) else "another address"
