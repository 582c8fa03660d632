"""The columns of products and their prices. CPQ amounts are numbers on the wire, not texts (documented)."""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.words import (
    DOCUMENTED,
    GUESS,
    boolean,
    day,
    decimal,
    integer,
    link,
    record_id,
    stamp,
    text,
    updated_at,
)

PRODUCT_COLUMNS: tuple[Column, ...] = (
    record_id("The product's number, the same for ever.", DOCUMENTED),
    text("name", "Name of the product.", DOCUMENTED),
    text("category", "Category of the product.", DOCUMENTED),
    text("product_code", "Code of the product.", DOCUMENTED),
    text("sku_number", "Stock keeping number.", DOCUMENTED),
    text("description", "Free text about the product.", DOCUMENTED),
    text("parent_product", "Product it is a variant of, as sent; its type is a guess.", GUESS),
    boolean("is_active", "Whether it can be sold.", DOCUMENTED),
    day("valid_till", "Last day it can be sold; its type is a guess.", GUESS),
    integer("pricing_type", "Kind of pricing, as a small number.", DOCUMENTED),
    decimal("base_currency_amount", "Price in the account's base currency.", DOCUMENTED),
    text("avatar", "Address of the picture; never fetched.", DOCUMENTED),
    text("external_source_id", "Its number in another system, as sent; its type is a guess.", GUESS),
    link("owner_id", "User who owns it, in `owners`.", DOCUMENTED),
    link("creater_id", "User who created it.", DOCUMENTED),
    link("updater_id", "User who changed it last.", DOCUMENTED),
    link("territory_id", "Sales territory.", DOCUMENTED),
    stamp("created_at", "Creation (UTC).", DOCUMENTED),
    updated_at(DOCUMENTED),
)

PRICING_COLUMNS: tuple[Column, ...] = (
    link("id", "Number of the price.", DOCUMENTED),
    text("currency_code", "Currency, such as `USD`.", DOCUMENTED),
    decimal("unit_price", "Price of one, in that currency.", DOCUMENTED),
    decimal("setup_fee", "Fee paid once, in that currency.", DOCUMENTED),
    boolean("is_locked", "Whether the price may not be changed in a deal (assumed).", DOCUMENTED),
)
