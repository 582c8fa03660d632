from __future__ import annotations

import re
from pathlib import Path

import pytest

from freshsales_source.emulator import Switches, with_texts
from tests.emulator_browser import Browser


def test_each_switch_says_what_it_does_and_who_says_so() -> None:
    for note in Switches.described():
        assert note.says
        assert re.match(r"API notes \d|assumed", note.source), note.name


def test_every_switch_is_used_in_a_test() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_emulator*.py")
    )
    untested = [note.name for note in Switches.described() if not re.search(rf'\b{note.name}\b["=]', tests)]
    assert untested == []


def test_strict_takes_the_declared_positions() -> None:
    strict = Switches.strict()
    assert {note.name: getattr(strict, note.name) for note in Switches.described()} == {
        note.name: note.strict for note in Switches.described()
    }
    assert strict != Switches()


def test_a_strict_account_can_still_be_read_whole() -> None:
    browser = Browser(Switches.strict())
    for object_name in ("contacts", "sales_accounts", "deals"):
        views = browser.body(f"/{object_name}/filters")["filters"]
        for view in views:
            assert_whole(browser, object_name, view["id"])


def assert_whole(browser: Browser, object_name: str, view: int) -> None:
    seen: set[int] = set()
    page = 0
    while True:
        page += 1
        query = {"sort": "updated_at", "sort_type": "desc", "include": "owner"}
        body = browser.body(f"/{object_name}/view/{view}", per_page=100, page=page, **query)
        ids = {row["id"] for row in body[object_name]}
        if len(seen) >= body["meta"]["total"]:
            break
        # Ties change their order at every request, but the generated company has next to none.
        assert ids - seen
        seen |= ids
    assert len(seen) == body["meta"]["total"]


def test_switches_can_be_set_from_text() -> None:
    texts = {"tie_order": "reshuffled", "page_cap": "50", "view_lag_s": "1.5", "gzip": "off"}
    more = {"total_cap": "none", "forbidden": "deals, owners", "alias": "acme"}
    switches = with_texts(Switches(total_cap=3), {**texts, **more})
    assert switches == Switches(
        tie_order="reshuffled",
        page_cap=50,
        view_lag_s=1.5,
        gzip=False,
        forbidden=("deals", "owners"),
        alias="acme",
    )


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("tie_order", "odd", "tie_order must be one of stable, reshuffled; got odd"),
        ("page_cap", "many", "page_cap must be a number; got many"),
        ("gzip", "perhaps", "gzip must be on or off; got perhaps"),
        ("colour", "red", "there is no switch colour*"),
    ],
)
def test_a_position_that_does_not_exist_is_refused(name: str, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("*", ".*")):
        with_texts(Switches(), {name: text})
