"""Telling somebody that a run has ended: a web address gets its summary, or a program does, on its standard input.

The summary is what `sync --json` prints, so it holds counts and verdicts, no record and no key. That nobody takes it
is a line in the log and changes nothing of the run.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import redact

ANSWER_WITHIN_S = 10.0
"""How long a web address is waited for."""
DONE_WITHIN_S = 60.0
"""How long a program may take."""

_SECRETS = re.compile(r"(FRESHSALES_|SOURCES__FRESHSALES__|DESTINATION__).*")

_LOG = logging.getLogger(__name__)


class Recipient(Protocol):
    """Whoever wants to know how a run ended."""

    @property
    def name(self) -> str:
        """Who that is, as it may be logged."""
        ...

    def take(self, summary: bytes) -> str:
        """Hand over the summary; what kept it from being taken, empty where nothing did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A web address that gets the summary as a POST."""

    url: str

    @property
    def name(self) -> str:
        """Its host: paths of webhooks are secrets."""
        return str(urlsplit(self.url).hostname)

    def take(self, summary: bytes) -> str:
        """Send it once; redirects are not followed, and proxies not asked for what is on this machine."""
        headers = {"Content-Type": "application/json"}
        is_far = not _is_loopback(self.name)
        try:
            answer = httpx.post(
                self.url, content=summary, headers=headers, timeout=ANSWER_WITHIN_S, trust_env=is_far
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return "" if answer.is_success else f"status {answer.status_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that gets the summary on its standard input; no shell is asked."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its first word: arguments may be secrets."""
        return self.words[0]

    def take(self, summary: bytes) -> str:
        """Run it to its end, without the secrets of this process; what it prints is not shown."""
        environment = {name: value for name, value in os.environ.items() if not _SECRETS.fullmatch(name)}
        try:
            done = subprocess.run(
                self.words,
                input=summary,
                env=environment,
                capture_output=True,
                timeout=DONE_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done after {DONE_WITHIN_S:.0f} s"
        except OSError as error:
            return str(error.strerror)
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        return redact(f"exit {done.returncode}: {last}") if done.returncode else ""


def recipient_of(text: str) -> Recipient:
    """The recipient that an option names: an address with `https://`, or on this machine `http://`, else a command.

    Raises ConfigurationError for another address, and for a program that is not there.
    """
    if re.match(r"https?://", text, re.IGNORECASE):
        parts = urlsplit(text)
        if not parts.hostname or (parts.scheme == "http" and not _is_loopback(parts.hostname)):
            raise ConfigurationError(
                "the address is not one with https", remedy="Plain http is for this machine only."
            )
        return Webhook(url=text)
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigurationError(f"the command cannot be read: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise ConfigurationError(f"there is no program {words[0] if words else ''!r}")
    return Program(words=words)


def notify(recipient: Recipient, summary: Mapping[str, Any]) -> None:
    """Tell the recipient; a line in the log where that was in vain."""
    why = recipient.take(json.dumps(summary).encode())
    if why:
        _LOG.warning("finish_not_told to=%r why=%r", recipient.name, why)
    else:
        _LOG.info("finish_told to=%r", recipient.name)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
