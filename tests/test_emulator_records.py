from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from freshsales_source.emulator import Store, Switches, UnknownRecord
from tests.emulator_browser import Browser, seconds

NEWEST_FIRST = {"sort": "updated_at", "sort_type": "desc"}


def stamp(browser: Browser, object_name: str, record_id: int) -> int:
    return int(browser.store.record(object_name, record_id)["updated_at"].timestamp())


def linked_deal(store: Store) -> dict[str, Any]:
    return next(
        store.record("deals", record["id"])
        for record in store.live("deals")
        if record["sales_account_id"] and record["contact_ids"]
    )


def stage_id(store: Store, name: str) -> int:
    return int(next(row["id"] for row in store.account.selectors["deal_stages"] if row["name"] == name))


# --- edits


def test_an_edit_moves_the_stamp_to_the_clocks_second() -> None:
    browser = Browser()
    browser.clock.advance(0.75)
    contact = browser.store.live("contacts")[0]["id"]
    assert browser.store.update("contacts", contact, city="Pune", cf_accepts_calls=True) == contact
    record = browser.store.record("contacts", contact)
    assert record["updated_at"] == browser.clock.now().replace(microsecond=0)
    assert (record["city"], record["custom_field"]["cf_accepts_calls"]) == ("Pune", True)


def test_a_bulk_edit_gives_all_records_one_stamp() -> None:
    browser = Browser()
    ids = [record["id"] for record in browser.store.live("contacts")[:30]]
    assert browser.store.bulk_update("contacts", ids, tags=["bulk"]) == ids
    assert {stamp(browser, "contacts", each) for each in ids} == {int(browser.clock.now().timestamp())}
    assert sorted(browser.ids("contacts", "All Contacts", **NEWEST_FIRST)[:30]) == sorted(ids)


def test_a_silent_change_moves_no_stamp() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]
    before = stamp(browser, "contacts", contact)
    browser.store.change_silently("contacts", contact, last_contacted_mode="Outgoing call")
    assert stamp(browser, "contacts", contact) == before
    assert browser.emulator.served("contacts", contact)["last_contacted_mode"] == "Outgoing call"


def test_a_record_keeps_exact_types() -> None:
    browser = Browser()
    deal = browser.store.create("deals", name="X", amount="7700.10", expected_close=date(2026, 5, 1))
    record = browser.store.record("deals", deal)
    assert record["amount"] == Decimal("7700.10")
    assert record["expected_close"] == date(2026, 5, 1)
    assert record["created_at"] == browser.clock.now()
    assert record["is_deleted"] is False


def test_columns_that_do_not_exist_are_refused() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]
    with pytest.raises(ValueError, match="contacts has no column cf_nothing, colour"):
        browser.store.update("contacts", contact, colour="red", cf_nothing=1)
    with pytest.raises(ValueError, match="needs a zone"):
        browser.store.update("contacts", contact, last_seen=browser.clock.now().replace(tzinfo=None))


def test_records_that_are_not_there_are_refused() -> None:
    browser = Browser()
    binned = browser.store.binned("contacts")[0]["id"]
    with pytest.raises(UnknownRecord, match=f"contacts has no live record {binned}"):
        browser.store.update("contacts", binned, city="Pune")
    with pytest.raises(UnknownRecord, match="contacts has no record 1"):
        browser.emulator.served("contacts", 1)


def test_a_new_contact_gets_what_the_crm_fills_in() -> None:
    browser = Browser()
    contact = browser.store.create(
        "contacts", first_name="Zoë", last_name="Åkesson", email="zoe@example.com", phone_numbers=["+46 1"]
    )
    row = browser.emulator.served("contacts", contact, "owner,creater,updater")
    assert row["display_name"] == "Zoë Åkesson"
    assert [(mail["value"], mail["is_primary"]) for mail in row["emails"]] == [("zoe@example.com", True)]
    assert [phone["value"] for phone in row["phone_numbers"]] == ["+46 1"]
    assert row["owner_id"] == row["creater_id"] == row["updater_id"] == browser.store.account.me
    browser.store.update("contacts", contact, emails=[])
    assert browser.emulator.served("contacts", contact)["email"] is None


def test_moving_a_stage_closes_a_deal_and_opens_it_again() -> None:
    browser = Browser()
    store = browser.store
    deal = store.create("deals", name="X", amount=100)
    browser.clock.advance(3600)
    assert store.move_stage(deal, stage_id(store, "Won")) == deal
    row = browser.emulator.served("deals", deal)
    assert row["closed_date"] == "2026-03-02"
    assert (row["probability"], row["deal_prediction"], row["expected_deal_value"]) == (100, 6, "100.0")
    assert row["stage_updated_time"] == row["deal_prediction_last_updated_at"] == row["updated_at"]
    assert deal in browser.ids("deals", "Won Deals")
    store.move_stage(deal, stage_id(store, "Due"))
    row = browser.emulator.served("deals", deal)
    assert (row["closed_date"], row["probability"]) == (None, 60)
    assert row["deal_pipeline_id"] != browser.store.account.default_pipeline
    assert deal not in browser.ids("deals", "Open Deals") + browser.ids("deals", "Won Deals")


