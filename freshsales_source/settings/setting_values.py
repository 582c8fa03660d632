"""From what files, flags and the environment hold to typed values, one function per kind of value.

An environment variable is always text, so each function takes text as well as the type it returns; lists
and tables in text are JSON. A value that does not fit is a ConfigurationError naming the setting and how to
mend it. Values of secrets are never repeated in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import Secret

ViewChoice: TypeAlias = tuple[int | str, ...]

SHORTEST_HASH_KEY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `requests` calls in any span of `seconds`."""

    requests: int
    seconds: float


def parse_key(name: str, value: object) -> Secret:
    """Return the API key, stripped; refuse what no key holds and no HTTP header may carry.

    Keys seen in public clients are letters, digits, `_` and `-`; other visible ASCII passes too.
    """
    key = (value.reveal() if isinstance(value, Secret) else text(name, value)).strip()
    again = "Copy the key again from Freshsales: Profile settings, API settings."
    if not key:
        raise refused(name, "is empty", again)
    if "configure me" in key:
        raise refused(name, "still holds the placeholder", again)
    if "\n" in key or "\r" in key:
        raise refused(name, "has a line break in the middle", again)
    if not key.isascii():
        raise refused(name, "contains a character outside ASCII", again)
    if any(not "!" <= character <= "~" for character in key):
        raise refused(
            name, "contains a space or a control character", "Give the bare key, without `Token token`."
        )
    if "*" in key:
        raise refused(name, "contains `*`, so it was copied from a masked field", again)
    return Secret(key)


def hash_key(name: str, value: object) -> Secret:
    """Return the key of the hashes; refuse one that could be guessed."""
    key = value.reveal() if isinstance(value, Secret) else text(name, value)
    if len(key) < SHORTEST_HASH_KEY:
        raise refused(
            name, "is too short", f"Use at least {SHORTEST_HASH_KEY} random characters, and keep them."
        )
    return Secret(key)


def text(name: str, value: object) -> str:
    """Return the text without surrounding blanks."""
    if not isinstance(value, str):
        raise refused(name, f"is a {_kind(value)}, not a text", "Put it in quotes.")
    return value.strip()


def yes_no(name: str, value: object) -> bool:
    """Return a bool; text counts where it is `true` or `false`."""
    if isinstance(value, str) and value.strip().casefold() in ("true", "false"):
        return value.strip().casefold() == "true"
    if not isinstance(value, bool):
        raise refused(name, "is neither true nor false", "Write `true` or `false`.")
    return value


def whole_number(name: str, value: object) -> int:
    """Return an int; `true`, fractions and text that is no number are refused."""
    result = number(name, value)
    if not result.is_integer():
        raise refused(name, "is not a whole number", "Write it without a fraction.")
    return int(result)


