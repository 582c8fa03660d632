"""What the CRM keeps about one record beside its row: its notes, its activities, its timeline.

Source: API notes 2.6. Notes and timelines: shapes verified by one client; activities: documented sample. The
timeline is not stored: it is told from the writes to the record, as the CRM tells it from its own log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from freshsales_source.emulator.links import TARGET_TYPES, links_to
from freshsales_source.emulator.store import Store, UnknownRecord
from freshsales_source.emulator.table import Record

Row = dict[str, Any]

_ACTIONS: Mapping[str, tuple[str, str]] = {
    "tasks": ("TASK_CREATED", "Task"),
    "appointments": ("APPOINTMENT_CREATED", "Appointment"),
    "sales_activities": ("SALES_ACTIVITY_CREATED", "SalesActivity"),
}


def add_note(store: Store, object_name: str, record_id: int, text: str) -> int:
    """Write a note on a record and return its id; the record shows the text as its `recent_note`."""
    with store.lock:
        now = store.clock.now().astimezone(UTC).replace(microsecond=0)
        note: Row = {
            "id": store.account.next_id(),
            "description": text,
            "created_at": now,
            "updated_at": now,
            "url": None,
            "duration": None,
            "creater_id": store.account.me,
            "has_access": True,
            "collab_context": None,
            "targetable": {"type": TARGET_TYPES.get(object_name, "CustomModule"), "id": record_id},
        }
        store.notes.setdefault((object_name, record_id), []).append(note)
        _show_recent(store, object_name, record_id)
        return int(note["id"])


def change_note(store: Store, note_id: int, text: str) -> None:
    """Write a note anew."""
    with store.lock:
        place, note = _find(store, note_id)
        note.update(description=text, updated_at=store.clock.now().astimezone(UTC).replace(microsecond=0))
        _show_recent(store, *place)


def remove_note(store: Store, note_id: int) -> None:
    """Take a note away for good."""
    with store.lock:
        place, note = _find(store, note_id)
        store.notes[place].remove(note)
        _show_recent(store, *place)


def activities_of(store: Store, object_name: str, record_id: int) -> list[Row]:
    """Return what was planned and logged for a record, the newest first, in exact types."""
    rows = []
    for link in links_to(object_name):
        if link.object not in _ACTIONS:
            continue
        table = store.tables[link.object]
        held = (table.live.get(each) for each in table.linked(link.key, record_id))
        rows += [_activity(link.object, each, object_name, record_id) for each in held if each is not None]
    return sorted(rows, key=lambda row: (row["created_at"], row["composite_id"]), reverse=True)


def timeline_of(store: Store, object_name: str, record_id: int) -> list[Row]:
    """Return what happened to a record, the newest first, in exact types: made, moved, handed over.

    Rows carry no id (shape verified by one client).
    """
    events: list[Row] = []
    before: Record | None = None
    for change in store.tables[object_name].log:
        if change.id != record_id or change.record is None:
            continue
        at = datetime.fromtimestamp(change.at, UTC).replace(microsecond=0)
        events += _events(store, before, change.record, at)
        before = change.record
    return events[::-1]


# --- inside


def _activity(name: str, record: Record, target: str, target_id: int) -> Row:
    action, kind = _ACTIONS[name]
    data = {key: record.get(key) for key in ("title", "due_date") if key in record}
    return {
        # Texts in the documented sample.
        "id": str(record["id"]),
        "composite_id": f"{record['id']}_1",
        "action_type": action,
        "action_data": data,
        "actionable_type": kind,
        "actionable_id": record["id"],
        "targetable_type": TARGET_TYPES[target],
        "targetable_id": target_id,
        "created_at": record["created_at"],
        "user_activity": True,
        "automation": None,
        "additional_timeline_info": {},
    }


def _events(store: Store, before: Record | None, after: Record, at: datetime) -> Iterator[Row]:
    if before is None:
        yield _event(after, "CREATE", after["created_at"], {})
        return
    if after.get("deal_stage_id") != before.get("deal_stage_id"):
        stage = store.account.stage(after["deal_stage_id"])
        pipelines = store.account.selectors["deal_pipelines"]
        name = next(row["name"] for row in pipelines if row["id"] == stage["deal_pipeline_id"])
        data = {"stage_id": stage["id"], "stage_name": stage["name"], "pipeline_name": name}
        yield _event(after, "STAGE_CHANGE", at, data)
    if after.get("owner_id") != before.get("owner_id"):
        owners = {row["id"]: row["display_name"] for row in store.account.selectors["owners"]}
        owner = after.get("owner_id")
        yield _event(after, "OWNER_CHANGE", at, {"owner_change": owner, "owner_name": owners.get(owner)})


def _event(record: Record, action: str, at: datetime, data: Row) -> Row:
    return {"action_type": action, "created_at": at, "targetable_id": record["id"], "action_data": data}


def _find(store: Store, note_id: int) -> tuple[tuple[str, int], Row]:
    for place, notes in store.notes.items():
        for note in notes:
            if note["id"] == note_id:
                return place, note
    raise UnknownRecord(f"there is no note {note_id}")


def _show_recent(store: Store, object_name: str, record_id: int) -> None:
    notes = store.notes[object_name, record_id]
    recent = {"recent_note": notes[-1]["description"] if notes else None}
    change = store.update if store.switches.note_moves_stamp else store.change_silently
    change(object_name, record_id, **recent)
