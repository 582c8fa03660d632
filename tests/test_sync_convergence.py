"""Random lives of a small company, synced all the while: after quiet and one run, the copy is the account.

Between any two requests people create, edit, bulk edit, move, delete and restore. The warehouse is compared with what
the account would serve, row by row and value by value, children, bridges, flags and foreign keys included. Left out is
what the account computes when it is read: those columns move no stamp.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from freshsales_source.emulator import Emulator, Store, Switches
from freshsales_source.entities import entity
from freshsales_source.schema.entity_types import Views
from tests.connector import OBJECTS, Connector, company, connect_swiftly, verdicts
from tests.warehouse_reader import Row, WarehouseReader, read_off

Wire: TypeAlias = dict[str, Any]

COMPUTED = {
    "contacts": {"open_deals_amount", "open_deals_count", "won_deals_amount", "won_deals_count"},
    "sales_accounts": {"open_deals_amount", "open_deals_count", "won_deals_amount", "won_deals_count"},
    "deals": {"age", "rotten_days"},
}
"""Columns that change without any write to the record."""
NO_COLUMN = {"links", "collaboration", "custom_field"}
OURS = {"_synced_at", "_deleted_reason", "_deleted_at"}
LISTS = {
    "contacts": ("emails", "phone_numbers", "tags", "system_tags", "team_user_ids", "sales_accounts"),
    "sales_accounts": ("tags", "domains", "team_user_ids"),
    "deals": ("tags", "team_user_ids", "contacts"),
}
PARENT = {"contacts": "contact_id", "sales_accounts": "sales_account_id", "deals": "deal_id"}


class Life:
    """What people do to an account, by the dice of one seed."""

    def __init__(self, emulator: Emulator, seed: int) -> None:
        self._store: Store = emulator.store
        self._clock = emulator.clock
        self._dice = random.Random(seed)
        self._written = 0

    def go_on(self, _: int = 0) -> None:
        """Let a moment pass, in which something happens or not."""
        self._clock.sleep(self._dice.choice((0, 0, 1, 3)))
        for _n in range(self._dice.choice((0, 0, 1, 1, 2))):
            self._dice.choice(
                (self._create, self._edit, self._edit, self._bulk, self._move, self._bin, self._bin)
            )()

    def _create(self) -> None:
        match self._object():
            case "contacts":
                self._store.create("contacts", first_name=self._word(), **self._contact())
            case "sales_accounts":
                self._store.create("sales_accounts", name=self._word(), phone="+49 30 123")
            case _:
                self._store.create("deals", name=self._word(), **self._deal())

    def _edit(self) -> None:
        object_name = self._object()
        chosen = self._some(object_name, 1)
        if not chosen:
            return
        fields = {
            "contacts": self._contact,
            "sales_accounts": lambda: {"name": self._word(), "tags": self._tags()},
            "deals": self._deal,
        }[object_name]()
        self._store.update(object_name, chosen[0], **fields)

    def _bulk(self) -> None:
        object_name = self._object()
        self._store.bulk_update(object_name, self._some(object_name, 9), tags=self._tags())

    def _move(self) -> None:
        for deal in self._some("deals", 1):
            stages = self._store.account.selectors["deal_stages"]
            self._store.move_stage(deal, int(self._dice.choice(stages)["id"]))

    def _bin(self) -> None:
        object_name = self._object()
        binned = [int(record["id"]) for record in self._store.binned(object_name)]
        if binned and self._dice.random() < 0.5:
            self._store.restore(object_name, self._dice.choice(binned))
        elif chosen := self._some(object_name, 1):
            self._store.delete(object_name, *chosen)

    def _contact(self) -> dict[str, Any]:
        return {
            "emails": [f"{self._word()}@example.com" for _ in range(self._dice.randrange(3))],
            "tags": self._tags(),
            "sales_account_ids": tuple(self._some("sales_accounts", self._dice.randrange(3))),
            "city": self._dice.choice(("Łódź", "東京", None)),
            "cf_accepts_calls": self._dice.random() < 0.5,
        }

    def _deal(self) -> dict[str, Any]:
        return {
            "amount": Decimal(self._dice.randrange(10**9)) / 100,
            "contact_ids": tuple(self._some("contacts", self._dice.randrange(3))),
            "sales_account_id": next(iter(self._some("sales_accounts", 1)), None),
            "tags": self._tags(),
            "cf_seats": self._dice.choice((1, 2.5, None)),
        }

    def _object(self) -> str:
        return self._dice.choice(OBJECTS)

    def _some(self, object_name: str, most: int) -> list[int]:
        ids = [int(record["id"]) for record in self._store.live(object_name)]
        return self._dice.sample(ids, min(most, len(ids)))

    def _tags(self) -> tuple[str, ...]:
        return tuple(self._dice.sample(("vip", "été", "späť", "новый"), self._dice.randrange(3)))

    def _word(self) -> str:
        self._written += 1
        return f"word{self._written}"


def random_switches(dice: random.Random) -> Switches:
    """One of the accounts that there may be, ordered views with a total all of them."""
    return Switches(
        deal_views_default_pipeline_only=False,
        # What a deletion does to the records linked to it must show in a stamp to be seen at all.
        lost_link_moves_stamp=True,
        page_cap=dice.choice((7, 25, 100)),
        page_past_end=dice.choice(("empty", "repeat_last", "not_found")),
        meta=dice.choice(("total", "total_and_pages")),
        view_lag_s=dice.choice((0.0, 0.0, 45.0)),
        date_header=dice.choice(("right", "skewed", "missing")),
        side_loads=dice.choice(("before", "after")),
        stamps=dice.choice(("offset", "z")),
        money=dice.choice(("string", "number")),
        binned_get=dice.choice(("record", "not_found")),
        bin_rows_is_deleted=dice.choice((True, False)),
        volatile_tokens=dice.choice((True, False)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_after_quiet_and_one_run_the_copy_is_the_account(seed: int, tmp_path: Path) -> None:
    live_through(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4, 1004))
def test_after_many_more_lives_the_copy_is_the_account(seed: int, tmp_path: Path) -> None:
    live_through(seed, tmp_path)


def live_through(seed: int, tmp_path: Path) -> None:
    """Sync while people work, cut or whole, then let them rest and sync once."""
    dice = random.Random(seed)
    switches = random_switches(dice)
    emulator = company(accounts=8, contacts=30, deals=30, in_bin=2, seed=seed, switches=switches)
    connector = connect_swiftly(emulator, tmp_path, objects=list(OBJECTS), page_size=dice.choice((10, 100)))
    life = Life(emulator, seed)
    emulator.before_request = life.go_on
    for max_calls in dice.choice(((None,), (25,), (18, 14))):
        report = connector.sync(max_calls=max_calls)
        assert "failed" not in verdicts(report).values(), report.objects
        connector.clock.advance(dice.choice((1, 60, 1000)))
    emulator.before_request = None
    connector.clock.advance(500)
    report = connector.sync()
    assert set(verdicts(report).values()) == {"matched"}, report.objects
    assert_copy_is_the_account(emulator, connector)


def assert_copy_is_the_account(emulator: Emulator, connector: Connector) -> None:
    """Every row of every table is what the account would serve now."""
    for object_name in OBJECTS:
        how = entity(object_name).read
        assert isinstance(how, Views)
        live = [int(record["id"]) for record in emulator.store.live(object_name)]
        binned = [int(record["id"]) for record in emulator.store.binned(object_name)]
        served = {id_: emulator.served(object_name, id_, ",".join(how.include)) for id_ in (*live, *binned)}
        check_rows(connector.reader, object_name, served, set(binned))
        for name in LISTS[object_name]:
            check_list(connector.reader, object_name, name, served)


def check_rows(reader: WarehouseReader, object_name: str, served: dict[int, Wire], binned: set[int]) -> None:
    rows = reader.by_id(object_name)
    assert rows.keys() == served.keys()
    for id_, record in served.items():
        wanted = {k: read_off(v) for k, v in record.items() if k not in NO_COLUMN}
        wanted |= {k: read_off(v) for k, v in record["custom_field"].items()}
        wanted["is_deleted"] = id_ in binned
        wrong = {
            column: (value, wanted.get(column))
            for column, value in rows[id_].items()
            if column not in OURS | COMPUTED[object_name] and value != wanted.get(column)
        }
        assert not wrong, (object_name, id_)
        check_flags(rows[id_], is_binned=id_ in binned)


def check_flags(row: Row, *, is_binned: bool) -> None:
    wanted = ("recycle_bin", row["updated_at"]) if is_binned else (None, None)
    assert (row["_deleted_reason"], row["_deleted_at"]) == wanted


def check_list(reader: WarehouseReader, object_name: str, name: str, served: dict[int, Wire]) -> None:
    parent = PARENT[object_name]
    found = reader.rows(f"{object_name}__{name}")
    columns = [k for k in reader.columns(f"{object_name}__{name}") if k not in ("_synced_at", "_is_emptied")]
    wanted = [
        {parent: id_, "position": place, **element}
        for id_, record in served.items()
        for place, element in enumerate(elements(object_name, name, record))
    ]
    assert in_order({k: row[k] for k in columns} for row in found) == in_order(
        {k: row.get(k) for k in columns} for row in wanted
    ), name


def elements(object_name: str, name: str, record: Wire) -> list[Wire]:
    """The elements of one list of a record as rows of its table."""
    if (object_name, name) == ("deals", "contacts"):
        return [{"contact_id": id_} for id_ in record["contact_ids"]]
    listed = record.get(name) or []
    if (object_name, name) == ("contacts", "sales_accounts"):
        return [{"sales_account_id": row["id"], "is_primary": row["is_primary"]} for row in listed]
    return [element if isinstance(element, dict) else {"value": element} for element in listed]


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=repr)
