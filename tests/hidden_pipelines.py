"""An account whose deal views show the default pipeline only, and what must be in the warehouse all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson

from freshsales_source.emulator import Emulator, Switches
from freshsales_source.entities import DEALS
from freshsales_source.sync.report import ObjectReport
from tests.connector import Connector, asked, company, connect_swiftly, of
from tests.test_sync_convergence import check_list, check_rows

LOOKED_AT = ["deals", "deal_pipelines", "deal_stages"]
"""The objects that pipelines are about."""


def hidden_company(*, deals: int = 260, seed: int = 1, **switches: Any) -> Emulator:
    """A company with three pipelines, the default views showing the first; nothing has happened for a while."""
    emulator = company(
        accounts=8, contacts=10, deals=deals, in_bin=3, seed=seed, switches=Switches(**switches)
    )
    emulator.clock.sleep(600)
    return emulator


def connect_deals(emulator: Emulator, folder: Path, **flags: Any) -> Connector:
    """A connector that reads deals and their pipelines."""
    return connect_swiftly(emulator, folder, **{"objects": LOOKED_AT, **flags})


def switch(emulator: Emulator, **positions: Any) -> None:
    """Turn switches while the account lives."""
    emulator.switches = replace(emulator.switches, **positions)


def sync_deals(connector: Connector, **flags: Any) -> ObjectReport:
    """One sync; what it says of deals."""
    return of(connector.sync(**flags), "deals")


def default_pipeline(emulator: Emulator) -> int:
    """The id of the pipeline that the views show."""
    pipeline = emulator.store.account.default_pipeline
    assert pipeline is not None
    return pipeline


def hidden_pipelines(emulator: Emulator) -> list[int]:
    """The ids of the others."""
    rows = emulator.store.account.selectors["deal_pipelines"]
    return [int(row["id"]) for row in rows if row["id"] != default_pipeline(emulator)]


def deals_of(emulator: Emulator, pipeline_id: int) -> list[int]:
    """The live deals of a pipeline."""
    live = emulator.store.live("deals")
    return [int(deal["id"]) for deal in live if deal["deal_pipeline_id"] == pipeline_id]


def stage_in(emulator: Emulator, pipeline_id: int, place: int = 0) -> int:
    """A stage of a pipeline."""
    stages = emulator.store.account.selectors["deal_stages"]
    return [int(stage["id"]) for stage in stages if stage["deal_pipeline_id"] == pipeline_id][place]


def make_default(emulator: Emulator, pipeline_id: int) -> None:
    """Make another pipeline the default one: from now on the views show that."""
    for row in emulator.store.account.selectors["deal_pipelines"]:
        row["is_default"] = row["id"] == pipeline_id


def searches(emulator: Emulator, since: int = 0) -> int:
    """How many searches were made from request number `since` on."""
    return len(asked(emulator, "filtered_search", since=since))


def assert_all_deals_are_there(emulator: Emulator, connector: Connector) -> None:
    """Every deal, live or in the bin, stands in the warehouse as the account would serve it, with its lists."""
    how = DEALS.include
    live = [int(record["id"]) for record in emulator.store.live("deals")]
    binned = [int(record["id"]) for record in emulator.store.binned("deals")]
    served = {id_: emulator.served("deals", id_, ",".join(how)) for id_ in (*live, *binned)}
    check_rows(connector.reader, "deals", served, set(binned))
    for name in ("tags", "contacts"):
        check_list(connector.reader, "deals", name, served)


class Rewritten(httpx.BaseTransport):
    """The way to an emulated account on which the body of a search, or the answer to it, is changed."""

    def __init__(
        self,
        emulator: Emulator,
        *,
        body: Callable[[dict[str, Any]], None] = lambda body: None,
        answer: Callable[[dict[str, Any]], None] = lambda answer: None,
    ) -> None:
        self._inner = httpx.WSGITransport(app=emulator.wsgi)
        self._body = body
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the request pass; a search changed."""
        if "filtered_search" not in request.url.path:
            return self._inner.handle_request(request)
        body = orjson.loads(request.read())
        self._body(body)
        headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"content-length"]
        changed = httpx.Request(request.method, request.url, headers=headers, content=orjson.dumps(body))
        response = self._inner.handle_request(changed)
        response.read()
        answer = orjson.loads(response.content)
        self._answer(answer)
        kept = {k: v for k, v in response.headers.items() if k in ("date", "content-type")}
        return httpx.Response(response.status_code, headers=kept, content=orjson.dumps(answer))


def search_rewritten(emulator: Emulator, connector: Connector, **changes: Any) -> None:
    """Change the searches of a connector from now on; see `Rewritten`."""
    connector.transport = lambda: Rewritten(emulator, **changes)
