"""A custom module of the generated company: contracts with its customers."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from freshsales_source.emulator.store import Store

CONTRACTS = "cm_contracts"
_IN_BIN = 2


def add_contracts(store: Store, now: datetime, start: datetime, seed: int, *, contracts: int) -> None:
    """Make the module with a field of each type, `contracts` live records and two in the bin."""
    dice = random.Random(seed)
    account = store.account
    store.add_module(CONTRACTS, "Contract", "Contracts")
    add = account.add_custom_field
    add(CONTRACTS, "cf_contract_id", "text")
    add(CONTRACTS, "cf_sign_date", "date")
    add(CONTRACTS, "cf_company", "auto_complete", looks_up="sales_accounts")
    add(CONTRACTS, "cf_products_in_contract", "multi_select_dropdown", choices=("Alpha", "Beta"))
    add(CONTRACTS, "cf_revenue", "number")
    add(CONTRACTS, "cf_bidding_required", "checkbox")
    firms = [record["id"] for record in store.live("sales_accounts")]
    owners = [row["id"] for row in account.selectors["owners"]]
    for n in range(contracts + _IN_BIN):
        created = start + timedelta(seconds=dice.randrange(1, int((now - start).total_seconds()) - 7_200))
        fields = {
            "name": f"C-{n + 1:04d}",
            "owner_id": dice.choice(owners),
            "cf_contract_id": f"C-{n + 1:04d}",
            "cf_sign_date": created.date(),
            "cf_company": dice.choice(firms) if firms else None,
            "cf_products_in_contract": dice.choice((None, "Alpha", "Alpha;Beta")),
            "cf_revenue": dice.choice((None, 1200.5, 90_000)),
            "cf_bidding_required": dice.choice((True, False)),
            "created_at": created,
            "updated_at": min(created + timedelta(days=dice.randrange(60)), now - timedelta(hours=1)),
        }
        store.load(CONTRACTS, fields, deleted_at=now - timedelta(minutes=30) if n >= contracts else None)
