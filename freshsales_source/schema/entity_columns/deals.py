"""The columns of deals and of the products attached to them."""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.groups import PEOPLE_KEYS, RECORD, SEQUENCES
from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    GUESS,
    LISTED,
    ONE_CLIENT,
    boolean,
    day,
    decimal,
    integer,
    json_text,
    link,
    record_id,
    stamp,
    text,
    updated_at,
)

DEAL_COLUMNS: tuple[Column, ...] = (
    record_id("The deal's number, the same for ever."),
    text("name", "Name of the deal."),
    decimal("amount", "Value in the deal's currency: text on the wire."),
    decimal("base_currency_amount", "Value in the account's base currency: text on the wire."),
    decimal("expected_deal_value", "Amount times probability: text on the wire."),
    integer("probability", "Chance of winning in percent."),
    day("expected_close", "Day it should close, as entered."),
    day("closed_date", "Day it closed; people can edit it, and it may lie before the creation."),
    stamp("stage_updated_time", "When it entered its stage (UTC)."),
    integer(
        "age", "Days since the creation, counted when read; negative when closed before.", is_volatile=True
    ),
    integer("rotten_days", "Days beyond the pipeline's patience, counted when read.", is_volatile=True),
    integer("forecast_category", "Forecast category, as a small number."),
    integer("deal_prediction", "Prediction of the CRM, as a small number."),
    integer("last_deal_prediction", "Prediction before the present one.", LISTED),
    stamp("deal_prediction_last_updated_at", "When the prediction last changed (UTC)."),
    json_text("freddy_forecast_metrics", "Forecast figures of the CRM; only ever null in recordings."),
    json_text("deal_freddy_metrics", "The same on Classic accounts; only ever null in recordings."),
    boolean("has_products", "Whether products are attached.", LISTED),
    json_text("products", "Attached products, as sent; most of it is in `deals__products`.", LISTED),
    json_text(
        "deal_price_adjustments", "Discounts and surcharges, as sent; keys not recorded anywhere.", LISTED
    ),
    stamp("upcoming_activities_time", "Next planned activity (UTC)."),
    stamp("last_contacted_via_sales_activity", "Last logged sales activity (UTC)."),
    text("last_contacted_sales_activity_mode", "Kind of the last logged sales activity."),
    *SEQUENCES,
    link("web_form_id", "Web form it came through; only ever null in recordings.", GUESS),
    *PEOPLE_KEYS,
    link("sales_account_id", "The company; comes with `include=sales_account`.", LISTED),
    link("deal_pipeline_id", "Pipeline, in `deal_pipelines`; always sent."),
    link("deal_stage_id", "Stage, in `deal_stages`; always sent."),
    link("deal_type_id", "Type (new business, ...); comes with `include=deal_type`.", LISTED),
    link("deal_reason_id", "Why it was lost; comes with `include=deal_reason`.", LISTED),
    link("deal_payment_status_id", "State of payment; comes with `include=deal_payment_status`.", LISTED),
    link(
        "deal_product_id", "Product of the simple product list; comes with `include=deal_product`.", CLIENTS
    ),
    link("currency_id", "Currency of `amount`; comes with `include=currency`.", LISTED),
    link("lead_source_id", "Where it came from; comes with `include=source`.", CLIENTS),
    link("campaign_id", "Campaign; comes with `include=campaign`.", CLIENTS),
    link("territory_id", "Sales territory; not asked for, loaded where sent.", CLIENTS),
    *RECORD,
    updated_at(),
)

DEAL_PRODUCT_COLUMNS: tuple[Column, ...] = (
    link("association_id", "Number of the line: of this product in this deal.", ONE_CLIENT),
    link("product_id", "The product, in `products`.", ONE_CLIENT),
    text("name", "Name of the product.", ONE_CLIENT),
    text("category", "Category of the product.", ONE_CLIENT),
    decimal("quantity", "How many.", ONE_CLIENT),
    decimal("unit_price", "Price of one, in the line's currency.", ONE_CLIENT),
    decimal("setup_fee", "Fee paid once; its type is a guess.", GUESS),
    text("currency_code", "Currency of the prices, such as `USD`.", ONE_CLIENT),
    decimal("discount", "Discount, in the unit that `discount_type` tells.", ONE_CLIENT),
    integer("discount_type", "Kind of discount, as a small number.", ONE_CLIENT),
    integer("pricing_type", "Kind of pricing, as a small number.", ONE_CLIENT),
    text("billing_type", "How it is billed, as sent; its type is a guess.", GUESS),
    text("billing_cycle", "How often it is billed, as sent; its type is a guess.", GUESS),
    link("owner_id", "User who owns the product; its type is a guess.", GUESS),
)
"""The keys of one client's model of a deal; no recorded answer has a line."""
