"""The products attached to a deal: one line each, with quantity, price and discount.

Source: API notes 2.7: newer accounts send `has_products`, `products[]` and `deal_price_adjustments[]` without any
include (four clients); the keys of a line are those of one client's model, no response with a line was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def product_line(
    line_id: int,
    deal_id: int,
    product: Mapping[str, Any],
    *,
    quantity: float = 1,
    unit_price: float | None = None,
    discount: float | None = None,
    discount_type: int | None = None,
) -> dict[str, Any]:
    """Return one line as a deal holds it; without `unit_price` it is the first price of the product."""
    listed: Mapping[str, Any] = next(iter(product.get("product_pricings") or ()), {})
    return {
        "association_id": line_id,
        "_id": line_id + 1,
        "deal_id": deal_id,
        "product_id": product["id"],
        "name": product.get("name"),
        "category": product.get("category"),
        "avatar": product.get("avatar"),
        "quantity": quantity,
        "unit_price": listed.get("unit_price") if unit_price is None else unit_price,
        "setup_fee": listed.get("setup_fee"),
        "currency_code": listed.get("currency_code"),
        "discount": discount,
        "discount_type": discount_type,
        "pricing_type": product.get("pricing_type"),
        "billing_type": None,
        "billing_cycle": None,
        "owner_id": product.get("owner_id"),
        "adjustments": [],
    }
