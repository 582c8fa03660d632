"""What `status` tells of the rolling refresh."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from freshsales_source.census.refresh_state import Place, RefreshState
from freshsales_source.cli.refresh_line import refresh_line
from freshsales_source.settings.config import read_settings
from freshsales_source.state.object_state import ObjectState

SETTINGS = read_settings(flags={"api_key": "a-key-of-no-account", "domain": "acme", "refresh_pages": 1})
OBJECTS = [{"object": "contacts", "loaded_count": 300}, {"object": "deals", "loaded_count": 250}]

NOW = int(datetime(2026, 3, 1).astimezone().timestamp())


def test_the_first_cycle_never_goes_back_and_its_end_has_a_date() -> None:
    parts = {
        "contacts": {"LIVE": RefreshState(), "BINNED": RefreshState()},
        "deals": {"LIVE": RefreshState()},
    }
    told = []
    for name, part, positions in (
        ("contacts", "LIVE", [100, 200, None]),
        ("contacts", "BINNED", [50, None]),
        ("contacts", "LIVE", [100, None]),
        ("deals", "LIVE", [100, 200]),
    ):
        for position in positions:
            parts[name][part] = gone_on(parts[name][part], position)
            told.append(read_so_far(parts))
    assert told == sorted(told) == [100, 200, 300, 300, 300, 300, 300, 400, 500]
    parts["deals"]["LIVE"] = gone_on(parts["deals"]["LIVE"], None)
    assert "Rolling refresh: the last cycle ended 20" in str(line(parts))


def gone_on(state: RefreshState, position: int | None) -> RefreshState:
    """The state when so many records of the cycle are read; None where it has come to its end."""
    if position is None:
        return replace(state, began=None, ended=NOW, places={})
    return replace(state, began=NOW, places={"1": Place(position=position)})


def line(parts: dict[str, dict[str, RefreshState]]) -> str | None:
    states: dict[str, Any] = {name: ObjectState(rolling=some).to_json() for name, some in parts.items()}
    return refresh_line(states, OBJECTS, SETTINGS)


def read_so_far(parts: dict[str, dict[str, RefreshState]]) -> int:
    found = re.search(r"under way, (\d+) old records", str(line(parts)))
    assert found
    return int(found[1])
