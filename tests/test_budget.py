import logging
import sqlite3
import stat
import sys
import threading
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.api.budget import CallCeiling, SqliteBudget, Ticket
from freshsales_source.api.budget_file import budget_path, open_budget_file
from freshsales_source.errors import CallCeilingReached, ConfigurationError
from freshsales_source.settings.account import parse_domain
from freshsales_source.settings.config import RateLimit
from tests.fake_budget import ANSWERED, HOUR, MINUTE, budget, spend
from tests.fake_clock import FakeClock


def fullest(arrivals: Sequence[float], span: float) -> int:
    """Return the most arrivals in any window of that span, both ends counted."""
    arrivals = sorted(arrivals)
    return max(
        (number - bisect_left(arrivals, at - span) + 1 for number, at in enumerate(arrivals)), default=0
    )


def test_calls_go_through_at_once_while_there_is_room() -> None:
    clock = FakeClock()
    assert spend(budget(clock), 10) == 0
    assert clock.sleeps == []


def test_the_first_call_too_many_waits_until_the_oldest_has_left_the_window() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 1)
    clock.advance(20)
    spend(one, 9)
    assert 40 <= spend(one) <= 41


def test_the_longest_of_several_windows_decides() -> None:
    clock = FakeClock()
    one = budget(clock, MINUTE, HOUR)
    assert spend(one, 25) < 130
    assert spend(one) > 3400


def test_a_long_wait_is_a_warning_with_its_end_once_for_all_who_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 10)
    caplog.set_level(logging.INFO, "freshsales_source")
    begun = clock.now()
    with ThreadPoolExecutor(4) as threads:
        for waiting in [threads.submit(one.acquire) for _ in range(4)]:
            one.settle(waiting.result(), ANSWERED)
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    # A thread that comes late may find that the clock of the others has moved on, and wait for another end.
    assert 1 <= len(warned) < 4
    assert len(set(warned)) == len(warned)
    assert all(message.startswith("budget_wait why=") for message in warned)
    end = datetime.fromisoformat(min(warned).partition(" until=")[2])
    assert timedelta(seconds=59) <= end - begun <= timedelta(seconds=62)
    clock.advance(70)
    spend(one, 11)
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == len(warned) + 1


@pytest.mark.parametrize(("reserve", "allowed"), [(0.0, 10), (0.1, 9), (0.25, 7), (0.7, 3), (0.9, 1)])
def test_the_reserve_is_left_to_others(reserve: float, allowed: int) -> None:
    clock = FakeClock()
    one = budget(clock, reserve=reserve)
    assert spend(one, allowed) == 0
    assert spend(one) >= 60


def test_a_call_in_flight_keeps_its_place_until_it_is_answered() -> None:
    clock = FakeClock()
    one = budget(clock, RateLimit(requests=2, seconds=10))
    slow = one.acquire()
    spend(one)
    clock.advance(9)
    one.settle(slow, ANSWERED)
    assert spend(one) == pytest.approx(1.15)
    assert spend(one) == pytest.approx(9 - 1.15 + 1.15, abs=0.2)


def test_a_call_whose_process_died_keeps_its_place_for_a_while_only() -> None:
    clock = FakeClock()
    one = budget(clock, RateLimit(requests=1, seconds=10))
    one.acquire()
    waited = spend(one)
    assert 150 <= waited <= 175


@dataclass
class Wire:
    """Calls on their way: each arrives somewhere between being sent and being answered."""

    clock: FakeClock
    arrivals: list[float] = field(default_factory=list)
    flying: list[tuple[float, SqliteBudget, Ticket]] = field(default_factory=list)

    def send(self, one: SqliteBudget, delay: float, latency: float) -> None:
        ticket = one.acquire()
        now = self.clock.monotonic()
        self.arrivals.append(now + min(delay, latency))
        self.flying.append((now + latency, one, ticket))

    def land(self) -> None:
        for flight in [flight for flight in self.flying if flight[0] <= self.clock.monotonic()]:
            self.flying.remove(flight)
            flight[1].settle(flight[2], ANSWERED)


events = st.lists(
    st.tuples(
        st.integers(0, 2),  # which process
        st.sampled_from([0.0, 0.0, 0.01, 1.0, 7.0, 59.0, 61.0]),  # pause before
        st.sampled_from([0.0, 0.1, 0.3, 2.0, 9.0]),  # send to arrival
        st.sampled_from([0.0, 0.3, 2.0, 9.0]),  # send to answer
        st.sampled_from([0.0, 0.0, 0.0, 0.0, -3600.0, -1.0]),  # the wall clock is set back
    ),
    max_size=40,
)


