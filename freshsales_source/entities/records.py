"""Contacts, accounts, deals and leads: the records that live in saved views."""

from __future__ import annotations

from freshsales_source.entities.dropped import PARTIAL, VOLATILE, only_in_single_records, side_loads
from freshsales_source.entities.lists import EMAILS, PHONE_NUMBERS, TAGS, TEAM_USERS, text_list
from freshsales_source.schema.columns import Bridge, Child, Column, ColumnType, Confidence, Dropped
from freshsales_source.schema.entity_columns.contacts import CONTACT_COLUMNS
from freshsales_source.schema.entity_columns.deals import DEAL_COLUMNS, DEAL_PRODUCT_COLUMNS
from freshsales_source.schema.entity_columns.leads import LEAD_COLUMNS
from freshsales_source.schema.entity_columns.sales_accounts import ACCOUNT_COLUMNS
from freshsales_source.schema.entity_types import Entity, Pipelines, Views

PEOPLE = (("owner_id", "owners"), ("creater_id", "owners"), ("updater_id", "owners"))
"""What the columns of people point to, on every object that has them."""

ORIGIN = (
    ("lead_source_id", "lead_sources"),
    ("campaign_id", "campaigns"),
    ("territory_id", "territories"),
)
"""What the columns point to that tell where a contact, deal or lead came from and whose it is."""

