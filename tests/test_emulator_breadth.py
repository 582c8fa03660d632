"""What the emulator serves beside the main objects: lists of contacts, products in deals."""

from __future__ import annotations

import pytest

from freshsales_source.emulator import Switches, add_note, change_note, remove_note
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


def test_notes_stand_with_their_record_and_move_its_stamp() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]
    browser.clock.advance(60)
    first = add_note(browser.store, "contacts", contact, "Called")
    second = add_note(browser.store, "contacts", contact, "Wrote")
    notes = browser.body(f"/contacts/{contact}/notes")
    assert list(notes) == ["notes"]
    assert [(note["id"], note["description"]) for note in notes["notes"]] == [
        (second, "Wrote"),
        (first, "Called"),
    ]
    assert notes["notes"][0]["targetable"] == {"type": "Contact", "id": contact}
    row = browser.body(f"/contacts/{contact}")["contact"]
    assert (row["recent_note"], row["updated_at"]) == ("Wrote", notes["notes"][0]["created_at"])
    included = browser.body(f"/contacts/{contact}", include="notes")
    assert included["contact"]["note_ids"] == [first, second]
    assert [note["description"] for note in included["notes"]] == ["Called", "Wrote"]
    change_note(browser.store, second, "Wrote again")
    remove_note(browser.store, first)
    assert [note["description"] for note in browser.body(f"/contacts/{contact}/notes")["notes"]] == [
        "Wrote again"
    ]
    assert browser.get("/contacts/17/notes").status_code == 404
    assert browser.get(f"/tasks/{browser.store.live('tasks')[0]['id']}/notes").status_code == 404


def test_a_note_may_leave_the_stamp_and_notes_may_come_in_pages() -> None:
    browser = Browser(Switches(note_moves_stamp=False, notes_paged=True))
    deal = browser.store.live("deals")[0]["id"]
    before = browser.body(f"/deals/{deal}")["deal"]["updated_at"]
    browser.clock.advance(60)
    for n in range(30):
        add_note(browser.store, "deals", deal, f"Note {n}")
    assert browser.body(f"/deals/{deal}")["deal"]["updated_at"] == before
    pages = [len(browser.body(f"/deals/{deal}/notes", page=page)["notes"]) for page in (1, 2, 3)]
    assert pages == [25, 5, 0]


def test_a_timeline_tells_when_a_deal_was_made_moved_and_handed_over() -> None:
    browser = Browser(Switches(feed_page=2))
    stages = browser.store.account.selectors["deal_stages"]
    deal = browser.store.create("deals", name="Big", deal_stage_id=stages[0]["id"])
    browser.clock.advance(60)
    browser.store.move_stage(deal, stages[1]["id"])
    browser.clock.advance(60)
    owner = browser.store.account.selectors["owners"][1]
    browser.store.update("deals", deal, owner_id=owner["id"])
    first = browser.body(f"/deals/{deal}/timeline_feeds")
    rest = browser.body(f"/deals/{deal}/timeline_feeds", page=2)
    assert (first["meta"]["has_next"], rest["meta"]["has_next"]) == (True, False)
    rows = first["timeline_feeds"] + rest["timeline_feeds"]
    assert [row["action_type"] for row in rows] == ["OWNER_CHANGE", "STAGE_CHANGE", "CREATE"]
    assert rows[0]["action_data"] == {"owner_change": owner["id"], "owner_name": owner["display_name"]}
    assert rows[1]["action_data"]["stage_name"] == stages[1]["name"]
    assert "id" not in rows[0]


def test_activities_of_a_contact_tell_what_was_planned_for_it() -> None:
    browser = Browser()
    contact = browser.store.create("contacts", first_name="Ada")
    task = browser.store.create("tasks", title="Call", targetables=({"id": contact, "type": "Contact"},))
    body = browser.body(f"/contacts/{contact}/activities")
    (row,) = body["activities"]
    assert (row["id"], row["actionable_id"], row["action_type"]) == (str(task), task, "TASK_CREATED")
    assert row["action_data"]["title"] == "Call"
    assert body["meta"] == {"has_next": False, "has_previous": False}


@pytest.mark.parametrize(("position", "status"), [("forbidden", 403), ("not_found", 404)])
def test_feeds_may_be_beyond_a_key(position: str, status: int) -> None:
    browser = Browser()
    browser.switch(feeds=position)
    deal = browser.store.live("deals")[0]["id"]
    for feed in ("notes", "timeline_feeds"):
        assert browser.get(f"/deals/{deal}/{feed}").status_code == status
