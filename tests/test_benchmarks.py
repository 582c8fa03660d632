"""What the benchmarks rest on: the made-up lists, the share of a budget, the table of results. Nothing is timed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import calls
from benchmarks.aims import AIMS
from benchmarks.budget import used
from benchmarks.large_account import KEY, VIEWS, LargeAccount
from benchmarks.numbered_list import SPACING_S, NumberedList
from benchmarks.results import Results, newest, opened
from benchmarks.subjects import SUBJECTS
from benchmarks.table import READMES, rendered, with_results
from freshsales_source.emulator import Emulator
from tests.fake_clock import FakeClock

NEWEST = 1_700_000_000


@given(
    count=st.integers(1, 40),
    edits=st.lists(st.tuples(st.integers(1, 10), st.integers(0, 39), st.integers(1, 3)), max_size=6),
    start=st.integers(0, 45),
    size=st.integers(1, 15),
    descending=st.booleans(),
)
def test_a_numbered_list_comes_in_the_order_of_its_stamps_after_any_edits(
    count: int, edits: list[tuple[int, int, int]], start: int, size: int, descending: bool
) -> None:
    entries = NumberedList(count, NEWEST)
    stamps = {number: NEWEST - (count - 1 - number) * SPACING_S for number in range(count)}
    created = dict(stamps)
    at = NEWEST
    for many, offset, later in edits:
        at += later
        stamps.update(dict.fromkeys(entries.edit(min(many, count), at, offset=offset), at))
    expected = sorted(stamps, key=lambda number: (stamps[number], number), reverse=descending)
    rows = entries.window(start, size, order="updated_at", descending=descending)
    assert [row.number for row in rows] == expected[start : start + size]
    assert [row.updated_at for row in rows] == [stamps[row.number] for row in rows]
    by_age = entries.window(start, size, order="created_at", descending=descending)
    assert [row.number for row in by_age] == sorted(created, reverse=descending)[start : start + size]


def page(emulator: Emulator, object_name: str, view: str, **query: Any) -> dict[str, Any]:
    """One page as a client gets it."""
    number = emulator.store.views.id_of(object_name, view)
    transport = httpx.WSGITransport(app=emulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://crm.example") as client:
        answer = client.get(
            f"/crm/sales/api/{object_name}/view/{number}",
            params={"per_page": 100, "sort": "updated_at", "sort_type": "desc", **query},
            headers={"Authorization": f"Token token={KEY}"},
        )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_large_lists_have_the_shapes_of_the_emulator_and_totals_of_their_own() -> None:
    own = LargeAccount({}, clock=FakeClock())
    large = LargeAccount(dict.fromkeys(VIEWS, 250), clock=FakeClock())
    includes = {"contacts": "owner,sales_accounts", "sales_accounts": "", "open_deals": "owner,contacts"}
    for name, include in includes.items():
        object_name, view = VIEWS[name]
        query = {"include": include} if include else {}
        small = page(own, object_name, view, page=1, **query)
        pages = [page(large, object_name, view, page=number, **query) for number in (1, 2, 3, 4)]
        for one in pages:
            assert list(one) == list(small)
            assert one["meta"] == {"total_pages": 3, "total": 250}
        rows = [row for one in pages for row in one[object_name]]
        assert {tuple(row) for row in rows} == {tuple(row) for row in small[object_name]}
        assert [len(one[object_name]) for one in pages] == [100, 100, 50, 0]
        assert len({row["id"] for row in rows}) == 250
        stamps = [datetime.fromisoformat(row["updated_at"]) for row in rows]
        assert stamps == sorted(stamps, reverse=True)


def test_an_edit_of_a_large_list_stands_at_its_top() -> None:
    large = LargeAccount({"contacts": 250}, clock=FakeClock())
    edited = large.edit("contacts", 3)
    rows = page(large, "contacts", "All Contacts", page=1)["contacts"]
    assert {row["id"] for row in rows[:3]} == set(edited)
    assert [row["job_title"] for row in rows[:4]] == ["Edit 1"] * 3 + ["Edit 0"]
    assert datetime.fromisoformat(rows[0]["updated_at"]) == large.clock.now().astimezone(UTC)


def test_the_share_of_a_budget_counts_what_was_lost_between_windows() -> None:
    # 9 calls of 10 are allowed a minute; each window begins 3 s late.
    times = [63.0 * window + 0.1 * call for window in range(4) for call in range(9)]
    random.Random(1).shuffle(times)
    assert used(times, (10, 60.0)) == pytest.approx(60 / 63)
    spread = [60 / 9 * call for call in range(30)]
    assert used(spread, (10, 60.0)) == pytest.approx(1)
    with pytest.raises(ValueError, match="less than a window allows"):
        used(times[:9], (10, 60.0))


# Results


def test_each_aim_is_measured_by_one_subject() -> None:
    measured = [key for subject in SUBJECTS for key in subject.lines]
    assert sorted(measured) == sorted(aim.key for aim in AIMS)


def results(file: Path) -> Results:
    found = opened(file, "full")
    found.add("latency", {"reached": "97%", "holds": True, "detail": {}})
    found.add("memory", {"reached": "+300 MB", "holds": False, "detail": {}})
    found.add("merge", {"error": "did not come: exit code 1"})
    return found


def test_each_line_is_on_disk_as_soon_as_it_is_measured_and_a_file_can_be_gone_on_with(
    tmp_path: Path,
) -> None:
    file = tmp_path / "numbers.json"
    results(file)
    again = opened(file, "full")
    assert set(again.lines) == {"latency", "memory", "merge"}
    again.add("merge", {"reached": "1.2 s", "holds": True, "detail": {}})
    assert opened(file, "full").lines["merge"]["reached"] == "1.2 s"
    with pytest.raises(SystemExit, match="holds results of size full, not quick"):
        opened(file, "quick")


def test_the_table_tells_what_was_reached_what_falls_short_and_why(tmp_path: Path) -> None:
    table = rendered(results(tmp_path / "numbers.json"), {"memory": "Arrow keeps it."})
    verdicts = [line.split(" | ")[-1].strip(" |") for line in table.splitlines() if line.startswith("| ")]
    assert verdicts == [
        "verdict",
        *(
            {"latency": "reached", "memory": "short", "merge": "failed"}.get(aim.key, "not measured")
            for aim in AIMS
        ),
    ]
    assert [line for line in table.splitlines() if line.startswith("- ")] == [
        "- peak memory of a first sync of 1,000,000 contacts, above that of 100,000: Arrow keeps it."
    ]
    assert "File: `results/numbers.json`" in table


def test_both_readmes_show_the_newest_results() -> None:
    found = newest()
    assert found is not None
    for readme in READMES:
        text = readme.read_text("utf-8")
        assert "<!-- measured" in text
        assert text == with_results(text, found), "run `python -m benchmarks.table`"


@pytest.mark.soak
def test_the_calls_of_syncs_can_be_measured_and_reach_their_aims() -> None:
    lines = list(calls.measured(True))
    assert [(line.key, line.holds) for line in lines] == [
        ("first_sync_calls", True),
        ("incremental_calls", True),
    ]
