"""What belongs to the account as a whole: its zone, users, pipelines and other short lists, its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from freshsales_source.emulator.custom_fields import CustomField, FieldType

SelectorRow: TypeAlias = dict[str, Any]

# Selectors that every account has, empty or not. Source: API notes 4 (documented).
SELECTORS = (
    "owners",
    "territories",
    "deal_stages",
    "deal_pipelines",
    "deal_reasons",
    "deal_types",
    "deal_products",
    "deal_payment_statuses",
    "lead_sources",
    "industry_types",
    "business_types",
    "campaigns",
    "currencies",
    "contact_statuses",
    "lifecycle_stages",
)


@dataclass(slots=True, kw_only=True)
class Account:
    """One CRM account without its records.

    `me` is the user whose key is in use (0: the first owner). `settled_at` is the stamp of things made when
    the account was opened: system views and stages.
    """

    time_zone: str = "UTC"
    settled_at: datetime = datetime(2021, 10, 18, 10, 41, 16, tzinfo=UTC)
    selectors: dict[str, list[SelectorRow]] = field(default_factory=lambda: {name: [] for name in SELECTORS})
    custom_fields: dict[str, dict[str, CustomField]] = field(default_factory=dict)
    me: int = 0
    _last_id: int = 402_000_100_000
    _stages: dict[int, SelectorRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.time_zone)

    zone: ZoneInfo = field(init=False)

    def next_id(self) -> int:
        """Return a fresh id for an email, a phone number, a field or a row of a selector."""
        self._last_id += 1
        return self._last_id

    def local_date(self, at: datetime) -> date:
        """Return the day it is in the account's zone."""
        return at.astimezone(self.zone).date()

    def add_owner(self, name: str, email: str, **more: object) -> int:
        """Add a user and return its id; the first one is the key's own unless `me` is set."""
        row: SelectorRow = {
            "id": self.next_id(),
            "display_name": name,
            "email": email,
            "is_active": True,
            "work_number": None,
            "mobile_number": None,
            **more,
        }
        self.selectors["owners"].append(row)
        self.me = self.me or int(row["id"])
        return int(row["id"])

    def add_choice(self, selector: str, name: str, **more: object) -> int:
        """Add a row `{partial, id, name, position}`, with whatever `more` it has, to a selector."""
        rows = self.selectors[selector]
        row: SelectorRow = {
            "partial": True,
            "id": self.next_id(),
            "name": name,
            "position": len(rows) + 1,
            **more,
        }
        rows.append(row)
        return int(row["id"])

    def add_currency(self, code: str, exchange_rate: str) -> int:
        """Add a currency and return its id; the first one is the account's own."""
        rows = self.selectors["currencies"]
        row: SelectorRow = {
            "partial": True,
            "id": self.next_id(),
            "is_active": True,
            "currency_code": code,
            "exchange_rate": exchange_rate,
            "currency_type": 2 if rows else 1,
            "schedule_info": None,
        }
        rows.append(row)
        return int(row["id"])

    def add_pipeline(
        self, name: str, stages: Iterable[tuple[str, str, int]], *, rotting_days: int = 30
    ) -> dict[str, int]:
        """Add a pipeline with its stages `(name, forecast_type, probability)`; return stage ids by name.

        The first pipeline is the default one. forecast_type is "Open", "Closed Won" or "Closed Lost".
        """
        pipeline = self.add_choice(
            "deal_pipelines",
            name,
            is_default=not self.selectors["deal_pipelines"],
            rotting_days=rotting_days,
            configs=[{"field_name": "amount", "position": 1, "highlight": True}],
            aggregated_field="amount",
        )
        return {
            stage: self._add_stage(pipeline, stage, position, forecast_type, probability)
            for position, (stage, forecast_type, probability) in enumerate(stages, 1)
        }

    def _add_stage(
        self, pipeline: int, name: str, position: int, forecast_type: str, probability: int
    ) -> int:
        row: SelectorRow = {
            "partial": True,
            "id": self.next_id(),
            "name": name,
            "position": position,
            "forecast_type": forecast_type,
            "updated_at": self.settled_at,
            "deal_pipeline_id": pipeline,
            "choice_type": {"Open": 1, "Closed Won": 2, "Closed Lost": 3}[forecast_type],
            "probability": probability,
            "is_deleted": False,
        }
        self.selectors["deal_stages"].append(row)
        self._stages[row["id"]] = row
        return int(row["id"])

    def delete_stage(self, stage_id: int, at: datetime) -> None:
        """Delete a stage: the selector no longer shows it, its pipeline flags it, old deals keep it.

        Source: API notes 4, inferred from one production account's columns.
        """
        self._stages[stage_id].update(is_deleted=True, updated_at=at)

    def stage(self, stage_id: int) -> Mapping[str, Any]:
        """Return the stage's selector row."""
        return self._stages[stage_id]

    def first_stage(self, pipeline_id: int | None) -> Mapping[str, Any]:
        """Return the first stage of a pipeline (None: of the default one)."""
        wanted = pipeline_id or self.default_pipeline
        return next(row for row in self._stages.values() if row["deal_pipeline_id"] == wanted)

    @property
    def default_pipeline(self) -> int | None:
        """The id of the default pipeline; None when there is no pipeline at all."""
        pipelines = self.selectors["deal_pipelines"]
        return next((int(row["id"]) for row in pipelines if row["is_default"]), None)

    def add_custom_field(
        self,
        object_name: str,
        name: str,
        kind: FieldType,
        *,
        label: str | None = None,
        choices: tuple[str, ...] = (),
        looks_up: str | None = None,
    ) -> CustomField:
        """Define a custom field (`cf_...`) from now on; every row of the object shows it at once."""
        spec = CustomField(
            id=self.next_id(),
            name=name,
            label=label or name.removeprefix("cf_").replace("_", " ").capitalize(),
            type=kind,
            choices=choices,
            looks_up=looks_up,
        )
        self.custom_fields.setdefault(object_name, {})[name] = spec
        return spec

    def relabel_custom_field(self, object_name: str, name: str, label: str) -> None:
        """Rename a custom field as users see it; its internal name stays (documented)."""
        fields = self.custom_fields[object_name]
        fields[name] = replace(fields[name], label=label)

    def drop_custom_field(self, object_name: str, name: str) -> None:
        """Delete a custom field: its key disappears from every row, the values are lost."""
        del self.custom_fields[object_name][name]
