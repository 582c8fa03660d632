"""Runs with so few calls that each does a little: each of them gets further, and none begins anew."""

from __future__ import annotations

from pathlib import Path

from tests.connector import of
from tests.hidden_pipelines import assert_all_deals_are_there, connect_deals, hidden_company, searches


def test_runs_too_short_to_count_all_pipelines_read_all_deals_in_the_end(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path, objects=["deals"])
    read = []
    for _ in range(4):
        report = connector.sync(max_calls=8)
        assert (report.exit_code, report.reason) == (75, "max_calls")
        assert "allow more" not in of(report, "deals").reason, "the next run comes further"
        read.append(len(connector.reader.ids("deals")))
        # An hour later views and fields are looked up anew, which leaves still fewer calls.
        connector.clock.advance(3600)
    # First half of the pipelines are counted, then the rest; then one is walked after the other.
    assert read == sorted(read)
    assert len(set(read)) == len(read)
    counts = [
        call for call in emulator.log if "filtered_search" in call.path and "per_page=1&" in f"{call.query}&"
    ]
    assert len(counts) <= 1 + 3 + 1, "each pipeline is counted once, and the search is tried once more"
    assert_all_deals_are_there(emulator, connector)
    last = connector.sync()
    assert (last.exit_code, of(last, "deals").rows_changed) == (0, 0)


def test_counts_of_pipelines_are_asked_for_anew_after_a_day(tmp_path: Path) -> None:
    emulator = hidden_company(deals=60)
    connector = connect_deals(emulator, tmp_path, objects=["deals"])
    connector.sync(max_calls=8)
    assert searches(emulator) == 2
    connector.clock.advance(86_401)
    before = len(emulator.log)
    connector.sync()
    pages = 2
    assert searches(emulator, before) == 1 + 3 + pages
