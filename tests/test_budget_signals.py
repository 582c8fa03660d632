import threading
from datetime import timedelta
from pathlib import Path

import pytest

from freshsales_source.api.budget import SqliteBudget
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.errors import Interrupted, QuotaExhausted
from freshsales_source.settings.config import RateLimit
from tests.fake_budget import ANSWERED, HOUR, MINUTE, budget, spend
from tests.fake_clock import FakeClock


def test_calls_of_others_above_their_reserve_lower_the_budget() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 1, LimitSignal(limit=10, remaining=2, reset_s=30))
    assert spend(one, 2) == 0
    assert spend(one) == pytest.approx(30)


def test_calls_of_others_within_their_reserve_change_nothing() -> None:
    clock = FakeClock()
    one = budget(clock, reserve=0.3)
    spend(one, 1, LimitSignal(limit=10, remaining=7, reset_s=30))
    assert spend(one, 6) == 0
    assert spend(one) >= 59


def test_a_later_header_of_the_same_window_raises_what_an_earlier_one_lowered() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 1, LimitSignal(limit=10, remaining=1, reset_s=3000))
    spend(one, 1, LimitSignal(limit=10, remaining=8))
    assert spend(one, 8) == 0


def test_a_header_of_an_unknown_window_lowers_but_never_raises() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 1, LimitSignal(limit=500, remaining=2, reset_s=40))
    spend(one, 1, LimitSignal(limit=500, remaining=400, reset_s=1))
    assert spend(one, 1) == 0
    assert spend(one) == pytest.approx(40)
    assert spend(budget(clock), 11) >= 60


def test_an_unknown_window_that_is_over_holds_nothing_back() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 1, LimitSignal(limit=500, remaining=0, reset_s=20))
    assert spend(one, 1, LimitSignal(limit=500, remaining=499, reset_s=20)) == pytest.approx(20)
    assert spend(one, 8, LimitSignal(limit=500, remaining=490, reset_s=20)) == 0


def test_a_header_cannot_lift_the_configured_limit() -> None:
    clock = FakeClock()
    one = budget(clock)
    assert spend(one, 10, LimitSignal(limit=5000, remaining=4999)) == 0
    assert spend(one) >= 60


def test_calls_still_on_the_wire_are_taken_off_the_servers_figure() -> None:
    clock = FakeClock()
    one = budget(clock)
    others = [one.acquire(), one.acquire()]
    spend(one, 1, LimitSignal(limit=10, remaining=3, reset_s=30))
    assert spend(one, 1) == 0
    assert spend(one) == pytest.approx(30)
    for ticket in others:
        one.settle(ticket)


def test_when_a_window_is_said_to_be_free_again_one_call_goes_first(tmp_path: Path) -> None:
    clock = FakeClock()
    here, there = (budget(clock, path=tmp_path / "b.sqlite") for _ in range(2))
    spend(here, 1, LimitSignal(limit=10, remaining=0, reset_s=5))
    first = here.acquire()
    assert first.waited_s == pytest.approx(5)
    clock.on_sleep = lambda: here.settle(first, LimitSignal(limit=10, remaining=1, reset_s=5))
    # A window that slides: its oldest call has left it, and no more than that.
    assert there.acquire().waited_s > 0
    clock.on_sleep = None
    assert there.acquire().waited_s > 0


def refuse(one: SqliteBudget, hint_s: float | None = None) -> None:
    one.settle(one.acquire(), LimitSignal(retry_after_s=hint_s), refused=True)


def test_after_a_429_everybody_waits_until_the_reset(tmp_path: Path) -> None:
    clock = FakeClock()
    here, there = (budget(clock, path=tmp_path / "b.sqlite") for _ in range(2))
    refuse(here, 120)
    assert there.blocked_until() is not None
    assert 120 < spend(there) < 123
    assert spend(here) == 0
    assert here.blocked_until() is None


def test_without_a_hint_there_is_one_probe_a_minute_for_all_sharers(tmp_path: Path) -> None:
    clock = FakeClock()
    sharers = [budget(clock, path=tmp_path / "b.sqlite") for _ in range(3)]
    started = clock.monotonic()
    for number in range(10):
        refuse(sharers[number % 3])
    assert 9 * 60 <= clock.monotonic() - started <= 9 * 62.1


