"""Values that are hard to carry from JSON into a table, and what a copy must make of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

LONG = "n" * 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Awkward:
    """A value of a contact as JSON, and what stands in its column and beside it."""

    key: str
    literal: str
    value: Any = None
    raw: str | None = None
    column: str = ""
    """Where it is not called like the key."""

    @property
    def name(self) -> str:
        """Its column."""
        return self.column or self.key


def _fits(key: str, literal: str, value: Any, *, column: str = "") -> Awkward:
    return Awkward(key=key, literal=literal, value=value, column=column)


def _misfit(key: str, literal: str, raw: str, *, column: str = "") -> Awkward:
    return Awkward(key=key, literal=literal, raw=raw, column=column)


AWKWARD: tuple[Awkward, ...] = (
    # Texts
    _fits("first_name", r'"a\u0000b"', "a\ufffdb"),
    _fits("last_name", r'"\ud800 and \ud83d\ude00"', "\ufffd and 😀"),
    _fits("job_title", '""', ""),
    _fits("department", r'"\\N"', r"\N"),
    _fits("city", r'"\\.\n\\."', "\\.\n\\."),
    _fits(
        "state",
        r'"1\t2\r\n3\u00854\u20285\u001b[31m\ufeff\uffff"',
        "1\t2\r\n3\x854\u20285\x1b[31m\ufeff\uffff",
    ),
    _fits(
        "address",
        r'"\\\"; DROP TABLE contacts; -- %s %(x)s {} ${1} $$ =1+1"',
        '\\"; DROP TABLE contacts; -- %s %(x)s {} ${1} $$ =1+1',
    ),
    _fits("zipcode", "7", "7"),
    _fits("country", "NaN", "NaN"),
    _fits("time_zone", "-Infinity", "-Infinity"),
    _fits("recent_note", f'"{LONG}"', LONG),
    _misfit("description", '{"b": 1.50, "a": [null]}', '{"b": 1.50, "a": [null]}'),
    # Numbers
    _fits("mcr_id", str(2**63 - 1), 2**63 - 1),
    _misfit("sales_account_id", str(2**70), str(2**70)),
    _misfit("lead_score", "1.6", "1.6"),
    _fits("customer_fit", "1e3", 1000),
    _misfit("total_sessions", "NaN", "NaN"),
    _fits(
        "won_deals_amount",
        "12345678901234567890123456789.123456789",
        Decimal("12345678901234567890123456789.123456789"),
    ),
    _misfit("open_deals_amount", "0.1234567891", "0.1234567891"),
    _misfit("cf_score", '"NaN"', "NaN"),
    # Times, days, flags
    _fits(
        "last_contacted", '"2023-10-29T01:30:00.123456+05:30"', datetime(2023, 10, 28, 20, 0, 0, 123456, UTC)
    ),
    _fits("first_seen_chat", '"0001-01-02T00:00:00Z"', datetime(1, 1, 2, tzinfo=UTC)),
    _fits("last_seen_chat", '"9999-12-30T23:59:59Z"', datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC)),
    _misfit("last_seen", '"0000-01-01T00:00:00Z"', "0000-01-01T00:00:00Z"),
    _misfit("last_contacted_via_chat", '"2023-10-29T01:30:00"', "2023-10-29T01:30:00"),
    _fits("cf_birthday", '"9999-12-31"', date(9999, 12, 31)),
    _misfit("has_authority", '"yes"', "yes"),
    # Objects and lists
    _fits("web_form_ids", r'[1.10, 2e400, "\ud800", "\u0000"]', '[1.10, 2E+400, "\ufffd", "\\u0000"]'),
    _misfit("tags", '"no list"', "no list"),
    _fits("nested", "[" * 1_000 + "]" * 1_000, "[" * 247 + '"' + "[" * 753 + "]" * 753 + '"' + "]" * 247),
    # Keys that nobody declared
    _fits("order", "5", Decimal(5)),
    _fits("half\ud800", "false", False, column="half_ud800_d8007373"),
    _fits("select", '"2021-10-21"', "2021-10-21"),
    _fits("user_id", str(2**53 + 1), 2**53 + 1),
    _fits("Straße", "true", True, column="stra_e_58a3778c"),
    _fits("k" * 90, '"long"', "long", column="k" * 49 + "_2fb82ce3"),
)
"""One contact with all of them."""
