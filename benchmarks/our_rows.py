"""Our own ways from kept pages to DuckDB: the whole `sync`, and the decoder with an appending load alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from benchmarks.kept_pages import URL, HttpxAnswers, KeptAnswers
from benchmarks.measured import Stopwatch
from benchmarks.plain_dlt import rows
from benchmarks.syncs import settings_for, summary, sync_once
from freshsales_source.decode import Layout, Reading, decode_page
from freshsales_source.entities import ENTITIES
from freshsales_source.schema.columns import dlt_columns
from freshsales_source.sync.report import RunReport

PAGES_AT_ONCE = 50


def sync(stopwatch: Stopwatch, *, folder: str, pages: str, warm_pages: str) -> dict[str, Any]:
    """A job: the whole of `freshsales sync`, merging; budget, walk, checks, counts and report included."""
    _sync(Path(folder) / f"warm-{time.monotonic_ns()}", Path(warm_pages))
    target = Path(folder) / "loaded"
    with stopwatch:
        report, loading_s = _sync(target, Path(pages))
    return {**summary(report, loading_s), "rows": rows(target / "warehouse.duckdb", "freshsales")}


def _sync(folder: Path, pages: Path) -> tuple[RunReport, float]:
    kept = KeptAnswers(pages)
    folder.mkdir(parents=True, exist_ok=True)
    settings = settings_for(folder, URL, objects=["contacts"])
    return sync_once(folder, settings, transport=lambda: HttpxAnswers(kept))


def append(stopwatch: Stopwatch, *, folder: str, pages: str, warm_pages: str) -> dict[str, Any]:
    """A job: each page through our decoder, appended by dlt; no walk, no merge, no sync."""
    _append(Path(folder) / f"warm-{time.monotonic_ns()}", Path(warm_pages))
    target = Path(folder) / "loaded"
    with stopwatch:
        _append(target, Path(pages))
    return {"rows": rows(target / "warehouse.duckdb", "decoded")}


def _append(folder: Path, pages: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = dlt.pipeline(
        "decoded",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "warehouse.duckdb")),
        dataset_name="decoded",
    )
    decoded = dlt.resource(lambda: _decoded(KeptAnswers(pages)), name="contacts", file_format="parquet")
    pipeline.run(decoded)


def _decoded(kept: KeptAnswers) -> Iterator[Any]:
    """The tables of fifty pages at a time, with their hints."""
    layout = Layout.of(next(entity for entity in ENTITIES if entity.name == "contacts"))
    reading = Reading(synced_at=datetime.now(UTC))
    parts: dict[str, list[pa.Table]] = {}
    for number, (_, file) in enumerate(kept.view_pages("contacts")):
        body = file.read_bytes()
        page = decode_page(body, layout, envelope="contacts", read=reading)
        if page.unknown:
            layout = layout.extended(page.unknown)
            page = decode_page(body, layout, envelope="contacts", read=reading)
        for name, table in page.tables.items():
            parts.setdefault(name, []).append(table)
        if number % PAGES_AT_ONCE == PAGES_AT_ONCE - 1:
            yield from _marked(parts, layout)
            parts = {}
    yield from _marked(parts, layout)


def _marked(parts: dict[str, list[pa.Table]], layout: Layout) -> Iterator[Any]:
    tables = {table.name: table for table in layout.tables}
    for name, found in parts.items():
        joined = pa.concat_tables(found, promote_options="default")
        hints = dlt.mark.make_hints(
            table_name=name,
            write_disposition="append",
            columns=dlt_columns(tables[name], beside=joined.schema.names),
        )
        yield dlt.mark.with_hints(joined, hints, create_table_variant=True)
