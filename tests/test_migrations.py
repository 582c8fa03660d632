"""A version whose tables have another form makes them anew; an older one keeps its hands off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.config import Settings
from freshsales_source.warehouse.migrations import MIGRATIONS, Migration
from freshsales_source.warehouse.warehouse import Target, Warehouse
from tests.connector import Connector, company, connect

OTHER_IDS = Migration(layout=2, about="ids of owners are numbers", objects=("owners",))
LATER = Migration(layout=3, about="stages are counted from one", objects=("deal_stages",))


@dataclass(kw_only=True)
class Versioned(Connector):
    """A connector of a version that has these migrations; killed before its n-th statement, where that is given."""

    migrations: Sequence[Migration] = MIGRATIONS
    statements: int | None = None

    def warehouse(self, settings: Settings) -> Warehouse:
        target = Target(duckdb=self.database, pipelines_dir=self.folder / "dlt")
        made = Dying(target, settings.account, clock=self.clock, migrations=self.migrations)
        made.statements = self.statements
        return made


class Dying(Warehouse):
    """A warehouse whose process is killed after so many statements."""

    statements: int | None = None

    def execute(self, sql: str) -> None:
        if self.statements == 0:
            raise KeyboardInterrupt
        self.statements = None if self.statements is None else self.statements - 1
        super().execute(sql)


@pytest.fixture
def connector(tmp_path: Path) -> Versioned:
    plain = connect(company(accounts=0, contacts=1, deals=0, in_bin=0), tmp_path)
    objects = {"objects": ["owners", "deal_stages"]}
    return Versioned(folder=plain.folder, clock=plain.clock, transport=plain.transport, flags=objects)


def spoil(connector: Connector) -> None:
    """Let the table be as if an earlier version had made it."""
    with duckdb.connect(str(connector.database)) as db:
        db.execute("ALTER TABLE warehouse.freshsales.owners ALTER id TYPE VARCHAR")


def test_an_older_warehouse_is_migrated_once_even_if_that_is_killed(connector: Versioned) -> None:
    connector.sync()
    before, stages = connector.reader.content()["owners"], connector.reader.rows("deal_stages")
    spoil(connector)
    connector.migrations = (OTHER_IDS,)
    # With the versions of the schema struck out, and with what was prepared dropped.
    for connector.statements in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            connector.sync()
    connector.statements = None
    report = connector.sync()
    assert (report.exit_code, report.reason) == (0, "migrated")
    assert connector.reader.columns("owners")["id"] == "BIGINT"
    assert connector.reader.content()["owners"] == before
    assert connector.reader.rows("deal_stages") == stages, "nothing else was touched"
    assert connector.sync().reason == ""
    connector.migrations = (OTHER_IDS, LATER)
    last = connector.sync()
    assert (last.reason, {row.object: row.rows_changed > 0 for row in last.objects}) == (
        "migrated",
        {"owners": False, "deal_stages": True},
    )


def test_a_warehouse_of_a_later_version_is_refused_and_a_new_one_is_of_this(connector: Versioned) -> None:
    connector.migrations = (OTHER_IDS,)
    assert connector.sync().reason == "", "there was nothing to migrate"
    before = connector.reader.content()
    connector.migrations = MIGRATIONS
    with pytest.raises(
        ConfigurationError, match=r"by a later version of the connector \(layout 2, known is 1\)"
    ):
        connector.sync()
    assert connector.reader.content() == before
    connector.migrations = (OTHER_IDS,)
    assert connector.sync().reason == ""


def test_layouts_are_counted_up_one_by_one() -> None:
    assert [one.layout for one in MIGRATIONS] == list(range(2, len(MIGRATIONS) + 2))
