"""The columns of leads, an object of Classic accounts only.

A lead carries two objects of its own, `company` and `deal`, for the account and the deal it may become. Their
members are columns that begin with the object's name.

Source: a recording with every value masked, which shows the keys and not the types, and the schema of one
client; types are those of the same keys on contacts and deals.
"""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.groups import (
    ADDRESS,
    CONTACTED,
    PEOPLE_KEYS,
    RECORD,
    SEQUENCES,
    SOCIAL,
    WEB_FORMS,
)
from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    ONE_CLIENT,
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

LEAD_COLUMNS: tuple[Column, ...] = (
    record_id("The lead's number, the same for ever."),
    text("first_name", "First name."),
    text("last_name", "Last name."),
    text("display_name", "Name as the CRM shows it."),
    text("job_title", "Position in the company."),
    text("department", "Department."),
    text("email", "Main e-mail address; all of them are in `leads__emails`."),
    text("email_status", "Deliverability of the e-mail address."),
    text("work_number", "Telephone at work."),
    text("mobile_number", "Mobile telephone."),
    *ADDRESS,
    text("time_zone", "Time zone by its Rails name."),
    *SOCIAL,
    text("keyword", "Keyword of the campaign the lead came by."),
    text("medium", "Medium the lead came by."),
    integer("lead_score", "Score the CRM gives."),
    text("lead_quality", "Quality by score (`Cold`)."),
    boolean("do_not_disturb", "Whether the lead asked not to be called."),
    boolean("has_authority", "Whether the lead can decide."),
    integer("subscription_status", "State of the e-mail subscription, as a small number.", ONE_CLIENT),
    stamp("stage_updated_time", "When it entered its stage (UTC)."),
    stamp("last_seen", "Last visit to the website (UTC)."),
    *CONTACTED,
    *SEQUENCES,
    WEB_FORMS,
    *PEOPLE_KEYS,
    link("lead_stage_id", "Stage of the lead; comes with `include=lead_stage`."),
    link("lead_reason_id", "Why it was lost; comes with `include=lead_reason`.", ONE_CLIENT),
    link("lead_source_id", "Where it came from; comes with `include=source`.", CLIENTS),
    link("campaign_id", "Campaign; comes with `include=campaign`.", CLIENTS),
    link("territory_id", "Sales territory; comes with `include=territory`.", CLIENTS),
    link("company_id", "Number of the company's entry in the lead; no account."),
    text("company_name", "Name of the company."),
    text("company_address", "Street and number of the company."),
    text("company_city", "City of the company."),
    text("company_state", "State or province of the company."),
    text("company_zipcode", "Postal code of the company, as text."),
    text("company_country", "Country of the company."),
    text("company_phone", "Telephone of the company."),
    text("company_website", "Address of the company's website; never fetched."),
    integer("company_number_of_employees", "Number of employees."),
    decimal("company_annual_revenue", "Yearly revenue."),
    link("company_industry_type_id", "Industry of the company."),
    link("company_business_type_id", "Kind of business of the company."),
    link("deal_id", "Number of the deal's entry in the lead; no deal."),
    text("deal_name", "Name of the deal the lead may become."),
    decimal("deal_amount", "Its value in its currency."),
    decimal("deal_base_currency_amount", "Its value in the account's base currency."),
    day("deal_expected_close", "Day it should close."),
    link("deal_currency_id", "Currency of `deal_amount`."),
    link("deal_product_id", "Product of the simple product list.", key="deal_deal_product_id"),
    *RECORD,
    updated_at(),
)
