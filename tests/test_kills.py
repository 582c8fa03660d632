"""A real `freshsales sync`, killed: one more run ends with the same warehouse and repeats at most one slice."""

from __future__ import annotations

import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil, log2
from pathlib import Path
from typing import Any

import httpx
import pytest

from freshsales_source.exit_codes import ExitCode
from tests.connector import Connector, company, connect, connect_swiftly
from tests.doomed import ELSEWHERE, STEPS
from tests.killing import DISK_FULL, Ended, Point, Runs, runs
from tests.warehouse_reader import Row

SYNC = ("sync", "sales_accounts")
PAGE_SIZE = 5
MANY, FEW = 200, 60
"""Pages of a first sync: four loads and more, or two."""
WALKS = 2
"""Of the view and of the recycle bin."""
OPEN_SPANS = 2
"""What a killed first sync leaves unread, of both walks."""
PER_LOAD = 50
SHARES = 100
"""Into how many tests all the points of a long search are dealt."""
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of so many pages, and what a sync of it makes when nobody disturbs it."""

    runs: Runs
    pages: int
    unkilled: Ended
    content: dict[str, list[Row]]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with opened(tmp_path_factory.mktemp("many"), MANY) as account:
        yield account


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with opened(tmp_path_factory.mktemp("few"), FEW) as account:
        yield account


@contextmanager
def opened(folder: Path, pages: int) -> Iterator[Account]:
    with runs(folder, sales_accounts=pages * PAGE_SIZE, in_bin=10, page_size=PAGE_SIZE) as started:
        ended = started("unkilled", *SYNC)
        assert ended.code == 0, ended.output
        assert ended.calls >= pages
        content = started.warehouse("unkilled").content()
        yield Account(runs=started, pages=pages, unkilled=ended, content=content)


def requests(run: Ended) -> list[Point]:
    """Every request of a run, as a point to be killed at."""
    return [Point(number=n) for n in range(1, run.calls + 1)]


def operations(run: Ended, step: str) -> list[Point]:
    """Every file operation that dlt makes for a step, as a point to be killed at."""
    return [Point(number=n, step=step) for n in range(1, run.count(step) + 1)]


def check(account: Account, point: Point) -> None:
    """Kill a first sync there, run once more, and compare with what nobody disturbed."""
    name = str(point)
    killed = account.runs(name, *SYNC, at=point)
    # dlt writes some files once more or less often, as its threads take turns.
    is_reached = not point.step or killed.count(point.step) >= point.number
    assert killed.code == (-signal.SIGKILL if is_reached else 0), f"{point}: {killed.output}"
    again = account.runs(name, *SYNC)
    assert again.code == 0, f"{point}: {again.output}"
    warehouse = account.runs.warehouse(name)
    assert warehouse.content() == account.content, point
    reports = warehouse.query("SELECT count(*) FROM _sync_runs GROUP BY run_id")
    assert set(reports) == {(1,)}, point
    more = killed.calls + again.calls - account.unkilled.calls
    assert more <= PER_LOAD + WALKS + ceil(log2(account.pages)) + 2 * OPEN_SPANS, point


def first_last_and_two_more(run: Ended) -> list[Point]:
    first, *between, last = requests(run)
    return [first, last, *random.Random(SEED).sample(between, 2)]


@pytest.mark.parametrize("turn", range(4))
def test_a_sync_killed_at_a_request_is_mended_by_one_more_run(few: Account, turn: int) -> None:
    check(few, first_last_and_two_more(few.unkilled)[turn])


@pytest.mark.soak  # CI tries all four.
@pytest.mark.parametrize("turn", range(4))
def test_a_long_sync_killed_at_a_request_is_mended_by_one_more_run(many: Account, turn: int) -> None:
    check(many, first_last_and_two_more(many.unkilled)[turn])


@pytest.mark.parametrize("step", STEPS)
def test_a_sync_killed_as_a_step_of_dlt_begins_is_mended_by_one_more_run(few: Account, step: str) -> None:
    check(few, operations(few.unkilled, step)[0])


@pytest.mark.parametrize(
    "step",
    [
        *("extract", "state"),
        *(
            pytest.param(step, marks=pytest.mark.soak)
            for step in ("normalize", "before a commit", "after a commit")
        ),
    ],
)
def test_a_sync_whose_disk_is_full_says_so_and_is_mended_by_one_more_run(few: Account, step: str) -> None:
    point = Point(number=few.unkilled.count(step) // 2, step=step, signal=DISK_FULL)
    full = few.runs(str(point), *SYNC, at=point)
    assert full.code == ExitCode.CONFIGURATION, f"{point}: {full.output}"
    assert "dlt/pipelines cannot be written (No space left on device). Make room" in full.output
    assert "Traceback" not in full.output
    again = few.runs(str(point), *SYNC)
    assert again.code == 0, f"{point}: {again.output}"
    assert few.runs.warehouse(str(point)).content() == few.content, point


DROPPED = ".dropped"
"""How the folder is called that dlt kept for a warehouse that is another one now."""


@pytest.mark.parametrize(
    "share", [0.0, 0.3, *(pytest.param(n, marks=pytest.mark.soak) for n in (0.6, 0.9, 1.0))]
)
def test_a_sync_killed_while_it_gives_up_what_an_older_warehouse_disproves_is_mended_by_one_more_run(
    tmp_path: Path, share: float
) -> None:
    with runs(tmp_path, sales_accounts=40, in_bin=2, page_size=20) as started:
        undisturbed = sync_into_an_older_warehouse(started, tmp_path, "undisturbed")
        assert undisturbed.code == 0, undisturbed.output
        begun = [n for n, line in enumerate(undisturbed.operations) if DROPPED in line]
        assert len(begun) > 10
        last = undisturbed.operations[begun[round(share * (len(begun) - 1))]]
        step = last.partition(": ")[0]
        upto = undisturbed.operations[: undisturbed.operations.index(last) + 1]
        point = Point(number=sum(line.startswith(f"{step}: ") for line in upto), step=step)
        killed = sync_into_an_older_warehouse(started, tmp_path, "killed", at=point)
        assert killed.code == -signal.SIGKILL, killed.output
        assert DROPPED in killed.operations[-1]
        again = started("killed", *SYNC)
        assert again.code == 0, again.output
        assert started.warehouse("killed").content() == started.warehouse("undisturbed").content()
        assert list(tmp_path.rglob(f"*{DROPPED}")) == []


def sync_into_an_older_warehouse(started: Runs, folder: Path, name: str, *, at: Point | None = None) -> Ended:
    """Sync twice, put the warehouse back as it was after the first, and sync once more."""
    file, backup = folder / f"{name}.duckdb", folder / f"{name}.backup"
    assert started(name, *SYNC).code == 0
    shutil.copy(file, backup)
    assert started(name, *SYNC).code == 0
    shutil.copy(backup, file)
    return started(name, *SYNC, at=at)


@pytest.mark.soak
@pytest.mark.parametrize("step", STEPS)
def test_a_sync_killed_within_a_step_of_dlt_is_mended_by_one_more_run(few: Account, step: str) -> None:
    _, *others = operations(few.unkilled, step)
    check(few, random.Random(f"{SEED} {step}").choice(others))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SHARES))
def test_a_sync_killed_anywhere_is_mended_by_one_more_run(many: Account, few: Account, seed: int) -> None:
    points = [(many, point) for point in requests(many.unkilled)]
    points += [(few, point) for step in (*STEPS, ELSEWHERE) for point in operations(few.unkilled, step)]
    random.Random(SEED).shuffle(points)
    assert len(points) > SHARES
    for account, point in points[seed::SHARES]:
        check(account, point)


class KilledError(Exception):
    """What stands for a kill in this process: nothing in the product knows it."""


class Doomed(httpx.BaseTransport):
    """Dies at request number `at`; once dead it answers nothing more."""

    def __init__(self, inner: Callable[[], httpx.BaseTransport], at: int) -> None:
        self._inner = inner()
        self._left = at
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                raise KilledError("killed")
        return self._inner.handle_request(request)


@pytest.mark.parametrize("connects", [connect, connect_swiftly])
def test_an_exception_at_any_request_is_mended_by_one_more_run(
    tmp_path: Path, connects: Callable[..., Connector]
) -> None:
    emulator = company(accounts=2, contacts=0, deals=4, in_bin=1)
    chosen: dict[str, Any] = {"objects": ["deals", "deal_stages"], "page_size": 5}
    whole = connects(emulator, tmp_path / "whole", **chosen)
    calls = whole.sync().calls
    wanted = whole.reader.content()
    # Where the source was does not matter to dlt, only whether anything was extracted yet, or all.
    points = range(1, calls + 1) if whole.is_swift else (1, calls // 2, calls)
    for at in points:
        connector = connects(emulator, tmp_path / f"killed-{at}", **chosen)
        alive = connector.transport
        connector.transport = partial(Doomed, alive, at)
        with pytest.raises(Exception, match="killed"):
            connector.sync()
        connector.transport = alive
        assert connector.sync().exit_code is ExitCode.DONE, at
        assert connector.reader.content() == wanted, at
