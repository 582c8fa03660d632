from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.api.limit_headers import LimitSignal, read_limit_headers, served_at

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def signal(**headers: str) -> LimitSignal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_limit_headers(httpx.Headers(named), now=NOW)


def test_limit_and_remaining_are_read_whatever_their_case() -> None:
    read = signal(X_RATELIMIT_LIMIT="1000", x_rateLimit_remaining=" 17 ")
    assert (read.limit, read.remaining, read.reset_s, read.retry_after_s) == (1000, 17, None, None)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("1800.5", 1800.5),
        (str(int(NOW.timestamp()) + 90), 90.0),
        (str((int(NOW.timestamp()) + 90) * 1000), 90.0),
        ("020326090130", 90.0),
        ("Mon, 02 Mar 2026 09:01:30 GMT", 90.0),
        (str(int(NOW.timestamp()) - 5), 0.0),
    ],
)
def test_a_reset_is_understood_in_every_dialect(reset: str, seconds: float) -> None:
    assert signal(x_ratelimit_reset=reset).reset_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    "reset", ["", "soon", "nan", "inf", "-5e9", "999999999999", "020399090130", str(10**30)]
)
def test_a_reset_that_makes_no_sense_counts_as_absent(reset: str) -> None:
    assert signal(x_ratelimit_reset=reset).reset_s is None


def test_a_reset_in_server_time_is_measured_on_the_servers_clock() -> None:
    server_says = int(NOW.timestamp()) + 7200
    read = signal(x_ratelimit_reset=str(server_says + 30), date="Mon, 02 Mar 2026 11:00:00 GMT")
    assert read.reset_s == 30


def test_retry_after_goes_before_the_reset() -> None:
    assert signal(retry_after="120", x_ratelimit_reset="5").hint_s == 120
    assert signal(x_ratelimit_reset="5").hint_s == 5
    assert signal().hint_s is None


def test_the_reset_of_a_window_with_room_is_no_hint() -> None:
    assert signal(x_ratelimit_reset="3000", x_ratelimit_remaining="17").hint_s is None
    assert signal(x_ratelimit_reset="3000", x_ratelimit_remaining="0").hint_s == 3000


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Mon, 02 Mar 2026 09:00:00 GMT", NOW),
        ("Mon, 02 Mar 2026 14:30:00 +0530", NOW),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_servers_clock_is_read_as_utc(date: str, moment: datetime | None) -> None:
    assert served_at(httpx.Headers({"Date": date})) == moment
    assert served_at(httpx.Headers()) is None


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), max_size=20))
def test_no_header_breaks_the_reader_or_asks_for_more_than_a_day(text: str) -> None:
    read = signal(
        x_ratelimit_limit=text, x_ratelimit_remaining=text, x_ratelimit_reset=text, retry_after=text
    )
    assert read.hint_s is None or 0 <= read.hint_s <= 86400
    assert read.limit is None or read.limit >= 0
