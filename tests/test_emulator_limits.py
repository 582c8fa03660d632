from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.emulator import Limits, Switches, Window
from freshsales_source.emulator.limits import Meter
from tests.emulator_browser import Browser
from tests.fake_clock import FakeClock

PATH = "/contacts/filters"
THREE_A_MINUTE = Limits(windows=(Window(requests=3, seconds=60),))
TWO_WINDOWS = Limits(windows=(Window(requests=5, seconds=60), Window(requests=8, seconds=3600)))

waits = st.lists(st.integers(0, 70_000), max_size=120)


@given(waits=waits, minute=st.integers(1, 6), hour=st.integers(1, 20))
def test_no_sliding_window_ever_holds_more_than_its_limit(waits: list[int], minute: int, hour: int) -> None:
    windows = (Window(requests=minute, seconds=60), Window(requests=hour, seconds=3600))
    clock = FakeClock()
    meter = Meter(Limits(windows=windows), clock)
    admitted: list[int] = []
    now = 0
    for wait in waits:
        clock.advance(wait / 1000)
        now += wait
        is_free = all(
            sum(now - at < window.seconds * 1000 for at in admitted) < window.requests for window in windows
        )
        assert meter.admit() == is_free
        if is_free:
            admitted.append(now)


@given(waits=waits)
def test_no_fixed_window_ever_holds_more_than_its_limit(waits: list[int]) -> None:
    clock = FakeClock()
    meter = Meter(Limits(windows=(Window(requests=3, seconds=60),), kind="fixed"), clock)
    # The fake clock starts at a full hour.
    admitted: dict[int, int] = {}
    now = 0
    for wait in waits:
        clock.advance(wait / 1000)
        now += wait
        bucket = now // 60_000
        is_free = admitted.get(bucket, 0) < 3
        assert meter.admit() == is_free
        admitted[bucket] = admitted.get(bucket, 0) + is_free


@given(rate=st.integers(1, 30), calls=st.lists(st.integers(0, 20_000), max_size=60))
def test_other_integrations_eat_from_the_same_windows(rate: int, calls: list[int]) -> None:
    clock = FakeClock()
    window = Window(requests=20, seconds=60)
    meter = Meter(Limits(windows=(window,), others_per_minute=rate), clock)
    for wait in calls:
        clock.advance(wait / 1000)
        meter.admit()
        assert meter.used(window) <= 20
    clock.advance(600)
    assert rate - 1 <= meter.used(window) <= min(20, rate + 1) or rate > 20


def test_a_call_past_the_limit_is_429_until_the_oldest_is_a_minute_old() -> None:
    browser = Browser(limits=THREE_A_MINUTE)
    statuses = []
    for _ in range(4):
        statuses.append(browser.get(PATH).status_code)
        browser.clock.advance(10)
    assert statuses == [200, 200, 200, 429]
    browser.clock.advance(20)
    assert [browser.get(PATH).status_code for _ in range(2)] == [200, 429]


def test_without_limits_nothing_is_refused_and_no_header_sent() -> None:
    browser = Browser()
    answers = [browser.get(PATH) for _ in range(500)]
    assert {answer.status_code for answer in answers} == {200}
    assert not [name for name in answers[0].headers if "ratelimit" in name]


def test_plans_have_their_documented_limits() -> None:
    assert [window.requests for window in Limits.of_plan("pro").windows] == [400, 2000]
    assert Limits() == Limits.of_plan("growth")


def test_another_integration_can_take_the_rest_at_once() -> None:
    browser = Browser(limits=THREE_A_MINUTE)
    assert browser.emulator.meter.eat(5) == 3
    assert browser.get(PATH).status_code == 429


@pytest.mark.parametrize(("position", "limit", "remaining"), [("minute", "5", "3"), ("hour", "8", "6")])
def test_headers_tell_of_the_minute_or_the_hour(position: Any, limit: str, remaining: str) -> None:
    browser = Browser(Switches(limit_headers=position), limits=TWO_WINDOWS)
    browser.get(PATH)
    headers = browser.get(PATH).headers
    assert (headers["x-ratelimit-limit"], headers["X-RateLimit-Remaining"]) == (limit, remaining)


