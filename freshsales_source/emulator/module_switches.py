"""The switches of custom modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshsales_source.emulator.activity_switches import ActivitySwitches
from freshsales_source.emulator.switch import switch


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSwitches(ActivitySwitches):
    """Where custom modules are listed, and how their views behave."""

    # --- custom modules
    module_directory: Literal["present", "forbidden", "not_found"] = switch(
        "present",
        strict="present",
        says="settings/module_customizations lists the custom modules, or answers 403 or 404",
        source="API notes 2.8: documented, beside a right of its own",
    )
    module_filters: Literal["present", "not_found"] = switch(
        "present",
        strict="not_found",
        says="custom_module/{name}/filters lists the views of a module, or answers 404; views themselves are served",
        source="API notes 2.8: unknown; the views are verified by one client",
    )
    module_search: bool = switch(
        True,
        strict=True,
        says="filtered_search knows custom modules",
        source="API notes 2.8: used by one client",
    )
    module_bin: bool = switch(
        True,
        strict=False,
        says="custom modules have a Recycle Bin view",
        source="API notes 2.8: unknown; one client keeps deleted ids apart",
    )
    module_sort_honoured: bool = switch(
        True,
        strict=False,
        says="views of custom modules honour `sort`; else rows come by id",
        source="API notes 2.8: unknown",
    )
    module_meta: Literal["none", "total", "total_and_pages"] = switch(
        "total_and_pages",
        strict="total",
        says="the `meta` object of a module's view is missing, has `total` only, or `total` and `total_pages`",
        source="API notes 2.8: unknown",
    )
