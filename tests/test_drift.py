"""Values that change their type from one run to the next: none is rounded, none is lost, no load is stuck."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from freshsales_source.exit_codes import ExitCode
from freshsales_source.sync.report import RunReport
from tests.altered_answers import Altered
from tests.connector import Connector, company, connect, of, verdicts

Stored: TypeAlias = tuple[Any, str | None]
"""What stands in a column, and the text beside it."""

BIG = 2**70

# For each key what it holds in one run after the other: as JSON, in its column, beside it.
DRIFTS: dict[str, list[tuple[str, Any, str | None]]] = {
    # Columns whose type is declared
    "lead_score": [("1", 1, None), ("1.6", None, "1.6"), ('"2"', 2, None)],
    "owner_id": [("7", 7, None), (str(BIG), None, str(BIG)), ("1.5", None, "1.5")],
    "open_deals_amount": [
        ('"7.50"', Decimal("7.5"), None),
        ("1e-10", None, "1E-10"),
        ('"n/a"', None, "n/a"),
    ],
    "first_name": [('"a"', "a", None), ('{"b": 1}', None, '{"b": 1}'), ("5", "5", None)],
    "has_authority": [("true", True, None), ('"true"', None, "true"), ("0", None, "0")],
    # Columns whose type is that of the first value
    "whole": [("5", Decimal(5), None), ("1.6", Decimal("1.6"), None), ('"x"', None, "x")],
    "other_id": [("5", 5, None), ("1.6", None, "1.6"), (str(BIG), None, str(BIG))],
    "words": [('"a"', "a", None), ('["b"]', None, '["b"]'), ("1.50", "1.50", None)],
    "flag": [("false", False, None), ('"no"', None, "no"), ("1", None, "1")],
    "items": [("[1]", "[1]", None), ("5", "5", None), ('{"a": "b"}', '{"a": "b"}', None)],
    "late": [("null", None, None), ("5", Decimal(5), None), ("[5]", None, "[5]")],
}
LISTS = ['["a", "b"]', '"scalar"', '{"an": "object"}']


def literals(run: int) -> dict[str, str]:
    return {**{key: drift[run][0] for key, drift in DRIFTS.items()}, "tags": LISTS[run]}


def expected(run: int) -> dict[str, Stored]:
    return {key: drift[run][1:] for key, drift in DRIFTS.items()}


def stored(row: Mapping[str, Any]) -> dict[str, Stored]:
    return {key: (row.get(key), row.get(f"{key}__raw")) for key in DRIFTS}


def told(report: RunReport) -> set[str]:
    """The columns that the report names, with their counts."""
    _, _, places = of(report, "contacts").reason.partition("stand as text in contacts.")
    return set(places.split(", contacts.")) if places else set()


@pytest.fixture
def altered() -> Altered:
    return Altered(emulator=company(accounts=0, contacts=3, deals=0, in_bin=0))


@pytest.fixture
def connector(altered: Altered, tmp_path: Path) -> Connector:
    connector = connect(altered.emulator, tmp_path, objects=["contacts"])
    connector.transport = lambda: altered
    return connector


def changing(altered: Altered) -> int:
    return min(int(record["id"]) for record in altered.emulator.store.live("contacts"))


def synced(altered: Altered, connector: Connector, run: int) -> RunReport:
    """One more sync, an hour later, in which the record holds what it holds in that run."""
    altered.emulator.clock.sleep(3600)
    altered.set("contacts", changing(altered), **literals(run))
    before = altered.served
    report = connector.sync()
    assert altered.served > before
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    assert not connector.warehouse(connector.settings()).pipeline.has_pending_data
    return report


def test_types_that_change_between_runs_lose_nothing_and_are_told_with_their_counts(
    altered: Altered, connector: Connector
) -> None:
    for run in range(3):
        report = synced(altered, connector, run)
        row = connector.reader.by_id("contacts")[changing(altered)]
        assert stored(row) == expected(run)
        elements = connector.reader.rows("contacts__tags", order="position")
        tags = [(one["position"], one["value"]) for one in elements if one["contact_id"] == changing(altered)]
        assert (tags, row.get("tags__raw")) == (
            ([(0, "a"), (1, "b")], None) if run == 0 else ([], LISTS[run].strip('"'))
        )
        misfits = {f"{key}__raw (1)" for key, (_, raw) in expected(run).items() if raw is not None}
        misfits |= {"tags__raw (1)"} if run else set()
        named = told(report)
        last = {name.partition(" and ")[0] for name in named}
        assert last <= misfits
        assert len(named) == min(len(misfits), 5)
    columns = connector.reader.columns("contacts")
    assert (columns["whole"], columns["other_id"], columns["words"]) == ("DECIMAL(38,9)", "BIGINT", "VARCHAR")


def test_a_column_keeps_its_type_when_its_object_is_read_anew_and_other_types_come_first(
    altered: Altered, connector: Connector
) -> None:
    synced(altered, connector, 0)
    connector.reader.query("DELETE FROM contacts")
    shutil.rmtree(connector.folder / "dlt")
    altered.emulator.clock.sleep(3600)
    altered.set("contacts", changing(altered), **literals(1))
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (ExitCode.DONE, {"contacts": "matched"})
    row = connector.reader.by_id("contacts")[changing(altered)]
    # Texts and JSON are stored alike: which of both an undeclared key was is not known any more.
    assert stored(row) == {**expected(1), "words": ('["b"]', None)}
    assert len(connector.reader.ids("contacts")) == 3
