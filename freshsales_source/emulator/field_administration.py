"""What an administrator does to custom fields after they were made, with what it does to the records.

Source: API notes 12 (inferred): of a field that is deleted the key disappears from every row, and its values are lost.
That a field can get another type is not documented; deleting it and making it anew under its name comes to the same,
but for the values.
"""

from __future__ import annotations

from dataclasses import replace

from freshsales_source.emulator.custom_fields import FieldType
from freshsales_source.emulator.store import Store


def delete_custom_field(store: Store, object_name: str, name: str) -> None:
    """Delete a custom field with all its values; no stamp moves. One made later under its name begins empty."""
    with store.lock:
        store.account.drop_custom_field(object_name, name)
        table, at = store.tables[object_name], store.clock.now().timestamp()
        for record in [*table.live.values(), *table.binned.values()]:
            values = record.get("custom_field") or {}
            if name in values:
                left = {key: value for key, value in values.items() if key != name}
                deleted_at = table.deleted_at.get(record["id"])
                table.put(at, {**record, "custom_field": left}, deleted_at=deleted_at)


def retype_custom_field(
    store: Store, object_name: str, name: str, kind: FieldType, *, choices: tuple[str, ...] = ()
) -> None:
    """Give a custom field another type; its id stays, and so do the values that records hold (assumed)."""
    with store.lock:
        fields = store.account.custom_fields[object_name]
        fields[name] = replace(fields[name], type=kind, choices=choices)