def test_a_deal_moves_its_parents_stamps_or_not() -> None:
    for deal_moves_parents in (True, False):
        browser = Browser(Switches(deal_moves_parents=deal_moves_parents))
        deal = linked_deal(browser.store)
        browser.clock.advance(10)
        now = int(browser.clock.now().timestamp())
        browser.store.update("deals", deal["id"], amount=5)
        assert stamp(browser, "sales_accounts", deal["sales_account_id"]) != now
        browser.store.move_stage(deal["id"], stage_id(browser.store, "Lost"))
        parents = [("sales_accounts", deal["sales_account_id"]), ("contacts", deal["contact_ids"][0])]
        moved = {stamp(browser, *parent) == now for parent in parents}
        assert moved == {deal_moves_parents}


def test_stamps_can_drift_into_the_future_and_back() -> None:
    browser = Browser(Switches(stamp_drift_s=60))
    contact = browser.store.live("contacts")[0]["id"]
    now = int(browser.clock.now().timestamp())
    offs = []
    for _ in range(50):
        browser.store.update("contacts", contact, lead_score=1)
        offs.append(stamp(browser, "contacts", contact) - now)
    assert min(offs) < 0 < max(offs)
    assert max(abs(off) for off in offs) <= 60


# --- deletions


def test_a_deleted_record_moves_to_the_bin_and_comes_back() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]
    browser.clock.advance(10)
    assert browser.store.delete("contacts", contact) == [contact]
    assert contact not in browser.ids("contacts", "All Contacts")
    row = browser.rows("contacts", "Recycle Bin", **NEWEST_FIRST)[0]
    assert (row["id"], row["is_deleted"]) == (contact, True)
    assert seconds(row["updated_at"]) == int(browser.clock.now().timestamp())
    browser.clock.advance(10)
    assert browser.store.restore("contacts", contact) == [contact]
    assert contact not in browser.ids("contacts", "Recycle Bin")
    row = browser.rows("contacts", "All Contacts", **NEWEST_FIRST)[0]
    assert (row["id"], row["is_deleted"]) == (contact, False)
    assert seconds(row["updated_at"]) == int(browser.clock.now().timestamp())


def test_a_deletion_and_a_restore_may_move_no_stamp() -> None:
    browser = Browser(Switches(delete_moves_stamp=False, restore_moves_stamp=False))
    contact = browser.store.live("contacts")[0]["id"]
    before = stamp(browser, "contacts", contact)
    browser.store.delete("contacts", contact)
    assert stamp(browser, "contacts", contact) == before
    browser.store.restore("contacts", contact)
    assert stamp(browser, "contacts", contact) == before


def test_bin_rows_may_deny_that_they_are_deleted() -> None:
    browser = Browser(Switches(bin_rows_is_deleted=False))
    assert {row["is_deleted"] for row in browser.rows("deals", "Recycle Bin")} == {False}
    binned = browser.store.binned("deals")[0]["id"]
    assert browser.body(f"/deals/{binned}")["deal"]["is_deleted"] is True


def test_bin_rows_are_full_or_thin() -> None:
    browser = Browser()
    assert len(browser.rows("deals", "Recycle Bin")[0]) > 30
    browser.switch(bin_rows="thin")
    assert len(browser.rows("deals", "Recycle Bin")[0]) == 5


def test_the_bin_may_ignore_sort() -> None:
    browser = Browser()
    sorted_ids = browser.ids("contacts", "Recycle Bin", **NEWEST_FIRST)
    browser.switch(bin_sort_honoured=False)
    assert browser.ids("contacts", "Recycle Bin", sort="updated_at") == sorted(sorted_ids)


def test_get_of_a_binned_record_is_the_record_or_404() -> None:
    browser = Browser()
    binned = browser.store.binned("contacts")[0]["id"]
    assert browser.body(f"/contacts/{binned}")["contact"]["is_deleted"] is True
    browser.switch(binned_get="not_found")
    assert browser.get(f"/contacts/{binned}").status_code == 404


