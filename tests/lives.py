"""Whole lives of an account, synced all the while through dlt into DuckDB: how one goes, and what is drawn for it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from freshsales_source.emulator import Emulator, Switches, generate_company
from freshsales_source.sync.report import ObjectReport, RunReport
from tests.account_copy import Copy
from tests.connector import Connector, connect, connect_swiftly, emulate, of, verdicts
from tests.fake_clock import FakeClock
from tests.people import EVERY_OBJECT, PLANNED, People

POSITIONS: Mapping[str, Sequence[Any]] = {
    "tie_order": ("stable", "stable", "stable", "reshuffled"),
    "page_past_end": ("empty", "repeat_last", "not_found"),
    "meta": ("total", "total_and_pages"),
    "total_cached_s": (0.0, 0.0, 60.0),
    "page_cap": (7, 25, 100),
    "page_cap_with_include": (None, 5),
    "view_lag_s": (0.0, 0.0, 45.0),
    "side_loads": ("before", "after"),
    "several_views_of_one_name": (False, True),
    "binned_get": ("record", "not_found"),
    "bin_rows_is_deleted": (True, False),
    "bin_sort_honoured": (True, True, False),
    "delete_moves_stamp": (True, True, False),
    "restore_moves_stamp": (True, True, False),
    "lost_link_moves_stamp": (True, False),
    "account_delete_cascades": (False, True),
    "merged_get": ("not_found", "redirect"),
    "stamps": ("offset", "z"),
    "stamp_drift_s": (0, 0, 60),
    "money": ("string", "number"),
    "sub_seconds": (False, True),
    "newer_columns": (False, True),
    "volatile_tokens": (False, True),
    "appointment_filters": ("apart", "same"),
    "activities_sort_honoured": (False, True),
    "products_meta": ("none", "total", "total_and_pages"),
    "products_sort_honoured": (False, True),
    "deleted_products": ("left_out", "listed"),
    "deleted_record_hides": ("sales_activities", "all", "nothing"),
    "forget_takes_all": (False, True),
    "forget_takes_shared": (False, True),
    "date_header": ("right", "skewed", "missing"),
    "not_found_body": ("json", "html"),
}
"""What an account may be like; a position that stands there twice comes twice as often."""

PIPELINES: Mapping[str, Sequence[Any]] = {
    "deal_views_default_pipeline_only": (False, True),
    "search_order": ("honoured", "loose", "ignored"),
    "search_short_pages": (False, True),
    "search_lag_s": (0.0, 45.0),
}
"""How deals outside the default pipeline are found."""

ACCOUNT = Switches(classic=True, deal_views_default_pipeline_only=False)
"""An account that has every object."""

PAIRS = list(combinations(EVERY_OBJECT, 2))
"""What one connector loads of an account; each object comes up with each other one."""
MOST_CYCLES = 12
"""Runs in which a cycle of the refresh must end, with pages enough in each."""
NO_COUNT = ("products", *PLANNED)
"""Objects whose lists may tell no number of live records."""


@dataclass(kw_only=True)
class Living:
    """One account, its people, and the connector that follows them."""

    emulator: Emulator
    people: People
    connector: Connector
    objects: Sequence[str]

    @property
    def copy(self) -> Copy:
        """The account beside its warehouse."""
        return Copy(emulator=self.emulator, reader=self.connector.reader, left_at=self.people.ledger.left_at)

    def sync_among_people(self, **flags: Any) -> RunReport:
        """One run while everybody works; whatever it says, no object may fail."""
        self.emulator.before_request = self.people.go_on
        report = self.connector.sync(**flags)
        self.emulator.before_request = None
        assert "failed" not in verdicts(report).values(), report.objects
        return report

    def rest(self) -> None:
        """Nobody does anything for longer than lag, lookback and caches last."""
        self.connector.clock.advance(700)

    def sync_quietly(self, **flags: Any) -> RunReport:
        """One run in which nothing happens."""
        return self.connector.sync(**flags)

    def refresh_all(self) -> RunReport:
        """Runs until of each part a whole cycle has begun and ended since nobody does anything any more."""
        # What began among people does not count. Clocks differ by less than the rest took.
        quiet_since = self.connector.clock.now().timestamp() - 400
        fresh: set[tuple[str, str]] = set()
        for _ in range(MOST_CYCLES):
            self.connector.clock.advance(60)
            before = self._cycles()
            report = self.sync_quietly(refresh_pages=1000)
            for part, (_, ended) in self._cycles().items():
                began_before, ended_before = before.get(part, (None, None))
                if ended != ended_before and (began_before is None or began_before >= quiet_since):
                    fresh.add(part)
            sure = [part for part in self._cycles() if not self.is_admitted(of(report, part[0]))]
            if fresh.issuperset(sure):
                return report
        raise AssertionError(f"not all came round in {MOST_CYCLES} runs, only {fresh}: {self._cycles()}")

    def _cycles(self) -> dict[tuple[str, str], tuple[int | None, int | None]]:
        """When the cycle that is under way began and when the last one ended, by object and part."""
        return {
            (name, part): (one["began"], one["ended"])
            for name, state in saved_states(self.connector).items()
            for part, one in state.get("rolling", {}).items()
        }

    def is_ahead(self, object_name: str, record_id: int) -> bool:
        """Whether a task is open, or an appointment still to come."""
        record = self.emulator.store.record(object_name, record_id)
        if object_name == "tasks":
            return bool(record["status"] == 0)
        return bool(record["end_date"] >= self.emulator.clock.now())

    def is_admitted(self, report: ObjectReport) -> bool:
        """Whether the run says that it cannot be sure, where nobody could: equal stamps that change places."""
        is_reshuffled = self.emulator.switches.tie_order == "reshuffled"
        return is_reshuffled and report.verdict in ("moving", "mismatch", "partial")


def saved_states(connector: Connector) -> dict[str, dict[str, Any]]:
    """What the connector remembers of each object."""
    (file,) = (connector.folder / "dlt").glob("*/state.json")
    state = json.loads(file.read_text("utf-8"))
    return dict(state["sources"]["freshsales"]["resources"])


def begin(
    seed: int,
    folder: Path,
    objects: Sequence[str] = (),
    *,
    switches: Mapping[str, Any] | None = None,
    concurrency: int = 1,
    is_swift: bool = False,
) -> Living:
    """An account of a few records each, and a connector for some of its objects; what is not given the seed draws.

    With one walk in flight at a time a seed tells the same story each time, swiftly or through dlt.
    """
    dice = random.Random(seed)
    drawn = {name: dice.choice(positions) for name, positions in POSITIONS.items()}
    pipelines = random.Random(seed + 1)
    drawn |= {name: pipelines.choice(positions) for name, positions in PIPELINES.items()}
    positions = drawn if switches is None else switches
    clock = FakeClock()
    store = generate_company(
        clock,
        seed=seed,
        accounts=5,
        contacts=14,
        deals=12,
        in_bin=2,
        leads=5,
        tasks=8,
        appointments=6,
        activities=8,
        products=4,
    )
    emulator = emulate(store, clock, replace(ACCOUNT, **positions))
    chosen = list(objects) or PAIRS[seed * 11 % len(PAIRS)]
    join = connect_swiftly if is_swift else connect
    connector = join(
        emulator,
        folder,
        objects=chosen,
        page_size=dice.choice((10, 100)),
        concurrency=concurrency,
        max_vanished_share=1,
    )
    return Living(
        emulator=emulator,
        people=People(emulator, seed, favourites=[name for name in chosen if name in EVERY_OBJECT]),
        connector=connector,
        objects=chosen,
    )
