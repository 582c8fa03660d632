"""How the rows of selectors look on the wire."""

from __future__ import annotations

from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record
from freshsales_source.emulator.wire_values import Wire, WireValues

_OWNER_COLUMNS = ("id", "display_name", "email", "is_active", "work_number", "mobile_number")


class SelectorRows:
    """The short lists of one account: users, stages, pipelines, reasons, types."""

    def __init__(self, store: Store, values: WireValues) -> None:
        self._store = store
        self._values = values

    def all(self, name: str) -> list[Wire]:
        """Return the rows of one selector; deleted stages are left out."""
        rows = self._store.account.selectors[name]
        if name == "deal_pipelines":
            return [self._pipeline(row) for row in rows]
        if name == "deal_stages":
            rows = [row for row in rows if not row["is_deleted"]]
        return [self._row(name, row) for row in rows]

    def of_parent(self, name: str, column: str, parent_id: int) -> list[Wire]:
        """Return the rows of a selector that belong to one pipeline or activity type."""
        return [row for row in self.all(name) if row[column] == parent_id]

    def one(self, name: str, wanted: int) -> Wire:
        """Return one row as side-loads show it, a deleted stage too; empty if there is none."""
        rows = self._store.account.selectors.get(name, [])
        row = next((row for row in rows if row["id"] == wanted), None)
        return {} if row is None else self._row(name, row)

    def _row(self, name: str, row: Record) -> Wire:
        if name == "owners":
            return {key: row[key] for key in _OWNER_COLUMNS}
        shown = self._plain(row)
        return {key: value for key, value in shown.items() if key != "is_deleted" or name != "deal_stages"}

    def _plain(self, row: Record) -> Wire:
        return {key: self._values.value(value) for key, value in row.items()}

    def _pipeline(self, row: Record) -> Wire:
        pipeline = self._plain(row)
        stages = self._store.account.selectors["deal_stages"]
        pipeline["deal_stages"] = [
            self._embedded_stage(stage) for stage in stages if stage["deal_pipeline_id"] == row["id"]
        ]
        key = self._store.switches.pipeline_default_key
        return {key if name == "is_default" else name: value for name, value in pipeline.items()}

    def _embedded_stage(self, stage: Record) -> Wire:
        columns = ("name", "position", "forecast_type", "deal_pipeline_id", "choice_type", "is_deleted")
        shown = {key: stage[key] for key in columns}
        tail = {"probability": stage["probability"], "updated_at": self._values.stamp(stage["updated_at"])}
        return {"id": stage["id"], "value": stage["name"], **shown, **tail}
