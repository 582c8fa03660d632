"""The public source as people use it: `dlt.pipeline(...).run(freshsales())` against an account on a socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from freshsales_source import freshsales
from freshsales_source.emulator import Emulator, RunningServer, serve
from freshsales_source.entities import ENTITIES
from freshsales_source.errors import ConfigurationError, Forbidden, SavedViewNotFound, WrongKey
from freshsales_source.sync.syncing import ours_unwrapped
from tests.connector import ALL_PIPELINES, CORE, KEY, WIDE, asked, company, connect, connect_swiftly
from tests.warehouse_reader import WarehouseReader


@pytest.fixture
def emulator() -> Emulator:
    return company()


@pytest.fixture
def server(emulator: Emulator) -> Iterator[RunningServer]:
    with serve(emulator) as running:
        yield running


@pytest.fixture
def pipeline(tmp_path: Path) -> dlt.Pipeline:
    return dlt.pipeline(
        "plain",
        pipelines_dir=str(tmp_path / "plain"),
        destination=dlt.destinations.duckdb(str(tmp_path / "plain.duckdb")),
        dataset_name="freshsales",
    )


@pytest.fixture
def plain(tmp_path: Path) -> WarehouseReader:
    return WarehouseReader(tmp_path / "plain.duckdb")


def source_of(server: RunningServer, tmp_path: Path, **more: Any) -> Any:
    given = {
        "domain": server.url,
        "api_key": KEY,
        "rate_limits": WIDE,
        "budget_store": str(tmp_path / "plain-budget.sqlite"),
        "objects": CORE,
    }
    return freshsales(**{**given, **more})


def run(pipeline: dlt.Pipeline, source: Any) -> None:
    """Run, and raise our own error rather than dlt's that wraps it."""
    with ours_unwrapped():
        pipeline.run(source)


# Rows


def test_plain_dlt_runs_give_the_same_tables_and_rows_as_syncs(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, tmp_path: Path
) -> None:
    # A plain run does not look into the warehouse, so it cannot tell which row of a history is the first.
    unknown = {"is_first_seen"}
    connector = connect(emulator, tmp_path / "sync", objects=CORE)
    run(pipeline, source_of(server, tmp_path))
    connector.sync()
    assert plain.schema() == {k: v for k, v in connector.reader.schema().items() if not k.startswith("_")}
    assert plain.content(without=unknown) == connector.reader.content(without=unknown)

    connector.clock.advance(1000)
    contacts = [int(record["id"]) for record in emulator.store.live("contacts")]
    emulator.store.update("contacts", contacts[0], tags=(), emails=["new@example.com"], city="Malmö")
    emulator.store.delete("contacts", contacts[1])
    emulator.store.create("sales_accounts", name="Neue Firma GmbH")
    run(pipeline, source_of(server, tmp_path))
    connector.sync()
    assert plain.content(without=unknown) == connector.reader.content(without=unknown)
    assert plain.query(f"SELECT city FROM contacts WHERE id = {contacts[0]}") == [("Malmö",)]
    assert plain.query(f"SELECT is_deleted FROM contacts WHERE id = {contacts[1]}") == [(True,)]


def test_a_second_plain_run_of_a_quiet_account_loads_no_object_row(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, tmp_path: Path
) -> None:
    run(pipeline, source_of(server, tmp_path, objects=["contacts", "owners"]))
    run(pipeline, source_of(server, tmp_path, objects=["contacts", "owners"]))
    trace = pipeline.last_trace
    assert trace is not None
    assert trace.last_normalize_info is not None
    counts = trace.last_normalize_info.row_counts
    assert {name: rows for name, rows in counts.items() if not name.startswith("_dlt") and rows} == {}


# Resources


def test_only_the_chosen_resources_are_read(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, tmp_path: Path
) -> None:
    run(pipeline, source_of(server, tmp_path).with_resources("sales_accounts", "owners"))
    loaded = {table.partition("__")[0] for table in plain.tables()}
    assert loaded == {"sales_accounts", "owners", "fields", "field_choices", "views"}
    assert plain.count("sales_accounts") == 15
    assert asked(emulator, "/contacts/") == asked(emulator, "/deals") == []


def test_the_setting_objects_leaves_out_the_others(server: RunningServer, tmp_path: Path) -> None:
    source = source_of(server, tmp_path, objects=["deals", "deal_stages"])
    assert set(source.resources) == {"deals", "deal_stages"}


def test_an_object_nobody_knows_is_refused_when_the_source_is_built(
    server: RunningServer, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="kontakte"):
        source_of(server, tmp_path, objects=["kontakte"])


