"""The pages of one saved view as the walk asks for them: request, decoding, and what a refusal means.

Source: `GET {object}/view/{id}?page&per_page&sort&sort_type&include` answers the records under the object's name
with `meta.total` and `meta.total_pages` (documented, relied on by all clients); `sort=updated_at` with `desc` was
honoured on all four view types (seen in a recorded run); 100 records a page work (four clients).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import pyarrow as pa

from freshsales_source import walk
from freshsales_source.api.client import Answer, Client
from freshsales_source.clock import Clock
from freshsales_source.decode import Layout, Page, Reading, decode_page
from freshsales_source.errors import NotFound, OversizedAnswer
from freshsales_source.schema.columns import Column

CAUTION = timedelta(seconds=300)
"""Taken off the local clock where an answer carries no `Date`: it may run ahead of the server's."""

_LOG = logging.getLogger(__name__)

Explain: TypeAlias = Callable[[Sequence[Column]], Layout]
"""Takes columns for keys that the layout lacks, and gives the layout that has them."""


class Shape:
    """The layout of one object's pages, growing as pages bring keys nobody declared; shared by all its walks.

    `explain` makes the layout that has columns for such keys; without it each gets the column that its page suggests.
    """

    def __init__(self, layout: Layout, explain: Explain | None = None) -> None:
        self.layout = layout
        self._explain: Explain = explain or self._extended
        self._lock = threading.Lock()

    def decode(self, body: bytes, read: Reading) -> Page:
        """The decoded page, its undeclared keys loaded as columns too."""
        page = decode_page(body, self.layout, envelope=self.layout.entity.envelope, read=read)
        if page.unknown:
            self._extend(page.unknown)
            page = decode_page(body, self.layout, envelope=self.layout.entity.envelope, read=read)
        return page

    def _extend(self, columns: tuple[Column, ...]) -> None:
        with self._lock:
            known = {(column.key, column.is_custom) for column in self.layout.extra}
            new = [column for column in columns if (column.key, column.is_custom) not in known]
            if not new:
                return
            self.layout = self._explain(new)
            table = self.layout.table.name
            for column in self.layout.extra[len(known) :]:
                _LOG.info("new_column table=%s column=%s type=%s", table, column.name, column.type.value)

    def _extended(self, columns: Sequence[Column]) -> Layout:
        return self.layout.extended(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPages:
    """Fetches pages of one list of records, newest first where it can be asked for; a `Fetch` of the walk engine.

    `path` is below the API's base, `query` what is asked beside page and size. `deleted_reason` is `recycle_bin` for
    the bin's view. An answer larger than the client's cap is asked for again in smaller pages.
    """

    client: Client
    clock: Clock
    shape: Shape
    path: str
    query: Mapping[str, str]
    page_size: int
    deleted_reason: str | None = None

    def first(self) -> walk.Page[Page]:
        """Page 1; raises NotFound where there is no such view."""
        return self.read(1, self.page_size)

    def __call__(self, number: int) -> walk.Page[Page] | None:
        """Page `number`, or None where a page behind the first is answered with 404."""
        try:
            return self.read(number, self.page_size)
        except NotFound:
            if number == 1:
                raise
            return None

    def read(self, number: int, size: int) -> walk.Page[Page]:
        """Page `number` of `size` records."""
        try:
            answer = self.ask(number, size)
        except OversizedAnswer:
            if size == 1:
                raise
            return self._read_in_parts(number, size)
        return self.decoded(answer, number)

    def decoded(self, answer: Answer, number: int) -> walk.Page[Page]:
        """Page `number` out of its answer."""
        at = server_time(answer, self.clock)
        page = self.shape.decode(answer.body, Reading(synced_at=at, deleted_reason=self.deleted_reason))
        return walk.Page(
            number=number,
            ids=page.ids,
            stamps=page.stamps,
            total=page.total,
            total_pages=page.total_pages,
            served_at=int(at.timestamp()),
            content=page,
        )

    def ask(self, number: int, size: int) -> Answer:
        """The answer to the request for page `number` of `size` records."""
        return self.client.get(self.path, {"page": number, "per_page": size, **self.query})

    def _read_in_parts(self, number: int, size: int) -> walk.Page[Page]:
        """The same positions in equal smaller pages; the lowest total told makes the walk go back if any fell."""
        parts = next(divisor for divisor in range(2, size + 1) if size % divisor == 0)
        _LOG.info(
            "page_halved table=%s page=%d size=%d", self.shape.layout.entity.name, number, size // parts
        )
        first = (number - 1) * parts + 1
        read = [self.read(part, size // parts) for part in range(first, first + parts)]
        totals = [page.total for page in read if page.total is not None]
        pages = [page.total_pages for page in read if page.total_pages is not None]
        return walk.Page(
            number=number,
            ids=[i for page in read for i in page.ids],
            stamps=[s for page in read for s in page.stamps],
            total=min(totals) if len(totals) == parts else None,
            total_pages=-(-pages[-1] // parts) if len(pages) == parts else None,
            served_at=read[0].served_at,
            content=joined([page.content for page in read]),
        )


def joined(pages: list[Page]) -> Page:
    """Several decoded pages as one; a column that one of them lacks is null in its rows."""
    first = pages[0]
    names = [name for page in pages for name in page.tables]
    return Page(
        ids=[i for page in pages for i in page.ids],
        stamps=[s for page in pages for s in page.stamps],
        total=first.total,
        total_pages=first.total_pages,
        tables={
            # A page that was read before a column was met lacks the list that is made of it.
            name: pa.concat_tables(
                [page.tables[name] for page in pages if name in page.tables], promote_options="default"
            )
            for name in dict.fromkeys(names)
        },
        unknown=(),
        misfits=sum((page.misfits for page in pages), start=type(first.misfits)()),
        ignored=tuple(sorted({key for page in pages for key in page.ignored})),
        replaced=sum(page.replaced for page in pages),
        was_fast=all(page.was_fast for page in pages),
        is_whole=all(page.is_whole for page in pages),
    )


def server_time(answer: Answer, clock: Clock) -> datetime:
    """When the server gave the answer: its `Date` header, else the local clock less five minutes."""
    return answer.served_at or clock.now() - CAUTION
