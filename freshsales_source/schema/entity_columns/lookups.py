"""The columns of the lookups, which the API calls selectors."""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    GUESS,
    LISTED,
    boolean,
    decimal,
    integer,
    json_text,
    link,
    record_id,
    stamp,
    text,
)

OWNER_COLUMNS: tuple[Column, ...] = (
    record_id("The user's number."),
    text("display_name", "Name as the CRM shows it."),
    text("email", "E-mail address."),
    boolean("is_active", "Whether the user can sign in."),
    text("work_number", "Telephone at work."),
    text("mobile_number", "Mobile telephone."),
    text("avatar", "Address of the picture; never fetched."),
    text("type", "Kind of user (`FdMultitenant::User`); seen in side-loaded users."),
)

PIPELINE_COLUMNS: tuple[Column, ...] = (
    record_id("The pipeline's number."),
    text("name", "Name of the pipeline.", LISTED),
    integer("position", "Place in the CRM's list.", LISTED),
    boolean(
        "is_default",
        "Whether new deals start here; called `default` by some.",
        LISTED,
        other_keys=("default",),
    ),
    integer("rotting_days", "Days in a stage after which a deal is called rotten.", LISTED),
    json_text("configs", "Which fields the board shows, as sent.", LISTED),
    text("aggregated_field", "The field the board sums up.", LISTED),
)

STAGE_COLUMNS: tuple[Column, ...] = (
    record_id("The stage's number."),
    text("name", "Name of the stage.", LISTED),
    integer("position", "Place within the pipeline.", LISTED),
    text("forecast_type", "`Open`, `Closed Won` or `Closed Lost`.", LISTED),
    link("deal_pipeline_id", "The pipeline it belongs to.", LISTED),
    integer("choice_type", "1 open, 2 won, 3 lost (from its values beside forecast_type).", GUESS),
    integer("probability", "Chance of winning in percent, given to deals that enter.", LISTED),
    stamp("updated_at", "Last change of the stage (UTC); the only selector with a stamp.", LISTED),
)

NAME_COLUMNS: tuple[Column, ...] = (
    record_id("The entry's number."),
    text("name", "Its name.", LISTED),
    integer("position", "Place in the CRM's list.", LISTED),
)
"""What most selectors answer; what others have beside it follows."""

CURRENCY_COLUMNS: tuple[Column, ...] = (
    record_id("The currency's number."),
    text("currency_code", "Its code, such as `USD`.", LISTED),
    decimal("exchange_rate", "Rate to the base currency, which way is not told: text on the wire.", LISTED),
    integer("currency_type", "Kind of currency, as a small number.", LISTED),
    boolean("is_active", "Whether it can be used.", LISTED),
    json_text("schedule_info", "When its rate is fetched anew, as sent; null in recordings."),
)

TERRITORY_COLUMNS: tuple[Column, ...] = (
    *NAME_COLUMNS,
    link("parent_territory_id", "The territory it is a part of.", LISTED),
    link("tree_id", "The tree of territories it stands in; null in recordings.", LISTED),
    link("level_id", "Its level in the tree; null in recordings.", LISTED),
)

CONTACT_STATUS_COLUMNS: tuple[Column, ...] = (
    *NAME_COLUMNS,
    text("forecast_type", "`Open` and its like.", LISTED),
    link("lifecycle_stage_id", "The lifecycle stage it belongs to.", LISTED),
)

LIFECYCLE_STAGE_COLUMNS: tuple[Column, ...] = (
    *NAME_COLUMNS,
    boolean("is_default", "Whether the CRM made it; the API's key is `default`.", CLIENTS, key="default"),
    boolean("disabled", "Whether it is switched off.", CLIENTS),
    text("type", "Kind of stage (`Lead`).", CLIENTS),
    json_text("contact_status_ids", "Numbers of its statuses, as sent; each status points back.", CLIENTS),
)

ACTIVITY_TYPE_COLUMNS: tuple[Column, ...] = (
    *NAME_COLUMNS,
    text("internal_name", "Its name in the API (`phone`).", CLIENTS),
    boolean("show_in_conversation", "Whether it appears among the conversations.", CLIENTS),
    boolean("is_default", "Whether the CRM made it.", CLIENTS),
    boolean("is_checkedin", "Whether one checks in.", CLIENTS),
    boolean("is_checkedin_mandatory", "Whether one must check in.", LISTED),
    boolean("is_outcome_mandatory", "Whether it needs an outcome.", LISTED),
)

_ACTIVITY_TYPE = link("sales_activity_type_id", "The kind of activity it belongs to.", CLIENTS)

ACTIVITY_OUTCOME_COLUMNS: tuple[Column, ...] = (*NAME_COLUMNS, _ACTIVITY_TYPE)

ACTIVITY_ENTITY_TYPE_COLUMNS: tuple[Column, ...] = (*NAME_COLUMNS, _ACTIVITY_TYPE)
