"""Lookups and settings: every selector with its values, read again when old or when an id is unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freshsales_source.emulator import Emulator, Fault
from freshsales_source.emulator.account import CLASSIC_SELECTORS, SELECTORS
from freshsales_source.entities import LOOKUPS
from freshsales_source.exit_codes import ExitCode
from tests.connector import ALL_PIPELINES, Connector, asked, connect_swiftly, of, verdicts
from tests.other_objects import small_company
from tests.warehouse_reader import WarehouseReader, read_off

ALL_LOOKUPS = [row.name for row in LOOKUPS]
HOUR = 3600
RENAMED = {"lifecycle_stages": {"default": "is_default"}}
JSON_TEXT = {"configs", "contact_status_ids", "schedule_info"}
NOT_LOADED = {"partial", "deal_stages", "value", "rate_change_ids", "default_pipeline"}


@pytest.fixture
def emulator() -> Emulator:
    return small_company()


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Connector:
    return connect_swiftly(emulator, tmp_path, lookups_every_s=HOUR)


def lookups_asked(emulator: Emulator, since: int) -> list[str]:
    """The selectors asked for since that request, by name."""
    return [
        call.partition("/selector/")[2].rstrip("?") for call in asked(emulator, "/selector/", since=since)
    ]


def someone(emulator: Emulator, object_name: str) -> int:
    return int(emulator.store.live(object_name)[0]["id"])


def first_id(emulator: Emulator, selector: str) -> int:
    return int(emulator.store.account.selectors[selector][0]["id"])


# Values


def test_every_selector_of_a_suite_account_is_loaded() -> None:
    assert set(ALL_LOOKUPS) == set(SELECTORS) - set(CLASSIC_SELECTORS)


def test_lookups_hold_the_rows_of_their_selectors(emulator: Emulator, connector: Connector) -> None:
    report = connector.sync(objects=ALL_LOOKUPS)
    assert set(verdicts(report).values()) == {"matched"}
    for name in ALL_LOOKUPS:
        rows = connector.reader.by_id(name)
        listed = emulator.store.account.selectors[name]
        assert rows.keys() == {int(row["id"]) for row in listed}, name
        assert listed, name
        for sent in listed:
            assert_values(rows[int(sent["id"])], sent, name)


def assert_values(row: dict[str, Any], sent: dict[str, Any], name: str) -> None:
    """Each value of the selector stands in a column of its own, or is one that is left out on purpose."""
    for key, value in sent.items():
        if key in NOT_LOADED | JSON_TEXT or (name, key) == ("owners", "territory_id"):
            continue
        column = RENAMED.get(name, {}).get(key, key)
        assert row[column] == read_off(value), (name, column)
    assert (row["is_deleted"], row["_deleted_reason"]) == (False, None)


# When they are read


def test_lookups_and_settings_are_read_again_once_they_are_old(
    emulator: Emulator, connector: Connector
) -> None:
    few = ["owners", "deal_types", "deal_stages"]
    chosen = [*few, "contacts", "sales_activities"]
    connector.sync(objects=chosen)
    emulator.store.account.rename_choice("deal_types", first_id(emulator, "deal_types"), "Renewal")
    connector.clock.advance(HOUR - 60)
    before = len(emulator.log)
    connector.sync(objects=chosen)
    assert lookups_asked(emulator, before) == []
    assert asked(emulator, "/settings/", since=before) == asked(emulator, "/filters", since=before) == []
    assert "Renewal" not in names(connector, "deal_types")
    connector.clock.advance(120)
    before = len(emulator.log)
    connector.sync(objects=chosen)
    assert sorted(lookups_asked(emulator, before)) == sorted(["deal_pipelines", *few])
    assert len(asked(emulator, "/settings/", since=before)) == 2
    assert len(asked(emulator, "/filters", since=before)) == 1
    assert "Renewal" in names(connector, "deal_types")


def names(connector: Connector, table: str) -> list[str]:
    return [str(row[0]) for row in connector.reader.query(f"SELECT name FROM {table} ORDER BY id")]


def test_a_new_owner_is_looked_up_in_the_sync_that_meets_him(
    emulator: Emulator, connector: Connector
) -> None:
    chosen = ["contacts", "owners", "territories"]
    connector.sync(objects=chosen)
    connector.sync(objects=chosen)
    owner = emulator.store.account.add_owner("Grace Hopper", "grace@example.com")
    emulator.store.update("contacts", someone(emulator, "contacts"), owner_id=owner)
    connector.clock.advance(60)
    before = len(emulator.log)
    connector.sync(objects=chosen)
    assert lookups_asked(emulator, before) == ["owners"]
    assert connector.reader.query(f"SELECT display_name FROM owners WHERE id = {owner}") == [
        ("Grace Hopper",)
    ]
    before = len(emulator.log)
    emulator.store.update("contacts", someone(emulator, "contacts"), city="Turku")
    connector.clock.advance(60)
    connector.sync(objects=chosen)
    assert lookups_asked(emulator, before) == []


@pytest.mark.parametrize("object_name", ["tasks", "appointments", "sales_activities", "products"])
def test_ids_of_every_object_are_looked_up(object_name: str, tmp_path: Path) -> None:
    emulator = small_company(tasks=3, appointments=3, activities=3, products=3)
    connector = connect_swiftly(emulator, tmp_path, objects=[object_name, "owners"])
    connector.sync()
    connector.sync()
    owner = emulator.store.account.add_owner("Grace Hopper", "grace@example.com")
    column = "creater_id" if object_name == "appointments" else "owner_id"
    soon = {"end_date": connector.clock.now()} if object_name == "appointments" else {}
    emulator.store.create(object_name, **{column: owner}, **soon)
    before = len(emulator.log)
    connector.sync()
    assert lookups_asked(emulator, before) == ["owners"]
    assert owner in connector.reader.ids("owners")


def test_a_new_stage_is_looked_up_in_the_sync_that_meets_it(emulator: Emulator, connector: Connector) -> None:
    chosen = ["deals", "deal_stages", "deal_pipelines"]
    connector.sync(objects=chosen)
    stages = emulator.store.account.add_pipeline("Renewals", [("Due", "Open", 50)])
    emulator.store.move_stage(someone(emulator, "deals"), stages["Due"])
    connector.clock.advance(60)
    before = len(emulator.log)
    connector.sync(objects=chosen)
    # The pipelines twice: before the deals, to know which the views show, and after the new stage was met.
    assert sorted(lookups_asked(emulator, before)) == ["deal_pipelines", "deal_pipelines", "deal_stages"]
    assert "Due" in names(connector, "deal_stages")
    assert "Renewals" in names(connector, "deal_pipelines")


def test_an_id_that_stays_unexplained_is_asked_for_once(emulator: Emulator, connector: Connector) -> None:
    chosen = ["contacts", "owners"]
    connector.sync(objects=chosen)
    connector.sync(objects=chosen)
    ghost = 402_000_999_999
    asked_for = []
    for n in range(2):
        emulator.store.update("contacts", someone(emulator, "contacts"), owner_id=ghost, city=f"City {n}")
        connector.clock.advance(60)
        before = len(emulator.log)
        connector.sync(objects=chosen)
        asked_for.append(lookups_asked(emulator, before))
    assert asked_for == [["owners"], []]
    emulator.store.update("contacts", someone(emulator, "contacts"), owner_id=ghost + 1)
    connector.clock.advance(60)
    before = len(emulator.log)
    connector.sync(objects=chosen)
    assert lookups_asked(emulator, before) == ["owners"]


def test_an_unknown_id_met_in_any_load_of_a_long_run_is_not_forgotten(tmp_path: Path) -> None:
    emulator = small_company()
    connector = connect_swiftly(emulator, tmp_path, objects=["contacts", "owners"], page_size=1)
    made = []
    for n in range(60):
        connector.clock.advance(1)
        made.append(emulator.store.create("contacts", last_name=f"N{n}"))

    def hire(_: int) -> None:
        # After the owners were read, and for a contact of the first load.
        if not hired and lookups_asked(emulator, 0):
            hired.append(emulator.store.account.add_owner("Grace Hopper", "grace@example.com"))
            emulator.store.change_silently("contacts", made[-30], owner_id=hired[0])

    hired: list[int] = []
    connector.clock.advance(1000)
    emulator.before_request = hire
    connector.sync()
    emulator.before_request = None
    assert connector.reader.query(f"SELECT owner_id FROM contacts WHERE id = {made[-30]}") == [(hired[0],)]
    assert hired[0] in connector.reader.ids("owners")
    before = len(emulator.log)
    connector.sync()
    assert lookups_asked(emulator, before) == []


def test_a_run_that_could_not_read_a_lookup_leaves_it_to_the_next(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.faults.add(Fault(kind="no_envelope", path="*selector/owners*"))
    report = connector.sync(objects=["contacts", "owners"])
    assert verdicts(report) == {"contacts": "matched", "owners": "failed"}
    assert report.exit_code is ExitCode.INCOMPLETE
    assert verdicts(connector.sync(objects=["contacts", "owners"])) == {
        "contacts": "matched",
        "owners": "matched",
    }
    assert connector.reader.count("owners") == len(emulator.store.account.selectors["owners"])


def test_lookups_that_a_cut_run_left_out_are_read_by_the_next(
    emulator: Emulator, connector: Connector
) -> None:
    report = connector.sync(objects=ALL_LOOKUPS, max_calls=5)
    assert report.exit_code is ExitCode.UNFINISHED
    assert list(verdicts(report).values()).count("partial") == len(ALL_LOOKUPS) - 5
    report = connector.sync(objects=ALL_LOOKUPS)
    assert set(verdicts(report).values()) == {"matched"}
    for name in ALL_LOOKUPS:
        assert connector.reader.count(name) == len(emulator.store.account.selectors[name])


# What leaves a selector


def test_a_deleted_stage_keeps_its_label_and_is_flagged(emulator: Emulator, connector: Connector) -> None:
    deal = emulator.store.live("deals")[0]
    stage = int(deal["deal_stage_id"])
    label = emulator.store.account.stage(stage)["name"]
    chosen = ["deals", "deal_stages"]
    connector.sync(objects=chosen)
    emulator.store.account.delete_stage(stage, connector.clock.now())
    connector.clock.advance(2 * HOUR)
    connector.sync(objects=chosen)
    assert connector.reader.ids("deal_stages", where="is_deleted") == [stage]
    joined = (
        f"SELECT s.name FROM deals d JOIN deal_stages s ON s.id = d.deal_stage_id WHERE d.id = {deal['id']}"
    )
    assert connector.reader.query(joined) == [(label,)]


def test_a_choice_that_is_deleted_keeps_its_row(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["deal_reasons", "owners"])
    gone = first_id(emulator, "deal_reasons")
    label = names(connector, "deal_reasons")[0]
    emulator.store.account.delete_choice("deal_reasons", gone)
    connector.clock.advance(2 * HOUR)
    connector.sync(objects=["deal_reasons", "owners"])
    assert connector.reader.query(f"SELECT name FROM deal_reasons WHERE id = {gone}") == [(label,)]


# Absent and refused


def test_a_lookup_that_may_be_missing_is_not_available_each_time(
    emulator: Emulator, connector: Connector
) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=("territories",))
    for wait_s in (60, 2 * HOUR, 2 * HOUR):
        report = connector.sync(objects=["contacts", "territories"])
        assert (report.exit_code, verdicts(report)["territories"]) == (ExitCode.DONE, "not_available")
        connector.clock.advance(wait_s)
    emulator.switches = ALL_PIPELINES
    assert verdicts(connector.sync(objects=["contacts", "territories"]))["territories"] == "matched"
    emulator.switches = replace(ALL_PIPELINES, forbidden=("territories",))
    connector.clock.advance(2 * HOUR)
    report = connector.sync(objects=["contacts", "territories"])
    assert (report.exit_code, verdicts(report)["territories"]) == (ExitCode.INCOMPLETE, "failed")


def test_a_refused_lookup_that_every_account_has_fails_alone_and_is_told(
    emulator: Emulator, connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=("deal_types",))
    report = connector.sync(objects=["deal_types", "deal_reasons"])
    told = [(one.getMessage(), one.levelname) for one in caplog.records if "stopped" in one.getMessage()]
    assert told == [("object_stopped object=deal_types reason=forbidden", "WARNING")]
    assert (report.exit_code, report.reason) == (ExitCode.INCOMPLETE, "forbidden")
    assert verdicts(report) == {"deal_types": "failed", "deal_reasons": "matched"}


# fields, field_choices, views


def test_fields_and_choices_are_those_of_the_settings(emulator: Emulator, connector: Connector) -> None:
    objects = ["contacts", "sales_accounts", "deals", "sales_activities"]
    connector.sync(objects=objects)
    reader = connector.reader
    for name in objects:
        custom = emulator.store.account.custom_fields[name]
        rows = {row["name"]: row for row in reader.rows("fields") if row["object"] == name}
        found = {key for key, row in rows.items() if row["is_custom"]}
        assert found == custom.keys()
        for key, spec in custom.items():
            row = rows[key]
            assert (row["field_id"], row["label"], row["type"]) == (spec.id, spec.label, spec.type)
            assert row["column_name"] == key
            choices = f"SELECT value FROM field_choices WHERE object = '{name}' AND name = '{key}' ORDER BY position"
            assert [value for (value,) in reader.query(choices)] == list(spec.choices)
    assert_columns_are_real(reader)


def assert_columns_are_real(reader: WarehouseReader) -> None:
    """Every column that `fields` names stands in its object's table, and most fields have one."""
    named = reader.query("SELECT object, column_name FROM fields WHERE column_name IS NOT NULL")
    assert [(table, column) for table, column in named if column not in reader.columns(table)] == []
    assert len(named) > reader.count("fields") / 2


