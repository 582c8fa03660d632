"""The columns of tasks, appointments and sales activities, and of the lists inside them.

Times are stamps under every name (`due_date`, `from_date`), seen with the account's offset. Where a record
hangs on one other record it says so in `targetable_type` and `targetable_id`, or, on tasks and appointments,
in an object `targetable` with the members `type` and `id` (documented; Classic); newer answers list several
under `targetables` (recorded).
"""

from __future__ import annotations

from freshsales_source.schema.columns import Column
from freshsales_source.schema.entity_columns.words import (
    CLIENTS,
    DOCUMENTED,
    GUESS,
    ONE_CLIENT,
    boolean,
    decimal,
    integer,
    link,
    record_id,
    stamp,
    text,
    updated_at,
)

_TARGETABLE = (
    text("targetable_type", "Kind of record it hangs on (`Contact`, `SalesAccount`, ...).", DOCUMENTED),
    link("targetable_id", "Number of the record it hangs on.", DOCUMENTED),
)

_CREATED_AT = stamp("created_at", "Creation (UTC).")

_LATITUDE = "Latitude of the check-in, as sent; a number in one description, text in another."
_LONGITUDE = "Longitude of the check-in, as sent; a number in one description, text in another."

TASK_COLUMNS: tuple[Column, ...] = (
    record_id("The task's number, the same for ever."),
    text("title", "What to do."),
    text("description", "Free text about the task."),
    integer("status", "0 open, 1 done."),
    stamp("due_date", "When it is due (UTC)."),
    stamp("completed_date", "When it was completed (UTC); null while it is open."),
    boolean("has_multiple_emails", "Whether its records have several e-mail addresses.", DOCUMENTED),
    boolean("is_linkedin_type", "Whether it is a task of the LinkedIn kind.", DOCUMENTED),
    *_TARGETABLE,
    link("owner_id", "User who shall do it, in `owners`."),
    link("creater_id", "User who created it."),
    link("updater_id", "User who changed it last."),
    link("outcome_id", "Outcome, in `sales_activity_outcomes`."),
    link("task_type_id", "Kind of task, in `sales_activity_entity_types` (one client)."),
    _CREATED_AT,
    updated_at(),
)

TARGETABLE_COLUMNS: tuple[Column, ...] = (
    link("target_id", "Number of the record it hangs on.", key="id"),
    text("target_type", "Kind of that record (`Contact`, `SalesAccount`, ...).", key="type"),
)

APPOINTMENT_COLUMNS: tuple[Column, ...] = (
    record_id("The appointment's number, the same for ever."),
    text("title", "Title of the appointment."),
    text("description", "Free text about it."),
    text("location", "Where it takes place."),
    text("time_zone", "Time zone by its Rails name (`Central America`)."),
    stamp("from_date", "When it begins (UTC)."),
    stamp("end_date", "When it ends (UTC)."),
    boolean("is_allday", "Whether it takes the whole day."),
    text("provider", "Calendar it came from (`freshsales`)."),
    boolean("can_checkin", "Whether one may check in."),
    boolean("can_checkin_checkout", "Whether one may check in and out."),
    stamp("checkedin_at", "Check-in (UTC).", DOCUMENTED),
    decimal("checkedin_duration", "Time between check-in and check-out, unit not told.", GUESS),
    text("latitude", _LATITUDE, DOCUMENTED),
    text("longitude", _LONGITUDE, DOCUMENTED),
    stamp("checkedout_at", "Check-out (UTC).", DOCUMENTED),
    text("checkedout_latitude", "Latitude of the check-out, as sent.", DOCUMENTED),
    text("checkedout_longitude", "Longitude of the check-out, as sent.", DOCUMENTED),
    text("checkedout_location", "Place of the check-out.", DOCUMENTED),
    boolean("has_multiple_emails", "Whether its records have several e-mail addresses.", DOCUMENTED),
    *_TARGETABLE,
    link("creater_id", "User who created it."),
    link("owner_id", "User who owns it; named among the includes, in no recorded row.", GUESS),
    link("updater_id", "User who changed it last.", DOCUMENTED),
    link("outcome_id", "Outcome, in `sales_activity_outcomes`.", DOCUMENTED),
    link("conference_id", "Video conference that belongs to it.", DOCUMENTED),
    link("note_id", "Note that belongs to it; comes with `include=note`.", DOCUMENTED),
    _CREATED_AT,
    updated_at(),
)

ATTENDEE_COLUMNS: tuple[Column, ...] = (
    link("id", "Number of the attendance, not of the person.", DOCUMENTED),
    text(
        "attendee_type", "Kind of attendee: `user`, `contact`, `lead`, or a longer name of these.", DOCUMENTED
    ),
    link("attendee_id", "Number of the contact or user.", DOCUMENTED),
)

SALES_ACTIVITY_COLUMNS: tuple[Column, ...] = (
    record_id("The activity's number, the same for ever.", DOCUMENTED),
    text("title", "Title of the activity.", DOCUMENTED),
    text("notes", "Free text about it; one connector's column is `note`.", DOCUMENTED, other_keys=("note",)),
    stamp("start_date", "When it began (UTC).", DOCUMENTED),
    stamp("end_date", "When it ended (UTC).", DOCUMENTED),
    stamp("conversation_time", "When people spoke (UTC).", DOCUMENTED),
    *_TARGETABLE,
    link("owner_id", "User whose activity it is, in `owners`.", DOCUMENTED),
    link("creater_id", "User who created it.", DOCUMENTED),
    link("updater_id", "User who changed it last.", DOCUMENTED),
    link("sales_activity_type_id", "Kind of activity, in `sales_activity_types`.", CLIENTS),
    link("sales_activity_outcome_id", "Outcome, in `sales_activity_outcomes`.", CLIENTS),
    text("location", "Where it took place.", DOCUMENTED),
    text("latitude", _LATITUDE, DOCUMENTED),
    text("longitude", _LONGITUDE, DOCUMENTED),
    stamp("checkedin_at", "Check-in (UTC).", DOCUMENTED),
    text("remote_id", "Its number in another system; a number in one description.", ONE_CLIENT),
    link("import_id", "Import it came with.", ONE_CLIENT),
    stamp("created_at", "Creation (UTC).", DOCUMENTED),
    updated_at(DOCUMENTED),
)
