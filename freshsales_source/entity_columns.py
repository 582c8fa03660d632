"""The columns of each entity, typed: every key seen in the records of an object, what it means, and how sure
that is.

Types follow the wire: money arrives as text (`"7700.0"`) and is a decimal; `created_at` and its like are
stamps with the account's offset; `expected_close` and `closed_date` are dates. Where a key was only ever
null, its type is a guess marked ASSUMED: a value that does not fit the guess is kept as text in
`<column>__raw` and counted, so a wrong guess loses nothing.

Volatile (`is_volatile`): seen to change at an unchanged `updated_at` (`age`, `rotten_days`,
`open_deals_count` in recorded pairs of April and November 2023), or a counter of the same kind
(`won_deals_count`, assumed).
"""

from __future__ import annotations

from freshsales_source.columns import Column, ColumnType, Confidence

_SEEN = Confidence.RECORDED
_LISTED = Confidence.COLUMN_LIST
_CLIENTS = Confidence.SEVERAL_CLIENTS
_GUESS = Confidence.ASSUMED


def one_column(type_: ColumnType, description: str, confidence: Confidence) -> Column:
    """The single column, `value`, of a child table made from a list of plain values."""
    return Column(name="value", type=type_, description=description, confidence=confidence)


def _id(name: str, description: str, confidence: Confidence = _SEEN) -> Column:
    return Column(name=name, type=ColumnType.ID, description=description, confidence=confidence)


def _text(
    name: str, description: str, confidence: Confidence = _SEEN, *, other_keys: tuple[str, ...] = ()
) -> Column:
    return Column(
        name=name, type=ColumnType.TEXT, description=description, confidence=confidence, other_keys=other_keys
    )


def _integer(
    name: str, description: str, confidence: Confidence = _SEEN, *, is_volatile: bool = False
) -> Column:
    return Column(
        name=name,
        type=ColumnType.INTEGER,
        description=description,
        confidence=confidence,
        is_volatile=is_volatile,
    )


def _money(name: str, description: str, confidence: Confidence = _SEEN) -> Column:
    return Column(name=name, type=ColumnType.DECIMAL, description=description, confidence=confidence)


def _boolean(
    name: str, description: str, confidence: Confidence = _SEEN, *, other_keys: tuple[str, ...] = ()
) -> Column:
    return Column(
        name=name,
        type=ColumnType.BOOLEAN,
        description=description,
        confidence=confidence,
        other_keys=other_keys,
    )


def _stamp(name: str, description: str, confidence: Confidence = _SEEN) -> Column:
    return Column(name=name, type=ColumnType.TIMESTAMP, description=description, confidence=confidence)


def _date(name: str, description: str, confidence: Confidence = _SEEN) -> Column:
    return Column(name=name, type=ColumnType.DATE, description=description, confidence=confidence)


def _json(name: str, description: str, confidence: Confidence = _GUESS) -> Column:
    return Column(name=name, type=ColumnType.JSON, description=description, confidence=confidence)


def _key(description: str) -> Column:
    return Column(
        name="id",
        type=ColumnType.ID,
        description=description,
        confidence=Confidence.RECORDED,
        is_nullable=False,
    )


def _updated_at() -> Column:
    return Column(
        name="updated_at",
        type=ColumnType.TIMESTAMP,
        description="Last change the CRM stamped (UTC); counters and merges may move without it.",
        confidence=Confidence.RECORDED,
        is_nullable=False,
    )


_ADDRESS = (
    _text("address", "Street and number."),
    _text("city", "City."),
    _text("state", "State or province."),
    _text("zipcode", "Postal code, as text."),
    _text("country", "Country, as written in the CRM."),
)

_SOCIAL = (
    _text("facebook", "Facebook name or id."),
    _text("twitter", "Twitter name."),
    _text("linkedin", "LinkedIn name."),
)

_DEAL_SUMS = (
    _money("open_deals_amount", "Sum of the open deals, in the account's base currency."),
    _integer(
        "open_deals_count", "Number of open deals; follows late and without a new stamp.", is_volatile=True
    ),
    _money("won_deals_amount", "Sum of the won deals, in the account's base currency."),
    _integer(
        "won_deals_count", "Number of won deals; a counter like the one of open deals.", is_volatile=True
    ),
)

