"""Waiting for the CRM is hidden: walks go side by side, and on while a slice is loaded; connections stay open."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from dlt.sources import DltSource

from freshsales_source.api.client import build_client
from freshsales_source.clock import SystemClock
from freshsales_source.emulator import Emulator, serve
from freshsales_source.errors import Interrupted
from freshsales_source.run import PAGES_AHEAD, PAGES_AT_RISK, PAGES_PER_LOAD, Permits, Run
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.canned_server import CannedServer, json_reply
from tests.connector import KEY, WIDE, Connector, asked, company, connect_swiftly
from tests.fake_clock import FakeClock
from tests.swift_warehouse import SwiftWarehouse

PATIENCE_S = 30.0
"""How long a test waits for what comes at once, before it fails."""
PAGE_SIZE = 2
LOOKED_UP = 2
"""Calls for the views and the fields."""


class SlowWarehouse(SwiftWarehouse):
    """A load, of that number, ends only when `is_over`; `dies` lets it fail in its end, as a lost server does."""

    def __init__(self, target: Target, *, is_over: Callable[[int], bool], dies: bool) -> None:
        super().__init__(target)
        self.is_over = is_over
        self.dies = dies
        self.loads = 0

    def load(self, source: DltSource, *, on_disk: Callable[[], None] = lambda: None) -> None:
        """Load, and be slow about it."""
        super().load(source, on_disk=on_disk)
        self.loads += 1
        pause = threading.Event()
        for _ in range(int(PATIENCE_S / 0.01)):
            if self.is_over(self.loads):
                break
            pause.wait(0.01)
        assert self.is_over(self.loads), "nothing was read while the slice was loaded"
        if self.dies:
            raise LostError("the server is gone")


class LostError(Exception):
    """What a load may fail with."""


class SlowConnector(Connector):
    """A connector whose warehouse is slow."""

    is_over: Callable[[int], bool]
    dies = False

    def warehouse(self, settings: Settings) -> Warehouse:
        """The slow warehouse."""
        target = Target(duckdb=self.database, pipelines_dir=self.folder / "dlt")
        return SlowWarehouse(target, is_over=self.is_over, dies=self.dies)


def slow(emulator: Emulator, folder: Path, **flags: Any) -> SlowConnector:
    """The same as `connect_swiftly`, with a slow warehouse."""
    swift = connect_swiftly(emulator, folder, **flags)
    return SlowConnector(folder=swift.folder, clock=swift.clock, transport=swift.transport, flags=swift.flags)


def pages(emulator: Emulator) -> int:
    """Pages that were asked for."""
    return len(asked(emulator, "/view/"))


@pytest.fixture
def emulator() -> Emulator:
    return company(accounts=120 * PAGE_SIZE, contacts=0, deals=0, in_bin=0)


CHOSEN: dict[str, Any] = {"objects": ["sales_accounts"], "page_size": PAGE_SIZE}
EVERY_PAGE = 120 + 1
"""Of the view, and the empty one of the bin."""


def most_read(loads: int) -> int:
    """Pages that may be read for so many loads: to see that the bin has ended counts as one, too."""
    return min(EVERY_PAGE, loads * PAGES_PER_LOAD - 1)


def test_the_next_slice_and_no_more_is_read_while_one_is_loaded(emulator: Emulator, tmp_path: Path) -> None:
    connector = slow(emulator, tmp_path, **CHOSEN)
    read: dict[int, int] = {}

    def is_over(load: int) -> bool:
        read[load] = pages(emulator)
        return read[load] == most_read(load + 1)

    connector.is_over = is_over
    report = connector.sync()
    assert report.exit_code == 0
    # Each slice was read before the one before it was loaded, and then the walk stood still.
    assert list(read.values())[:2] == [most_read(2), EVERY_PAGE]
    assert report.calls == EVERY_PAGE + LOOKED_UP
    usual = connect_swiftly(emulator, tmp_path / "usual", **CHOSEN)
    assert usual.sync().exit_code == 0
    assert connector.reader.content() == usual.reader.content()


def test_pages_that_a_kill_would_cost_are_never_more_than_one_slice() -> None:
    permits = Permits()
    permits.renew()

    def taken(load: int) -> int:
        return sum(permits.take(load) for _ in range(2 * PAGES_AT_RISK))

    first = permits.load
    assert taken(first) + taken(first + 1) == PAGES_AT_RISK
    assert taken(first + 2) == 0
    permits.note_on_disk()
    assert taken(first + 1) == PAGES_PER_LOAD - PAGES_AHEAD
    permits.renew()
    assert (taken(first), taken(first + 1), taken(first + 2)) == (0, 0, PAGES_AHEAD)


def test_what_was_read_ahead_of_a_load_that_failed_is_read_again_by_the_next_run(
    emulator: Emulator, tmp_path: Path
) -> None:
    connector = slow(emulator, tmp_path, **CHOSEN)
    connector.is_over = lambda load: pages(emulator) == most_read(load + 1)
    connector.dies = True
    with pytest.raises(LostError):
        connector.sync()
    assert pages(emulator) == most_read(2)
    assert len(connector.reader.ids("sales_accounts")) == (most_read(1) - 1) * PAGE_SIZE

    connector.dies = False
    connector.is_over = lambda _: True
    assert connector.sync().exit_code == 0
    read_twice = pages(emulator) - EVERY_PAGE
    # What lay on disk is there; of the rest one slice at most, and where it was found again.
    assert 0 < read_twice <= PAGES_PER_LOAD + 10
    assert set(connector.reader.ids("sales_accounts")) == {
        int(row["id"]) for row in emulator.store.live("sales_accounts")
    }


def test_walks_of_one_run_are_under_way_at_the_same_time(tmp_path: Path) -> None:
    emulator = company(accounts=6, contacts=6, deals=0)
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "sales_accounts"])
    wsgi = httpx.WSGITransport(app=emulator.wsgi)
    # Nobody gets a first page before all four walks have asked for theirs.
    together = threading.Barrier(4)

    class Meeting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if "/view/" in request.url.path and request.url.params["page"] == "1":
                together.wait(PATIENCE_S)
            return wsgi.handle_request(request)

    connector.transport = Meeting
    assert connector.sync(concurrency=4).exit_code == 0


class Standstill(FakeClock):
    """A clock on which no wait ever ends."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waited_on = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Let no time pass."""
        self.is_waited_on.set()
        threading.Event().wait(0.001)


