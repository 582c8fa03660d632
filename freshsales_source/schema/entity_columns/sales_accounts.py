"""The columns of accounts."""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.groups import (
    ADDRESS,
    CONTACTED,
    DEAL_SUMS,
    PEOPLE_KEYS,
    RECORD,
    SEQUENCES,
    SOCIAL,
    WEB_FORMS,
)
from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    GUESS,
    LISTED,
    day,
    decimal,
    integer,
    link,
    record_id,
    text,
    updated_at,
)

ACCOUNT_COLUMNS: tuple[Column, ...] = (
    record_id("The account's number, the same for ever."),
    text("name", "Name of the company."),
    *ADDRESS,
    text("phone", "Telephone."),
    text("website", "Address of the website; never fetched."),
    *SOCIAL,
    integer("number_of_employees", "Number of employees."),
    decimal("annual_revenue", "Yearly revenue: a number, not text, on the wire."),
    text("description", "Free text about the company.", LISTED),
    text("note", "Free text.", LISTED),
    text(
        "health_score", "Health of the relation; null in every row of the one account that lists it.", LISTED
    ),
    text("account_tier", "Tier of the account.", LISTED),
    day("renewal_date", "Date of the next renewal; text in the one account that lists it.", GUESS),
    *DEAL_SUMS,
    *CONTACTED,
    *SEQUENCES,
    WEB_FORMS,
    *PEOPLE_KEYS,
    link("parent_sales_account_id", "The company it belongs to."),
    link("industry_type_id", "Industry; comes with `include=industry_type`.", LISTED),
    link("business_type_id", "Kind of business; comes with `include=business_type`.", LISTED),
    link("territory_id", "Sales territory; comes with `include=territory`.", CLIENTS),
    *RECORD,
    updated_at(),
)
