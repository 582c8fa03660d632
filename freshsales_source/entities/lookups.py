"""The lookups: small tables that records point to, each answered whole by a selector.

Most are a list of names. A row that leaves its selector keeps its place in the warehouse, so that old records
keep their labels.
"""

from __future__ import annotations

from freshsales_source.entities.dropped import PARTIAL
from freshsales_source.schema.columns import Column, Dropped
from freshsales_source.schema.entity_columns.lookups import (
    ACTIVITY_ENTITY_TYPE_COLUMNS,
    ACTIVITY_OUTCOME_COLUMNS,
    ACTIVITY_TYPE_COLUMNS,
    CONTACT_STATUS_COLUMNS,
    CURRENCY_COLUMNS,
    LIFECYCLE_STAGE_COLUMNS,
    NAME_COLUMNS,
    OWNER_COLUMNS,
    PIPELINE_COLUMNS,
    STAGE_COLUMNS,
    TERRITORY_COLUMNS,
)
from freshsales_source.schema.entity_types import Entity, Selector

OWNERS = Entity(
    name="owners",
    singular="owner",
    path="/selector/owners",
    description="Users of the CRM who can own records; those who left stay.",
    # The one selector that does not answer under its own name (recorded).
    read=Selector(path="/selector/owners", envelope="users"),
    columns=OWNER_COLUMNS,
    dropped=(PARTIAL,),
)

_PIPELINES = "/selector/deal_pipelines"

DEAL_PIPELINES = Entity(
    name="deal_pipelines",
    singular="deal_pipeline",
    path=_PIPELINES,
    description="Pipelines that deals move through.",
    read=Selector(path=_PIPELINES, envelope="deal_pipelines"),
    columns=PIPELINE_COLUMNS,
    dropped=(
        PARTIAL,
        Dropped(key="deal_stages", reason="Rows of table `deal_stages`, read from the same answer."),
    ),
)

DEAL_STAGES = Entity(
    name="deal_stages",
    singular="deal_stage",
    path="/selector/deal_stages",
    description="Stages of every pipeline; a deleted stage keeps its label, flagged.",
    # Deleted stages leave /selector/deal_stages while old deals still point at them; those inside the
    # pipelines carry `is_deleted` (column list of one production account). So the embedded row is the one to
    # keep.
    read=Selector(
        path="/selector/deal_stages",
        envelope="deal_stages",
        also=(Selector(path=_PIPELINES, envelope="deal_pipelines.deal_stages"),),
    ),
    columns=STAGE_COLUMNS,
    dropped=(
        PARTIAL,
        Dropped(
            key="value", reason="The stage's name a second time (column list of one production account)."
        ),
    ),
    references=(("deal_pipeline_id", "deal_pipelines"),),
)


def _lookup(
    name: str,
    singular: str,
    description: str,
    columns: tuple[Column, ...] = NAME_COLUMNS,
    *,
    dropped: tuple[Dropped, ...] = (),
    references: tuple[tuple[str, str], ...] = (),
    is_optional: bool = False,
) -> Entity:
    """A selector that answers under its own name."""
    path = f"/selector/{name}"
    return Entity(
        name=name,
        singular=singular,
        path=path,
        description=description,
        read=Selector(path=path, envelope=name),
        columns=columns,
        dropped=(PARTIAL, *dropped),
        references=references,
        is_optional=is_optional,
    )


_OF_ACTIVITY_TYPE = (("sales_activity_type_id", "sales_activity_types"),)

LOOKUPS: tuple[Entity, ...] = (
    OWNERS,
    DEAL_PIPELINES,
    DEAL_STAGES,
    _lookup("deal_types", "deal_type", "Types of deals, such as new business."),
    _lookup("deal_reasons", "deal_reason", "Reasons why deals are lost or won."),
    _lookup("deal_payment_statuses", "deal_payment_status", "States of payment of deals."),
    # Newer accounts have `products` in its place (assumed).
    _lookup("deal_products", "deal_product", "The simple product list of deals.", is_optional=True),
    _lookup(
        "currencies",
        "currency",
        "Currencies of the account, with their rates.",
        CURRENCY_COLUMNS,
        dropped=(Dropped(key="rate_change_ids", reason="Numbers of side-loaded rates, which are not read."),),
    ),
    _lookup(
        "territories",
        "territory",
        "Sales territories.",
        TERRITORY_COLUMNS,
        references=(("parent_territory_id", "territories"),),
        # Not on every plan (assumed).
        is_optional=True,
    ),
    _lookup("lead_sources", "lead_source", "Where contacts, leads and deals come from."),
    _lookup("campaigns", "campaign", "Campaigns that contacts, leads and deals came by."),
    _lookup("industry_types", "industry_type", "Industries of companies."),
    _lookup("business_types", "business_type", "Kinds of companies."),
    _lookup(
        "contact_statuses",
        "contact_status",
        "Statuses of contacts within their lifecycle stage; not on Classic.",
        CONTACT_STATUS_COLUMNS,
        references=(("lifecycle_stage_id", "lifecycle_stages"),),
        is_optional=True,
    ),
    _lookup(
        "lifecycle_stages",
        "lifecycle_stage",
        "Lifecycle stages of contacts; not on Classic.",
        LIFECYCLE_STAGE_COLUMNS,
        is_optional=True,
    ),
    _lookup("sales_activity_types", "sales_activity_type", "Kinds of activities.", ACTIVITY_TYPE_COLUMNS),
    # All outcomes stand in this one answer, without their type in some accounts (documented); the answers per
    # type tell it, at a call each, and are not read: labels need it not.
    _lookup(
        "sales_activity_outcomes",
        "sales_activity_outcome",
        "Outcomes of activities, tasks and appointments.",
        ACTIVITY_OUTCOME_COLUMNS,
        references=_OF_ACTIVITY_TYPE,
    ),
    _lookup(
        "sales_activity_entity_types",
        "sales_activity_entity_type",
        "Kinds of tasks and other entries, each of an activity type.",
        ACTIVITY_ENTITY_TYPE_COLUMNS,
        references=_OF_ACTIVITY_TYPE,
    ),
)
"""Every lookup, in the order of the documentation."""
