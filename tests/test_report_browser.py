"""The report's page in a browser: what people see of it, at every width and in both schemes, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freshsales_source.report import Figures, Origin, render
from tests.chromium import Tab, chromium, needs_chromium
from tests.rendered_page import (
    SCHEMES,
    WIDTHS,
    Colours,
    colours_of_marks,
    colours_of_texts,
    cut_off,
    open_all,
    overlapping,
)
from tests.report_figures import NAMES, empty_figures, figures, health_of

pytestmark = needs_chromium

PAGES = {
    "one currency": figures(),
    "four currencies": figures(codes=("USD", "EUR", "JPY", None)),
    "great numbers": figures(codes=("INR",), deals=123_456_789, names=NAMES * 4),
    "empty": empty_figures(health=health_of("deals", "tasks", verdict="failed", reason=NAMES[8])),
}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One page of one browser; every test opens what it wants."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser.tab()


def opened(tab: Tab, shown: Figures, folder: Path) -> str:
    path = folder / "report.html"
    path.write_text(render(shown, Origin(account="acme", dataset="freshsales", version="1")), "utf-8")
    tab.requests.clear()
    tab.complaints.clear()
    tab.open(path)
    return path.as_uri()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_every_window_and_is_readable_in_both_schemes(
    tab: Tab, tmp_path: Path, name: str
) -> None:
    address = opened(tab, PAGES[name], tmp_path)
    open_all(tab)
    seen: dict[str, set[Colours]] = {}
    for width in WIDTHS:
        tab.show(width=width, scheme="light")
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        assert (cut_off(tab, width), overlapping(tab)) == ([], []), width
    for scheme in SCHEMES:
        tab.show(width=390, scheme=scheme)
        seen[scheme] = colours_of_texts(tab)
        assert {c for c in seen[scheme] if c.contrast < 4.5} == set(), scheme
        assert {c for c in colours_of_marks(tab) if c.contrast < 3} == set(), scheme
    assert seen["light"].isdisjoint(seen["dark"])
    assert (tab.requests, tab.complaints) == ([address], [])
    assert tab.evaluate("document.title") == "Sales report: acme"


def test_every_chart_has_its_words(tab: Tab, tmp_path: Path) -> None:
    opened(tab, figures(codes=("USD", "EUR")), tmp_path)
    told = tab.evaluate(
        """[...document.querySelectorAll('svg[role=img]')].map(
            svg => [svg.querySelector('title').textContent, svg.querySelector('desc').textContent])"""
    )
    assert [title for title, _ in told[:2]] == ["Amount won per month, USD", "Amount won per month, EUR"]
    assert all(len(description) > 10 for _, description in told)
    silent = "document.querySelectorAll('svg:not([role=img]):not([aria-hidden=true])').length"
    assert tab.evaluate(silent) == 0
    # Each drawing stands in a section whose table tells the same.
    alone = "[...document.querySelectorAll('svg')].filter(s => !s.closest('section').querySelector('table')).length"
    assert tab.evaluate(alone) == 0


def test_on_paper_the_tables_stand_open_in_dark_letters(tab: Tab, tmp_path: Path) -> None:
    opened(tab, figures(), tmp_path)
    tab.show(width=794, scheme="dark", medium="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = "[...document.querySelectorAll('table')].filter(t => !t.checkVisibility()).length"
    assert tab.evaluate(hidden) == 0
    assert min(colours.contrast for colours in colours_of_texts(tab)) >= 4.5


def test_the_measurements_see_what_is_wrong(tab: Tab, tmp_path: Path) -> None:
    """A page with each fault, so that the tests above are known to bite."""
    path = tmp_path / "faulty.html"
    path.write_text(
        """<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"
        content="default-src 'none'; style-src 'unsafe-inline'">
        <style>body { margin: 0; color: #999; background: #fff }</style>
        <p style="width: 500px">wide and pale</p><svg><text x="5" y="50">one</text><text x="9" y="50">two</text>
        <rect width="9" height="9" fill="#bbb"></rect></svg>
        <img src="http://127.0.0.1:9/a.png"><script>document.title = "ran"</script>"""
    )
    tab.requests.clear()
    tab.complaints.clear()
    tab.open(path)
    tab.show(width=390)
    assert tab.evaluate("document.documentElement.scrollWidth") == 500
    assert (cut_off(tab, 390), overlapping(tab)) == (["wide and pale"], [("one", "two")])
    assert min(colours.contrast for colours in colours_of_texts(tab)) < 3
    assert min(colours.contrast for colours in colours_of_marks(tab)) < 2
    assert tab.requests == [path.as_uri(), "http://127.0.0.1:9/a.png"]
    assert len(tab.complaints) == 2
    assert tab.evaluate("document.title") != "ran"
    black_on_white = Colours(front="rgb(0, 0, 0)", behind="rgb(255, 255, 255)", where="")
    assert black_on_white.contrast == pytest.approx(21)