_CONTACTED = (
    _stamp("last_contacted", "Last contact by any channel (UTC)."),
    _text(
        "last_contacted_mode",
        "Channel of the last contact; the CRM renames these labels without a new stamp.",
    ),
    _stamp("last_contacted_via_sales_activity", "Last logged sales activity (UTC)."),
    _text("last_contacted_sales_activity_mode", "Kind of the last logged sales activity."),
    _stamp("last_contacted_via_chat", "Last chat (UTC); only ever null in Classic recordings.", _GUESS),
)

_SEQUENCES = (
    _json("completed_sales_sequences", "Sales sequences finished; only ever null in recordings."),
    _json("active_sales_sequences", "Sales sequences running; only ever null in recordings."),
)

_WEB_FORMS = _json("web_form_ids", "Web forms the record came through; only ever null in recordings.")

_RECORD = (
    _text("avatar", "Address of the picture; never fetched."),
    _text("recent_note", "Text of the latest note."),
    _stamp("last_assigned_at", "When the record last got an owner (UTC)."),
    _text("record_type_id", "Record type; null in every row of the one account that lists it.", _LISTED),
    _stamp("created_at", "Creation (UTC); a merge may move it back to the oldest of the merged."),
)

_PEOPLE_KEYS = (
    _id("owner_id", "User who owns the record, in `owners`; comes with `include=owner`."),
    _id("creater_id", "User who created it; comes with `include=creater`.", _CLIENTS),
    _id("updater_id", "User who changed it last; comes with `include=updater`.", _CLIENTS),
)

CONTACT_COLUMNS: tuple[Column, ...] = (
    _key("The contact's number, the same for ever."),
    _text("first_name", "First name."),
    _text("last_name", "Last name."),
    _text("display_name", "Name as the CRM shows it."),
    _text("job_title", "Position in the company."),
    _text("department", "Department; Classic accounts.", _GUESS),
    _text("email", "Main e-mail address; all of them are in `contacts__emails`."),
    _text("work_email", "E-mail address at work; only ever null in recordings.", _GUESS),
    _text("email_status", "Deliverability of the e-mail address; Classic accounts.", _GUESS),
    _text("work_number", "Telephone at work."),
    _text("mobile_number", "Mobile telephone."),
    *_ADDRESS,
    _text("time_zone", "Time zone by its Rails name."),
    _text("locale", "Language and region; only ever null in recordings.", _GUESS),
    *_SOCIAL,
    _text("external_id", "Id of the contact in another system.", _GUESS),
    _id("mcr_id", "Number of the contact in the vendor's shared contact store; above 2^53."),
    _text("description", "Free text about the contact.", _LISTED),
    _text("keyword", "Keyword of the campaign the contact came by."),
    _text("medium", "Medium the contact came by."),
    _text("first_campaign", "Campaign of the first visit.", _GUESS),
    _text("first_medium", "Medium of the first visit.", _GUESS),
    _text("first_source", "Source of the first visit.", _GUESS),
    _text("last_campaign", "Campaign of the last visit.", _GUESS),
    _text("last_medium", "Medium of the last visit.", _GUESS),
    _text("last_source", "Source of the last visit.", _GUESS),
    _text("latest_campaign", "Campaign of the latest visit.", _GUESS),
    _text("latest_medium", "Medium of the latest visit.", _GUESS),
    _text("latest_source", "Source of the latest visit.", _GUESS),
    _integer("lead_score", "Score the CRM gives."),
    _text("lead_quality", "Quality by score (`Cold`); Classic accounts."),
    _integer("customer_fit", "Fit by the CRM's prediction, as a small number."),
    _boolean("do_not_disturb", "Whether the contact asked not to be called; Classic accounts."),
    _boolean("has_authority", "Whether the contact can decide; Classic accounts."),
    _integer("subscription_status", "State of the e-mail subscription, as a small number."),
    _text("subscription_types", "Numbers of the subscribed topics, joined by `;`."),
    _text("unsubscription_reason", "Why the contact unsubscribed.", _GUESS),
    _text("other_unsubscription_reason", "The reason in the contact's own words.", _GUESS),
    _integer("whatsapp_subscription_status", "State of the WhatsApp subscription, as a small number."),
    _integer("sms_subscription_status", "State of the SMS subscription, as a small number."),
    _text("amb_subscription_status", "State of the Apple Messages subscription.", _LISTED),
    _stamp("last_seen", "Last visit to the website (UTC); only ever null in recordings.", _GUESS),
    _stamp("first_seen_chat", "First chat visit (UTC); only ever null in recordings.", _GUESS),
    _stamp("last_seen_chat", "Last chat visit (UTC); only ever null in recordings.", _GUESS),
    _integer("total_sessions", "Visits counted; only ever null in recordings.", _GUESS),
    *_DEAL_SUMS,
    *_CONTACTED,
    *_SEQUENCES,
    _WEB_FORMS,
    *_PEOPLE_KEYS,
    _id("sales_account_id", "Main account; all of them are in `contacts__sales_accounts`.", _LISTED),
    _id(
        "contact_status_id",
        "Status within its lifecycle stage; comes with `include=contact_status`.",
        _CLIENTS,
    ),
    _id(
        "lifecycle_stage_id",
        "Lifecycle stage; the status leads to it where the API does not send it.",
        _CLIENTS,
    ),
    _id("lead_source_id", "Where the contact came from; comes with `include=source`.", _CLIENTS),
    _id("campaign_id", "Campaign; comes with `include=campaign`.", _CLIENTS),
    _id("territory_id", "Sales territory; comes with `include=territory`.", _CLIENTS),
    *_RECORD,
    _updated_at(),
)

