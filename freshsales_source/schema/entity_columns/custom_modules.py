"""The columns of custom modules: of their directory, and of the records of each."""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.words import (
    DOCUMENTED,
    GUESS,
    LISTED,
    boolean,
    integer,
    json_text,
    link,
    record_id,
    stamp,
    text,
    updated_at,
)

DIRECTORY_COLUMNS: tuple[Column, ...] = (
    record_id("Number of the module, the same for ever.", DOCUMENTED),
    text("entity_name", "Key of the module in the API, such as `cm_contracts` or `deal`.", DOCUMENTED),
    text("singular_name", "What people call one record of it.", DOCUMENTED),
    text("plural_name", "What people call its records.", DOCUMENTED),
    boolean("custom", "Whether the account made it; false for contacts, deals and the like.", DOCUMENTED),
    integer("status", "State of the module, as a small number.", DOCUMENTED),
    integer("position", "Place in the menu.", DOCUMENTED),
    text("table_name", "Name of its table in the CRM.", DOCUMENTED),
    text("description", "Free text about the module.", DOCUMENTED),
    text("icon", "Name of its icon; its type is a guess.", GUESS),
    text("coll_id", "A number of unknown meaning, as sent.", GUESS),
    json_text("configs", "Settings of the module, as sent.", DOCUMENTED),
    boolean("show_in_navigation_menu", "Whether it stands in the menu.", DOCUMENTED),
    text("resource_path_for_navigation", "Where the menu leads, as sent; its type is a guess.", GUESS),
    stamp("created_at", "Creation (UTC).", DOCUMENTED),
    stamp("updated_at", "Last change of the module itself, not of its records (UTC).", DOCUMENTED),
)

MODULE_COLUMNS: tuple[Column, ...] = (
    record_id("The record's number, the same for ever.", LISTED),
    text("name", "Name of the record.", LISTED),
    link("owner_id", "User who owns the record, in `owners`.", LISTED),
    link("creator_id", "User who created it; other objects call the column `creater_id`.", LISTED),
    link("updater_id", "User who changed it last.", LISTED),
    text("avatar", "Address of the picture; never fetched.", LISTED),
    text("recent_note", "Text of the latest note.", LISTED),
    text("record_type_id", "Record type, as sent; its type is a guess.", GUESS),
    stamp("created_at", "Creation (UTC).", LISTED),
    updated_at(LISTED),
)
"""The column list of five modules of one production account."""
