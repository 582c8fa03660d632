"""Tasks, appointments and sales activities: what people plan and log."""

from __future__ import annotations

from freshsales_source.entities.dropped import COLLABORATION, LINKS, PARTIAL, side_loads
from freshsales_source.entities.lists import TARGETABLES
from freshsales_source.entities.records import PEOPLE
from freshsales_source.schema.columns import Bridge, Child, Column, ColumnType, Confidence, Dropped
from freshsales_source.schema.entity_columns.activities import (
    APPOINTMENT_COLUMNS,
    ATTENDEE_COLUMNS,
    SALES_ACTIVITY_COLUMNS,
    TASK_COLUMNS,
)
from freshsales_source.schema.entity_types import Entity, Filters, FlatList

_TWICE = (
    Dropped(
        key="targetables_with_email",
        reason="The same records as `targetables`, with their names, which stand in their own tables.",
    ),
    Dropped(key="targetable_ids", reason="Numbers of side-loaded links; `targetables` tells the records."),
)

TASKS = Entity(
    name="tasks",
    singular="task",
    path="/tasks",
    description="Tasks, open or completed: one row per task.",
    # `due_today`, `due_tomorrow` and `overdue` are parts of `open` (documented).
    read=Filters(
        live=("open",),
        settled=("completed",),
        live_by="status",
        # Recorded of the list of all tasks of an account.
        settled_by="due_date",
        live_value=0,
        include=("owner", "users", "targetable"),
    ),
    columns=TASK_COLUMNS,
    children=(TARGETABLES,),
    bridges=(
        Bridge(
            name="users",
            key="user_ids",
            columns=(
                Column(
                    name="user_id",
                    key="value",
                    type=ColumnType.ID,
                    description="A user who works on the task, in `owners`.",
                    confidence=Confidence.DOCUMENTED,
                ),
            ),
            is_plain=True,
            description="Which users work on a task together; needs `include=users`.",
            confidence=Confidence.DOCUMENTED,
            references=(("user_id", "owners"),),
        ),
    ),
    dropped=(
        LINKS,
        COLLABORATION,
        PARTIAL,
        *_TWICE,
        *side_loads("owner", "creater", "updater", "users", "task_type", "outcome"),
    ),
    objects=("targetable",),
    references=(
        *PEOPLE,
        ("outcome_id", "sales_activity_outcomes"),
        ("task_type_id", "sales_activity_entity_types"),
    ),
    cursor="updated_at",
)

APPOINTMENTS = Entity(
    name="appointments",
    singular="appointment",
    path="/appointments",
    description="Appointments, past or upcoming: one row per appointment.",
    # Both filters were seen to show the same past appointments, twice: a filter tells nothing of a record.
    read=Filters(
        live=("upcoming",),
        settled=("past",),
        live_by="end_date",
        # Recorded twice.
        settled_by="end_date",
        settled_descends=True,
        include=("creater", "targetable", "appointment_attendees", "conference", "note"),
    ),
    columns=APPOINTMENT_COLUMNS,
    children=(
        TARGETABLES,
        Child(
            name="attendees",
            key="appointment_attendees",
            # The row has only numbers; who it is stands beside the records (documented).
            ids="appointment_attendee_ids",
            objects=("attendee",),
            columns=ATTENDEE_COLUMNS,
            description="Contacts and users who attend an appointment; needs `include=appointment_attendees`.",
            confidence=Confidence.DOCUMENTED,
            is_link=True,
        ),
    ),
    dropped=(
        LINKS,
        COLLABORATION,
        PARTIAL,
        *_TWICE,
        *side_loads("owner", "creater", "updater", "conference", "note", "outcome"),
    ),
    objects=("targetable",),
    references=(*PEOPLE, ("outcome_id", "sales_activity_outcomes")),
    cursor="updated_at",
)

SALES_ACTIVITIES = Entity(
    name="sales_activities",
    singular="sales_activity",
    path="/sales_activities",
    description="Logged calls, meetings and other activities: one row per activity.",
    # No client was seen to sort this list; whether it honours `sort` is unknown.
    read=FlatList(include=("targetable", "owner"), sort="updated_at"),
    columns=SALES_ACTIVITY_COLUMNS,
    dropped=(
        LINKS,
        COLLABORATION,
        PARTIAL,
        *side_loads("owner", "creater", "updater", "sales_activity_type", "sales_activity_outcome"),
    ),
    objects=("targetable",),
    references=(
        *PEOPLE,
        ("sales_activity_type_id", "sales_activity_types"),
        ("sales_activity_outcome_id", "sales_activity_outcomes"),
    ),
    cursor="updated_at",
    settings="sales_activities",
    has_custom_fields=True,
)