def test_while_the_probe_is_out_the_others_look_again_every_second(tmp_path: Path) -> None:
    clock = FakeClock()
    here = budget(clock, path=tmp_path / "b.sqlite")
    refuse(here, 5)
    probe = here.acquire()
    looks: list[float] = []

    class AnswersMeanwhile(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            looks.append(seconds)
            if len(looks) == 3:
                clock.advance(3)
                here.settle(probe, ANSWERED)

    there = budget(AnswersMeanwhile(clock.now()), path=tmp_path / "b.sqlite")
    assert there.acquire().waited_s == pytest.approx(3)
    assert looks == [1, 1, 1]


def test_a_probe_without_an_answer_leaves_the_next_try_to_somebody_else(tmp_path: Path) -> None:
    clock = FakeClock()
    here, there = (budget(clock, path=tmp_path / "b.sqlite") for _ in range(2))
    refuse(here, 5)
    here.settle(here.acquire(), None)
    assert spend(there) == 0


def test_a_hint_of_zero_cannot_start_a_storm() -> None:
    clock = FakeClock()
    one = budget(clock, RateLimit(requests=10_000, seconds=60))
    started = clock.monotonic()
    for _ in range(6):
        refuse(one, 0)
    assert clock.monotonic() - started >= 4 * 60


def test_refusals_of_calls_that_flew_together_are_one_block_and_the_longest_hint_counts() -> None:
    clock = FakeClock()
    one = budget(clock)
    flying = [one.acquire() for _ in range(3)]
    for ticket, hint_s in zip(flying, (10.0, 90.0, 20.0), strict=True):
        one.settle(ticket, LimitSignal(retry_after_s=hint_s), refused=True)
    assert 90 < spend(one) < 93


def test_after_a_429_no_more_is_sent_for_a_minute_than_the_server_took() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 6)
    clock.advance(50)
    refused_at = clock.monotonic()
    refuse(one, 5)
    # Others have all but six of the ten that the limit allows, and the refused call may count as one of ours.
    assert spend(one) == pytest.approx(10.15)
    assert spend(one, 4) == 0
    # Then it is tried again.
    assert spend(one) > 0
    assert clock.monotonic() - refused_at == pytest.approx(60)
    assert spend(one, 2) == 0


def test_a_second_429_within_a_minute_waits_for_a_minute() -> None:
    clock = FakeClock()
    one = budget(clock)
    refuse(one, 5)
    spend(one)
    clock.advance(20)
    refuse(one, 5)
    assert spend(one) >= 60


def test_a_late_429_of_a_quota_that_is_over_blocks_nobody() -> None:
    clock = FakeClock()
    one = budget(clock)
    straggler = one.acquire()
    refuse(one, 10)
    spend(one)
    one.settle(straggler, LimitSignal(retry_after_s=600), refused=True)
    assert one.blocked_until() is None


def test_wait_goes_on_for_as_long_as_the_quota_is_gone() -> None:
    clock = FakeClock()
    one = budget(clock)
    for _ in range(200):
        refuse(one)
    assert spend(one) > 60


def test_stop_says_when_to_come_back_instead_of_waiting_for_the_hour() -> None:
    clock = FakeClock()
    one = budget(clock, MINUTE, HOUR, on_quota="stop")
    spend(one, 25)
    before = clock.now()
    with pytest.raises(QuotaExhausted, match="used up") as caught:
        one.acquire()
    assert clock.now() == before
    assert caught.value.retry_at is not None
    assert timedelta(minutes=55) < caught.value.retry_at - before < timedelta(minutes=61)


def test_stop_still_waits_out_a_minute() -> None:
    clock = FakeClock()
    assert spend(budget(clock, on_quota="stop"), 20) > 60


def test_stop_gives_up_after_one_probe_without_a_hint() -> None:
    clock = FakeClock()
    one = budget(clock, on_quota="stop")
    refuse(one)
    refuse(one)
    with pytest.raises(QuotaExhausted):
        one.acquire()


def test_a_wait_ends_within_a_second_of_being_asked_to_stop() -> None:
    clock = FakeClock()
    stop = threading.Event()

    class StopsAt(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.sleeps) == 5:
                stop.set()

    clock = StopsAt()
    one = SqliteBudget(":memory:", (MINUTE,), clock=clock, stop=stop)
    spend(one, 10)
    with pytest.raises(Interrupted):
        one.acquire()
    assert sum(clock.sleeps) <= 3
