"""Scripted faults: what goes wrong, for which requests, how often, and whether it did.

A test or a demo adds faults before it runs and asks for the unfired ones afterwards: a fault that never
fired has proved nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

FaultKind: TypeAlias = Literal[
    "status",
    "html",
    "redirect",
    "dropped",
    "truncated",
    "no_envelope",
    "null_envelope",
    "not_json",
    "empty_body",
    "slow",
]


class ConnectionDropped(ConnectionResetError):
    """The emulator hung up instead of answering; its server closes the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    It applies to requests whose method and path fit (`path` is a glob over path and query, such as
    "*/contacts/view/*page=3*"), or to request number `request` of the emulator's life (from 1). Of those it
    lets `skip` pass and then fires `times` times.

    kind: "status" a JSON error with `status`; "html" a page with `status`; "redirect" to `location`;
    "dropped" no answer; "truncated" half the body under the whole length; "no_envelope" / "null_envelope"
    an answer whose main list is missing / null; "not_json" / "empty_body" a 200 with such a body; "slow"
    the right answer after `seconds`. `body` and `headers` replace the usual ones.

    In process there is no socket: "dropped" raises `raises`, and "truncated" raises it after half the body
    if one is given, so a test can pass what its HTTP client would have raised.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    request: int | None = None
    skip: int = 0
    times: int = 1
    status: int = 500
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = "https://example.invalid/login"
    seconds: float = 0.0
    raises: Exception | None = None

    def fits(self, number: int, method: str, target: str) -> bool:
        """Return whether the fault applies to request `number` for `target` (path and query)."""
        if self.request is not None:
            return number == self.request
        return fnmatchcase(method, self.method) and fnmatchcase(target, self.path)


@dataclass(slots=True)
class _Script:
    fault: Fault
    skipped: int = 0
    fired: int = 0


class Faults:
    """The faults of one emulator, in the order they were added; the first that applies fires alone."""

    def __init__(self) -> None:
        self._scripts: list[_Script] = []

    def add(self, *faults: Fault) -> None:
        """Script faults for the requests to come."""
        self._scripts.extend(_Script(fault) for fault in faults)

    def take(self, number: int, method: str, target: str) -> Fault | None:
        """Return the fault that hits this request, and note that it fired."""
        for script in self._scripts:
            if script.fired >= script.fault.times or not script.fault.fits(number, method, target):
                continue
            if script.skipped < script.fault.skip:
                script.skipped += 1
                continue
            script.fired += 1
            return script.fault
        return None

    def fired(self) -> list[Fault]:
        """Return the faults that fired at least once."""
        return [script.fault for script in self._scripts if script.fired]

    def unfired(self) -> list[Fault]:
        """Return the faults that did not fire as often as they should have."""
        return [script.fault for script in self._scripts if script.fired < script.fault.times]