CONTACTS = Entity(
    name="contacts",
    singular="contact",
    path="/contacts",
    description="People: one row per contact, live or deleted.",
    # `lifecycle_stage` is in no list of includes that was seen to work; the status row leads to its stage.
    read=Views(
        live=("All Contacts",),
        include=(
            "owner",
            "sales_accounts",
            "contact_status",
            "source",
            "campaign",
            "territory",
            "creater",
            "updater",
        ),
    ),
    columns=CONTACT_COLUMNS,
    children=(
        EMAILS,
        PHONE_NUMBERS,
        TAGS,
        text_list("system_tags", "Tags set by the CRM itself.", Confidence.RECORDED),
        TEAM_USERS,
    ),
    bridges=(
        Bridge(
            name="sales_accounts",
            columns=(
                Column(
                    name="sales_account_id",
                    key="id",
                    type=ColumnType.ID,
                    description="The account the contact belongs to.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
                Column(
                    name="is_primary",
                    type=ColumnType.BOOLEAN,
                    description="Whether it is the contact's main account.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
            ),
            description="Which contact belongs to which account; needs `include=sales_accounts`.",
            confidence=Confidence.SEVERAL_CLIENTS,
            references=(("sales_account_id", "sales_accounts"),),
            dropped=(
                PARTIAL,
                *side_loads(
                    "name",
                    "avatar",
                    "website",
                    "last_contacted",
                    "open_deals_amount",
                    "open_deals_count",
                    "won_deals_amount",
                    "won_deals_count",
                ),
            ),
        ),
    ),
    dropped=(
        *VOLATILE,
        *only_in_single_records(),
        *side_loads(
            "owner",
            "creater",
            "updater",
            "contact_status",
            "sales_account",
            "campaign",
            "source",
            "territory",
        ),
        *side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *side_loads("deals", "deal_ids", "sales_activities", "sales_activity_ids", "list_ids"),
    ),
    references=(
        *PEOPLE,
        ("sales_account_id", "sales_accounts"),
        ("contact_status_id", "contact_statuses"),
        ("lifecycle_stage_id", "lifecycle_stages"),
        *ORIGIN,
    ),
    cursor="updated_at",
    settings="contacts",
    has_custom_fields=True,
)

SALES_ACCOUNTS = Entity(
    name="sales_accounts",
    singular="sales_account",
    path="/sales_accounts",
    description="Companies: one row per account, live or deleted.",
    read=Views(
        live=("All Accounts",), include=("industry_type", "business_type", "territory", "creater", "updater")
    ),
    columns=ACCOUNT_COLUMNS,
    children=(
        TAGS,
        text_list("domains", "Internet domains of the company.", Confidence.COLUMN_LIST),
        TEAM_USERS,
    ),
    dropped=(
        *VOLATILE,
        *only_in_single_records(),
        *side_loads("owner", "creater", "updater", "industry_type", "business_type", "territory"),
        *side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *side_loads("contacts", "contact_ids", "deals", "deal_ids", "sales_activities", "sales_activity_ids"),
        *side_loads("child_sales_accounts", "child_sales_account_ids"),
    ),
    references=(
        *PEOPLE,
        ("parent_sales_account_id", "sales_accounts"),
        ("industry_type_id", "industry_types"),
        ("business_type_id", "business_types"),
        ("territory_id", "territories"),
    ),
    cursor="updated_at",
    settings="sales_accounts",
    has_custom_fields=True,
)

DEALS = Entity(
    name="deals",
    singular="deal",
    path="/deals",
    description="Deals of every status and pipeline: one row per deal, live or deleted.",
    # There is no "All Deals" view (documented, several clients). These three may show the default pipeline
    # only (one client).
    read=Views(
        live=("Open Deals", "Won Deals", "Lost Deals"),
        include=(
            "owner",
            "sales_account",
            "contacts",
            "deal_type",
            "deal_reason",
            "deal_payment_status",
            "deal_product",
            "source",
            "campaign",
            "currency",
            "creater",
            "updater",
        ),
        pipelines=Pipelines(
            path="/selector/deal_pipelines",
            envelope="deal_pipelines",
            column="deal_pipeline_id",
            # The first two are always there (seen in recorded rows), the others where they are included. Thin
            # rows of the search have none of them (five clients).
            whole=frozenset(
                {
                    "deal_pipeline_id",
                    "deal_stage_id",
                    "custom_field",
                    "owner_id",
                    "sales_account_id",
                    "contact_ids",
                    "deal_type_id",
                    "deal_reason_id",
                    "lead_source_id",
                    "currency_id",
                    "creater_id",
                    "updater_id",
                }
            ),
        ),
    ),
    columns=DEAL_COLUMNS,
    children=(
        TAGS,
        TEAM_USERS,
        Child(
            name="products",
            columns=DEAL_PRODUCT_COLUMNS,
            description="Products attached to a deal, with quantity and price; newer accounts, no include.",
            confidence=Confidence.ONE_CLIENT,
            dropped=(
                Dropped(key="deal_id", reason="The deal itself."),
                Dropped(key="_id", reason="A number of the line in the API's own store (one client)."),
                Dropped(key="avatar", reason="Of the product, read in full from its own table."),
                Dropped(key="adjustments", reason="A list of unrecorded shape, kept in `deals.products`."),
            ),
            references=(("product_id", "products"), ("owner_id", "owners")),
        ),
    ),
    bridges=(
        Bridge(
            name="contacts",
            key="contact_ids",
            columns=(
                Column(
                    name="contact_id",
                    key="value",
                    type=ColumnType.ID,
                    description="A contact who takes part in the deal.",
                    confidence=Confidence.SEVERAL_CLIENTS,
                ),
            ),
            is_plain=True,
            description="Which contact takes part in which deal; needs `include=contacts`.",
            confidence=Confidence.SEVERAL_CLIENTS,
            references=(("contact_id", "contacts"),),
        ),
    ),
    dropped=(
        *VOLATILE,
        *side_loads(
            "owner", "creater", "updater", "sales_account", "contacts", "deal_stage", "deal_pipeline"
        ),
        *side_loads("deal_type", "deal_reason", "deal_payment_status", "deal_product", "currency"),
        *side_loads("source", "campaign", "territory"),
        *side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *side_loads("sales_activities", "sales_activity_ids"),
    ),
    references=(
        *PEOPLE,
        ("sales_account_id", "sales_accounts"),
        ("deal_pipeline_id", "deal_pipelines"),
        ("deal_stage_id", "deal_stages"),
        ("deal_type_id", "deal_types"),
        ("deal_reason_id", "deal_reasons"),
        ("deal_payment_status_id", "deal_payment_statuses"),
        ("deal_product_id", "deal_products"),
        ("currency_id", "currencies"),
        *ORIGIN,
    ),
    cursor="updated_at",
    settings="deals",
    has_custom_fields=True,
)

LEADS = Entity(
    name="leads",
    singular="lead",
    path="/leads",
    description="Leads of a Classic account; elsewhere they are contacts with a lifecycle stage.",
    # `/leads/filters` may be 404 on newer accounts (three clients). `owner` and `lead_stage` were seen to be
    # included (masked recording); the other includes are those that the same columns of contacts need.
    read=Views(
        live=("All Leads",),
        include=(
            "owner",
            "lead_stage",
            "lead_reason",
            "source",
            "campaign",
            "territory",
            "creater",
            "updater",
        ),
    ),
    columns=LEAD_COLUMNS,
    children=(EMAILS, PHONE_NUMBERS, TAGS, TEAM_USERS),
    dropped=(
        *VOLATILE,
        *side_loads("owner", "creater", "updater", "lead_stage", "lead_reason"),
        *side_loads("source", "campaign", "territory"),
        *side_loads("appointments", "appointment_ids", "tasks", "task_ids", "notes", "note_ids"),
        *side_loads("company_industry_type", "company_business_type"),
        *side_loads("deal_deal_product", "deal_currency"),
    ),
    objects=("company", "deal"),
    references=(
        *PEOPLE,
        *ORIGIN,
        ("company_industry_type_id", "industry_types"),
        ("company_business_type_id", "business_types"),
        ("deal_currency_id", "currencies"),
        ("deal_product_id", "deal_products"),
    ),
    cursor="updated_at",
    settings="leads",
    has_custom_fields=True,
    is_optional=True,
)
