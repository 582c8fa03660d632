"""A page made from marts that a test's own reader looks into, on any database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freshsales_source.report import Origin, read_figures, render
from tests.warehouse_reader import WarehouseReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarts:
    """The views that a reader finds without a schema in front."""

    reader: WarehouseReader

    def query(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query."""
        return self.reader.query(sql)

    def mart_name(self, view: str) -> str:
        """The view's name as it is."""
        return view


def page_from(reader: WarehouseReader) -> str:
    """The report over the marts of this reader."""
    figures = read_figures(ReadMarts(reader=reader))
    return render(figures, Origin(account="maven.example.com", dataset="freshsales", version="0"))