EMAIL_COLUMNS: tuple[Column, ...] = (
    _id("id", "Number of the address."),
    _text("value", "The address."),
    _boolean("is_primary", "Whether it is the contact's main address."),
    _text("label", "Label such as `work`; null in recordings."),
)

PHONE_NUMBER_COLUMNS: tuple[Column, ...] = (
    _id("id", "Number of the entry.", Confidence.DOCUMENTED),
    _text("value", "The telephone number.", Confidence.DOCUMENTED),
    _boolean("is_primary", "Whether it is the main number; not in every account.", _GUESS),
    _text("label", "Label such as `home`.", Confidence.DOCUMENTED),
)

ACCOUNT_COLUMNS: tuple[Column, ...] = (
    _key("The account's number, the same for ever."),
    _text("name", "Name of the company."),
    *_ADDRESS,
    _text("phone", "Telephone."),
    _text("website", "Address of the website; never fetched."),
    *_SOCIAL,
    _integer("number_of_employees", "Number of employees."),
    _money("annual_revenue", "Yearly revenue: a number, not text, on the wire."),
    _text("description", "Free text about the company.", _LISTED),
    _text("note", "Free text.", _LISTED),
    _text(
        "health_score", "Health of the relation; null in every row of the one account that lists it.", _LISTED
    ),
    _text("account_tier", "Tier of the account.", _LISTED),
    _date("renewal_date", "Date of the next renewal; text in the one account that lists it.", _GUESS),
    *_DEAL_SUMS,
    *_CONTACTED,
    *_SEQUENCES,
    _WEB_FORMS,
    *_PEOPLE_KEYS,
    _id("parent_sales_account_id", "The company it belongs to."),
    _id("industry_type_id", "Industry; comes with `include=industry_type`.", _LISTED),
    _id("business_type_id", "Kind of business; comes with `include=business_type`.", _LISTED),
    _id("territory_id", "Sales territory; comes with `include=territory`.", _CLIENTS),
    *_RECORD,
    _updated_at(),
)

