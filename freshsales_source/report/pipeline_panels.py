"""The open deals: where they stand, and how old they are."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from freshsales_source.plural import counted
from freshsales_source.report.amounts import Currencies, Group, gathered, in_all
from freshsales_source.report.bars import BarRow, bars
from freshsales_source.report.figures import OfAge, OfStage, Totals
from freshsales_source.report.markup import Element, Node, element, name
from freshsales_source.report.panels import DEALS, Standing, missing_view, numbers, panel
from freshsales_source.report.wording import count, listed

PIPELINE, AGEING = "Pipeline by stage", "Age of open deals"


def pipeline_panel(lines: Sequence[OfStage] | None, currencies: Currencies, standing: Standing) -> Element:
    """Open deals by pipeline and stage, in the CRM's order."""
    if lines is None:
        return missing_view(PIPELINE, "pipeline_now")
    lines = [line for line in lines if line.open_deals]
    if not lines:
        return panel(PIPELINE, standing.why_empty("open deals", *DEALS))
    ordered = sorted(lines, key=_place)
    stages = gathered(
        ordered,
        lambda line: (line.pipeline_id, line.stage_id),
        deals=lambda line: line.open_deals,
        amount=lambda line: (line.currency_code, line.open_amount),
    )
    longest = max(map(currencies.measure, stages))
    pipelines = list(dict.fromkeys(stage.first.pipeline_id for stage in stages))
    charts: list[Node] = []
    for pipeline in pipelines:
        of_this = [stage for stage in stages if stage.first.pipeline_id == pipeline]
        if len(pipelines) > 1:
            charts.append(element("h3", _pipeline_name(of_this[0].first)))
        charts.append(bars([_stage_bar(stage, currencies) for stage in of_this], longest))
    return panel(
        PIPELINE,
        *charts,
        numbers(
            ("Stage", "Pipeline", "Open deals", "Amount"),
            [_stage_row(stage, currencies) for stage in stages],
            caption="Open deals by pipeline and stage",
            of_text=frozenset({0, 1}),
        ),
        lede=_open_in_words(lines, currencies),
    )


def ageing_panel(
    lines: Sequence[OfAge] | None, totals: Totals | None, currencies: Currencies, standing: Standing
) -> Element:
    """Open deals by the days since they were created."""
    if lines is None:
        return missing_view(AGEING, "pipeline_ageing")
    lines = [line for line in lines if line.open_deals]
    if not lines:
        return panel(AGEING, standing.why_empty("open deals", *DEALS))
    ages = gathered(
        sorted(lines, key=lambda line: (line.age_band_position is None, line.age_band_position or 0)),
        lambda line: line.age_band,
        deals=lambda line: line.open_deals,
        amount=lambda line: (line.currency_code, line.open_amount),
    )
    longest = Decimal(max(age.deals for age in ages))
    return panel(
        AGEING,
        bars([_age_bar(age, currencies) for age in ages], longest),
        numbers(
            ("Age in days", "Open deals", "Amount"),
            [(_age_name(age.first), count(age.deals), currencies.exact(age.amounts)) for age in ages],
            caption="Open deals by age",
        ),
        lede=_overdue_in_words(totals) if totals else None,
    )


# Stages


def _place(line: OfStage) -> tuple[object, ...]:
    """The CRM's order; what has no place in it comes last."""
    return (
        line.pipeline_position is None,
        line.pipeline_position or 0,
        line.pipeline_id is None,
        line.pipeline_id or 0,
        line.stage_position is None,
        line.stage_position or 0,
        line.stage_id or 0,
    )


def _pipeline_name(line: OfStage) -> Node:
    if line.pipeline:
        return name(line.pipeline)
    return "No pipeline" if line.pipeline_id is None else f"Pipeline {line.pipeline_id}"


def _stage_name(line: OfStage) -> Node:
    if not line.stage:
        return "No stage" if line.stage_id is None else f"Stage {line.stage_id}"
    if not line.is_deleted_stage:
        return name(line.stage)
    return element("span", name(line.stage), " (deleted stage)")


def _stage_bar(stage: Group[OfStage], currencies: Currencies) -> BarRow:
    deals, amounts = counted(stage.deals, "deal"), currencies.text(stage.amounts)
    value, about = (amounts, deals) if currencies.is_one else (deals, amounts if currencies.codes else "")
    return BarRow(size=currencies.measure(stage), label=_stage_name(stage.first), value=value, about=about)


def _stage_row(stage: Group[OfStage], currencies: Currencies) -> tuple[Node, ...]:
    line = stage.first
    return _stage_name(line), _pipeline_name(line), count(stage.deals), currencies.exact(stage.amounts)


def _open_in_words(lines: Sequence[OfStage], currencies: Currencies) -> str:
    everything = in_all(
        lines,
        deals=lambda line: line.open_deals,
        amount=lambda line: (line.currency_code, line.open_amount),
    )
    deals = counted(everything.deals, "open deal")
    if not everything.amounts:
        return f"{deals}."
    return f"{deals}, worth {currencies.text(everything.amounts)}."


# Ages


def _age_name(line: OfAge) -> str:
    if line.age_band is None:
        return "unknown"
    return line.age_band.replace("-", "\N{EN DASH}")


def _age_bar(age: Group[OfAge], currencies: Currencies) -> BarRow:
    band = _age_name(age.first)
    label = (
        "Created nobody knows when" if age.first.age_band is None else f"{band[:1].upper()}{band[1:]} days"
    )
    return BarRow(
        size=Decimal(age.deals),
        label=label,
        value=counted(age.deals, "deal"),
        about=currencies.text(age.amounts) if age.amounts else "",
    )


def _overdue_in_words(totals: Totals) -> str:
    parts = []
    if totals.overdue_deals:
        parts.append(f"{count(totals.overdue_deals)} past the expected close")
    if totals.rotting_deals:
        parts.append(f"{count(totals.rotting_deals)} longer in their stage than the pipeline allows")
    return f"Of {counted(totals.open_deals, 'open deal')}: {listed(parts)}." if parts else "None is overdue."
