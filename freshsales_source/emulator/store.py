"""The state of the emulated account: what people do to records, and what the CRM does with it.

Records are kept in exact types: datetimes in UTC with whole seconds, dates, decimals, ids as integers,
foreign keys always. How they look on the wire is a matter of `shapes.py` and of the switches. All methods
are safe to call from several threads; a test may also hold `lock` around several of them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from freshsales_source.emulator.account import Account
from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.derive import Draft, fill_in
from freshsales_source.emulator.links import LINKS, TARGET_TYPES, Link
from freshsales_source.emulator.module_objects import Module, kind_of_module
from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.objects import OBJECTS
from freshsales_source.emulator.product_lines import product_line
from freshsales_source.emulator.record_columns import columns_of
from freshsales_source.emulator.relations import Relations
from freshsales_source.emulator.saved_views import SavedViews
from freshsales_source.emulator.switches import Switches
from freshsales_source.emulator.table import Record, Table

# Seeded records were there long before the first request: a lagging view has seen them.
LONG_AGO = 0.0


class UnknownRecord(KeyError):
    """The store has no such record where the caller says it is; the message names object and id."""


class Store:
    """Records, bin and links of one account, changed as its users would change them."""

    def __init__(self, clock: Clock, account: Account | None = None, *, seed: int = 1) -> None:
        self.clock = clock
        self.account = account or Account()
        self.switches = Switches()
        self.lock = threading.RLock()
        self.kinds: dict[str, ObjectKind] = dict(OBJECTS)
        self.tables = {name: Table(name) for name in OBJECTS}
        self.views = SavedViews(self.kinds)
        self.notes: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self._columns = {name: columns_of(kind) for name, kind in OBJECTS.items()}
        self._ids = {name: kind.id_base for name, kind in OBJECTS.items()}
        self._random = random.Random(seed)
        self._relations = Relations(self.tables, self._write_linked)

    # --- reading

    def record(self, object_name: str, record_id: int) -> dict[str, Any]:
        """Return the record, live or binned, with every column the store keeps, in exact types."""
        with self.lock:
            found = self.tables[object_name].get(record_id)
            if found is None:
                raise UnknownRecord(f"{object_name} has no record {record_id}")
            return {
                **self.kinds[object_name].row,
                **found,
                "is_deleted": self.is_binned(object_name, record_id),
            }

    def live(self, object_name: str) -> list[Record]:
        """Return the records that are not in the bin, in order of their last write."""
        with self.lock:
            return list(self.tables[object_name].live.values())

    def binned(self, object_name: str) -> list[Record]:
        """Return the records in the bin, the longest deleted first."""
        with self.lock:
            return list(self.tables[object_name].binned.values())

    def is_binned(self, object_name: str, record_id: int) -> bool:
        """Return whether that record is in the bin."""
        return record_id in self.tables[object_name].binned

    # --- seeding

    def load(self, object_name: str, fields: Mapping[str, Any], *, deleted_at: datetime | None = None) -> int:
        """Put a record that was made long ago, with its own `created_at` and `updated_at`; return its id.

        No other record is touched and no clock asked. With `deleted_at` it lies in the bin since then.
        """
        with self.lock:
            draft: Draft = {
                "id": fields.get("id") or self._next_id(object_name),
                self.kinds[object_name].creator: self.account.me,
            }
            self._write_into(object_name, draft, fields, fields["created_at"])
            draft.setdefault("updater_id", self.account.me)
            self.tables[object_name].put(LONG_AGO, draft, deleted_at=deleted_at)
            return int(draft["id"])

    # --- what users do

    def add_module(self, entity_name: str, singular_name: str, plural_name: str) -> Module:
        """Make a custom module (`cm_...`) from now on, with saved views but without fields or records."""
        with self.lock:
            module = Module(
                id=self.account.next_id(),
                # Places are not given away twice: the ids of views and records hang on them.
                number=1 + max((kind.module for kind in self.kinds.values()), default=0),
                entity_name=entity_name,
                singular_name=singular_name,
                plural_name=plural_name,
                created_at=self._now(),
            )
            kind = kind_of_module(module)
            self.account.modules[entity_name] = module
            self.kinds[entity_name] = kind
            self.tables[entity_name] = Table(entity_name)
            self._columns[entity_name] = columns_of(kind)
            self._ids[entity_name] = kind.id_base
            return module

    def drop_module(self, entity_name: str) -> None:
        """Delete a custom module with all it holds: none of its routes answers any more (assumed)."""
        with self.lock:
            for held in (self.account.modules, self.kinds, self.tables):
                del held[entity_name]

    def create(self, object_name: str, **fields: Any) -> int:
        """Create a record now and return its id."""
        with self.lock:
            now = self._now()
            me = self.account.me
            draft: Draft = {
                "id": self._next_id(object_name),
                "created_at": now,
                "updated_at": self._stamp(),
                self.kinds[object_name].creator: me,
                "updater_id": me,
            }
            owner = {"owner_id": me} if "owner_id" in self._columns[object_name] else {}
            self._write_into(object_name, draft, {**owner, **fields}, now)
            self._put(object_name, draft)
            if object_name == "deals":
                self._touch_parents(draft)
            return int(draft["id"])

    def update(self, object_name: str, record_id: int, **fields: Any) -> int:
        """Change columns of a live record (custom fields by their `cf_` name) and return its id."""
        return self.bulk_update(object_name, [record_id], **fields)[0]

    def bulk_update(self, object_name: str, ids: Iterable[int], **fields: Any) -> list[int]:
        """Change the same columns of many live records, all with one stamp; return their ids."""
        with self.lock:
            now, stamp = self._now(), self._stamp()
            wanted = list(ids)
            for record_id in wanted:
                draft: Draft = {**self._live(object_name, record_id), "updated_at": stamp}
                draft["updater_id"] = self.account.me
                self._write_into(object_name, draft, fields, now)
                self._put(object_name, draft)
                if object_name == "deals" and "deal_stage_id" in fields:
                    self._touch_parents(draft)
            return wanted

    def move_stage(self, deal_id: int, stage_id: int) -> int:
        """Move a deal to another stage, of its own or of another pipeline; return its id."""
        return self.update("deals", deal_id, deal_stage_id=stage_id)

    def sell(self, deal_id: int, product_id: int, **terms: Any) -> int:
        """Attach a product to a deal, on the terms that `product_line` takes; return the number of the line."""
        with self.lock:
            deal, product = self._live("deals", deal_id), self._live("products", product_id)
            line = product_line(self.account.next_id(), deal_id, product, **terms)
            self.update("deals", deal_id, products=(*deal.get("products", ()), line), has_products=True)
            return int(line["association_id"])

    def complete_task(self, task_id: int, **fields: Any) -> int:
        """Mark a task as done now (or at `completed_date`) and return its id."""
        return self.update("tasks", task_id, status=1, **fields)

    def reopen_task(self, task_id: int, **fields: Any) -> int:
        """Open a task again, which has no completed_date any more; return its id."""
        return self.update("tasks", task_id, status=0, **fields)

    def log_activity(self, target: str, target_id: int, activity_type: int, **fields: Any) -> int:
        """Log a call, a meeting or the like with a record ("contacts", its id) now; return the activity's id.

        `activity_type` is an id of selector/sales_activity_types.
        """
        pointing = {"targetable_type": TARGET_TYPES[target], "targetable_id": target_id}
        return self.create("sales_activities", sales_activity_type_id=activity_type, **pointing, **fields)

    def change_silently(self, object_name: str, record_id: int, **fields: Any) -> int:
        """Change columns without moving updated_at, as some jobs inside the CRM do; return the id.

        Source: API notes 10 (seen: counters, relabelled contact modes).
        """
        with self.lock:
            draft: Draft = dict(self._live(object_name, record_id))
            self._write_into(object_name, draft, fields, self._now())
            self._put(object_name, draft)
            return record_id

    def delete(self, object_name: str, *ids: int) -> list[int]:
        """Delete live records and return their ids: into the bin, or for good where the object has no bin.

        An account loses the links of its deals and child accounts for ever. Source: API notes 9 (documented).
        What happens to the tasks, appointments and activities of a record is a switch.
        """
        with self.lock:
            for record_id in ids:
                if not self.kinds[object_name].has_bin:
                    self._live(object_name, record_id)
                    self.tables[object_name].drop(self._at(), record_id)
                    continue
                self._bin(object_name, record_id)
                self._relations.hide_activities(object_name, record_id, self.switches, self._now())
                if object_name == "sales_accounts":
                    self._cascade(record_id, self._bin)
                    self._relations.cut(object_name, record_id, only=("deals", "sales_accounts"))
            return list(ids)

    def restore(self, object_name: str, *ids: int) -> list[int]:
        """Take records out of the bin; return their ids. Links lost when they went in stay lost."""
        with self.lock:
            for record_id in ids:
                draft: Draft = dict(self._binned(object_name, record_id))
                if self.switches.restore_moves_stamp:
                    draft["updated_at"] = self._stamp()
                self._put(object_name, draft)
                self._relations.show_activities(object_name, record_id, self._now())
            return list(ids)

    def forget(self, object_name: str, *ids: int) -> list[int]:
        """Erase records, live or binned, for good, with the activities that the switches say; return the ids.

        Links of what stays are cut.
        """
        with self.lock:
            for record_id in ids:
                self.record(object_name, record_id)
                if object_name == "sales_accounts":
                    self._cascade(record_id, lambda name, deal: self.forget(name, deal)[0])
                for holder, activity_id in self._relations.erased_with(object_name, record_id, self.switches):
                    self.tables[holder].drop(self._at(), activity_id)
                self.tables[object_name].drop(self._at(), record_id)
                self._relations.cut(object_name, record_id)
            return list(ids)

    def merge(self, object_name: str, primary: int, *secondaries: int) -> list[int]:
        """Merge live records into `primary`; return the ids that are gone for good.

        The primary keeps its id, takes the oldest created_at, fills its blanks and gets the secondaries'
        links. Source: API notes 9 (documented).
        """
        with self.lock:
            draft: Draft = dict(self._live(object_name, primary))
            for record_id in secondaries:
                other = self._live(object_name, record_id)
                draft["created_at"] = min(draft["created_at"], other["created_at"])
                draft.update({key: value for key, value in other.items() if _is_blank(draft.get(key))})
                self._relations.move(object_name, record_id, primary)
                self.tables[object_name].drop(self._at(), record_id)
                self.tables[object_name].merged_into[record_id] = primary
            # Links among the merged records themselves may have been cut meanwhile.
            own = {
                link.column: self._live(object_name, primary).get(link.column)
                for link in _links_of(object_name)
            }
            self._put(object_name, {**draft, **own, "updated_at": self._stamp()})
            return list(secondaries)

    def expire_bin(self, older_than_days: int | None = None) -> dict[str, list[int]]:
        """Erase what has been in the bin for longer than that (default: the switch); return ids by object."""
        days = self.switches.bin_keeps_days if older_than_days is None else older_than_days
        if days is None:
            return {}
        with self.lock:
            limit = self._now() - timedelta(days=days)
            expired = {
                name: _first_until(table.deleted_at, limit)
                for name, table in self.tables.items()
                if self.kinds[name].has_bin
            }
            for name, ids in expired.items():
                self.forget(name, *ids)
            return {name: ids for name, ids in expired.items() if ids}

    # --- inside

    def _now(self) -> datetime:
        return self.clock.now().astimezone(UTC).replace(microsecond=0)

    def _at(self) -> float:
        return self.clock.now().timestamp()

    def _stamp(self) -> datetime:
        drift = self.switches.stamp_drift_s
        return self._now() + timedelta(seconds=self._random.randint(-drift, drift) if drift else 0)

    def _next_id(self, object_name: str) -> int:
        # Ids of one account have gaps.
        self._ids[object_name] += self._random.randint(1, 40)
        return self._ids[object_name]

    def _live(self, object_name: str, record_id: int) -> Record:
        found = self.tables[object_name].live.get(record_id)
        if found is None:
            raise UnknownRecord(f"{object_name} has no live record {record_id}")
        return found

    def _binned(self, object_name: str, record_id: int) -> Record:
        found = self.tables[object_name].binned.get(record_id)
        if found is None:
            raise UnknownRecord(f"the bin of {object_name} has no record {record_id}")
        return found

    def _put(self, object_name: str, draft: Draft, *, deleted_at: datetime | None = None) -> None:
        self.tables[object_name].put(self._at(), draft, deleted_at=deleted_at)

    def _write_into(self, object_name: str, draft: Draft, fields: Mapping[str, Any], at: datetime) -> None:
        custom = {key: value for key, value in fields.items() if key.startswith("cf_")}
        custom = {**fields.get("custom_field", {}), **custom}
        plain = {
            key: value for key, value in fields.items() if not key.startswith("cf_") and key != "custom_field"
        }
        unknown = plain.keys() - self._columns[object_name]
        unknown |= custom.keys() - self.account.custom_fields.get(object_name, {}).keys()
        if unknown:
            raise ValueError(
                f"{object_name} has no column {', '.join(sorted(unknown))}; define cf_ fields first"
            )
        plain = {key: _kept(value) for key, value in plain.items()}
        draft.update(plain)
        if custom:
            draft["custom_field"] = {**draft.get("custom_field", {}), **custom}
        fill_in(object_name, draft, plain, at, self.account)

    def _bin(self, object_name: str, record_id: int) -> int:
        draft: Draft = dict(self._live(object_name, record_id))
        if self.switches.delete_moves_stamp:
            draft["updated_at"] = self._stamp()
        self._put(object_name, draft, deleted_at=self._now())
        return record_id

    def _cascade(self, account_id: int, remove: Callable[[str, int], int]) -> None:
        if not self.switches.account_delete_cascades:
            return
        deals = self.tables["deals"]
        for deal_id in deals.linked("sales_account_id", account_id):
            if deal_id in deals.live:
                remove("deals", deal_id)

    def _touch_parents(self, deal: Record) -> None:
        if not self.switches.deal_moves_parents:
            return
        parents = [("contacts", each) for each in deal.get("contact_ids") or ()]
        if deal.get("sales_account_id") is not None:
            parents.append(("sales_accounts", deal["sales_account_id"]))
        for object_name, record_id in parents:
            record = self.tables[object_name].live.get(record_id)
            if record is not None:
                self._put(object_name, {**record, "updated_at": self._stamp()})

    def _write_linked(self, link: Link, record: Record, changes: Mapping[str, Any]) -> None:
        draft: Draft = {**record, **changes}
        if self.switches.lost_link_moves_stamp:
            draft["updated_at"] = self._stamp()
        self._put(link.object, draft, deleted_at=self.tables[link.object].deleted_at.get(record["id"]))


def _is_blank(value: object) -> bool:
    return value is None or value in ("", ())


def _links_of(object_name: str) -> tuple[Link, ...]:
    return tuple(link for link in LINKS if link.object == object_name and link.to == object_name)


def _kept(value: Any) -> Any:
    """Return a value as the store keeps it: moments in UTC, lists as tuples."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a time stamp needs a zone: {value}")
        return value.astimezone(UTC)
    return tuple(value) if isinstance(value, list) else value


def _first_until(deleted_at: Mapping[int, datetime], limit: datetime) -> list[int]:
    return [record_id for record_id, at in deleted_at.items() if at <= limit]