def test_headers_can_be_missing() -> None:
    browser = Browser(Switches(limit_headers="none"), limits=TWO_WINDOWS)
    assert "x-ratelimit-limit" not in browser.get(PATH).headers


def test_reset_comes_in_three_formats_of_one_moment() -> None:
    browser = Browser(Switches(limit_headers="minute", limit_reset="seconds"), limits=TWO_WINDOWS)
    browser.get(PATH)
    browser.clock.advance(20)
    free_at = browser.clock.now().timestamp() + 40
    assert browser.get(PATH).headers["x-ratelimit-reset"] == "40"
    browser.switch(limit_reset="epoch")
    assert browser.get(PATH).headers["x-ratelimit-reset"] == str(int(free_at))
    browser.switch(limit_reset="dmyHis")
    text = browser.get(PATH).headers["x-ratelimit-reset"]
    assert datetime.strptime(text, "%d%m%y%H%M%S").replace(tzinfo=UTC).timestamp() == free_at


def test_retry_after_is_absent_seconds_or_a_date() -> None:
    browser = Browser(limits=THREE_A_MINUTE)
    for _ in range(3):
        browser.get(PATH)
    browser.clock.advance(15)
    assert "retry-after" not in browser.get(PATH).headers
    browser.switch(retry_after="seconds")
    assert browser.get(PATH).headers["retry-after"] == "45"
    browser.switch(retry_after="date")
    at = parsedate_to_datetime(browser.get(PATH).headers["retry-after"])
    assert (at - browser.clock.now()).total_seconds() == 45


def test_retry_after_waits_for_the_window_that_is_full() -> None:
    browser = Browser(Switches(retry_after="seconds"), limits=TWO_WINDOWS)
    for _ in range(5):
        browser.get(PATH)
    assert browser.get(PATH).headers["retry-after"] == "60"
    browser.clock.advance(60)
    for _ in range(3):
        assert browser.get(PATH).status_code == 200
    assert browser.get(PATH).headers["retry-after"] == "3540"


@pytest.mark.parametrize(
    ("position", "content_type"),
    [("empty", "text/plain"), ("json", "application/json"), ("text", "text/plain"), ("html", "text/html")],
)
def test_the_body_of_a_429_has_many_forms(position: Any, content_type: str) -> None:
    browser = Browser(Switches(throttled_body=position), limits=THREE_A_MINUTE)
    browser.emulator.meter.eat(3)
    answer = browser.get(PATH)
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith(content_type)
    assert (answer.content == b"") == (position == "empty")


def test_refused_calls_may_count() -> None:
    for refused_calls_count, status in ((False, 200), (True, 429)):
        browser = Browser(Switches(refused_calls_count=refused_calls_count), limits=THREE_A_MINUTE)
        for _ in range(3):
            browser.get(PATH)
        browser.clock.advance(30)
        for _ in range(3):
            assert browser.get(PATH).status_code == 429
        browser.clock.advance(30)
        assert browser.get(PATH).status_code == status


def test_failed_calls_may_not_count() -> None:
    for failed_calls_count, used in ((True, 2), (False, 1)):
        browser = Browser(Switches(failed_calls_count=failed_calls_count), limits=THREE_A_MINUTE)
        browser.get("/contacts/1")
        browser.get(PATH)
        assert browser.emulator.meter.used(THREE_A_MINUTE.windows[0]) == used


def test_a_call_with_a_wrong_key_is_not_counted() -> None:
    browser = Browser(limits=THREE_A_MINUTE)
    for _ in range(10):
        browser.client.get(PATH, headers={"Authorization": "Token token=x"})
    assert browser.emulator.meter.used(THREE_A_MINUTE.windows[0]) == 0


def test_setting_the_wall_clock_opens_no_window() -> None:
    browser = Browser(limits=THREE_A_MINUTE)
    browser.emulator.meter.eat(3)
    browser.clock.step_wall(7200)
    assert browser.get(PATH).status_code == 429
