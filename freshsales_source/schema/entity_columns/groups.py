"""Columns that several objects share, written once."""

from __future__ import annotations

from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    GUESS,
    LISTED,
    decimal,
    integer,
    json_text,
    link,
    stamp,
    text,
)

ADDRESS = (
    text("address", "Street and number."),
    text("city", "City."),
    text("state", "State or province."),
    text("zipcode", "Postal code, as text."),
    text("country", "Country, as written in the CRM."),
)

SOCIAL = (
    text("facebook", "Facebook name or id."),
    text("twitter", "Twitter name."),
    text("linkedin", "LinkedIn name."),
)

DEAL_SUMS = (
    decimal("open_deals_amount", "Sum of the open deals, in the account's base currency."),
    integer(
        "open_deals_count", "Number of open deals; follows late and without a new stamp.", is_volatile=True
    ),
    decimal("won_deals_amount", "Sum of the won deals, in the account's base currency."),
    integer(
        "won_deals_count", "Number of won deals; a counter like the one of open deals.", is_volatile=True
    ),
)

CONTACTED = (
    stamp("last_contacted", "Last contact by any channel (UTC)."),
    text(
        "last_contacted_mode",
        "Channel of the last contact; the CRM renames these labels without a new stamp.",
    ),
    stamp("last_contacted_via_sales_activity", "Last logged sales activity (UTC)."),
    text("last_contacted_sales_activity_mode", "Kind of the last logged sales activity."),
    stamp("last_contacted_via_chat", "Last chat (UTC); only ever null in Classic recordings.", GUESS),
)

SEQUENCES = (
    json_text("completed_sales_sequences", "Sales sequences finished; only ever null in recordings."),
    json_text("active_sales_sequences", "Sales sequences running; only ever null in recordings."),
)

WEB_FORMS = json_text("web_form_ids", "Web forms the record came through; only ever null in recordings.")

RECORD = (
    text("avatar", "Address of the picture; never fetched."),
    text("recent_note", "Text of the latest note."),
    stamp("last_assigned_at", "When the record last got an owner (UTC)."),
    text("record_type_id", "Record type; null in every row of the one account that lists it.", LISTED),
    stamp("created_at", "Creation (UTC); a merge may move it back to the oldest of the merged."),
)

PEOPLE_KEYS = (
    link("owner_id", "User who owns the record, in `owners`; comes with `include=owner`."),
    link("creater_id", "User who created it; comes with `include=creater`.", CLIENTS),
    link("updater_id", "User who changed it last; comes with `include=updater`.", CLIENTS),
)