def test_the_bin_empties_itself_after_90_days() -> None:
    browser = Browser()
    contact = browser.store.live("contacts")[0]["id"]
    browser.store.delete("contacts", contact)
    browser.clock.advance(90 * 86400 - 1)
    assert browser.ids("contacts", "Recycle Bin") == [contact]
    browser.clock.advance(1)
    assert browser.ids("contacts", "Recycle Bin") == []
    assert browser.get(f"/contacts/{contact}").status_code == 404


def test_the_bin_may_keep_everything_until_it_is_emptied_by_hand() -> None:
    browser = Browser(Switches(bin_keeps_days=None))
    browser.clock.advance(1000 * 86400)
    assert len(browser.ids("contacts", "Recycle Bin")) == 3
    assert {name: len(ids) for name, ids in browser.store.expire_bin(500).items()} == {
        "contacts": 3,
        "sales_accounts": 3,
        "deals": 3,
        "leads": 1,
        "products": 1,
    }
    assert browser.ids("contacts", "Recycle Bin") == []


def test_a_forgotten_contact_is_gone_and_its_deals_stay() -> None:
    browser = Browser()
    deal = linked_deal(browser.store)
    contact = deal["contact_ids"][0]
    assert browser.store.forget("contacts", contact) == [contact]
    assert browser.get(f"/contacts/{contact}").status_code == 404
    assert contact not in browser.ids("contacts", "All Contacts") + browser.ids("contacts", "Recycle Bin")
    assert contact not in browser.store.record("deals", deal["id"])["contact_ids"]


@pytest.mark.parametrize("lost_link_moves_stamp", [True, False])
def test_a_deleted_account_loses_its_links_for_ever(lost_link_moves_stamp: bool) -> None:
    browser = Browser(Switches(lost_link_moves_stamp=lost_link_moves_stamp))
    deal = linked_deal(browser.store)
    account = deal["sales_account_id"]
    child = browser.store.create("sales_accounts", name="Child", parent_sales_account_id=account)
    browser.clock.advance(10)
    browser.store.delete("sales_accounts", account)
    browser.store.restore("sales_accounts", account)
    assert browser.emulator.served("deals", deal["id"], "sales_account")["sales_account_id"] is None
    assert browser.emulator.served("sales_accounts", child)["parent_sales_account_id"] is None
    has_moved = stamp(browser, "deals", deal["id"]) == int(browser.clock.now().timestamp())
    assert has_moved == lost_link_moves_stamp


@pytest.mark.parametrize("account_delete_cascades", [True, False])
def test_deleting_an_account_may_take_its_deals_along(account_delete_cascades: bool) -> None:
    browser = Browser(Switches(account_delete_cascades=account_delete_cascades))
    deal = linked_deal(browser.store)
    browser.store.delete("sales_accounts", deal["sales_account_id"])
    assert browser.store.is_binned("deals", deal["id"]) == account_delete_cascades


def test_a_merge_keeps_one_record_with_the_links_and_the_oldest_date() -> None:
    browser = Browser()
    store = browser.store
    old = store.create("sales_accounts", name="Old", phone="1")
    deal = store.create("deals", name="X", sales_account_id=old)
    person = store.create("contacts", last_name="P", sales_account_ids=[old])
    browser.clock.advance(10)
    new = store.create("sales_accounts", name="New", city="Pune", parent_sales_account_id=old)
    oldest = store.record("sales_accounts", old)["created_at"]
    browser.clock.advance(10)
    assert store.merge("sales_accounts", new, old) == [old]
    record = store.record("sales_accounts", new)
    assert (record["name"], record["phone"], record["city"]) == ("New", "1", "Pune")
    assert record["created_at"] == oldest
    assert record["updated_at"] == browser.clock.now()
    assert record["parent_sales_account_id"] is None
    assert store.record("deals", deal)["sales_account_id"] == new
    assert store.record("contacts", person)["sales_account_ids"] == (new,)
    assert old not in browser.ids("sales_accounts", "Recycle Bin")


def test_a_merged_id_is_404_or_redirects_to_the_one_that_stayed() -> None:
    browser = Browser()
    first, second = (record["id"] for record in browser.store.live("contacts")[:2])
    browser.store.merge("contacts", first, second)
    assert browser.get(f"/contacts/{second}").status_code == 404
    browser.switch(merged_get="redirect")
    answer = browser.get(f"/contacts/{second}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/crm/sales/api/contacts/{first}")


# --- values


def test_stamps_carry_the_offset_or_z() -> None:
    browser = Browser()
    offset = browser.rows("contacts", "All Contacts")
    browser.switch(stamps="z")
    zulu = browser.rows("contacts", "All Contacts")
    assert all(row["updated_at"].endswith("Z") for row in zulu)
    assert [seconds(row["updated_at"]) for row in offset] == [seconds(row["updated_at"]) for row in zulu]


