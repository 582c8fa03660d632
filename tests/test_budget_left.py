"""What is left of a budget, told without spending any: against what the budget itself then grants."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.api.budget_left import budget_left
from freshsales_source.api.client import budget_store, build_client
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.config import RateLimit, read_settings
from tests.fake_budget import HOUR, MINUTE, budget, spend
from tests.fake_clock import FakeClock


def test_a_budget_that_nobody_used_is_whole_and_asking_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    left = budget_left(path, (MINUTE, HOUR), 0.2, FakeClock().now())
    assert [(one.allowed, one.left) for one in left.windows] == [(8, 8), (20, 20)]
    assert not path.exists()


def test_calls_that_count_are_taken_off_each_window(tmp_path: Path) -> None:
    clock = FakeClock()
    one = budget(clock, MINUTE, HOUR, path=tmp_path / "b.sqlite")
    spend(one, 4)
    clock.advance(100)
    spend(one, 3)
    left = budget_left(tmp_path / "b.sqlite", (MINUTE, HOUR), 0.0, clock.now())
    assert [one.left for one in left.windows] == [7, 18]
    assert left.blocked_until is None


def test_what_the_server_said_counts_too(tmp_path: Path) -> None:
    clock = FakeClock()
    one = budget(clock, MINUTE, HOUR, path=tmp_path / "b.sqlite")
    spend(one, 1, LimitSignal(limit=25, remaining=3, reset_s=600))
    limits = (MINUTE, HOUR)
    assert [w.left for w in budget_left(tmp_path / "b.sqlite", limits, 0.0, clock.now()).windows] == [9, 3]
    one.settle(one.acquire(), LimitSignal(retry_after_s=90), refused=True)
    until = budget_left(tmp_path / "b.sqlite", limits, 0.0, clock.now()).blocked_until
    assert until is not None
    assert 90 < (until - clock.now()).total_seconds() < 93


def test_a_file_that_is_no_budget_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all" * 50)
    with pytest.raises(ConfigurationError, match="budget_store"):
        budget_left(tmp_path / "notes.txt", (MINUTE,), 0.0, FakeClock().now())


@given(
    spent=st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0.0, 3.0, 20.0, 70.0])), max_size=6),
    calls=st.integers(1, 40),
    limits=st.lists(
        st.builds(RateLimit, requests=st.integers(1, 8), seconds=st.sampled_from([10.0, 60.0, 300.0])),
        min_size=1,
        max_size=2,
        unique_by=lambda limit: limit.seconds,
    ),
)
def test_the_time_foretold_is_the_time_it_takes(
    spent: list[tuple[int, float]], calls: int, limits: list[RateLimit]
) -> None:
    clock = FakeClock()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b.sqlite"
        one = budget(clock, *limits, path=path)
        for number, pause in spent:
            spend(one, number)
            clock.advance(pause)
        foretold = budget_left(path, limits, 0.0, clock.now()).seconds_for(calls)
        began = clock.monotonic()
        spend(one, calls)
        took = clock.monotonic() - began
        one.close()
    # Of two limits each can hold back what the other would let pass, so with several it is the least time.
    assert foretold <= took + 0.001
    if len(limits) == 1:
        rounds = 1 + calls // limits[0].requests + 1
        assert took <= foretold + 0.2 * rounds


def test_a_budget_store_in_no_folder_is_refused_and_makes_none(tmp_path: Path) -> None:
    wrong = tmp_path / "buget" / "calls.sqlite"
    settings = read_settings(
        flags={"api_key": "a-key-of-no-account", "domain": "acme", "budget_store": str(wrong)}
    )
    with pytest.raises(ConfigurationError, match=r"calls\.sqlite, in a folder that does not exist"):
        budget_store(settings)
    with pytest.raises(ConfigurationError, match="does not exist"):
        build_client(settings, clock=FakeClock())
    assert list(tmp_path.iterdir()) == []
