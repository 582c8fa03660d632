"""What belongs to the account as a whole: its zone, users, pipelines and other short lists, its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from freshsales_source.emulator.custom_fields import CustomField, FieldType
from freshsales_source.emulator.module_objects import Module

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
    "sales_activity_types",
    "sales_activity_entity_types",
    "sales_activity_outcomes",
    "lead_stages",
    "lead_reasons",
)
# Of these only Classic accounts answer (documented).
CLASSIC_SELECTORS = ("lead_stages", "lead_reasons")
# Appointments carry the names that Rails gives to zones (seen: Chennai, Central America, Arizona).
ZONE_NAMES: Mapping[str, str] = {
    "UTC": "UTC",
    "America/Chicago": "Central Time (US & Canada)",
    "America/Guatemala": "Central America",
    "America/Phoenix": "Arizona",
    "Asia/Kolkata": "Chennai",
    "Europe/Berlin": "Berlin",
    "Asia/Tokyo": "Tokyo",
}


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
    modules: dict[str, Module] = field(default_factory=dict)
    me: int = 0
    _last_id: int = 402_000_100_000
    _stages: dict[int, SelectorRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.time_zone)

    zone: ZoneInfo = field(init=False)

    @property
    def zone_name(self) -> str:
        """The account's zone as appointments name it (the IANA name where Rails' is not known here)."""
        return ZONE_NAMES.get(self.time_zone, self.time_zone)

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

    def rename_choice(self, selector: str, choice_id: int, name: str) -> None:
        """Rename a row of a selector; its id stays."""
        self._choice(selector, choice_id)["name"] = name

    def delete_choice(self, selector: str, choice_id: int) -> None:
        """Take a row out of a selector; the records that point to it go on doing so (inferred)."""
        self.selectors[selector].remove(self._choice(selector, choice_id))

    def _choice(self, selector: str, choice_id: int) -> SelectorRow:
        return next(row for row in self.selectors[selector] if row["id"] == choice_id)

    def add_territory(self, name: str) -> int:
        """Add a territory (its rows carry no `partial`) and return its id."""
        rows = self.selectors["territories"]
        tree = {"parent_territory_id": None, "tree_id": None, "level_id": None}
        rows.append({"id": self.next_id(), "name": name, "position": len(rows) + 1, **tree})
        return int(rows[-1]["id"])

    def add_activity_type(
        self,
        name: str,
        outcomes: Iterable[str] = (),
        *,
        entities: Iterable[str] = (),
        is_default: bool = False,
    ) -> int:
        """Add a type of sales activities, its outcomes and the kinds of record it is for; return its id."""
        type_id = self.add_choice(
            "sales_activity_types",
            name,
            internal_name=name.lower().replace(" ", "_"),
            show_in_conversation=True,
            is_default=is_default,
            is_checkedin=False,
            is_checkedin_mandatory=False,
            is_outcome_mandatory=False,
        )
        for outcome in outcomes:
            self.add_choice("sales_activity_outcomes", outcome, sales_activity_type_id=type_id)
        for entity in entities:
            self.add_choice("sales_activity_entity_types", entity, sales_activity_type_id=type_id)
        return type_id

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
