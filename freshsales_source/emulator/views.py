"""What a saved view shows: its rule, the key's sight, and one page of it in the order asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol, TypeAlias

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.objects import OBJECTS
from freshsales_source.emulator.orders import Order, Replica
from freshsales_source.emulator.saved_views import SavedView
from freshsales_source.emulator.store import Store
from freshsales_source.emulator.table import Record

_RECENT = timedelta(days=30)
_HOT, _COLD = 70, 30
_ORDERS_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a rule may look at besides the record: the key's user, its sight, the stages, the day."""

    me: int
    my_territory: int | None
    only_owner: int | None
    default_pipeline: int | None
    today: date


class Stages(Protocol):
    """The account's stages by id."""

    def stage(self, stage_id: int) -> Mapping[str, Any]:
        """Return the stage's selector row."""
        ...


Rule: TypeAlias = Callable[[Record, Scope, Stages], bool]


def _in_forecast(wanted: str) -> Rule:
    def rule(record: Record, scope: Scope, stages: Stages) -> bool:
        if scope.default_pipeline is not None and record["deal_pipeline_id"] != scope.default_pipeline:
            return False
        return bool(stages.stage(record["deal_stage_id"])["forecast_type"] == wanted)

    return rule


def _is_open(record: Record, stages: Stages) -> bool:
    return bool(stages.stage(record["deal_stage_id"])["forecast_type"] == "Open")


def _closing_this_week(record: Record, scope: Scope, stages: Stages) -> bool:
    monday = scope.today - timedelta(days=scope.today.weekday())
    closing: date | None = record.get("expected_close")
    return closing is not None and monday <= closing < monday + timedelta(days=7) and _is_open(record, stages)


def _won_this_month(record: Record, scope: Scope, stages: Stages) -> bool:
    closed: date | None = record.get("closed_date")
    if closed is None or (closed.year, closed.month) != (scope.today.year, scope.today.month):
        return False
    return bool(stages.stage(record["deal_stage_id"])["forecast_type"] == "Closed Won")


def _new_contact(record: Record, scope: Scope, stages: Stages) -> bool:
    return bool(record["created_at"].date() >= scope.today - _RECENT)


# Names are documented, the conditions behind them assumed, except all, bin, open, won and lost.
RULES: Mapping[str, Rule] = {
    "all": lambda record, scope, stages: True,
    "bin": lambda record, scope, stages: True,
    "none": lambda record, scope, stages: False,
    "mine": lambda record, scope, stages: bool(record.get("owner_id") == scope.me),
    "my_territory": lambda record, scope, stages: (
        scope.my_territory is not None and record.get("territory_id") == scope.my_territory
    ),
    "new_contact": _new_contact,
    "recent": lambda record, scope, stages: bool(record["created_at"].date() >= scope.today - _RECENT),
    "hot": lambda record, scope, stages: _is_open(record, stages) and record["probability"] >= _HOT,
    "cold": lambda record, scope, stages: _is_open(record, stages) and record["probability"] <= _COLD,
    "closing_this_week": _closing_this_week,
    "won_this_month": _won_this_month,
    "open": _in_forecast("Open"),
    "won": _in_forecast("Closed Won"),
    "lost": _in_forecast("Closed Lost"),
}
_DEPEND_ON_THE_DAY = frozenset({"new_contact", "recent", "closing_this_week", "won_this_month"})


class ViewReader:
    """Reads saved views of one store, each as its switches say: lagging, restricted, with moving ties."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._started = clock.monotonic()
        self._replicas: dict[tuple[str, float], Replica] = {}
        self._orders: dict[tuple[object, ...], Order] = {}

    def scope(self) -> Scope:
        """Return what the key sees now."""
        account, switches = self._store.account, self._store.switches
        me = next((row for row in account.selectors["owners"] if row["id"] == account.me), {})
        return Scope(
            me=account.me,
            my_territory=me.get("territory_id"),
            only_owner=self._only_owner(),
            default_pipeline=account.default_pipeline if switches.deal_views_default_pipeline_only else None,
            today=account.local_date(self._clock.now()),
        )

    def may_see(self, record: Record) -> bool:
        """Return whether the key may see that record."""
        only_owner = self._only_owner()
        return only_owner is None or record.get("owner_id") == only_owner

    def order(self, view: SavedView, column: str) -> Order:
        """Return the records of a view sorted by a column, as of the switch `view_lag_s`."""
        replica = self.replica(view.object, self._store.switches.view_lag_s)
        scope = self.scope()
        day = scope.today if view.rule in _DEPEND_ON_THE_DAY else None
        key = (id(replica), view.id, view.rule, column, scope.only_owner, scope.default_pipeline, day)
        order = self._orders.pop(key, None)
        if order is None:
            order = self._new_order(view, scope, replica, column)
        self._orders[key] = order
        if len(self._orders) > _ORDERS_KEPT:
            self._orders.pop(next(iter(self._orders)))
        order.catch_up()
        return order

    def replica(self, object_name: str, lag_s: float) -> Replica:
        """Return an object's table as of `lag_s` seconds ago."""
        replica = self._replicas.get((object_name, lag_s))
        if replica is None:
            replica = Replica(self._store.tables[object_name], lag_s)
            self._replicas[(object_name, lag_s)] = replica
        replica.catch_up(self._clock.now().timestamp())
        return replica

    def _new_order(self, view: SavedView, scope: Scope, replica: Replica, column: str) -> Order:
        rule, where, account = RULES.get(view.rule), view.where, self._store.account
        wants_binned = view.rule == "bin"

        def member(record: Record, is_binned: bool) -> bool:
            if is_binned != wants_binned:
                return False
            if scope.only_owner is not None and record.get("owner_id") != scope.only_owner:
                return False
            if where is not None:
                return where(record)
            return rule is not None and rule(record, scope, account)

        return Order(replica, member, column, OBJECTS[view.object].row.get(column))

    def _only_owner(self) -> int | None:
        switches = self._store.switches
        number, gained = switches.sees_only_owner, switches.sees_all_after_s
        if number is None or (gained is not None and self._clock.monotonic() - self._started >= gained):
            return None
        owners = self._store.account.selectors["owners"]
        return int(owners[number - 1]["id"])


def tie_shuffler(request_number: int) -> random.Random:
    """Return the source of a tie order that holds for one request only, the same in every run."""
    return random.Random(request_number)