def test_a_run_that_ends_gives_up_what_it_was_reading_ahead_and_waits_for_no_quota(tmp_path: Path) -> None:
    clock = Standstill()
    flags = {"domain": "acme", "api_key": KEY, "rate_limits": [[1, 3600]], "reserve": 0}
    settings = read_settings(flags={**flags, "budget_store": tmp_path / "budget.sqlite"})
    client = build_client(
        settings, clock=clock, transport=CannedServer([json_reply()]), stop=threading.Event()
    )
    run = Run(settings, client, clock)
    calls: list[Future[Any]] = [run.pool.submit(client.get, "contacts/filters") for _ in range(2)]
    assert clock.is_waited_on.wait(PATIENCE_S)
    closing = threading.Thread(target=run.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    refused = [call.exception() for call in calls if call.exception() is not None]
    assert [type(error) for error in refused] == [Interrupted]


class Zipped:
    """An account over a socket, which counts its connections and the bytes of its pages."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.threads: set[int] = set()
        self.packed: list[bytes] = []

    def wsgi(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answer, and look on: the server has one thread for each connection."""
        self.threads.add(threading.get_ident())
        body = b"".join(self.emulator.wsgi(environ, start_response))
        self.packed.extend([body] if "/view/" in environ["PATH_INFO"] else [])
        return [body]


def test_calls_over_a_socket_share_a_connection_a_walk_and_come_packed(tmp_path: Path) -> None:
    zipped = Zipped(company(accounts=300, contacts=0, deals=0, in_bin=0))
    with serve(zipped) as server:
        flags = {"domain": server.url, "api_key": KEY, "rate_limits": WIDE}
        settings = read_settings(flags={**flags, "budget_store": tmp_path / "budget.sqlite"})
        with Run(settings, build_client(settings, clock=SystemClock()), SystemClock()) as run:
            views: Any = run.client.get("sales_accounts/filters").json()
            path = f"sales_accounts/view/{views['filters'][0]['id']}"
            numbers = [*range(1, 4)] * 6
            answers = list(run.pool.map(lambda number: run.client.get(path, {"page": number}), numbers))
    # One more asked for the views.
    assert len(zipped.threads) <= settings.concurrency + 1 < len(numbers)
    assert len(zipped.packed) == len(numbers)
    assert all(gzip.decompress(body) in {answer.body for answer in answers} for body in zipped.packed)
    assert sum(map(len, zipped.packed)) * 4 < sum(len(answer.body) for answer in answers)