DEAL_COLUMNS: tuple[Column, ...] = (
    _key("The deal's number, the same for ever."),
    _text("name", "Name of the deal."),
    _money("amount", "Value in the deal's currency: text on the wire."),
    _money("base_currency_amount", "Value in the account's base currency: text on the wire."),
    _money("expected_deal_value", "Amount times probability: text on the wire."),
    _integer("probability", "Chance of winning in percent."),
    _date("expected_close", "Day it should close, as entered."),
    _date("closed_date", "Day it closed; people can edit it, and it may lie before the creation."),
    _stamp("stage_updated_time", "When it entered its stage (UTC)."),
    _integer(
        "age", "Days since the creation, counted when read; negative when closed before.", is_volatile=True
    ),
    _integer("rotten_days", "Days beyond the pipeline's patience, counted when read.", is_volatile=True),
    _integer("forecast_category", "Forecast category, as a small number."),
    _integer("deal_prediction", "Prediction of the CRM, as a small number."),
    _integer("last_deal_prediction", "Prediction before the present one.", _LISTED),
    _stamp("deal_prediction_last_updated_at", "When the prediction last changed (UTC)."),
    _json("freddy_forecast_metrics", "Forecast figures of the CRM; only ever null in recordings."),
    _json("deal_freddy_metrics", "The same on Classic accounts; only ever null in recordings."),
    _boolean("has_products", "Whether products are attached.", _LISTED),
    _json("products", "Attached products, as sent; their keys are not recorded anywhere.", _LISTED),
    _json(
        "deal_price_adjustments", "Discounts and surcharges, as sent; keys not recorded anywhere.", _LISTED
    ),
    _stamp("upcoming_activities_time", "Next planned activity (UTC)."),
    _stamp("last_contacted_via_sales_activity", "Last logged sales activity (UTC)."),
    _text("last_contacted_sales_activity_mode", "Kind of the last logged sales activity."),
    *_SEQUENCES,
    _id("web_form_id", "Web form it came through; only ever null in recordings.", _GUESS),
    *_PEOPLE_KEYS,
    _id("sales_account_id", "The company; comes with `include=sales_account`.", _LISTED),
    _id("deal_pipeline_id", "Pipeline, in `deal_pipelines`; always sent."),
    _id("deal_stage_id", "Stage, in `deal_stages`; always sent."),
    _id("deal_type_id", "Type (new business, ...); comes with `include=deal_type`.", _LISTED),
    _id("deal_reason_id", "Why it was lost; comes with `include=deal_reason`.", _LISTED),
    _id("deal_payment_status_id", "State of payment; comes with `include=deal_payment_status`.", _LISTED),
    _id(
        "deal_product_id", "Product of the simple product list; comes with `include=deal_product`.", _CLIENTS
    ),
    _id("currency_id", "Currency of `amount`; comes with `include=currency`.", _LISTED),
    _id("lead_source_id", "Where it came from; comes with `include=source`.", _CLIENTS),
    _id("campaign_id", "Campaign; comes with `include=campaign`.", _CLIENTS),
    _id("territory_id", "Sales territory; not asked for, loaded where sent.", _CLIENTS),
    *_RECORD,
    _updated_at(),
)

OWNER_COLUMNS: tuple[Column, ...] = (
    _key("The user's number."),
    _text("display_name", "Name as the CRM shows it."),
    _text("email", "E-mail address."),
    _boolean("is_active", "Whether the user can sign in."),
    _text("work_number", "Telephone at work."),
    _text("mobile_number", "Mobile telephone."),
    _text("avatar", "Address of the picture; never fetched."),
    _text("type", "Kind of user (`FdMultitenant::User`); seen in side-loaded users."),
)

PIPELINE_COLUMNS: tuple[Column, ...] = (
    _key("The pipeline's number."),
    _text("name", "Name of the pipeline.", _LISTED),
    _integer("position", "Place in the CRM's list.", _LISTED),
    _boolean(
        "is_default",
        "Whether new deals start here; called `default` by some.",
        _LISTED,
        other_keys=("default",),
    ),
    _integer("rotting_days", "Days in a stage after which a deal is called rotten.", _LISTED),
    _json("configs", "Which fields the board shows, as sent.", _LISTED),
    _text("aggregated_field", "The field the board sums up.", _LISTED),
)

STAGE_COLUMNS: tuple[Column, ...] = (
    _key("The stage's number."),
    _text("name", "Name of the stage.", _LISTED),
    _integer("position", "Place within the pipeline.", _LISTED),
    _text("forecast_type", "`Open`, `Closed Won` or `Closed Lost`.", _LISTED),
    _id("deal_pipeline_id", "The pipeline it belongs to.", _LISTED),
    _integer("choice_type", "1 open, 2 won, 3 lost (from its values beside forecast_type).", _GUESS),
    _integer("probability", "Chance of winning in percent, given to deals that enter.", _LISTED),
    _stamp("updated_at", "Last change of the stage (UTC); the only selector with a stamp.", _LISTED),
)
