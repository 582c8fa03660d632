"""The switches of what can be asked for one record at a time: its notes, its activities, its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshsales_source.emulator.module_switches import ModuleSwitches
from freshsales_source.emulator.switch import switch


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSwitches(ModuleSwitches):
    """Notes, activities and timelines of single records."""

    # --- notes and timelines
    feeds: Literal["present", "forbidden", "not_found"] = switch(
        "present",
        strict="present",
        says="notes, activities and timeline_feeds of a record are answered, or answer 403 or 404",
        source="API notes 2.6: verified by one client, documented for activities",
    )
    feed_page: int = switch(
        25,
        strict=10,
        says="rows in one page of activities or timeline_feeds",
        source="API notes 2.6: unknown",
    )
    notes_paged: bool = switch(
        False,
        strict=True,
        says="the notes of a record come in pages of 25 without `meta`; else all at once, whatever page is asked for",
        source="API notes 2.6: unknown",
    )
    note_moves_stamp: bool = switch(
        True,
        strict=False,
        says="adding, changing or removing a note moves updated_at of its record",
        source="API notes 10: inferred for deals",
    )
