"""An emulated account with lists of any length, whose pages are made from the numbers of their records.

The emulator keeps and shapes every record it has: a million of them would take minutes and gigabytes, and it would be
the emulator that is measured. Here a small generated company answers everything as usual, key, limits, latency and log
included. Where one of its views was enlarged, rows, `meta` and order are put in the place of its own: each row is one
of the small company's, as the emulator sent it for the same request, with another id, name, address and other stamps.

Fewer things happen than in the emulator proper: a large list only sees edits, a single record of it is not served, and
ties keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.numbered_list import Numbered, NumberedList
from freshsales_source.emulator import Clock, Emulator, Limits, Switches, generate_company
from freshsales_source.emulator.answers import Answer, Request
from freshsales_source.emulator.listing import page_size

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

KEY = "demo-key"
VIEWS = {
    "contacts": ("contacts", "All Contacts"),
    "sales_accounts": ("sales_accounts", "All Accounts"),
    "open_deals": ("deals", "Open Deals"),
    "won_deals": ("deals", "Won Deals"),
    "lost_deals": ("deals", "Lost Deals"),
}
"""The lists that can be enlarged: object and view of each."""
_FIRST_ID = 500_000_000_000
_IDS_PER_LIST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A page of the small company for one request: the texts of its rows, and what stands beside them."""

    rows: tuple[bytes, ...]
    before: bytes
    after: bytes


class LargeAccount(Emulator):
    """An emulator in which the lists named in `sizes` (keys of VIEWS) have so many records; an hour old or older."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        *,
        clock: Clock,
        limits: Limits | None = None,
        latency_s: float = 0.0,
        switches: Switches | None = None,
    ) -> None:
        store = generate_company(
            clock, accounts=24, contacts=60, deals=60, in_bin=0, leads=0, time_zone="UTC"
        )
        usual = Switches(deal_views_default_pipeline_only=False)
        super().__init__(
            store,
            clock=clock,
            api_key=KEY,
            switches=switches or usual,
            limits=limits,
            latency_s=latency_s,
        )
        newest = int((clock.now() - timedelta(hours=1)).timestamp())
        self.lists = {name: NumberedList(size, newest) for name, size in sizes.items()}
        self._names = {store.views.id_of(*VIEWS[name]): name for name in sizes}
        self._templates: dict[tuple[str, str], _Template] = {}

    def edit(self, name: str, count: int, *, offset: int = 0) -> list[int]:
        """Edit so many records of a list now; return their ids."""
        with self.store.lock:
            numbers = self.lists[name].edit(count, int(self.clock.now().timestamp()), offset=offset)
            return [self._first_id(name) + number for number in numbers]

    def pages(self, view: str) -> int:
        """In how many pages of 100 a view, by its id, can be read at the least. Small lists stand on one."""
        name = self._names.get(int(view))
        return 1 if name is None else max(ceil(self.lists[name].count / 100), 1)

    def _answer(self, environ: WSGIEnvironment, request: Request) -> Answer:
        answer = super()._answer(environ, request)
        match request.segments:
            case (_, "view", view) if view.isdigit() and int(view) in self._names and answer.status == 200:
                return self._page(self._names[int(view)], request)
            case _:
                return answer

    def _page(self, name: str, request: Request) -> Answer:
        """One page of a large list: order, size, totals and end as the emulator's listing has them."""
        template, entries = self._template(name, request), self.lists[name]
        size = page_size(request, self.switches, with_include="include" in request.query)
        records = entries.window(
            (max(request.whole("page") or 1, 1) - 1) * size,
            size,
            order=request.query.get("sort", "id"),
            descending=request.query.get("sort_type", "asc") == "desc",
        )
        first = self._first_id(name)
        rows = [_row(template.rows[one.number % len(template.rows)], first, one) for one in records]
        meta = {"total_pages": max(ceil(entries.count / size), 1), "total": entries.count}
        after = template.after % {b"meta": orjson.dumps(meta)}
        return Answer(body=b"".join((template.before, b",".join(rows), after)), envelope=VIEWS[name][0])

    def _template(self, name: str, request: Request) -> _Template:
        key = name, request.query.get("include", "")
        if key not in self._templates:
            query = {**request.query, "page": "1", "per_page": "100"}
            answer = self._api.answer(
                Request(
                    number=request.number,
                    method="GET",
                    path=request.path,
                    segments=request.segments,
                    query=query,
                )
            )
            self._templates[key] = _template(orjson.loads(answer.body), VIEWS[name][0])
        return self._templates[key]

    def _first_id(self, name: str) -> int:
        return _FIRST_ID + list(VIEWS).index(name) * _IDS_PER_LIST


def _template(content: dict[str, Any], envelope: str) -> _Template:
    keys = list(content)
    place = keys.index(envelope)
    text = {key: orjson.dumps(key) + b":" + orjson.dumps(content[key]) for key in keys if key != "meta"}
    before = b",".join([*(text[key] for key in keys[:place]), orjson.dumps(envelope) + b":["])
    after = b"],".join([b"", b",".join(_as_pattern(text[key]) for key in keys[place + 1 :] if key != "meta")])
    after += b"," if keys[place + 1 :] != ["meta"] else b""
    rows = tuple(_row_pattern(row) for row in content[envelope])
    return _Template(rows=rows, before=b"{" + before, after=after + b'"meta":%(meta)s}')


def _as_pattern(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _row_pattern(row: dict[str, Any]) -> bytes:
    """The text of a row, with holes for what differs from record to record."""
    text = _as_pattern(orjson.dumps(row)).replace(b"%d" % row["id"], b"%(id)d")
    text = re.sub(rb'"(created_at|updated_at)":"[^"]+"', rb'"\1":"%(\1)s"', text)
    text = re.sub(rb"person\d+\.", rb"person%(id)d.", text)
    text = re.sub(rb'"(display_name|name)":"', rb'"\1":"%(id)d ', text, count=1)
    return re.sub(rb'"job_title":(?:null|"[^"]*")', rb'"job_title":"Edit %(version)d"', text, count=1)


def _row(pattern: bytes, first_id: int, record: Numbered) -> bytes:
    return pattern % {
        b"id": first_id + record.number,
        b"created_at": _stamp(record.created_at),
        b"updated_at": _stamp(record.updated_at),
        b"version": record.version,
    }


def _stamp(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).isoformat().encode()