def test_stamps_may_carry_milliseconds() -> None:
    browser = Browser(Switches(sub_seconds=True))
    assert browser.rows("contacts", "All Contacts")[0]["updated_at"][-10:-6] == ".000"
    browser.switch(stamps="z")
    assert browser.rows("contacts", "All Contacts")[0]["updated_at"].endswith(".000Z")


def test_rotten_days_are_a_number_or_a_text() -> None:
    browser = Browser()
    deal = browser.store.create("deals", name="X")
    browser.clock.advance(40 * 86400)
    assert browser.emulator.served("deals", deal)["rotten_days"] == 10
    browser.switch(rotten_days="string")
    assert browser.emulator.served("deals", deal)["rotten_days"] == "10"


def test_money_is_a_string_or_a_number() -> None:
    browser = Browser()
    texts = [row["amount"] for row in browser.rows("deals", "Won Deals")]
    browser.switch(money="number")
    numbers = [row["amount"] for row in browser.rows("deals", "Won Deals")]
    assert [float(text) for text in texts] == numbers
    assert {type(text) for text in texts} == {str}


def test_custom_dates_are_dates_or_local_midnights() -> None:
    browser = Browser()
    deal = browser.store.create("deals", name="X", cf_go_live=date(2026, 7, 1))
    assert browser.emulator.served("deals", deal)["custom_field"]["cf_go_live"] == "2026-07-01"
    browser.switch(custom_dates="stamp")
    custom = browser.emulator.served("deals", deal)["custom_field"]
    assert custom["cf_go_live"] == "2026-07-01T00:00:00-05:00"


def test_newer_columns_come_only_when_switched_on() -> None:
    browser = Browser()
    assert "has_products" not in browser.rows("deals", "Open Deals")[0]
    browser.switch(newer_columns=True)
    row = browser.rows("deals", "Open Deals")[0]
    assert (row["has_products"], row["products"]) == (False, [])


def test_tokens_differ_at_every_read() -> None:
    browser = Browser()
    deal = browser.store.live("deals")[0]["id"]
    assert browser.body(f"/deals/{deal}")["deal"]["collaboration"] == {}
    browser.switch(volatile_tokens=True)
    first, second = (browser.body(f"/deals/{deal}")["deal"] for _ in "ab")
    for path in (("collaboration", "convo_token"), ("fc_widget_collaboration", "encoded_jwt_token")):
        assert first[path[0]][path[1]] != second[path[0]][path[1]]
    assert first["updated_at"] == second["updated_at"]


def test_the_count_of_open_deals_follows_late_and_silently() -> None:
    browser = Browser(Switches(open_deals_count_late_s=600.0, deal_moves_parents=False))
    account = browser.store.create("sales_accounts", name="X")
    browser.store.create("deals", name="D", amount=100, sales_account_id=account)
    before = browser.emulator.served("sales_accounts", account)
    browser.clock.advance(600)
    after = browser.emulator.served("sales_accounts", account)
    assert [before["open_deals_count"], after["open_deals_count"]] == [0, 1]
    assert before["open_deals_amount"] == after["open_deals_amount"] == "100.0"
    assert before["updated_at"] == after["updated_at"]


def test_counters_follow_the_deals() -> None:
    browser = Browser(Switches(open_deals_count_late_s=0.0))
    store = browser.store
    contact = store.create("contacts", last_name="X")
    deals = []
    for number in range(3):
        assert browser.emulator.served("contacts", contact)["open_deals_count"] == number
        deals.append(store.create("deals", name="D", amount=100, contact_ids=[contact]))
    store.move_stage(deals[0], stage_id(store, "Won"))
    store.update("deals", deals[0], amount="250.5")
    store.delete("deals", deals[1])
    row = browser.emulator.served("contacts", contact)
    assert (row["open_deals_amount"], row["open_deals_count"]) == ("100.0", 1)
    assert (row["won_deals_amount"], row["won_deals_count"]) == ("250.5", 1)
    store.update("deals", deals[2], contact_ids=[])
    assert browser.emulator.served("contacts", contact)["open_deals_count"] == 0


def test_records_in_the_bin_keep_the_time_they_went_in() -> None:
    browser = Browser(Switches(delete_moves_stamp=False))
    contact = browser.store.live("contacts")[0]["id"]
    browser.store.delete("contacts", contact)
    # Cutting a link rewrites the binned record; its 90 days go on.
    account = browser.store.record("contacts", contact)["sales_account_ids"]
    browser.clock.advance(60 * 86400)
    for each in account:
        browser.store.forget("sales_accounts", each)
    deleted_at = browser.store.tables["contacts"].deleted_at[contact]
    assert browser.clock.now() - deleted_at == timedelta(days=60)
