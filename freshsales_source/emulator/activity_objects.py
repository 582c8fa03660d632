"""The rows of the table for objects without saved views: tasks, appointments, activities, products, lists.

Their lists are flat, in an order of their own, and none of them but products has a recycle bin that a key
can see.
"""

from __future__ import annotations

from freshsales_source.emulator import activity_columns as columns
from freshsales_source.emulator.object_kind import (
    USERS,
    FlatList,
    Include,
    ListFilter,
    ObjectKind,
    one,
    several,
)

_TARGETABLE = Include(name="targetable", key="targetable", shape="target")

TASKS = ObjectKind(
    name="tasks",
    singular="task",
    model="Task",
    id_base=402_007_000_000,
    row=columns.TASK,
    newer=columns.TASK_NEWER,
    includes=(
        *USERS,
        several("users", "owners", key="user_ids", array="users"),
        _TARGETABLE,
        one("task_type", "sales_activity_types", array="task_types"),
        one("outcome", "sales_activity_outcomes", array="outcomes"),
    ),
    flat=FlatList(
        # Seen: rows come by due_date, ascending, whatever `sort` says; no total_pages.
        order="due_date",
        meta="total",
        filters=(
            ListFilter(name="open", rule="open_task"),
            ListFilter(name="due_today", rule="open_task", span="today"),
            ListFilter(name="due_tomorrow", rule="open_task", span="tomorrow"),
            ListFilter(name="overdue", rule="open_task", span="before_now"),
            ListFilter(name="completed", rule="completed_task"),
        ),
    ),
    name_column="title",
    has_bin=False,
)

APPOINTMENTS = ObjectKind(
    name="appointments",
    singular="appointment",
    model="Appointment",
    id_base=402_009_000_000,
    row=columns.APPOINTMENT,
    newer=columns.APPOINTMENT_NEWER,
    includes=(
        one("creater", "owners", array="users"),
        one("updater", "owners", array="users"),
        _TARGETABLE,
        Include(
            name="appointment_attendees",
            key="appointment_attendee_ids",
            array="appointment_attendees",
            shape="attendees",
        ),
        Include(name="conference", key="conference_id", array="conferences"),
        Include(name="note", key="note_id", array="notes"),
        one("outcome", "sales_activity_outcomes", array="outcomes"),
    ),
    flat=FlatList(
        # Seen: by end_date, past ones newest first, upcoming ones oldest first.
        order="end_date",
        meta="total",
        filters=(
            ListFilter(name="past", rule="all", span="before_now", newest_first=True),
            ListFilter(name="upcoming", rule="all", span="from_now"),
        ),
    ),
    name_column="title",
    owner="creater_id",
    has_bin=False,
)

SALES_ACTIVITIES = ObjectKind(
    name="sales_activities",
    singular="sales_activity",
    model="SalesActivity",
    id_base=402_011_000_000,
    row=columns.SALES_ACTIVITY,
    includes=(
        *USERS,
        _TARGETABLE,
        one("sales_activity_type", "sales_activity_types"),
        one("sales_activity_outcome", "sales_activity_outcomes"),
    ),
    flat=FlatList(order="id", sort_switch="activities_sort_honoured"),
    name_column="title",
    has_bin=False,
)

LISTS = ObjectKind(
    name="lists",
    singular="list",
    model="ContactList",
    id_base=402_017_000_000,
    # Documented: id and name are all there is of a list, and nothing answers for one alone.
    row={"id": None, "name": None},
    flat=FlatList(order="id"),
    owner=None,
    has_bin=False,
    is_single_served=False,
)

PRODUCTS = ObjectKind(
    name="products",
    singular="product",
    model="CpqProduct",
    id_base=402_013_000_000,
    path=("cpq", "products"),
    row=columns.PRODUCT,
    includes=(
        *USERS,
        one("territory", "territories"),
        Include(name="product_pricings", key="product_pricings", shape="value"),
    ),
    # One client pages until an empty list comes; nobody recorded an order.
    flat=FlatList(order="id", meta="as_products", sort_switch="products_sort_honoured", ends_empty=True),
    owner=None,
)