def test_building_the_source_makes_no_request(
    emulator: Emulator, server: RunningServer, tmp_path: Path
) -> None:
    source = source_of(server, tmp_path, objects=None)
    assert set(source.resources) == {entity.name for entity in ENTITIES}
    assert emulator.log == []


# Settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without anything of ours but a budget in the test's own folder."""
    for name in ("FRESHSALES_API_KEY", "FRESHSALES_DOMAIN", "API_KEY", "DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOURCES__FRESHSALES__BUDGET_STORE", str(tmp_path / "env-budget.sqlite"))
    monkeypatch.setenv("SOURCES__FRESHSALES__RATE_LIMITS", "[[1000000, 60]]")
    return monkeypatch


def test_settings_come_from_the_long_forms_in_the_environment(
    server: RunningServer,
    pipeline: dlt.Pipeline,
    plain: WarehouseReader,
    environment: pytest.MonkeyPatch,
    emulator: Emulator,
) -> None:
    environment.setenv("SOURCES__FRESHSALES__DOMAIN", server.url)
    environment.setenv("SOURCES__FRESHSALES__API_KEY", KEY)
    environment.setenv("SOURCES__FRESHSALES__OBJECTS", '["sales_accounts"]')
    environment.setenv("SOURCES__FRESHSALES__PAGE_SIZE", "50")
    run(pipeline, freshsales())
    assert plain.count("sales_accounts") == 15
    assert all("per_page=50" in call for call in asked(emulator, "/view/"))


def test_settings_come_from_the_short_forms_in_the_environment(
    server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("FRESHSALES_DOMAIN", server.url)
    environment.setenv("FRESHSALES_API_KEY", KEY)
    run(pipeline, freshsales(objects=["owners"]))
    assert plain.count("owners") > 0


def test_the_long_form_wins_over_the_short(
    server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("FRESHSALES_DOMAIN", "http://127.0.0.1:9")
    environment.setenv("FRESHSALES_API_KEY", "the-wrong-key")
    environment.setenv("SOURCES__FRESHSALES__DOMAIN", server.url)
    environment.setenv("SOURCES__FRESHSALES__API_KEY", KEY)
    run(pipeline, freshsales(objects=["owners"]))
    assert plain.count("owners") > 0


def test_a_missing_setting_is_named_with_the_ways_to_give_it(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"api_key.*FRESHSALES_API_KEY.*secrets\.toml"):
        freshsales(domain="acme")
    with pytest.raises(ConfigurationError, match=r"domain.*FRESHSALES_DOMAIN.*config\.toml"):
        freshsales(api_key=KEY)


# Faults


def test_a_wrong_key_is_raised(server: RunningServer, pipeline: dlt.Pipeline, tmp_path: Path) -> None:
    with pytest.raises(WrongKey):
        run(pipeline, source_of(server, tmp_path, api_key="not-the-key"))


def test_rights_lost_are_raised_and_nothing_is_loaded(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, tmp_path: Path
) -> None:
    emulator.switches = replace(ALL_PIPELINES, forbidden=("deals",))
    with pytest.raises(Forbidden):
        run(pipeline, source_of(server, tmp_path))
    assert plain.tables() == []


def test_a_missing_view_is_raised_with_the_names_that_are_there(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, tmp_path: Path
) -> None:
    emulator.switches = replace(ALL_PIPELINES, missing_views=("All Contacts",))
    with pytest.raises(SavedViewNotFound, match="My Contacts"):
        run(pipeline, source_of(server, tmp_path))


def test_an_error_reaches_the_user_of_dlt_in_words_of_ours(
    server: RunningServer, pipeline: dlt.Pipeline, tmp_path: Path
) -> None:
    with pytest.raises(PipelineStepFailed, match="does not accept the API key"):
        pipeline.run(source_of(server, tmp_path, api_key="not-the-key"))


def test_a_plain_run_cut_by_max_calls_keeps_what_it_read_and_the_next_one_goes_on(
    emulator: Emulator, server: RunningServer, pipeline: dlt.Pipeline, plain: WarehouseReader, tmp_path: Path
) -> None:
    chosen = {"objects": ["contacts"], "page_size": 10}
    run(pipeline, source_of(server, tmp_path, **chosen, max_calls=5))
    assert 0 < plain.count("contacts") < 43
    run(pipeline, source_of(server, tmp_path, **chosen, max_calls=5))
    run(pipeline, source_of(server, tmp_path, **chosen, max_calls=5))
    connector = connect_swiftly(emulator, tmp_path / "sync", objects=CORE)
    connector.sync(objects=["contacts"])
    assert plain.content() == connector.reader.content()
