"""How single values look on the wire: stamps, amounts, dates, custom fields."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.computed import computed_columns
from freshsales_source.emulator.custom_fields import empty_values
from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record

Wire: TypeAlias = dict[str, Any]


class WireValues:
    """Turns exact values into what the API sends, as the switches say, at the clock's time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def stamp(self, at: datetime) -> str:
        """Return a time stamp as the account shows it: with its offset, or in UTC with Z."""
        switches = self._store.switches
        precision = "milliseconds" if switches.sub_seconds else "seconds"
        if switches.stamps == "z":
            return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
        return at.astimezone(self._store.account.zone).isoformat(timespec=precision)

    def value(self, value: Any) -> Any:
        """Return one value as it is sent."""
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

    def custom(self, kind: ObjectKind, record: Record) -> Wire:
        """Return the custom fields of a record, every defined one of them."""
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
        return self.value(value)

    def exact(self, kind: ObjectKind, record: Record) -> Wire:
        """Return the columns of a row in exact types, computed ones as of now."""
        shown = kind.row.keys() | kind.newer.keys()
        exact: Wire = {**kind.row, **kind.newer}
        exact.update({key: value for key, value in record.items() if key in shown})
        exact.update(computed_columns(kind.name, record, self._store, self._clock.now()))
        return exact
