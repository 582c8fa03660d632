"""A sync whose account runs out of calls at any request: it waits or stops, asks once, and the copy is the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Limits, Switches, Window, generate_company
from tests.connector import KEY, Connector, connect_swiftly, of
from tests.fake_clock import FakeClock
from tests.side_by_side import Recorder, fullest
from tests.warehouse_reader import Row

CALLS = 5
"""Of a first sync that nobody disturbs: views, fields, two pages, the recycle bin."""
MINUTE, HOUR = Window(requests=20, seconds=60), Window(requests=20, seconds=3600)


def account(window: Window, **switches: Any) -> Emulator:
    """A small account with one limit; each has the same records."""
    clock = FakeClock()
    store = generate_company(clock, accounts=7, contacts=0, deals=0, in_bin=2)
    limits = Limits(windows=(window,))
    return Emulator(store, clock=clock, api_key=KEY, switches=Switches(**switches), limits=limits)


def connect_to(emulator: Emulator, folder: Path, window: Window, **flags: Any) -> tuple[Connector, Recorder]:
    """A connector with a warehouse of its own, and what it will send."""
    limits = [[window.requests, window.seconds]]
    chosen: dict[str, Any] = {"objects": ["sales_accounts"], "page_size": 5, "rate_limits": limits}
    connector = connect_swiftly(emulator, folder, **chosen, **flags)
    recorder = Recorder(emulator=emulator)
    connector.transport = lambda: recorder
    return connector, recorder


def use_up_at(emulator: Emulator, request: int) -> None:
    """Let others make all calls that are left, just before that request from now."""
    at = len(emulator.log) + request

    def others(number: int) -> None:
        if number == at:
            emulator.meter.eat(1000)

    emulator.before_request = others


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """What a sync makes that nobody disturbs."""
    emulator = account(MINUTE)
    connector, sent = connect_to(emulator, tmp_path_factory.mktemp("whole"), MINUTE)
    assert connector.sync().exit_code == 0
    assert len(sent.sent) == CALLS
    return connector.reader.content()


def check_waits(
    folder: Path, wanted: dict[str, list[Row]], request: int, window: Window = MINUTE, **switches: Any
) -> None:
    """Run out of calls at that request, and wait."""
    emulator = account(window, **switches)
    # Several who wait for an hour move this clock by hours, and an answer that is being read takes too long.
    connector, sent = connect_to(emulator, folder, window, concurrency=1 if window is HOUR else 4)
    use_up_at(emulator, request)
    report = connector.sync()
    assert (report.exit_code, report.reason) == (0, ""), (request, switches)
    assert connector.reader.content() == wanted, (request, switches)
    refused: dict[str, list[float]] = {}
    for call in sent.sent:
        if call.status == 429:
            refused.setdefault(call.worker, []).append(call.at)
    assert refused, "the quota was gone"
    # One for each worker until the reset; without a hint when that is, a minute apart.
    assert all(later - earlier >= 60 for times in refused.values() for earlier, later in pairwise(times))
    assert window is HOUR or all(len(times) == 1 for times in refused.values()), (request, switches)
    assert report.calls == len(sent.sent) == CALLS + sum(map(len, refused.values()))
    assert report.seconds_waited >= window.seconds


@pytest.mark.parametrize("headers", ["none", "minute"])
@pytest.mark.parametrize("retry_after", ["absent", "seconds"])
def test_a_quota_that_is_gone_at_any_request_is_waited_for(
    retry_after: str, headers: str, wanted: dict[str, list[Row]], tmp_path: Path
) -> None:
    for request in range(1, CALLS + 1):
        folder = tmp_path / str(request)
        check_waits(folder, wanted, request, retry_after=retry_after, limit_headers=headers)


@pytest.mark.soak
@pytest.mark.parametrize("window", [MINUTE, HOUR], ids=["minute", "hour"])
def test_a_quota_that_is_gone_is_waited_for_whatever_the_server_says(
    window: Window, wanted: dict[str, list[Row]], tmp_path: Path
) -> None:
    says = product(("absent", "seconds", "date"), ("none", "minute"), ("epoch", "seconds", "dmyHis"))
    bodies = ("empty", "json", "text", "html")
    for number, (retry_after, headers, reset) in enumerate(says):
        for request in range(1, CALLS + 1):
            check_waits(
                tmp_path / f"{number}-{request}",
                wanted,
                request,
                window,
                retry_after=retry_after,
                limit_headers=headers,
                limit_reset=reset,
                refused_calls_count=(number + request) % 2 == 0,
                throttled_body=bodies[request % len(bodies)],
            )


def test_stopping_when_the_quota_is_gone_saves_what_was_read(
    wanted: dict[str, list[Row]], tmp_path: Path
) -> None:
    for request in (1, 3, CALLS):
        emulator = account(HOUR, limit_headers="none")
        connector, sent = connect_to(emulator, tmp_path / str(request), HOUR, on_quota="stop")
        use_up_at(emulator, request)
        report = connector.sync()
        assert (report.exit_code, report.reason) == (75, "quota_exhausted"), request
        assert of(report, "sales_accounts").verdict == "partial"
        assert report.retry_at is not None
        assert timedelta() < report.retry_at - report.finished_at <= timedelta(seconds=62)
        # Nothing tells when the hour is over: each worker asked once, and one of them once more a minute later.
        assert fullest([call.at for call in sent.sent if call.status == 429], 60) <= 4
        check_next_run_ends_it(emulator, connector, sent, wanted)


def test_a_run_that_max_calls_ends_saves_what_was_read(wanted: dict[str, list[Row]], tmp_path: Path) -> None:
    for most in (1, 3, CALLS - 1):
        emulator = account(HOUR)
        connector, sent = connect_to(emulator, tmp_path / str(most), HOUR)
        report = connector.sync(max_calls=most)
        assert (report.exit_code, report.reason, report.calls) == (75, "max_calls", most)
        assert of(report, "sales_accounts").verdict == "partial"
        check_next_run_ends_it(emulator, connector, sent, wanted)


def check_next_run_ends_it(
    emulator: Emulator, connector: Connector, sent: Recorder, wanted: dict[str, list[Row]]
) -> None:
    """One more run, once the quota is free again: the same warehouse, and nothing asked for that was known."""
    emulator.before_request = None
    connector.clock.advance(HOUR.seconds - 10)
    first = sum(call.status == 200 for call in sent.sent)
    before = len(sent.sent)
    # The views were found less than this long ago.
    assert connector.sync(lookups_every_s=86_400).exit_code == 0
    assert connector.reader.content() == wanted
    # The newest page of each list is read again, and the page in the middle of which it was cut.
    again = first + (len(sent.sent) - before) - CALLS
    assert again <= 3
