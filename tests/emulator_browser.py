"""Reads an emulator as somebody with an HTTP client would, for the emulator's own tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from freshsales_source.emulator import Emulator, Limits, Store, Switches, generate_company
from tests.fake_clock import FakeClock

BASE = "http://acme.example/crm/sales/api"


class Browser:
    """One emulator with a small company, its clock, and a client that holds the key."""

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        store: Store | None = None,
        clock: FakeClock | None = None,
        limits: Limits | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.clock = clock or FakeClock()
        self.store = store or generate_company(self.clock, accounts=12, contacts=60, deals=90, in_bin=3)
        self.emulator = Emulator(
            self.store, clock=self.clock, switches=switches, limits=limits, latency_s=latency_s
        )
        self.client = httpx.Client(
            transport=httpx.WSGITransport(app=self.emulator.wsgi),
            base_url=BASE,
            headers={"Authorization": "Token token=demo-key"},
        )

    def switch(self, **positions: Any) -> None:
        self.emulator.switches = replace(self.emulator.switches, **positions)

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.client.get(path, params=query)

    def body(self, path: str, **query: str | int) -> dict[str, Any]:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def view_path(self, object_name: str, view: str) -> str:
        return f"/{object_name}/view/{self.store.views.id_of(object_name, view)}"

    def page(self, object_name: str, view: str, **query: str | int) -> dict[str, Any]:
        return self.body(self.view_path(object_name, view), **query)

    def rows(self, object_name: str, view: str, **query: str | int) -> list[dict[str, Any]]:
        """Return all rows of a view, page after page until an empty one."""
        rows: list[dict[str, Any]] = []
        for page in range(1, 1000):
            new = self.page(object_name, view, **{"per_page": 100, "page": page, **query})[object_name]
            rows += new
            if not new:
                break
        return rows

    def ids(self, object_name: str, view: str, **query: str | int) -> list[int]:
        return [row["id"] for row in self.rows(object_name, view, **query)]

    def listed(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Return all rows of a flat list ("tasks", "cpq/products"), page after page until an empty one."""
        rows: list[dict[str, Any]] = []
        for page in range(1, 1000):
            new = self.body(f"/{path}", **{"per_page": 100, "page": page, **query})[
                path.rsplit("/", maxsplit=1)[-1]
            ]
            rows += new
            if not new:
                break
        return rows

    def listed_ids(self, path: str, **query: str | int) -> list[int]:
        return [row["id"] for row in self.listed(path, **query)]

    def search(self, singular: str, *rules: dict[str, Any], **body: Any) -> dict[str, Any]:
        query = body.pop("query", {})
        answer = self.client.post(
            f"/filtered_search/{singular}", params=query, json={"filter_rule": list(rules), **body}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def seconds(stamp: str) -> int:
    """Return a time stamp of the wire as seconds of Unix time."""
    return int(datetime.fromisoformat(stamp).timestamp())
