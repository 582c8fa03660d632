"""What a rendered page shows, asked of the browser: its colours, what lies behind them, and where texts stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chromium import Tab

WIDTHS = (390, 768, 1280)
SCHEMES = ("light", "dark")

TEXTS = """(() => {
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim());
    if (!own.length || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect(), svg = e.closest('svg');
    if (!box.width || !box.height || e.closest('.unseen')) continue;
    found.push({
      text: e.textContent.trim().slice(0, 60), front: svg ? style.fill : style.color, behind: behind(e),
      left: box.left, right: box.right, top: box.top, bottom: box.bottom,
      chart: svg ? [...document.querySelectorAll('svg')].indexOf(svg) : null,
      scrolls: !!e.closest('.scroll'),
    });
  }
  return found;
})()"""

COLUMNS = """[...document.querySelectorAll('svg.chart rect')].map(e => {
  const box = e.getBoundingClientRect();
  return {text: 'a column', left: box.left, right: box.right, top: box.top, bottom: box.bottom,
    chart: [...document.querySelectorAll('svg')].indexOf(e.closest('svg'))};
})"""

MARKS = """(() => {
  const found = [];
  const ground = getComputedStyle(document.body).backgroundColor;
  for (const e of document.querySelectorAll('svg rect, svg circle, svg line:not(.grid)')) {
    if (!e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    found.push({front: e.tagName === 'line' ? style.stroke : style.fill, behind: ground});
  }
  return found;
})()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """What stands in front of what, and where it was seen."""

    front: str
    behind: str
    where: str

    @property
    def contrast(self) -> float:
        """The ratio of WCAG 2: 1 for the same colour, 21 for black on white."""
        high, low = sorted((_luminance(self.front), _luminance(self.behind)), reverse=True)
        return (high + 0.05) / (low + 0.05)


def open_all(tab: Tab) -> None:
    """Show the tables behind the charts, too."""
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


def texts(tab: Tab) -> list[dict[str, Any]]:
    """Every text that is to be seen, with its colours and its place."""
    found: list[dict[str, Any]] = tab.evaluate(TEXTS)
    return found


def colours_of_texts(tab: Tab) -> set[Colours]:
    """The colours of all texts."""
    return {Colours(front=t["front"], behind=t["behind"], where=t["text"]) for t in texts(tab)}


def colours_of_marks(tab: Tab) -> set[Colours]:
    """The colours of bars, lines and dots."""
    return {Colours(front=m["front"], behind=m["behind"], where="mark") for m in tab.evaluate(MARKS)}


def cut_off(tab: Tab, width: int) -> list[str]:
    """Texts that reach over the edge of the window, those aside that can be scrolled to."""
    return [
        t["text"] for t in texts(tab) if not t["scrolls"] and (t["left"] < -0.5 or t["right"] > width + 0.5)
    ]


def overlapping(tab: Tab) -> list[tuple[str, str]]:
    """Pairs of texts in one chart that stand on each other, or a text on a column."""
    found = [t for t in texts(tab) if t["chart"] is not None]
    return list(_overlapping(found, tab.evaluate(COLUMNS)))


def _overlapping(found: list[dict[str, Any]], marks: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for place, one in enumerate(found):
        for other in (*found[place + 1 :], *marks):
            is_beside = one["right"] <= other["left"] or other["right"] <= one["left"]
            # Boxes of lines of text touch: what letters need of them is less.
            is_above = one["bottom"] - 3 <= other["top"] or other["bottom"] - 3 <= one["top"]
            if one["chart"] == other["chart"] and not is_beside and not is_above:
                yield one["text"], other["text"]


def _luminance(colour: str) -> float:
    match = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert match, f"{colour} is no opaque colour"
    red, green, blue = (_linear(int(part) / 255) for part in match.groups())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
