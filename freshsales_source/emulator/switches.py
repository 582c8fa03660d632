"""Every behaviour of the API that is unknown or differs between accounts, as one switch each.

The notes that the emulator is written from mark how well each fact is known; what they leave open can be
set here both ways. The default is the position they think most likely, the strict one is the worse position
under which a correct connector must still end with a whole copy. The table, in parts that build on each other
(`view_switches.py`, `record_switches.py`, `activity_switches.py`, `module_switches.py`,
`feed_switches.py`, here), is the documentation: the command line and the README print it (`Switches.described()`).

Words of confidence: "documented", "seen" (in a recorded response), "verified by one client", "one client",
"inferred", "unknown". "API notes 12.4" is section 12, line 4 of the notes on the API.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from freshsales_source.emulator.feed_switches import FeedSwitches
from freshsales_source.emulator.switch import SwitchNote, switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches(FeedSwitches):
    """The positions of all switches; immutable, use `dataclasses.replace` for another position."""

    # --- the answer around the records
    date_header: Literal["right", "skewed", "missing"] = switch(
        "right",
        strict="missing",
        says="the Date header is right, off by date_skew_s, or missing",
        source="assumed: every HTTP server sends it",
    )
    date_skew_s: float = switch(
        120.0,
        strict=120.0,
        says="seconds that a skewed Date header is ahead (negative: behind)",
        source="assumed",
    )
    gzip: bool = switch(
        True,
        strict=True,
        says="bodies are gzipped for clients that accept it",
        source="assumed",
    )
    limit_headers: Literal["none", "minute", "hour"] = switch(
        "hour",
        strict="none",
        says="X-RateLimit-* headers are missing, or tell of the shortest or the longest window",
        source="API notes 6: one client reads all three",
    )
    limit_reset: Literal["epoch", "seconds", "dmyHis"] = switch(
        "dmyHis",
        strict="dmyHis",
        says="X-RateLimit-Reset is a Unix time, seconds from now, or ddmmyyHHMMSS in UTC",
        source="API notes 12.1: the last from one client",
    )
    retry_after: Literal["absent", "seconds", "date"] = switch(
        "absent",
        strict="absent",
        says="a 429 carries no Retry-After, one in seconds, or an HTTP date",
        source="API notes 12.1: absent on the application's throttle (one client)",
    )
    throttled_body: Literal["empty", "json", "text", "html"] = switch(
        "text",
        strict="html",
        says="body of a 429",
        source="API notes 12.1: unknown",
    )
    refused_calls_count: bool = switch(
        False,
        strict=True,
        says="calls answered with 429 count against the limit too",
        source="API notes 12.22: unknown",
    )
    failed_calls_count: bool = switch(
        True,
        strict=True,
        says="calls answered with another 4xx count against the limit",
        source="API notes 12.22: unknown",
    )
    not_found_body: Literal["json", "html"] = switch(
        "json",
        strict="html",
        says="body of a 404 for a missing record or view; a missing route is always HTML",
        source="API notes 12.16: unrecorded",
    )
    error_message: Literal["list", "string"] = switch(
        "list",
        strict="string",
        says="errors.message is a list of texts or one text",
        source="API notes 12.16: both seen by clients",
    )
    wrong_key_message: Literal["text", "null"] = switch(
        "text",
        strict="null",
        says="the 401 for a wrong key says why, or has message null",
        source="API notes 12.16: null seen for a blank key, text from one client",
    )
    language: Literal["en", "nl"] = switch(
        "en",
        strict="nl",
        says="language of error texts (and of localised view names): English or Dutch",
        source="API notes 12.16: Dutch seen",
    )
    alias: str | None = switch(
        None,
        strict=None,
        says="the only bundle alias that exists; other host names get a bare 404. None: any host is right",
        source="API notes 7: 404 for an unknown alias seen",
    )
    classic: bool = switch(
        False,
        strict=False,
        says="a Classic account: the prefix /api answers too, beside /crm/sales/api, and there are leads",
        source="API notes 2.9 and 12.25: documented, both hosts verified by one client",
    )

    @classmethod
    def strict(cls) -> Switches:
        """Return the worse position of every switch under which a correct connector must still work."""
        return cls(**{spec.name: spec.metadata["strict"] for spec in fields(cls)})

    @classmethod
    def described(cls) -> tuple[SwitchNote, ...]:
        """Return the table of switches in order of declaration."""
        return tuple(
            SwitchNote(
                name=spec.name,
                type=str(spec.type),
                default=spec.default,
                strict=spec.metadata["strict"],
                says=spec.metadata["says"],
                source=spec.metadata["source"],
            )
            for spec in fields(cls)
        )