def number(name: str, value: object) -> float:
    """Return a finite float."""
    try:
        result = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        )
    except (ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise refused(name, "is not a number", "Write a plain number.")
    return result


def path(name: str, value: object) -> Path:
    """Return a path with `~` expanded."""
    if not isinstance(value, Path | str) or not str(value).strip():
        raise refused(name, "is not a path", "Write the path of a file.")
    return Path(str(value).strip()).expanduser()


def names(name: str, value: object) -> tuple[str, ...]:
    """Return a list of names; a text that is not JSON counts as names between commas."""
    if isinstance(value, str) and not value.strip().startswith("["):
        value = [part for part in value.split(",") if part.strip()]
    return tuple(
        dict.fromkeys(text(name, item) for item in _sequence(name, value, '`["contacts", "deals"]`'))
    )


def rate_limits(name: str, value: object) -> tuple[RateLimit, ...]:
    """Return a list of `[requests, seconds]`, shortest span first."""
    example = "`[[400, 60], [1000, 3600]]`"
    limits = []
    for item in _sequence(name, value, example):
        if isinstance(item, RateLimit):
            pair: Sequence[object] = (item.requests, item.seconds)
        else:
            pair = _sequence(name, item, example)
        try:
            requests, seconds = pair
            limit = RateLimit(requests=whole_number(name, requests), seconds=number(name, seconds))
        except (ValueError, ConfigurationError):
            raise refused(
                name, "has an entry that is not [requests, seconds]", f"Write it like {example}."
            ) from None
        limits.append(limit)
    if not limits:
        raise refused(name, "is an empty list", "Leave it out to use the limits of `plan`.")
    return tuple(sorted(limits, key=lambda limit: limit.seconds))


def check_limits(name: str, limits: Sequence[RateLimit]) -> None:
    """Refuse limits that allow nothing, or that name one span twice."""
    for limit in limits:
        if limit.requests < 1 or not 1 <= limit.seconds <= 31 * 86400:
            raise refused(
                name, "needs at least 1 request in 1 second to 31 days", "Write [requests, seconds]."
            )
    if len({limit.seconds for limit in limits}) != len(limits):
        raise refused(name, "names the same span twice", "Keep one limit for each span.")


def views(name: str, value: object) -> dict[str, ViewChoice]:
    """Return object -> view ids and names; a text of digits is an id, for the environment knows only text."""
    example = '`{"contacts": "Alle Kontakte", "deals": [70001, 70002]}`'
    table = _from_json(name, value, example) if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise refused(name, f"is a {_kind(table)}, not a table", f"Write it like {example}.")
    chosen = {}
    for key, choice in table.items():
        items = choice if isinstance(choice, list | tuple) else [choice]
        if not items:
            raise refused(name, f"names no view for {key}", f"Write it like {example}.")
        chosen[text(name, key)] = tuple(_view(name, item) for item in items)
    return chosen


def moment(name: str, value: object, at: ZoneInfo) -> datetime:
    """Return an aware UTC datetime.

    A bare date (midnight) and a stamp without offset are read in zone `at`.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise refused(
                name, "is not a date", "Write it like `2024-01-31` or `2024-01-31T08:00:00Z`."
            ) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), at)
    if not isinstance(value, datetime):
        raise refused(name, f"is a {_kind(value)}, not a date", "Write it like `2024-01-31`.")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=at)
    return aware.astimezone(UTC)


def zone(name: str, value: object) -> ZoneInfo:
    """Return the IANA zone of that name."""
    key = text(name, value)
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refused(
            name, "is not an IANA time zone", "Write it like `Asia/Kolkata`; `UTC` is the default."
        ) from None


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse what is not among the choices."""
    if value not in choices:
        raise refused(name, f"is {value!r}", f"Use one of {', '.join(choices)}.")


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse what lies outside the bounds, both included."""
    if not least <= value <= most:
        raise refused(name, f"is {value}", f"Use {least} to {most}.")


def refused(name: str, what: str, remedy: str) -> ConfigurationError:
    """Return the error for one bad setting."""
    return ConfigurationError(f"setting `{name}` {what}", remedy=remedy)


def _view(name: str, item: object) -> int | str:
    if isinstance(item, bool) or not isinstance(item, int | str) or item == "":
        raise refused(name, f"has a {_kind(item)} for a view", "Give the view's id or its name.")
    return int(item) if isinstance(item, str) and item.isascii() and item.isdigit() else item


def _sequence(name: str, value: object, example: str) -> Sequence[object]:
    if isinstance(value, str):
        value = _from_json(name, value, example)
    if not isinstance(value, list | tuple):
        raise refused(name, f"is a {_kind(value)}, not a list", f"Write it like {example}.")
    return value


def _from_json(name: str, value: str, example: str) -> object:
    try:
        parsed: object = json.loads(value)
    except ValueError:
        raise refused(name, "is not JSON", f"Write it like {example}.") from None
    return parsed


def _kind(value: object) -> str:
    kinds = {bool: "yes/no value", int: "number", float: "number", str: "text", list: "list", dict: "table"}
    return kinds.get(type(value), type(value).__name__)
