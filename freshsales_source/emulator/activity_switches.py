"""The switches of tasks, appointments, sales activities and products, and of what becomes of them when the
record they belong to goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshsales_source.emulator.record_switches import RecordSwitches
from freshsales_source.emulator.switch import switch


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySwitches(RecordSwitches):
    """Lists without saved views; activities of deleted and erased records."""

    # --- tasks, appointments, sales activities, products
    appointment_filters: Literal["apart", "same"] = switch(
        "apart",
        strict="same",
        says="past and upcoming appointments are told apart, or both filters show all appointments",
        source="API notes 12.17: apart documented, the same rows under both seen in two runs",
    )
    activities_sort_honoured: bool = switch(
        False,
        strict=False,
        says="sales_activities honours `sort`; else rows come by id",
        source="API notes 12.24: unknown",
    )
    products_list: Literal["present", "empty", "forbidden", "not_found"] = switch(
        "present",
        strict="present",
        says="cpq/products lists the products, is always empty, or answers 403 or 404; single ones are served",
        source="API notes 12.18: undocumented, used by three clients",
    )
    products_meta: Literal["none", "total", "total_and_pages"] = switch(
        "none",
        strict="none",
        says="the list of products has no `meta`, `total` only, or `total` and `total_pages`",
        source="API notes 2.7: unknown",
    )
    products_sort_honoured: bool = switch(
        False,
        strict=False,
        says="cpq/products honours `sort`; else rows come by id",
        source="API notes 2.7: unknown",
    )
    deleted_products: Literal["left_out", "listed"] = switch(
        "left_out",
        strict="left_out",
        says="a deleted product leaves the list of products, or stays there with is_deleted true",
        source="API notes 2.7: unknown; rows carry is_deleted, and a restore is documented",
    )
    deleted_record_hides: Literal["sales_activities", "all", "nothing"] = switch(
        "sales_activities",
        strict="all",
        says="activities in no list while the only record they belong to is in the bin: the sales activities "
        "of a contact, every task, appointment and sales activity of any record, or none",
        source="API notes 9: restoring a contact restores its sales activities (documented), the rest unknown",
    )
    forget_takes_all: bool = switch(
        False,
        strict=True,
        says="forgetting a record erases all its tasks, appointments and sales activities; else a contact's "
        "(or lead's), and an account's tasks; the others lose the link",
        source="API notes 9: documented for contacts and accounts, unknown beyond",
    )
    forget_takes_shared: bool = switch(
        False,
        strict=True,
        says="forgetting a record erases also those of its tasks and appointments that belong to others too",
        source="API notes 9: unknown",
    )