def test_a_field_that_disappears_is_flagged_and_keeps_its_column(
    emulator: Emulator, connector: Connector
) -> None:
    contact = emulator.store.create("contacts", last_name="A", cf_remarks="Keep me")
    connector.clock.advance(1000)
    connector.sync(objects=["contacts"])
    emulator.store.account.drop_custom_field("contacts", "cf_remarks")
    emulator.store.account.relabel_custom_field("contacts", "cf_birthday", "Date of birth")
    emulator.store.account.add_custom_field("contacts", "cf_size", "dropdown", choices=("S", "L"))
    connector.clock.advance(2 * HOUR)
    connector.sync(objects=["contacts"])
    rows = {row["name"]: row for row in connector.reader.rows("fields")}
    assert (rows["cf_remarks"]["is_deleted"], rows["cf_remarks"]["column_name"]) == (True, "cf_remarks")
    assert [row["is_deleted"] for name, row in rows.items() if name != "cf_remarks"].count(True) == 0
    assert rows["cf_birthday"]["label"] == "Date of birth"
    assert rows["cf_size"]["column_name"] == "cf_size"
    sizes = "SELECT value FROM field_choices WHERE name = 'cf_size' ORDER BY position"
    assert connector.reader.query(sizes) == [("S",), ("L",)]
    assert connector.reader.query(f"SELECT cf_remarks FROM contacts WHERE id = {contact}") == [("Keep me",)]
    assert_columns_are_real(connector.reader)


def test_views_tell_which_are_read(emulator: Emulator, connector: Connector) -> None:
    connector.sync(objects=["contacts", "deals"])
    store = emulator.store
    for name, used in (
        ("contacts", {"All Contacts", "Recycle Bin"}),
        ("deals", {"Open Deals", "Won Deals", "Lost Deals", "Recycle Bin"}),
    ):
        rows = [row for row in connector.reader.rows("views") if row["object"] == name]
        assert {row["name"]: row["id"] for row in rows} == {
            view.name: view.id for view in store.views.of(name, emulator.switches)
        }
        assert {row["name"] for row in rows if row["is_used"]} == used
    connector.sync(objects=["contacts", "deals"], views={"deals": "Every pipeline"})
    used_now = "SELECT name FROM views WHERE object = 'deals' AND is_used ORDER BY name"
    assert connector.reader.query(used_now) == [("Every pipeline",), ("Recycle Bin",)]
    assert (
        of(connector.sync(objects=["deals"], views={"deals": "Every pipeline"}), "deals").verdict == "matched"
    )
