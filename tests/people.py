"""What people and jobs do to an emulated account: every event, to every object, by the dice of one seed.

A ledger keeps account of what no stamp tells.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from freshsales_source.emulator import Emulator
from tests.ledger import Ledger

VIEWED = ("contacts", "sales_accounts", "deals", "leads")
PLANNED = ("tasks", "appointments")
LISTED = ("sales_activities", "products")
EVERY_OBJECT = (*VIEWED, *PLANNED, *LISTED)
MERGED = ("contacts", "sales_accounts")
ACTS: Mapping[str, int] = {
    "create": 3,
    "edit": 4,
    "bulk": 1,
    "move": 3,
    "delete": 3,
    "restore": 2,
    "merge": 1,
    "erase": 1,
    "expire": 1,
    "silent": 1,
    "wrong stamp": 1,
}
"""Every act with its weight."""


FEW = 3
"""Live records of each object that nobody takes away: with none left nothing could tell gone from out of sight."""
MOSTLY = 0.7
"""The share of what is done that is done to the favourites."""


class People:
    """Everybody who works in an account, and its jobs at night; mostly with the objects that are their favourites."""

    def __init__(
        self,
        emulator: Emulator,
        seed: int,
        *,
        acts: Mapping[str, int] = ACTS,
        favourites: Sequence[str] = EVERY_OBJECT,
    ) -> None:
        self.did: Counter[tuple[str, str]] = Counter()
        self.ledger = Ledger(emulator.store)
        self.ledger.note()
        self._emulator = emulator
        self._store = emulator.store
        self._dice = random.Random(seed)
        self._acts = acts
        self._favourites = favourites
        self._words = 0

    def go_on(self, _: int = 0) -> None:
        """Let a moment pass, in which something happens or not."""
        self._emulator.clock.sleep(self._dice.choice((0, 0, 1, 3)))
        for _n in range(self._dice.choice((0, 1, 1, 2, 3))):
            self.act()

    def act(self) -> None:
        """Do one thing."""
        act = self._dice.choices(list(self._acts), list(self._acts.values()))[0]
        name = self._dice.choice(self._favourites if self._dice.random() < MOSTLY else EVERY_OBJECT)
        does: Callable[[str], bool] = {
            "create": self._create,
            "edit": self._edit,
            "bulk": self._bulk,
            "move": self._move,
            "delete": self._delete,
            "restore": self._restore,
            "merge": self._merge,
            "erase": self._erase,
            "expire": self._expire,
            "silent": self._change_silently,
            "wrong stamp": self._stamp_wrongly,
        }[act]
        if does(name):
            self.did[name, act] += 1
            self.ledger.note()

    # One act each; False where there is nothing to do it to

    def _create(self, name: str) -> bool:
        # Now and then an import: several records of one second.
        for _ in range(self._dice.choice((1, 1, 1, 5))):
            self._store.create(name, **self._fields(name))
        return True

    def _edit(self, name: str) -> bool:
        for id_ in self._some(name, 1):
            self._store.update(name, id_, **self._fields(name))
            return True
        return False

    def _bulk(self, name: str) -> bool:
        chosen = self._some(name, 9)
        if chosen:
            self._store.bulk_update(name, chosen, **self._fields(name))
        return bool(chosen)

    def _move(self, name: str) -> bool:
        """Another stage, done or open again, past or to come: whatever takes a record to another list."""
        for id_ in self._some(name, 1):
            record = self._store.record(name, id_)
            if name == "deals":
                stages = self._store.account.selectors["deal_stages"]
                self._store.move_stage(id_, int(self._dice.choice(stages)["id"]))
            elif name == "tasks":
                (self._store.reopen_task if record["status"] == 1 else self._store.complete_task)(id_)
            elif name == "appointments":
                is_over = record["end_date"] < self._emulator.clock.now()
                self._store.update(name, id_, **self._meeting(later=is_over))
            return name in ("deals", *PLANNED)
        return False

    def _delete(self, name: str) -> bool:
        chosen = self._spare(name, self._dice.choice((1, 1, 3)))
        self._store.delete(name, *chosen)
        return bool(chosen)

    def _restore(self, name: str) -> bool:
        binned = [int(record["id"]) for record in self._store.binned(name)]
        # Activities lie there only as long as the record they belong to does.
        if not binned or name in (*PLANNED, "sales_activities"):
            return False
        self._store.restore(name, self._dice.choice(binned))
        return True

    def _merge(self, name: str) -> bool:
        chosen = self._spare(name, self._dice.choice((2, 2, 4)))
        if name not in MERGED or len(chosen) < 2:
            return False
        self._store.merge(name, *chosen)
        return True

    def _erase(self, name: str) -> bool:
        ids = [*self._spare(name, 1), *(int(record["id"]) for record in self._store.binned(name))]
        if name not in VIEWED or not ids:
            return False
        self._store.forget(name, self._dice.choice(ids))
        return True

    def _expire(self, _: str) -> bool:
        return bool(self._store.expire_bin(older_than_days=self._dice.choice((0, 15, 40))))

    def _change_silently(self, name: str) -> bool:
        for id_ in self._some(name, 1):
            self._store.change_silently(name, id_, **self._fields(name))
            return True
        return False

    def _stamp_wrongly(self, name: str) -> bool:
        """A job writes a stamp of its own: a day ahead, or long ago."""
        for id_ in self._some(name, 1):
            days = self._dice.choice((1, -400))
            at = self._emulator.clock.now().replace(microsecond=0) + timedelta(days=days)
            self._store.update(name, id_, **self._fields(name), updated_at=at)
            return True
        return False

    # What is written

    def _fields(self, name: str) -> dict[str, Any]:
        match name:
            case "contacts":
                return self._contact()
            case "sales_accounts":
                return {"name": self._word(), "phone": "+49 30 123", "tags": self._tags()}
            case "deals":
                return self._deal()
            case "leads":
                emails = [f"{self._word()}@example.com" for _ in range(self._dice.randrange(3))]
                return {"last_name": self._word(), "emails": emails, "tags": self._tags()}
            case "tasks":
                return self._task()
            case "appointments":
                return self._meeting(later=self._dice.random() < 0.6)
            case "sales_activities":
                return self._activity()
            case _:
                return {"name": self._word(), "description": self._dice.choice(("été", None))}

    def _contact(self) -> dict[str, Any]:
        return {
            "first_name": self._word(),
            "emails": [f"{self._word()}@example.com" for _ in range(self._dice.randrange(3))],
            "tags": self._tags(),
            "sales_account_ids": tuple(self._some("sales_accounts", self._dice.randrange(3))),
            "city": self._dice.choice(("Łódź", "東京", None)),
            "cf_accepts_calls": self._dice.random() < 0.5,
        }

    def _deal(self) -> dict[str, Any]:
        return {
            "name": self._word(),
            "amount": Decimal(self._dice.randrange(10**9)) / 100,
            "contact_ids": tuple(self._some("contacts", self._dice.randrange(3))),
            "sales_account_id": next(iter(self._some("sales_accounts", 1)), None),
            "tags": self._tags(),
            "cf_seats": self._dice.choice((1, 2.5, None)),
        }

    def _task(self) -> dict[str, Any]:
        owners = [int(row["id"]) for row in self._store.account.selectors["owners"]]
        return {
            "title": self._word(),
            "due_date": self._dice.choice((self._near(), self._near(), None)),
            "targetables": self._targets(),
            "user_ids": self._dice.sample(owners, self._dice.randrange(3)),
        }

    def _meeting(self, *, later: bool) -> dict[str, Any]:
        # Some end within minutes: time carries them over, without any write.
        minutes = self._dice.choice((5, 40, 6000))
        end = self._emulator.clock.now() + timedelta(minutes=minutes if later else -minutes)
        people = [{"type": "contact", "id": i} for i in self._some("contacts", self._dice.randrange(3))]
        return {
            "title": self._word(),
            "from_date": end - timedelta(minutes=30),
            "end_date": end,
            "targetables": self._targets(),
            "appointment_attendees": people,
        }

    def _activity(self) -> dict[str, Any]:
        kind = self._store.account.selectors["sales_activity_types"][0]["id"]
        targets = [{"targetable_type": "Contact", "targetable_id": i} for i in self._some("contacts", 1)]
        return {
            "title": self._word(),
            "sales_activity_type_id": int(kind),
            "cf_minutes": self._dice.choice((5, 7.5, None)),
            **(targets[0] if targets else {}),
        }

    def _near(self) -> datetime:
        return self._emulator.clock.now() + timedelta(hours=self._dice.randrange(-50, 50))

    def _targets(self) -> list[dict[str, Any]]:
        return [{"id": i, "type": "Contact"} for i in self._some("contacts", self._dice.randrange(3))]

    def _some(self, name: str, most: int) -> list[int]:
        ids = [int(record["id"]) for record in self._store.live(name)]
        return self._dice.sample(ids, min(most, len(ids)))

    def _spare(self, name: str, most: int) -> list[int]:
        chosen = self._some(name, max(0, min(most, len(self._store.live(name)) - FEW)))
        while chosen and name == "sales_accounts" and not self._leaves_deals(chosen):
            chosen.pop()
        return chosen

    def _leaves_deals(self, accounts: Sequence[int]) -> bool:
        """Whether enough deals stay, should these accounts take theirs with them."""
        if not self._store.switches.account_delete_cascades:
            return True
        return sum(deal["sales_account_id"] not in accounts for deal in self._store.live("deals")) >= FEW

    def _tags(self) -> tuple[str, ...]:
        return tuple(self._dice.sample(("vip", "été", "späť", "новый"), self._dice.randrange(3)))

    def _word(self) -> str:
        self._words += 1
        return f"word{self._words}"
