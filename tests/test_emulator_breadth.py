"""What the emulator serves beside the main objects: lists of contacts, products in deals."""

from __future__ import annotations

from freshsales_source.emulator import Switches
from tests.emulator_browser import Browser


def test_lists_hold_id_and_name_and_come_in_pages() -> None:
    browser = Browser()
    ids = [browser.store.create("lists", name=f"List {n}") for n in range(30)]
    first = browser.body("/lists")
    assert first["lists"][0] == {"id": ids[0], "name": "List 0"}
    assert (len(first["lists"]), first["meta"]) == (25, {"total_pages": 2, "total": 30})
    assert browser.listed_ids("lists") == ids
    assert browser.get(f"/lists/{ids[0]}").status_code == 404


def test_a_deal_holds_the_products_that_were_sold_with_it() -> None:
    browser = Browser(Switches(newer_columns=True))
    deal, product = browser.store.live("deals")[0]["id"], browser.store.live("products")[0]
    line = browser.store.sell(deal, product["id"], quantity=2, discount=5.0, discount_type=1)
    row = browser.body(f"/deals/{deal}")["deal"]
    assert row["has_products"] is True
    (served,) = row["products"]
    assert served["unit_price"] == product["product_pricings"][0]["unit_price"]
    shown = {key: served[key] for key in ("association_id", "deal_id", "product_id", "quantity", "discount")}
    assert shown == {
        "association_id": line,
        "deal_id": deal,
        "product_id": product["id"],
        "quantity": 2,
        "discount": 5.0,
    }
    browser.switch(newer_columns=False)
    assert "products" not in browser.body(f"/deals/{deal}")["deal"]
