"""Lists of contacts and the products in deals through `freshsales sync`: rows and values, and what leaves them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from freshsales_source.emulator import Emulator, Fault
from tests.connector import Connector, asked, company, connect_swiftly, of, verdicts


def account() -> Emulator:
    return company(accounts=3, contacts=3, deals=6, in_bin=1)


def with_lists(number: int) -> tuple[Emulator, dict[int, str]]:
    emulator = account()
    names = {emulator.store.create("lists", name=f"List {n}"): f"List {n}" for n in range(number)}
    return emulator, names


def lists_in(connector: Connector) -> dict[int, str]:
    return {id_: row["name"] for id_, row in connector.reader.by_id("lists").items()}


def test_all_lists_arrive_whatever_their_number(tmp_path: Path) -> None:
    emulator, names = with_lists(120)
    connector = connect_swiftly(emulator, tmp_path, objects=["lists"])
    report = connector.sync()
    assert (report.exit_code, verdicts(report)) == (0, {"lists": "matched"})
    assert lists_in(connector) == names
    assert asked(emulator) == [f"/crm/sales/api/lists?page={page}&per_page=100" for page in (1, 2)]
    connector.sync()
    assert len(emulator.log) == 2


def test_a_list_without_page_count_is_read_to_an_empty_page_and_a_renamed_one_is_renamed(
    tmp_path: Path,
) -> None:
    emulator, names = with_lists(30)
    emulator.switches = type(emulator.switches)(meta="none", page_past_end="repeat_last")
    connector = connect_swiftly(emulator, tmp_path, objects=["lists"], lookups_every_s=0, page_size=10)
    connector.sync()
    first = next(iter(names))
    emulator.store.update("lists", first, name="Renamed")
    connector.sync()
    assert lists_in(connector) == {**names, first: "Renamed"}


def test_lists_beyond_the_keys_rights_are_not_available(tmp_path: Path) -> None:
    emulator, _ = with_lists(3)
    emulator.switches = type(emulator.switches)(forbidden=("lists",))
    report = connect_swiftly(emulator, tmp_path, objects=["lists", "owners"]).sync()
    assert (report.exit_code, verdicts(report)["lists"]) == (0, "not_available")


def test_lists_that_end_before_their_total_fail_instead_of_being_short(tmp_path: Path) -> None:
    emulator, _ = with_lists(3)
    short = b'{"lists": [{"id": 1, "name": "One"}], "meta": {"total": 3}}'
    emulator.faults.add(Fault(kind="status", status=200, body=short, path="*/lists?*", times=100))
    report = connect_swiftly(emulator, tmp_path, objects=["lists", "owners"]).sync()
    assert len(asked(emulator, "/lists?")) == 6
    assert (report.exit_code, of(report, "lists").verdict.value) == (4, "failed")


def lines_in(connector: Connector, deal: int) -> list[dict[str, Any]]:
    rows = [row for row in connector.reader.rows("deals__products") if row["deal_id"] == deal]
    return sorted(rows, key=lambda row: row["position"])


def test_products_of_a_deal_arrive_with_quantity_price_and_discount_and_leave_with_it(tmp_path: Path) -> None:
    emulator = account()
    emulator.switches = replace(emulator.switches, newer_columns=True)
    store = emulator.store
    first, second = store.live("products")[:2]
    deal, other = (record["id"] for record in store.live("deals")[:2])
    line = store.sell(deal, first["id"], quantity=3, unit_price=19.99, discount=12.5, discount_type=1)
    store.sell(deal, second["id"], quantity=2.5)
    store.sell(other, first["id"])
    connector = connect_swiftly(emulator, tmp_path, objects=["deals", "products"])
    assert connector.sync().exit_code == 0
    lines = lines_in(connector, deal)
    assert [row["product_id"] for row in lines] == [first["id"], second["id"]]
    wanted = {
        "association_id": line,
        "name": first["name"],
        "category": first["category"],
        "quantity": Decimal(3),
        "unit_price": Decimal("19.99"),
        "currency_code": "USD",
        "discount": Decimal("12.5"),
        "discount_type": 1,
        "owner_id": first["owner_id"],
    }
    assert {name: lines[0][name] for name in wanted} == wanted
    assert lines[1]["quantity"] == Decimal("2.5")
    assert lines[1]["unit_price"] == Decimal(str(second["product_pricings"][0]["unit_price"]))
    assert connector.reader.by_id("deals")[deal]["has_products"] is True
    connector.clock.advance(600)
    store.update("deals", deal, products=store.record("deals", deal)["products"][1:])
    store.update("deals", other, products=(), has_products=False)
    connector.sync()
    assert [row["product_id"] for row in lines_in(connector, deal)] == [second["id"]]
    assert lines_in(connector, other) == []
