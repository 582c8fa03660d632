"""An account whose records hold, on the wire, whatever JSON a test writes: values that no honest CRM would send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from freshsales_source.emulator import Emulator
from freshsales_source.entities import entity

Literals: TypeAlias = Mapping[str, str]
"""JSON by key, as it stands in the answer; a key of custom fields begins with `cf_`."""


@dataclass(slots=True, kw_only=True)
class Altered(httpx.BaseTransport):
    """Passes requests on to an emulated account, and puts `literals` into the records that come back."""

    emulator: Emulator
    literals: dict[tuple[str, int], Literals] = field(default_factory=dict)
    """By object and id."""
    served: int = 0
    """Records that left with such values."""

    def set(self, object_name: str, record_id: int, **literals: str) -> None:
        """Serve these from now on, newly edited."""
        self.literals[object_name, record_id] = literals
        self.emulator.store.update(object_name, record_id)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The account's answer, altered."""
        response = httpx.WSGITransport(app=self.emulator.wsgi).handle_request(request)
        body = response.read()
        name = request.url.path.partition("/api/")[2].partition("/")[0]
        if response.status_code == 200 and name in {altered for altered, _ in self.literals}:
            document = json.loads(body)
            marks: dict[str, str] = {}
            for record in [*document.get(name, ()), *self._alone(document, name)]:
                self._alter(record, self.literals.get((name, record["id"]), {}), marks)
            body = json.dumps(document).encode()
            for mark, literal in marks.items():
                body = body.replace(json.dumps(mark).encode(), literal.encode())
        told = ("content-length", "content-encoding")
        headers = {name: value for name, value in response.headers.items() if name not in told}
        return httpx.Response(response.status_code, headers=headers, content=body)

    def _alone(self, document: dict[str, Any], name: str) -> list[dict[str, Any]]:
        record = document.get(entity(name).singular)
        return [record] if isinstance(record, dict) else []

    def _alter(self, record: dict[str, Any], literals: Literals, marks: dict[str, str]) -> None:
        self.served += bool(literals)
        for key, literal in literals.items():
            place = record["custom_field"] if key.startswith("cf_") else record
            place[key] = mark = f"@{len(marks)}@"
            marks[mark] = literal
