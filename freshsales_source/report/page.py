"""The page: one HTML document that needs nothing beside itself and may ask for nothing.

Its policy allows the one style that stands in it, by its hash, and no script, image, font or frame at all. For that
no element has a `style` of its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from zoneinfo import ZoneInfo

from freshsales_source.marts import Metric, metrics
from freshsales_source.plural import counted
from freshsales_source.report.activity_panel import activity_panel
from freshsales_source.report.amounts import Currencies
from freshsales_source.report.cycle_panel import cycle_panel
from freshsales_source.report.figures import Figures, OfCurrency, Totals
from freshsales_source.report.headline import headline
from freshsales_source.report.markup import Element, element, prose, table
from freshsales_source.report.owner_panel import owners_panel
from freshsales_source.report.panels import DEALS, Standing
from freshsales_source.report.pipeline_panels import ageing_panel, pipeline_panel
from freshsales_source.report.rate_panel import rate_panel
from freshsales_source.report.trust_panels import health_panel, in_words, quality_panel
from freshsales_source.report.won_panel import won_panel
from freshsales_source.report.wording import moment
from freshsales_source.report.zone_doubt import zone_doubt

TITLE = "Sales report"
_STYLE = "style.css"
_EXPLAINED = (
    "won_amount",
    "open_amount",
    "win_rate_by_count",
    "win_rate_by_amount",
    "mean_won_cycle_days",
    "median_won_cycle_days",
    "overdue_deals",
    "rotting_deals",
    "done_activities",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the numbers come from, as far as it is known: the account's host, the dataset, the place it lies in."""

    account: str | None
    dataset: str
    version: str


def render(figures: Figures, origin: Origin) -> str:
    """The whole document."""
    style = files(__package__).joinpath(_STYLE).read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src 'sha256-{_sha256(style)}'"
    head = "".join(
        map(
            str,
            (
                element("meta", charset="utf-8"),
                element("meta", http_equiv="Content-Security-Policy", content=policy),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", TITLE if origin.account is None else f"{TITLE}: {origin.account}"),
            ),
        )
    )
    body = _body(figures, origin)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>{style}</style></head>\n{body}\n</html>\n'


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _body(figures: Figures, origin: Origin) -> Element:
    as_of = figures.as_of[0] if figures.as_of else None
    zone = ZoneInfo(as_of.time_zone if as_of else "UTC")
    return element(
        "body",
        _header(figures, origin, zone),
        element("main", *_panels(figures, as_of.as_of_date if as_of else None, zone)),
        _footer(origin),
    )


def _header(figures: Figures, origin: Origin, zone: ZoneInfo) -> Element:
    totals = figures.totals[0] if figures.totals else None
    by_currency = figures.currencies or ()
    as_of = figures.as_of[0].as_of_at if figures.as_of else None
    told = in_words(figures.health, zone) if figures.health else f"As of {moment(as_of, zone)}."
    doubt = zone_doubt(figures.closings, zone.key)
    return element(
        "header",
        element("p", " · ".join(filter(None, ("Freshsales", origin.account))), class_="eyebrow"),
        element("h1", TITLE),
        element("p", f"{told} Dates in {zone.key}.", class_="as-of soft"),
        prose(doubt, "note") if doubt else None,
        *_headline(totals, by_currency, Standing.of(figures.health)),
    )


def _headline(
    totals: Totals | None, by_currency: Sequence[OfCurrency], standing: Standing
) -> Iterable[Element]:
    """The numbers at the top, unless they would be zeros because nothing was read."""
    if totals is None or not (totals.deals or standing.is_read(*DEALS)):
        return
    yield headline(totals, by_currency, Currencies.of(by_currency))
    if totals.unknown_deals:
        deals = counted(totals.unknown_deals, "deal")
        told = f"{deals} in stages that the CRM does not list: in none of these numbers."
        yield element("p", told, class_="note")


def _panels(figures: Figures, today: date | None, zone: ZoneInfo) -> Sequence[Element]:
    totals = figures.totals[0] if figures.totals else None
    by_currency = figures.currencies or ()
    currencies, standing = Currencies.of(by_currency), Standing.of(figures.health)
    return (
        won_panel(figures.months, currencies, standing, today),
        element(
            "div",
            pipeline_panel(figures.stages, currencies, standing),
            ageing_panel(figures.ages, totals, currencies, standing),
            cycle_panel(figures.cycles, totals, standing),
        ),
        element(
            "div",
            rate_panel(totals, by_currency, figures.months or (), currencies, standing),
            owners_panel(figures.owners, currencies, standing),
            activity_panel(figures.days, standing, today),
        ),
        quality_panel(figures.checks),
        health_panel(figures.health, zone),
        _explanations(),
    )


def _explanations() -> Element:
    explained = {metric.name: metric for metric in metrics() if metric.name in _EXPLAINED}
    return element(
        "section",
        element(
            "details",
            element("summary", "How each number is counted"),
            table(
                ("Metric", "What it tells", "What it does not tell"),
                [_explanation(explained[name]) for name in _EXPLAINED if name in explained],
                caption="Metrics of this page",
            ),
        ),
        class_="panel wide",
        aria_label="How each number is counted",
    )


def _explanation(metric: Metric) -> tuple[str, str, str]:
    return metric.name, metric.about, metric.caveats


def _footer(origin: Origin) -> Element:
    return element(
        "footer",
        element(
            "div",
            element(
                "p", "Amounts in different currencies are never added. Deleted records are in no number."
            ),
            element("p", f"Read from schema {origin.dataset}_marts; freshsales-source {origin.version}."),
        ),
    )
