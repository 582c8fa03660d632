"""What a saved view or a flat list shows: its rule, the key's sight, and its records in the order asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol, TypeAlias

from freshsales_source.emulator.clock import Clock
from freshsales_source.emulator.object_kind import ObjectKind
from freshsales_source.emulator.orders import Member, Order, Replica
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
    "unassigned": lambda record, scope, stages: record.get("owner_id") is None,
    "recently_modified": lambda record, scope, stages: bool(
        record["updated_at"].date() >= scope.today - _RECENT
    ),
    "never_contacted": lambda record, scope, stages: record.get("last_contacted") is None,
    "hot_lead": lambda record, scope, stages: record.get("lead_score", 0) >= _HOT,
    "warm_lead": lambda record, scope, stages: _COLD < record.get("lead_score", 0) < _HOT,
    "cold_lead": lambda record, scope, stages: record.get("lead_score", 0) <= _COLD,
    "open_task": lambda record, scope, stages: record.get("status", 0) == 0,
    "completed_task": lambda record, scope, stages: record.get("status", 0) == 1,
}
_DEPEND_ON_THE_DAY = frozenset(
    {"new_contact", "recent", "closing_this_week", "won_this_month", "recently_modified"}
)


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

    def may_see(self, kind: ObjectKind, record: Record) -> bool:
        """Return whether the key may see that record."""
        return _is_seen(kind, record, self._only_owner())

    def order(self, view: SavedView, column: str) -> Order:
        """Return the records of a view sorted by a column, as of the switch `view_lag_s`."""
        kind = self._store.kinds[view.object]
        return self._kept(kind, view.rule, column, where=view.where, key=view.id, wants=_wanted(view.rule))

    def flat_order(
        self, kind: ObjectKind, rule: str, column: str, *, backwards: bool = False, with_binned: bool = False
    ) -> Order:
        """Return the records of a flat list sorted by a column, as of the switch `view_lag_s`."""
        wants = (False, True) if with_binned else (False,)
        return self._kept(kind, rule, column, wants=wants, backwards=backwards)

    def replica(self, object_name: str, lag_s: float) -> Replica:
        """Return an object's table as of `lag_s` seconds ago."""
        replica = self._replicas.get((object_name, lag_s))
        if replica is None:
            replica = Replica(self._store.tables[object_name], lag_s)
            self._replicas[(object_name, lag_s)] = replica
        replica.catch_up(self._clock.now().timestamp())
        return replica

    def _kept(
        self,
        kind: ObjectKind,
        rule: str,
        column: str,
        *,
        wants: tuple[bool, ...],
        where: Callable[[Record], bool] | None = None,
        key: int = 0,
        backwards: bool = False,
    ) -> Order:
        replica = self.replica(kind.name, self._store.switches.view_lag_s)
        scope = self.scope()
        day = scope.today if rule in _DEPEND_ON_THE_DAY else None
        seen = (scope.only_owner, scope.default_pipeline, day)
        name = (id(replica), key, rule, column, wants, backwards, *seen)
        order = self._orders.pop(name, None)
        if order is None:
            member = self._member(kind, rule, scope, wants, where)
            order = Order(replica, member, column, kind.row.get(column), backwards=backwards)
        self._orders[name] = order
        if len(self._orders) > _ORDERS_KEPT:
            self._orders.pop(next(iter(self._orders)))
        order.catch_up()
        return order

    def _member(
        self,
        kind: ObjectKind,
        rule_name: str,
        scope: Scope,
        wants: tuple[bool, ...],
        where: Callable[[Record], bool] | None,
    ) -> Member:
        rule, account = RULES.get(rule_name), self._store.account

        def member(record: Record, is_binned: bool) -> bool:
            if is_binned not in wants or not _is_seen(kind, record, scope.only_owner):
                return False
            if where is not None:
                return where(record)
            return rule is not None and rule(record, scope, account)

        return member

    def _only_owner(self) -> int | None:
        switches = self._store.switches
        number, gained = switches.sees_only_owner, switches.sees_all_after_s
        if number is None or (gained is not None and self._clock.monotonic() - self._started >= gained):
            return None
        owners = self._store.account.selectors["owners"]
        return int(owners[number - 1]["id"])


def _is_seen(kind: ObjectKind, record: Record, only_owner: int | None) -> bool:
    return only_owner is None or kind.owner is None or record.get(kind.owner) == only_owner


def _wanted(rule: str) -> tuple[bool, ...]:
    return (rule == "bin",)


def tie_shuffler(request_number: int) -> random.Random:
    """Return the source of a tie order that holds for one request only, the same in every run."""
    return random.Random(request_number)