@given(
    events=events,
    limits=st.lists(
        st.builds(RateLimit, requests=st.integers(1, 6), seconds=st.sampled_from([5.0, 30.0, 120.0])),
        min_size=1,
        max_size=3,
        unique_by=lambda limit: limit.seconds,
    ),
)
def test_no_sliding_window_ever_holds_more_than_its_limit(
    events: list[tuple[int, float, float, float, float]], limits: list[RateLimit]
) -> None:
    clock = FakeClock()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "budget.sqlite"
        processes = [budget(clock, *limits, path=path) for _ in range(3)]
        wire = Wire(clock=clock)
        for who, gap, delay, latency, step in events:
            clock.advance(gap)
            clock.step_wall(step)
            if step:  # another process starts once the clock was set back
                processes.append(budget(clock, *limits, path=path))
            wire.land()
            wire.send(processes[who - 1], delay, latency)
        for one in processes:
            one.close()
    for limit in limits:
        assert fullest(wire.arrivals, limit.seconds) <= limit.requests


def test_threads_of_several_processes_stay_below_the_limit_together(tmp_path: Path) -> None:
    clock = FakeClock()
    started = clock.monotonic()
    sent: list[float] = []

    def work() -> None:
        one = budget(clock, path=tmp_path / "shared.sqlite")
        for _ in range(12):
            ticket = one.acquire()
            sent.append(clock.monotonic())
            one.settle(ticket, ANSWERED)
        one.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 48
    # Threads read the fake clock a moment after their ticket: what they note may be later than the truth, never
    # earlier. So the forty-first call, in truth a minute after the first, cannot be noted before that.
    assert sorted(sent)[40] - started >= 60


def test_nearly_all_of_the_allowed_budget_is_used_when_there_is_work() -> None:
    clock = FakeClock()
    one = budget(clock, RateLimit(requests=400, seconds=60), reserve=0.1)
    started = clock.monotonic()
    calls = 0
    while clock.monotonic() - started < 600:
        ticket = one.acquire()
        clock.advance(0.05)
        one.settle(ticket, ANSWERED)
        calls += 1
    assert calls / (360 * (clock.monotonic() - started) / 60) >= 0.95


def test_a_new_process_continues_where_the_last_one_left(tmp_path: Path) -> None:
    clock = FakeClock()
    first = budget(clock, path=tmp_path / "b.sqlite")
    spend(first, 10)
    first.close()
    assert spend(budget(clock, path=tmp_path / "b.sqlite")) >= 60


def test_hours_asleep_count_though_the_steady_clock_stood_still() -> None:
    clock = FakeClock()
    one = budget(clock)
    spend(one, 10)
    clock.step_wall(3600)
    assert spend(one) == 0


def test_the_file_is_private_and_holds_nothing_of_the_account(tmp_path: Path) -> None:
    account = parse_domain("a-telling-alias")
    path = budget_path(account, {"XDG_STATE_HOME": str(tmp_path)}, tmp_path)
    one = budget(FakeClock(), path=path)
    spend(one, 3)
    one.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "telling" not in str(path)
    assert b"telling" not in path.read_bytes()


def test_each_account_has_its_own_file_whatever_was_pasted(tmp_path: Path) -> None:
    pasted = (
        "acme",
        "https://acme.myfreshworks.com/crm/sales",
        "other",
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    )
    paths = [budget_path(parse_domain(text), {}, tmp_path) for text in pasted]
    assert paths[0] == paths[1]
    assert len(set(paths)) == 4


def test_a_file_that_several_make_at_once_is_taken_for_theirs_by_all(tmp_path: Path) -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for number in range(150):
            made = threading.Barrier(4)

            def make(path: Path, made: threading.Barrier) -> None:
                made.wait()
                open_budget_file(path).close()

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(make, [tmp_path / f"{number}.sqlite"] * 4, [made] * 4))
    finally:
        sys.setswitchinterval(usual)


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE precious (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"another program.*budget_store"):
        budget(FakeClock(), path=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"x"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="budget_store"):
        budget(FakeClock(), path=path)
    assert path.read_bytes() == content


def test_old_calls_are_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    one = budget(clock, path=tmp_path / "b.sqlite")
    for _ in range(50):
        spend(one)
        clock.advance(30)
    one.close()
    with sqlite3.connect(tmp_path / "b.sqlite") as file:
        (left,) = file.execute("SELECT count(*) FROM calls").fetchone()
    file.close()
    assert left <= 4


def test_the_ceiling_lets_exactly_its_number_through() -> None:
    ceiling = CallCeiling(3)
    for _ in range(3):
        ceiling.spend()
    with pytest.raises(CallCeilingReached, match="3 calls"):
        ceiling.spend()
    ceiling.refund()
    ceiling.spend()


def test_no_ceiling_never_stops() -> None:
    ceiling = CallCeiling(None)
    for _ in range(1000):
        ceiling.spend()
