"""The picture of the report in the README: `python3 run.py picture` makes `docs/report.png` anew.

It shows the head of the page about the published set of deals, as on the day after its last one. Needs ../shared and
Chromium; the letters are those of the fonts that are installed.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from freshsales_source.emulator import Switches, read_folder
from freshsales_source.exit_codes import ExitCode
from tests.chromium import BINARY, Tab, chromium
from tests.connector import CORE, connect, emulate
from tests.fake_clock import FakeClock
from tests.maven_ledger import FOLDER
from tests.report_reading import page_from
from tests.warehouse_reader import WarehouseReader

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "report.png"
THE_DAY_AFTER = datetime(2018, 1, 1, 3, 30, tzinfo=UTC)
WIDTH = 1180
MOST_BYTES = 200_000

# The picture ends with the panels that stand side by side below the wide one.
LAST, LEFT_OUT = "age-of-open-deals", ("top-owners", "activity", "sales-cycle")
PANEL = "document.getElementById('{}').closest('section')"


def main() -> int:
    """Make the picture; 1 where something for it is missing."""
    if BINARY is None or not FOLDER.is_dir():
        sys.stderr.write(f"the picture needs Chromium, and the set of deals in {FOLDER}\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "report.html"
        page.write_text(page_of_the_set(Path(name)), "utf-8")
        with chromium(Path(name)) as browser:
            tab = browser.tab()
            tab.open(page)
            PICTURE.write_bytes(picture(tab))
    size = PICTURE.stat().st_size
    sys.stdout.write(f"{PICTURE}: {size:,} bytes\n")
    return int(size > MOST_BYTES)


def page_of_the_set(folder: Path) -> str:
    """The report on the set, synced into a warehouse of its own."""
    clock = FakeClock(THE_DAY_AFTER)
    emulator = emulate(read_folder(FOLDER, clock), clock, Switches())
    connector = connect(emulator, folder, objects=[*CORE, "currencies", "tasks"], time_zone="Asia/Kolkata")
    assert connector.sync().exit_code is ExitCode.DONE
    connector.warehouse(connector.settings()).marts(time_zone="Asia/Kolkata").make()
    return page_from(WarehouseReader(connector.database, "freshsales_marts"))


def picture(tab: Tab) -> bytes:
    """The head of the page as a PNG."""
    tab.show(width=WIDTH, height=2000)
    for panel in LEFT_OUT:
        tab.evaluate(f"{PANEL.format(panel)}.remove()")
    end = tab.evaluate(f"{PANEL.format(LAST)}.getBoundingClientRect().bottom")
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": round(end) + 32, "scale": 1}
    data = tab.call("Page.captureScreenshot", format="png", clip=clip, optimizeForSpeed=False)["data"]
    return base64.b64decode(data)


if __name__ == "__main__":
    sys.exit(main())
