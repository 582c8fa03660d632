"""`deals_history` and its views under random changes: each change a row, none lost, none doubled, no time held twice.

What a run reads is drawn as versions of deals, with stamps that stand still, go back or lie ahead; the rows are judged
by a list of what was seen, which shares no code with the connector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history_world import VALIDITY, VISITS, HistoryWorld
from tests.warehouse_reader import Row

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WATCHED = ("deal_pipeline_id", "deal_stage_id", "amount", "owner_id", "is_deleted")
Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A deal as a run reads it. Its stamp is so many seconds off the run's start, or the deal's first one (None)."""

    deal: int
    stage: int
    amount: int
    owner: int | None
    is_deleted: bool
    offset: int | None

    def row(self, run_started: datetime) -> Row:
        stamp = START if self.offset is None else run_started + timedelta(seconds=self.offset)
        return {
            "id": self.deal,
            "updated_at": stamp,
            "deal_pipeline_id": self.stage // 2 + 1,
            "deal_stage_id": self.stage + 10,
            "amount": Decimal(self.amount),
            "owner_id": self.owner,
            "is_deleted": self.is_deleted,
            "_deleted_at": stamp if self.is_deleted and self.amount else None,
            "_synced_at": run_started,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: how long after the last one, what it reads, and how it ends.

    `lost` runs were killed before their load, `twice` ones after it: the same package is merged once more.
    """

    after_s: int
    versions: Sequence[Version]
    end: str = "done"


DEALS = st.integers(1, 3)
VERSIONS = st.builds(
    Version,
    deal=DEALS,
    stage=st.integers(0, 3),
    amount=st.integers(0, 1),
    owner=st.sampled_from([None, 7, 8]),
    is_deleted=st.sampled_from([False, False, True]),
    offset=st.sampled_from([None, -600, -1, 0, 0, 30]),
)
RUNS = st.builds(
    Run,
    after_s=st.sampled_from([0, 1, 600, -30]),
    versions=st.lists(VERSIONS, max_size=3, unique_by=lambda version: version.deal),
    end=st.sampled_from(["done", "done", "lost", "twice"]),
)


@pytest.fixture(scope="module")
def readable() -> HistoryWorld:
    return HistoryWorld()


@pytest.fixture(scope="module")
def unreadable() -> HistoryWorld:
    return HistoryWorld(is_readable=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a deal was, and since when that holds."""

    values: Values
    since: datetime


@dataclass(slots=True)
class Ledger:
    """What was seen of each deal, a version that repeats the one before left out."""

    versions: dict[int, list[Seen]] = field(default_factory=lambda: defaultdict(list))

    def note(self, row: Row, run_started: datetime) -> None:
        """Note a version: it holds since its stamp or deletion, else since the run, else since just after the last."""
        seen = self.versions[row["id"]]
        since = row["_deleted_at"] or row["updated_at"]
        if not seen:
            seen.append(Seen(values=watched(row), since=since))
        elif seen[-1].values != watched(row):
            before = seen[-1].since
            if since <= before:
                since = run_started if run_started > before else before + timedelta(microseconds=1)
            seen.append(Seen(values=watched(row), since=since))


def watched(row: Row) -> Values:
    return tuple(row[name] for name in WATCHED)


def by_deal(rows: Iterable[Row]) -> dict[int, list[Row]]:
    return {deal: list(some) for deal, some in groupby(rows, lambda row: int(row["deal_id"]))}


def lived_through(world: HistoryWorld, runs: Sequence[Run]) -> Ledger:
    """Let the runs happen one after the other, in a world without a row."""
    world.clear()
    ledger, now = Ledger(), START
    for run in runs:
        now += timedelta(seconds=run.after_s)
        versions = [version.row(now) for version in run.versions]
        rows = world.changes(versions, now)
        for _ in range({"done": 1, "lost": 0, "twice": 2}[run.end]):
            world.merge(rows)
        if run.end != "lost":
            for row in versions:
                ledger.note(row, now)
    return ledger


def assert_spans(history: Sequence[Row], spans: Sequence[Row]) -> None:
    """No span without a length, none that overlaps another, and one that holds now for each deal of the history."""
    assert by_deal(history).keys() == by_deal(spans).keys()
    for rows in by_deal(spans).values():
        assert [row["valid_to"] for row in rows] == [*(row["valid_from"] for row in rows[1:]), None]
        assert all(before["valid_from"] < after["valid_from"] for before, after in pairwise(rows))


@settings(max_examples=80, deadline=None)
@given(runs=st.lists(RUNS, max_size=8))
def test_each_change_that_was_seen_is_one_row_with_a_span_of_its_own(
    readable: HistoryWorld, runs: Sequence[Run]
) -> None:
    ledger = lived_through(readable, runs)
    history = readable.rows("deals_history", "deal_id, valid_from")
    spans = readable.rows(VALIDITY, "deal_id, valid_from")
    found = by_deal(history)
    assert {
        deal: [Seen(values=watched(row), since=row["valid_from"]) for row in rows]
        for deal, rows in found.items()
    } == ledger.versions
    assert [{k: v for k, v in row.items() if k != "valid_to"} for row in spans] == history
    assert_spans(history, spans)
    assert all(
        [row["is_first_seen"] for row in rows] == [True] + [False] * (len(rows) - 1)
        for rows in found.values()
    )
    assert visits_of(spans) == readable.rows(VISITS, "deal_id, visit")


def visits_of(spans: Sequence[Row]) -> list[Row]:
    """The visits, worked out from the spans by hand: spans in one place, one after the other, are one stay."""
    visits: list[Row] = []
    for deal, rows in by_deal(spans).items():
        if rows[-1]["is_deleted"]:
            continue
        stays = [
            list(stay) for _, stay in groupby(rows, lambda row: (row["is_deleted"], row["deal_stage_id"]))
        ]
        number = 0
        for stay, after in zip(stays, [*stays[1:], None], strict=True):
            if stay[0]["is_deleted"]:
                continue
            number += 1
            visits.append(
                {
                    "deal_id": deal,
                    "visit": number,
                    "deal_pipeline_id": stay[0]["deal_pipeline_id"],
                    "deal_stage_id": stay[0]["deal_stage_id"],
                    "entered_at": stay[0]["valid_from"],
                    "left_at": stay[-1]["valid_to"],
                    "next_stage_id": after[0]["deal_stage_id"]
                    if after and not after[0]["is_deleted"]
                    else None,
                    "is_first_seen": stay[0]["is_first_seen"],
                }
            )
    return visits


@settings(max_examples=40, deadline=None)
@given(runs=st.lists(RUNS, max_size=8))
def test_where_the_history_cannot_be_read_spans_hold_all_the_same(
    unreadable: HistoryWorld, runs: Sequence[Run]
) -> None:
    ledger = lived_through(unreadable, runs)
    history = unreadable.rows("deals_history", "deal_id, valid_from, _synced_at, change_hash")
    spans = unreadable.rows(VALIDITY, "deal_id, valid_from")
    assert_spans(history, spans)
    for deal, versions in ledger.versions.items():
        assert {watched(row) for row in by_deal(history)[deal]} == {seen.values for seen in versions}
    # Of rows with one stamp the one loaded last holds.
    stamps = groupby(history, lambda row: (row["deal_id"], row["valid_from"]))
    assert [row["change_hash"] for row in spans] == [list(rows)[-1]["change_hash"] for _, rows in stamps]
