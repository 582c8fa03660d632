"""How records, side-loads, selectors and field lists look on the wire, as the switches say.

Shapes were taken from recorded responses (API notes 2 to 5). Two rules matter most to a reader: foreign
keys are absent unless `include` asks for them, and side-loaded rows are partial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.computed import computed_columns
from freshsales_source.emulator.custom_fields import empty_values
from freshsales_source.emulator.objects import OBJECTS, Include, ObjectKind
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record

Wire: TypeAlias = dict[str, Any]

# What a partial row of an object shows. Source: API notes 2.2 (seen for accounts, inferred for the others).
_PARTIAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sales_accounts": (
        "id",
        "name",
        "avatar",
        "website",
        "open_deals_amount",
        "open_deals_count",
        "won_deals_amount",
        "won_deals_count",
        "last_contacted",
    ),
    "contacts": ("id", "first_name", "last_name", "display_name", "email"),
    "deals": ("id", "name", "amount", "deal_stage_id", "deal_pipeline_id"),
}
_EMBEDDED_ACCOUNT = ("id", "name", "avatar", "website", "last_contacted")
_OWNER_COLUMNS = ("id", "display_name", "email", "is_active", "work_number", "mobile_number")


class Shaper:
    """Turns what the store keeps into what the API sends, at the clock's time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # --- records

    def row(self, kind: ObjectKind, record: Record, includes: Iterable[Include], *, is_binned: bool) -> Wire:
        """Return one full row of a list, with the keys that the includes add."""
        switches, exact = self._store.switches, self._exact(kind, record)
        row: Wire = {key: self._value(exact[key]) for key in kind.row if key in exact}
        row.update({key: self._value(value) for key, value in exact.items() if key not in row})
        row["is_deleted"] = is_binned
        row["links"] = self._links(kind, record["id"])
        row["custom_field"] = self._custom(kind, record)
        if not switches.newer_columns:
            for key in kind.newer:
                row.pop(key, None)
        for include in includes:
            row.update(self._included_key(include, record))
        return row

    def single(
        self, kind: ObjectKind, record: Record, includes: Iterable[Include], *, is_binned: bool
    ) -> Wire:
        """Return one record as `GET /{object}/{id}` sends it: a row and a few keys more."""
        return {**self.row(kind, record, includes, is_binned=is_binned), **kind.single}

    def thin(self, kind: ObjectKind, record: Record) -> Wire:
        """Return the few columns that filtered_search sends without `detail`; which ones is a guess."""
        exact = self._exact(kind, record)
        return {key: self._value(exact[key]) for key in kind.thin}

    def side_loads(self, kind: ObjectKind, records: list[Record], includes: Iterable[Include]) -> Wire:
        """Return the lists that the includes add to the body, each row once, by key."""
        lists: dict[str, dict[int, Wire]] = {}
        for include in includes:
            if include.array is None:
                continue
            rows = lists.setdefault(self._array_name(include), {})
            for record in records:
                rows.update({each: {} for each in self._ids(include, record) if each not in rows})
            rows.update({each: self._partial(include.rows, each) for each in rows if not rows[each]})
        body: Wire = {name: [row for row in rows.values() if row] for name, rows in lists.items()}
        if "currencies" in body:
            body["rate_changes"] = []
        return body

    # --- lists of the account

    def selector(self, name: str) -> list[Wire]:
        """Return the rows of one selector."""
        rows = self._store.account.selectors[name]
        if name == "owners":
            return [self._owner(row) for row in rows]
        if name == "deal_pipelines":
            return [self._pipeline(row) for row in rows]
        if name == "deal_stages":
            return [self._stage(row) for row in rows if not row["is_deleted"]]
        return [self._plain(row) for row in rows]

    def stages_of(self, pipeline_id: int) -> list[Wire]:
        """Return the stages of one pipeline as `selector/deal_pipelines/{id}/deal_stages` sends them."""
        return [row for row in self.selector("deal_stages") if row["deal_pipeline_id"] == pipeline_id]

    # --- inside

    def stamp(self, at: datetime) -> str:
        """Return a time stamp as the account shows it: with its offset, or in UTC with Z."""
        switches = self._store.switches
        precision = "milliseconds" if switches.sub_seconds else "seconds"
        if switches.stamps == "z":
            return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
        return at.astimezone(self._store.account.zone).isoformat(timespec=precision)

    def _exact(self, kind: ObjectKind, record: Record) -> Wire:
        shown = kind.row.keys() | kind.newer.keys()
        exact: Wire = {**kind.row, **kind.newer}
        exact.update({key: value for key, value in record.items() if key in shown})
        exact.update(computed_columns(kind.name, record, self._store, self._clock.now()))
        return exact

    def _value(self, value: Any) -> Any:
        # Exact types, tested in order of frequency: this runs for every cell of every row.
        kind = type(value)
        if value is None or kind is str or kind is int or kind is bool:
            return value
        if kind is datetime:
            return self.stamp(value)
        if kind is Decimal:
            return self._money(value)
        if kind is date:
            return value.isoformat()
        return list(value) if kind is tuple else value

    def _money(self, amount: Decimal) -> str | float:
        if self._store.switches.money == "number":
            return float(amount)
        whole, _, cents = format(amount, "f").partition(".")
        return f"{whole}.{cents.rstrip('0') or '0'}"

    def _custom(self, kind: ObjectKind, record: Record) -> Wire:
        fields = self._store.account.custom_fields.get(kind.name)
        if not fields:
            return {}
        given = record.get("custom_field") or {}
        values = {**empty_values(fields), **{key: value for key, value in given.items() if key in fields}}
        return {key: self._custom_value(value) for key, value in values.items()}

    def _custom_value(self, value: Any) -> Any:
        if isinstance(value, date) and self._store.switches.custom_dates == "stamp":
            midnight = datetime.combine(value, time(), self._store.account.zone)
            return self.stamp(midnight)
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, (tuple, list)):
            return ";".join(value)
        return self._value(value)

    def _links(self, kind: ObjectKind, record_id: int) -> Wire:
        root = (
            f"/{kind.name}/{record_id}"
            if self._store.switches.classic
            else f"/crm/sales/{kind.name}/{record_id}"
        )
        return {name: root + rest for name, rest in kind.links.items()}

    def _included_key(self, include: Include, record: Record) -> Wire:
        if include.key is None:
            return {}
        if include.embedded:
            ids = self._ids(include, record)
            # A lagging view can still name an account that is gone.
            there = [each for each in ids if self._store.tables["sales_accounts"].get(each) is not None]
            return {include.key: [self._embedded(each, is_primary=each == ids[0]) for each in there]}
        if include.many:
            return {include.key: list(self._ids(include, record))}
        return {include.key: record.get(include.column or include.key)}

    def _ids(self, include: Include, record: Record) -> tuple[int, ...]:
        if include.rows is None:
            return ()
        if include.inverse is not None:
            holder, column = include.inverse
            table = self._store.tables[holder]
            return tuple(each for each in table.linked(column, record["id"]) if each in table.live)
        value = record.get(include.column or include.key or "")
        if value is None:
            return ()
        return tuple(value) if include.many else (value,)

    def _embedded(self, account_id: int, *, is_primary: bool) -> Wire:
        record = self._store.record("sales_accounts", account_id)
        shown = {key: self._value(record[key]) for key in _EMBEDDED_ACCOUNT}
        return {"partial": True, **shown, "is_primary": is_primary}

    def _array_name(self, include: Include) -> str:
        renamed = {
            "lead_sources": self._store.switches.lead_source_key,
            "contact_statuses": self._store.switches.contact_status_key,
        }
        name = str(include.array)
        return renamed.get(name, name)

    def _partial(self, rows: str | None, wanted: int) -> Wire:
        if rows is not None and rows in OBJECTS:
            record = self._store.tables[rows].get(wanted)
            if record is None:
                return {}
            exact = self._exact(OBJECTS[rows], record)
            return {"partial": True, **{key: self._value(exact[key]) for key in _PARTIAL_COLUMNS[rows]}}
        selector = self._store.account.selectors.get(rows or "", [])
        row = next((row for row in selector if row["id"] == wanted), None)
        if row is None:
            return {}
        if rows == "owners":
            return self._owner(row)
        return self._stage(row) if rows == "deal_stages" else self._plain(row)

    def _owner(self, row: Record) -> Wire:
        return {key: row[key] for key in _OWNER_COLUMNS}

    def _plain(self, row: Record) -> Wire:
        return {key: self._value(value) for key, value in row.items()}

    def _stage(self, row: Record) -> Wire:
        return {key: value for key, value in self._plain(row).items() if key != "is_deleted"}

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
        tail = {"probability": stage["probability"], "updated_at": self.stamp(stage["updated_at"])}
        return {"id": stage["id"], "value": stage["name"], **shown, **tail}
