"""What holds for every test: no telemetry, deterministic searches, and no skip that goes unnoticed."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres_server import PostgresServer, postgres_server

# Before anything imports dlt, which reads it once.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
# How long dlt sleeps before it looks again for a page: a hundredth of a second, thousands of times.
os.environ["EXTRACT__FUTURES_POLL_INTERVAL"] = "0.001"

IN_CI = bool(os.environ.get("CI"))

# A whole life of an account, with every load of it, takes as long as this many cases of a quick search.
EXAMPLES_PER_LIFE = 100

# The only things a test may wait for in vain. Under CI every other skip fails the run.
ALLOWED_SKIPS = ("../shared is absent", "Chromium is absent")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests that want one; each loads into a dataset of its own."""
    with postgres_server() as server:
        yield server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the tests marked soak, and only these")
    parser.addoption("--examples", type=int, default=5000, help="cases per search with --soak (default 5000)")
    parser.addoption("--destination", help="the dlt destination that tests/test_conformance.py tries")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how Hypothesis searches; `--hypothesis-profile` still overrides it.

    Machines differ in speed, so no test has a deadline. CI searches the same cases each time: it fails for
    what a change did, not by luck. `dev` and `soak` runs try new ones, and print how to repeat a failure.
    """
    usual = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("dev", usual)
    settings.register_profile("ci", usual, derandomize=True, database=None)
    settings.register_profile(
        "soak",
        settings.get_profile("ci") if IN_CI else usual,
        max_examples=config.getoption("--examples"),
    )
    settings.load_profile("soak" if config.getoption("--soak") else "ci" if IN_CI else "dev")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, obj: object
) -> list[pytest.Item] | None:
    """Without --soak, make none of the thousands of items of a long search only to leave them out afterwards."""
    marks = getattr(obj, "pytestmark", ())
    is_left_out = not collector.config.getoption("--soak") and any(mark.name == "soak" for mark in marks)
    return [] if is_left_out else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the long searches apart: with --soak they alone run, without it all others."""
    wanted = bool(config.getoption("--soak"))
    lives = max(1, config.getoption("--examples") // EXAMPLES_PER_LIFE)
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        is_wanted = (item.get_closest_marker("soak") is not None) == wanted
        (kept if is_wanted and not (wanted and _turn(item) >= lives) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is imported by now, and stays: looking through it costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure() -> None:
    """Let the interpreter tidy up as it ends; else the binding of DuckDB reports leaks."""
    gc.unfreeze()


def _turn(item: pytest.Item) -> int:
    """Which seed of its test an item is, from 0; 0 for a test without seeds."""
    callspec = getattr(item, "callspec", None)
    return int(callspec.indices.get("seed", 0)) if callspec is not None else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI, a skip that is not allowed fails a run that would have passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    passed = session.exitstatus == pytest.ExitCode.OK
    if IN_CI and passed and isinstance(reporter, pytest.TerminalReporter) and any(refused_skips(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every skip with its reason, so that a green run never hides what it did not try."""
    skips = sorted(skips_with_reasons(terminalreporter))
    if skips:
        terminalreporter.section("skipped")
    for test, reason in skips:
        terminalreporter.write_line(f"{test}: {reason}")
    for test, reason in refused_skips(terminalreporter):
        terminalreporter.write_line(
            f"not an allowed reason to skip (fails in CI): {test}: {reason}", red=True
        )


def refused_skips(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    """Yield the skips whose reason is not one of ALLOWED_SKIPS, word for word."""
    return ((test, reason) for test, reason in skips_with_reasons(reporter) if reason not in ALLOWED_SKIPS)


def skips_with_reasons(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    """Yield (test or module, reason) of each skip of this session."""
    for report in reporter.stats.get("skipped", ()):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        yield report.nodeid, reason.removeprefix("Skipped: ")
