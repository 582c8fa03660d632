"""Products and their prices, an object of accounts with CPQ (configure, price, quote)."""

from __future__ import annotations

from freshsales_source.entities.dropped import DESTROY, LINKS, PARTIAL, side_loads
from freshsales_source.entities.records import PEOPLE
from freshsales_source.schema.columns import Child, Confidence
from freshsales_source.schema.entity_columns.products import PRICING_COLUMNS, PRODUCT_COLUMNS
from freshsales_source.schema.entity_types import Entity, FlatList

PRODUCTS = Entity(
    name="products",
    singular="product",
    path="/cpq/products",
    description="Products that can be sold: one row per product.",
    # The list is not documented; three clients read it to its end, an empty page. No client sorts it, and no
    # list of its custom fields is known: they are told from the records.
    read=FlatList(include=("product_pricings",)),
    columns=PRODUCT_COLUMNS,
    children=(
        Child(
            name="pricings",
            key="product_pricings",
            columns=PRICING_COLUMNS,
            description="Prices of a product, one for each currency; needs `include=product_pricings`.",
            confidence=Confidence.DOCUMENTED,
            dropped=(DESTROY,),
        ),
    ),
    dropped=(LINKS, PARTIAL, *side_loads("owner", "creater", "updater", "territory")),
    references=(*PEOPLE, ("territory_id", "territories")),
    cursor="updated_at",
    has_custom_fields=True,
    is_optional=True,
)
